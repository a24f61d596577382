"""Releases with their content: immutable, addressed by the digest of what they contain, checked when they are read.

One file a release: it is there whole or not at all. Keeping only a Git revision was rejected: a repository can be
rewritten, and what runs in production must be at hand when it has to come back.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ringfence.base.errors import StateError
from ringfence.base.paths import write_atomically
from ringfence.flows.promotion.shared import SharedLadder
from ringfence.landscape.model import SourceKind
from ringfence.promote.state import ReleaseRecord

_PREFIX = "sha256:"


@dataclass(frozen=True, slots=True)
class PinnedImage:
    """An image that the release names. ``digest`` None: a tag was allowed, and what it means may change."""

    image: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class Release:
    """A release with its content. ``files`` are those of its chart or manifests by path, ``values`` go over the
    chart's own; ``source`` is the path they came from, ``revision`` the Git revision there, None outside Git."""

    application: str
    version: str
    kind: SourceKind
    source: str
    revision: str | None
    author: str | None
    by: str
    at: datetime
    files: Mapping[str, bytes]
    images: tuple[PinnedImage, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """``sha256:HEX`` over the content alone: version, revision, people and time do not count."""
        content = {
            "application": self.application,
            "kind": self.kind.value,
            "files": {path: hashlib.sha256(content).hexdigest() for path, content in self.files.items()},
            "images": sorted((image.image, image.digest or "") for image in self.images),
            "values": self.values,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return _PREFIX + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def record(self) -> ReleaseRecord:
        """What the ladder knows of it."""
        return ReleaseRecord(self.digest, self.version, self.revision, self.author, self.by, self.at)

    def to_json(self) -> dict[str, Any]:
        """The release without its content, with the names of its schema."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "Release",
            "digest": self.digest,
            "application": self.application,
            "version": self.version,
            "source": {"kind": self.kind.value, "path": self.source, "revision": self.revision, "author": self.author},
            "images": [{"image": image.image, "digest": image.digest} for image in self.images],
            "values": dict(self.values),
            "files": {path: _PREFIX + hashlib.sha256(text).hexdigest() for path, text in sorted(self.files.items())},
            "by": self.by,
            "at": self.at.isoformat(),
        }


class ReleaseStore:
    """The releases of a landscape in a folder."""

    def __init__(self, folder: Path, shared: SharedLadder | None = None) -> None:
        """``shared`` is where the releases of other machines are fetched from when they are asked for."""
        self._folder = folder
        self._shared = shared

    def path(self, digest: str) -> Path:
        """The file of a release."""
        return self._folder / f"{digest.removeprefix(_PREFIX)}.json"

    def add(self, release: Release) -> None:
        """Keep a release; one with the same content is there already and stays as it is."""
        path = self.path(release.digest)
        if path.exists():
            return
        content = {name: base64.b64encode(text).decode() for name, text in sorted(release.files.items())}
        document = {**release.to_json(), "content": content}
        write_atomically(path, json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogateescape"), mode=0o400)

    def get(self, digest: str) -> Release:
        """The release of that digest. Raises StateError when it is not there or is not what its digest says."""
        path = self.path(digest)
        self._fetch(digest, path)
        try:
            release = _read(json.loads(path.read_bytes().decode("utf-8", "surrogateescape")))
        except FileNotFoundError as error:
            raise StateError(
                f"{path}: the release {digest} is not on this machine",
                reason="NoRelease",
                hint="make it again from the same source: ringfence release APP VERSION",
            ) from error
        except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
            raise self._damaged(path) from error
        if release.digest != digest:
            raise self._damaged(path)
        return release

    def files(self, *digests: str) -> dict[str, bytes]:
        """Releases as the shared ladder keeps them, by path; without digests: all that are here."""
        paths = [self.path(digest) for digest in digests] or sorted(self._folder.glob("*.json"))
        return {_shared_path(path): path.read_bytes() for path in paths}

    def _fetch(self, digest: str, path: Path) -> None:
        """Bring a release of another machine here; what it holds is checked against its digest when it is read."""
        if self._shared is None or path.exists():
            return
        content = self._shared.read(_shared_path(path))
        if content is not None:
            write_atomically(path, content, mode=0o400)

    def _damaged(self, path: Path) -> StateError:
        return StateError(
            f"{path}: the release is damaged: its content is not what its digest says",
            reason="ReleaseDamaged",
            hint="restore the file from a copy, or remove it and make the release again from the same source",
        )


def _shared_path(path: Path) -> str:
    return f"releases/{path.name}"


def _read(value: Mapping[str, Any]) -> Release:
    source = value["source"]
    return Release(
        application=value["application"],
        version=value["version"],
        kind=SourceKind(source["kind"]),
        source=source["path"],
        revision=source["revision"],
        author=source["author"],
        by=value["by"],
        at=datetime.fromisoformat(value["at"]),
        files={name: base64.b64decode(text, validate=True) for name, text in value["content"].items()},
        images=tuple(PinnedImage(image["image"], image["digest"]) for image in value["images"]),
        values=value["values"],
    )
