"""Where the releases of one application are: standing, running, held, rejected, waiting for a copy, on the move.

One value an application, replaced whole by each event (``advance``). Two things are kept apart on purpose: where a
release *stands* on the ladder, and which release a deployment *runs*. A newer release in development replaces what runs
there without making the older one vanish; a release that left a testing copy stands elsewhere although the copy still
runs it until the next one comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ringfence.promote.verdict import GateVerdict


class MoveKind(StrEnum):
    """Which way a release goes."""

    PROMOTION = "promotion"
    DEMOTION = "demotion"
    ROLLBACK = "rollback"
    FOLLOW = "follow"
    """No way of the release itself: a deployment at which no change stands is brought to it."""


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """What the ladder knows of a release; its content is elsewhere, under the same digest.

    ``revision`` is the Git revision of its source, None when the source was in no repository. ``author`` wrote the
    change, ``by`` released it: neither may approve it.
    """

    digest: str
    version: str
    revision: str | None
    author: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """Where a release stands: a stage, and the deployment, None while it waits there without a copy."""

    stage: str
    deployment: str | None


@dataclass(frozen=True, slots=True)
class Note:
    """Who said what, why and when: the reason of a hold or a rejection."""

    because: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A release in the queue for a copy of a stage."""

    release: str
    stage: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's word that a release may enter a stage."""

    release: str
    stage: str
    by: str
    at: datetime
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """That a release entered a stage, what every gate in front of it said, and on which platform version."""

    release: str
    stage: str
    gates: tuple[GateVerdict, ...]
    at: datetime
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One deployment to be brought to one release; ``release`` None: to what it ran before any release came."""

    deployment: str
    release: str | None


@dataclass(frozen=True, slots=True)
class Move:
    """A change of places that is under way: journalled before anything outside is touched, and finished by whoever
    comes next if its process dies.

    ``target`` is None when a demoted release finds no free copy. ``skipped`` are the stages passed over. ``replaces``
    is the identifier of a move that this one gives up (a demotion of a promotion that never became healthy).
    """

    identifier: str
    kind: MoveKind
    release: str
    origin: str
    stage: str
    target: str | None
    steps: tuple[Step, ...]
    by: str
    at: datetime
    because: str | None = None
    gates: tuple[GateVerdict, ...] = ()
    skipped: tuple[str, ...] = ()
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class LadderState:
    """Everything about the releases of one application. ``version`` counts the events that made it.

    ``runs`` is what each deployment was last brought to and ``revisions`` by which Git revision; ``ran`` is what it has
    run, oldest first, each once.
    """

    application: str
    version: int = 0
    releases: Mapping[str, ReleaseRecord] = field(default_factory=dict)
    positions: Mapping[str, Position] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)
    ran: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    revisions: Mapping[str, str] = field(default_factory=dict)
    holds: Mapping[str, Note] = field(default_factory=dict)
    rejected: Mapping[str, Note] = field(default_factory=dict)
    queue: tuple[Waiting, ...] = ()
    approvals: tuple[Approval, ...] = ()
    passages: Mapping[str, tuple[Passage, ...]] = field(default_factory=dict)
    moves: Mapping[str, Move] = field(default_factory=dict)

    def standing(self, deployment: str) -> tuple[str, ...]:
        """Digests of the releases that stand at a deployment, in the order they were released."""
        return tuple(
            digest
            for digest in self.releases
            if (place := self.positions.get(digest)) and place.deployment == deployment
        )

    def move_of(self, release: str) -> Move | None:
        """The move under way of a release; deployments that follow it do not move it."""
        moves = (move for move in self.moves.values() if move.kind is not MoveKind.FOLLOW)
        return next((move for move in moves if move.release == release), None)

    def move_touching(self, deployment: str) -> Move | None:
        """The move under way that changes a deployment."""
        for move in self.moves.values():
            if any(step.deployment == deployment for step in move.steps):
                return move
        return None

    def taker(self, deployment: str) -> str | None:
        """The release that has taken a copy: it stands there or is on its way there; None when the copy is free."""
        for move in self.moves.values():
            if move.target == deployment:
                return move.release
        return next(iter(self.standing(deployment)), None)

    def passed(self, release: str, stage: str) -> Passage | None:
        """The latest passage of a release into a stage."""
        return next((entry for entry in reversed(self.passages.get(release, ())) if entry.stage == stage), None)
