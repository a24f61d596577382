"""What happens to releases, as values: each event is one line of the history and one step of the state machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from ringfence.promote.state import Approval, Move, Note, ReleaseRecord, Waiting


@dataclass(frozen=True, slots=True)
class Released:
    """A release was made; it stands at the ladder's entry."""

    release: ReleaseRecord


@dataclass(frozen=True, slots=True)
class Queued:
    """A release waits for a copy."""

    waiting: Waiting


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A release waits no longer for a copy of a stage."""

    release: str
    stage: str


@dataclass(frozen=True, slots=True)
class MoveStarted:
    """A move may begin: its gates let it pass, and its places are taken. Nothing outside was touched yet."""

    move: Move


@dataclass(frozen=True, slots=True)
class MoveDone:
    """Every cluster of the move runs the revision and is healthy at it.

    ``platform`` is the platform version of the Environment that the release came to, None where it is not known;
    ``revisions`` maps each deployment of the move to the Git revision that brought it there.
    """

    identifier: str
    at: datetime
    platform: str | None = None
    revisions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MoveAbandoned:
    """A deployment that should have followed cannot now; only following is ever given up like this."""

    identifier: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A release passed the gates of a non-production stage, where it runs, on a platform that changed under it."""

    release: str
    stage: str
    platform: str


@dataclass(frozen=True, slots=True)
class Held:
    """A release is held where it is."""

    release: str
    note: Note


@dataclass(frozen=True, slots=True)
class Lifted:
    """A hold is lifted."""

    release: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A release never moves up again and gives its copy back."""

    release: str
    note: Note


@dataclass(frozen=True, slots=True)
class Approved:
    """A person approved that a release enters a stage."""

    approval: Approval


Event: TypeAlias = (
    Released
    | Queued
    | Withdrawn
    | MoveStarted
    | MoveDone
    | MoveAbandoned
    | Verified
    | Held
    | Lifted
    | Rejected
    | Approved
)
