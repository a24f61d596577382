"""What a gate is asked, and the facts it may ask for.

Facts come through one protocol, so that gates stay pure and a test hands them a world. Passing every fact to every gate
was rejected: a proof or a test run is dear, and must happen only when a gate wants it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ringfence.landscape.model import Calendar
from ringfence.promote.ladder import Ladder
from ringfence.promote.state import LadderState, ReleaseRecord
from ringfence.promote.verdict import GateVerdict


@dataclass(frozen=True, slots=True)
class Question:
    """May this release go from ``origin`` to ``target`` at ``stage`` now? ``by`` is who asks.

    ``groups`` maps a group's name to its people. Times have a zone.
    """

    release: ReleaseRecord
    ladder: Ladder
    state: LadderState
    origin: str
    stage: str
    target: str
    by: str
    now: datetime
    calendar: Calendar = field(default_factory=Calendar)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def origin_stage(question: Question) -> str:
    """The stage that the release comes from."""
    for rung in question.ladder.rungs:
        if question.origin in rung.deployments:
            return rung.stage
    return question.origin.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Proved:
    """What the proof says of a deployment, over what was promised of it: the dimensions that are broken and those that
    are unknown, each with its first reason. Neither: it holds."""

    because: str
    broken: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        """``broken``, ``unknown`` or ``holds``."""
        return "broken" if self.broken else "unknown" if self.unknown else "holds"


@dataclass(frozen=True, slots=True)
class Running:
    """What a cluster runs: the revision, and whether it is healthy at it. ``None`` revisions are not known."""

    expected: str | None
    observed: str | None
    healthy: bool
    because: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A signed impact analysis of a release: who signed it, and the digest of the document."""

    by: str
    document: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a test command ended: its exit code (None: it took too long) and the seconds it took."""

    exit_code: int | None
    seconds: float
    last_line: str


class JobEnd(StrEnum):
    """How a test Job ended."""

    PASSED = "passed"
    FAILED = "failed"
    TOO_LATE = "too-late"
    NOT_RUN = "not-run"
    """No code ran, or nobody can say that it did: whatever the Job says counts for nothing."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a test Job ended, why, and the seconds it took."""

    end: JobEnd
    because: str
    seconds: float


class Facts(Protocol):
    """Where gates get what they are judged on. Each call may raise RingfenceError: the gate is then closed."""

    def proved(self, deployment: str) -> Proved:
        """The proof as it is now, for every pair with that deployment."""
        ...

    def running(self, deployment: str) -> Running:
        """What runs at a deployment now."""
        ...

    def platform(self, deployment: str) -> str | None:
        """The platform version of the deployment's Environment; None when nobody can say."""
        ...

    def statements(self, release: str) -> tuple[Statement, ...]:
        """The impact analyses of a release whose signatures are good."""
        ...

    def neighbours(self, stage: str, application: str) -> tuple[str, ...]:
        """Sentences about other applications that do not run at a stage what the stage should show of them."""
        ...

    def tested(self, command: tuple[str, ...], seconds: float, question: Question) -> CommandResult:
        """Run a test command, at most that long."""
        ...

    def tested_by_job(self, file: str, seconds: float, question: Question) -> JobResult:
        """Run a Job where the release comes from, at most that long."""
        ...


class Gate(Protocol):
    """Something that lets releases pass or not."""

    @property
    def name(self) -> str:
        """How the gate is called in answers, unique within a stage."""
        ...

    @property
    def dear(self) -> bool:
        """True when asking takes long: it is asked only when every other gate is open."""
        ...

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """The gate's answer."""
        ...
