"""The use case of releasing: from a source at a Git revision to an immutable release at the ladder's entry."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.base.errors import ConflictError, InputError
from ringfence.base.text import listed, suggestion
from ringfence.flows.promotion.journal import Entry
from ringfence.flows.promotion.registry import resolve
from ringfence.flows.promotion.source import source_at
from ringfence.flows.promotion.store import PinnedImage, Release
from ringfence.flows.promotion.workspace import Workspace
from ringfence.promote.events import Released
from ringfence.promote.images import NamedImage, images_of
from ringfence.promote.pinning import merged, pin
from ringfence.promote.rules import place_name
from ringfence.promote.state import LadderState

LONGEST_VERSION = 128
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Choices:
    """How to make a release: ``revision`` of the source (None: HEAD), ``dirty`` files as they are, ``allow_tags``,
    ``values`` over the chart's own. ``pins`` maps images to digests, ``resolve`` asks registries for the others."""

    revision: str | None = None
    dirty: bool = False
    allow_tags: bool = False
    pins: Mapping[str, str] = field(default_factory=dict)
    resolve: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A release, the place where it stands, and whether it is new; ``notes`` are for people."""

    release: Release
    place: str | None
    new: bool
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The Release document with where it stands."""
        return {**self.release.to_json(), "standsAt": self.place, "new": self.new}


def release(workspace: Workspace, name: str, version: str, choices: Choices) -> Made:
    """Make a release of an application. The same content is the same release, however often and from wherever.

    Raises InputError for a source that cannot be released, ConflictError when the version is another content's.
    """
    made = _compose(workspace, name, version, choices)
    notes = _notes(made)
    digest = made.digest
    known = workspace.journal.digest_of(name, version)
    state = workspace.state(name)
    if known is not None and known != digest:
        raise ConflictError(
            f"{name} {version} is there already with other content ({known[:19]}); a release does not change",
            reason="VersionTaken",
            hint="give the change a version of its own",
        )
    if digest in state.rejected:
        note = state.rejected[digest]
        raise ConflictError(
            f"{name} {version}: the same content was rejected for good by {note.by}: {note.because}",
            reason="Rejected",
            hint="change the source, then release it with a version of its own",
        )
    if choices.dry_run:
        return Made(made, _place(state, digest), digest not in state.releases, notes)
    workspace.releases.add(made)
    claimed = workspace.journal.claim_version(name, version, digest)
    if claimed != digest:
        raise ConflictError(
            f"{name} {version} was just released with other content",
            reason="VersionTaken",
            hint="give the change a version of its own",
        )
    if digest in state.releases:
        first = state.releases[digest].version
        same = () if first == version else (f"the same content as {first}; it is the same release",)
        return Made(workspace.releases.get(digest), _place(state, digest), new=False, notes=(*notes, *same))
    ladder = workspace.ladder(name)
    entry = Entry(
        workspace.clock.now(), name, "released", {"version": version, "by": workspace.actor, "revision": made.revision,
        "to": ladder.rungs[0].deployments[0]}, ladder.rungs[0].deployments[0], digest,
    )  # fmt: skip
    workspace.evidence("release.made", f"{name} {version}", "released", _facts(made), once=f"release {digest}")
    shared = workspace.releases.files(digest) if workspace.journal.shared is not None else None
    following = workspace.journal.record(ladder, Released(made.record), entry, files=shared)
    return Made(made, _place(following, digest), new=True, notes=notes)


def _compose(workspace: Workspace, name: str, version: str, choices: Choices) -> Release:
    application = workspace.application(name)
    _check_version(version)
    if application.source is None:
        raise InputError(
            f"{name}: it has no source to release",
            location=application.location,
            reason="NoSource",
            hint="give the application a source, such as source: {helm: charts/portal}",
        )
    source = application.source
    found = source_at(
        workspace.landscape, application, source, workspace.clock, revision=choices.revision, dirty=choices.dirty
    )
    named = images_of(source.kind, found.files)
    digests = _digests(named, choices)
    source_pinned = pin(source.kind, found.files, digests)
    images = _checked(named, digests, choices.allow_tags)
    return Release(
        application=name,
        version=version,
        kind=source.kind,
        source=source.path,
        revision=found.revision,
        author=found.author,
        by=workspace.actor,
        at=workspace.clock.now(),
        files=source_pinned.files,
        images=images,
        values=merged(source_pinned.values, choices.values),
    )


def _check_version(version: str) -> None:
    fine = version.isascii() and version.isprintable() and not any(c.isspace() or c == "/" for c in version)
    if not version or len(version) > LONGEST_VERSION or not fine or version.startswith("-"):
        raise InputError(
            f"{version[:LONGEST_VERSION]!r} is not a version; write letters, figures, dots and dashes, such as 1.4.0",
            reason="BadVersion",
        )


def _digests(images: tuple[NamedImage, ...], choices: Choices) -> dict[str, str]:
    """The digests of images that are named by a tag: those given, and those that registries say."""
    loose = {image.image for image in images if image.digest is None}
    for image, digest in choices.pins.items():
        if image not in loose:
            known = suggestion(image, loose)
            raise InputError(f"--pin {image}: the source names no such image by a tag; {known}".rstrip("; "))
        if not _DIGEST.fullmatch(digest):
            raise InputError(f"--pin {image}={digest}: not a digest; write sha256: and 64 figures")
    wanted = sorted(loose - set(choices.pins)) if choices.resolve else []
    return {**choices.pins, **{image: resolve(image) for image in wanted}}


def _checked(images: tuple[NamedImage, ...], digests: Mapping[str, str], allow_tags: bool) -> tuple[PinnedImage, ...]:
    loose = [image for image in images if image.digest is None and image.image not in digests]
    if loose and not allow_tags:
        names = listed([f"{image.image} ({image.file})" for image in loose[:5]])
        raise InputError(
            f"{names}: named by a tag, which may mean another image tomorrow",
            reason="ImageNotPinned",
            hint="name it by digest, or pass --pin IMAGE=sha256:..., --resolve to ask its registry, or --allow-tags to"
            " accept that the release can change",
        )
    found = (PinnedImage(image.image, image.digest or digests.get(image.image)) for image in images)
    return tuple(dict.fromkeys(found))


def _notes(made: Release) -> tuple[str, ...]:
    notes = []
    if made.revision is None:
        notes.append("the source is at no Git revision: the release is known by its content alone")
    loose = [image.image for image in made.images if image.digest is None]
    if loose:
        notes.append(f"not pinned: {listed(loose)}")
    return tuple(notes)


def _facts(made: Release) -> dict[str, Any]:
    document = made.to_json()
    return {key: document[key] for key in ("digest", "application", "version", "source", "images")}


def _place(state: LadderState, digest: str) -> str | None:
    position = state.positions.get(digest)
    return place_name(state.application, position) if position else None
