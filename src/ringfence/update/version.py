"""Versions of a platform: Kubernetes and the platform's components as one bundle, by semantic versioning.

A bundle is one number for people and one digest for machines: two bundles with the same version and different content
are different, and a record about one says nothing about the other.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ringfence.base.errors import InputError, Location
from ringfence.evidence.codec import encode
from ringfence.evidence.event import canonical
from ringfence.update.due import UpdateKind

_VERSION = re.compile(r"v?(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A semantic version without pre-release or build: what is released to others has neither."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str, location: Location | None = None) -> "Version":
        """Read ``1.5.0`` or ``v1.5.0``. Raises InputError for anything else."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise InputError(
                f"{text!r:.60} is not a version; write three numbers, such as 1.5.0",
                location=location,
                reason="BadVersion",
            )
        return cls(*(int(part) for part in match.groups()))


@dataclass(frozen=True, slots=True)
class Bundle:
    """A platform's version, the version of Kubernetes in it, its components, and flags by program."""

    version: Version
    kubernetes: Version
    components: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """``sha256:HEX`` over everything that it holds."""
        return "sha256:" + hashlib.sha256(canonical(encode(self))).hexdigest()


def kind_of(present: Version, target: Version) -> UpdateKind:
    """Which part an update from ``present`` to ``target`` raises."""
    if target.major != present.major:
        return UpdateKind.MAJOR
    return UpdateKind.MINOR if target.minor != present.minor else UpdateKind.PATCH


def check_step(present: Bundle, target: Bundle) -> None:
    """Raise InputError unless ``target`` may follow ``present``.

    Nothing goes backwards, no minor or major version is skipped; of Kubernetes neither (its version skew policy lets
    the control plane go up one minor version at a time).
    """
    if target.version == present.version:
        if target.digest != present.digest:
            raise InputError(
                f"{target.version} is what runs, with another content; give the changed bundle a version of its own",
                reason="SameVersion",
            )
        raise InputError(
            f"{target.version} is what runs already",
            reason="SameVersion",
            hint="name a bundle with a newer version: --bundle FILE",
        )
    _check_numbers("the platform", present.version, target.version)
    if target.kubernetes != present.kubernetes:
        _check_numbers("Kubernetes", present.kubernetes, target.kubernetes)


def _check_numbers(what: str, present: Version, target: Version) -> None:
    if target < present:
        raise InputError(
            f"{what} would go back from {present} to {target}; an update goes forward",
            reason="Downgrade",
            hint="ringfence update back returns one Environment to what it ran before a failed update",
        )
    if target.major == present.major:
        skipped = target.minor - present.minor > 1
        following = f"{present.major}.{present.minor + 1}.x"
    else:
        skipped = target.major - present.major > 1 or target.minor > 0
        following = f"{present.major + 1}.0.x"
    if skipped:
        raise InputError(
            f"{what} would go from {present} to {target} and skip a minor version; {following} comes first",
            reason="SkippedMinor",
        )
