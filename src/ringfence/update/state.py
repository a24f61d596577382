"""An update as values: the plan, where each Environment stands, and the events that move them.

Event-sourced: the state is what the events give, so that a crash between two of them loses nothing and every "why" has
an answer. Everything here is frozen and free of side effects; ``machine`` says which event may follow which state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from ringfence.decide.topology import Designation
from ringfence.update.due import WORKING_DAYS, Freeze
from ringfence.update.record import Check, UpdateRecord
from ringfence.update.version import Bundle

REQUIRED_CHECKS = ("ran", "healthy", "separation", "gates")
"""What has to hold before an Environment counts as done: the update ran, its clusters are healthy, the proof of
separation holds, and the deployments' own gates passed on the new platform."""

RECORD_DAYS = 30


@dataclass(frozen=True, slots=True)
class Wave:
    """Environments of one designation that are updated before the next wave begins."""

    designation: Designation
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Days:
    """Whose working days count (``base.calendar``), and the days on which nothing starts in production."""

    country: str | None = None
    timezone: str = "UTC"
    also_off: tuple[date, ...] = ()
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to bring where, in which order, and how long production waits.

    ``remote`` Environments are updated by somebody else; only their records arrive here. ``record_days`` is how long a
    record is believed after it was issued.
    """

    identifier: str
    bundle: Bundle
    waves: tuple[Wave, ...]
    days: Days = field(default_factory=Days)
    working_days: int = WORKING_DAYS
    patches_wait: bool = False
    remote: frozenset[str] = frozenset()
    record_days: int = RECORD_DAYS

    @property
    def environments(self) -> tuple[str, ...]:
        """Every Environment of the plan, in the order of its waves."""
        return tuple(name for wave in self.waves for name in wave.environments)

    @property
    def record_lifetime(self) -> timedelta:
        """How long a record is believed."""
        return timedelta(days=self.record_days)

    def designation(self, environment: str) -> Designation:
        """The designation of an Environment. Raises KeyError when it is not in the plan."""
        for wave in self.waves:
            if environment in wave.environments:
                return wave.designation
        raise KeyError(environment)


class Progress(StrEnum):
    """How far an Environment is in the present plan."""

    IDLE = "idle"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """One Environment: what it runs (None: nobody said), since when, how far it is, and its last believed record.

    ``previous`` is what it ran before the present plan touched it; ``issued`` the number of the last record that was
    signed here for it.
    """

    name: str
    present: Bundle | None = None
    since: datetime | None = None
    previous: Bundle | None = None
    progress: Progress = Progress.IDLE
    finished: datetime | None = None
    because: str = ""
    checks: tuple[Check, ...] = ()
    issued: int = 0
    record: UpdateRecord | None = None


@dataclass(frozen=True, slots=True)
class UpdateState:
    """Everything that is known of a landscape's updates. ``paused`` holds the reason, None when nothing is paused."""

    plan: Plan | None = None
    environments: Mapping[str, EnvironmentState] = field(default_factory=dict)
    paused: str | None = None
    last: datetime | None = None

    def environment(self, name: str) -> EnvironmentState:
        """What is known of an Environment; an empty state for one that was never heard of."""
        return self.environments.get(name, EnvironmentState(name))


@dataclass(frozen=True, slots=True)
class Adopted:
    """Somebody said what an Environment runs."""

    at: datetime
    by: str
    environment: str
    bundle: Bundle


@dataclass(frozen=True, slots=True)
class Planned:
    """An update was planned."""

    at: datetime
    by: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class Begun:
    """The update of an Environment begins; from here on it may be half done."""

    at: datetime
    by: str
    environment: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The update ran and everything that has to hold was seen to hold."""

    at: datetime
    by: str
    environment: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Halted:
    """Something did not hold: the wave stops here."""

    at: datetime
    by: str
    environment: str
    because: str
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Returned:
    """An Environment went back to what it ran before."""

    at: datetime
    by: str
    environment: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A record of an Environment was signed here, with that number."""

    at: datetime
    by: str
    environment: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Received:
    """A record arrived whose signature was found to be that of its Environment."""

    at: datetime
    by: str
    record: UpdateRecord


@dataclass(frozen=True, slots=True)
class Paused:
    """Nothing new begins until it is resumed."""

    at: datetime
    by: str
    because: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """What was paused or stopped may go on."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The plan is given up; every Environment stays at what it runs."""

    at: datetime
    by: str
    because: str


UpdateEvent = (
    Adopted | Planned | Begun | Finished | Halted | Returned | Issued | Received | Paused | Resumed | Abandoned
)
