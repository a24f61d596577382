"""A landscape's update as it is kept: its events in the ledger, and pinned keys; every command opens it first.

The ledger is the only store: an event is signed, chained and numbered when it happens, and the state is replayed from
there. A journal of our own beside it was tried and rejected: two files can disagree after a crash, and an unsigned one
could be edited until production was due.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ringfence.base.calendar import WorkingCalendar, working_calendar
from ringfence.base.clock import Clock
from ringfence.base.errors import StateError
from ringfence.base.paths import Paths, write_atomically
from ringfence.evidence.event import Event
from ringfence.evidence.ledger import Ledger
from ringfence.evidence.place import open_ledger, open_signer, read_settings
from ringfence.evidence.signing import PublicKey, Signer
from ringfence.landscape.model import Calendar
from ringfence.update.codec import event_from_json, event_to_json
from ringfence.update.due import Freeze
from ringfence.update.machine import apply
from ringfence.update.state import Days, Planned, Received, UpdateEvent, UpdateState

CLAUSES = ("welkin Update lag",)


@dataclass
class Desk:
    """The update of one landscape, open. ``state`` follows every event that is recorded."""

    landscape: str
    folder: Path
    clock: Clock
    actor: str
    ledger: Ledger
    signer: Signer
    days: Days
    state: UpdateState = field(default_factory=UpdateState)
    count: int = 0

    @property
    def calendar(self) -> WorkingCalendar:
        """The working days of the present plan, or of the Landscape where there is none."""
        days = self.state.plan.days if self.state.plan is not None else self.days
        return calendar_of(days)

    def record(self, event: UpdateEvent, *, dry_run: bool = False) -> UpdateState:
        """Check ``event``, write it down, and return the state after it. Raises what ``machine.apply`` raises."""
        following = apply(self.state, event, self.calendar)
        if dry_run:
            return following
        self.ledger.follow(self._stream, self.count, self._evidence(event))
        self.state = following
        self.count += 1
        return following

    def load(self) -> None:
        """Replay the events of this landscape's updates from the ledger."""
        for event in self.ledger.stream(self._stream):
            self.state = apply(self.state, self._decoded(event), self.calendar)
            self.count += 1

    def trusted(self) -> Mapping[str, Sequence[PublicKey]]:
        """The keys pinned for each Environment; Environments updated here sign with this machine's key."""
        pinned = {name: [PublicKey(pem) for pem in pems] for name, pems in self._pins().items()}
        plan = self.state.plan
        here = [] if plan is None else [name for name in plan.environments if name not in plan.remote]
        for name in here:
            pinned.setdefault(name, []).append(self.signer.public)
        return pinned

    def pin(self, environment: str, key: PublicKey) -> None:
        """Believe records of ``environment`` that ``key`` signed, from now on."""
        pins = {name: list(pems) for name, pems in self._pins().items()}
        if key.pem not in pins.setdefault(environment, []):
            pins[environment].append(key.pem)
        write_atomically(self._pins_path, (json.dumps(pins, indent=2) + "\n").encode())

    @property
    def _pins_path(self) -> Path:
        return self.folder / "trusted.json"

    def _pins(self) -> Mapping[str, Sequence[str]]:
        try:
            value: Mapping[str, Sequence[str]] = json.loads(self._pins_path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StateError(
                f"{self._pins_path}: the pinned keys cannot be read",
                reason="BadPins",
                hint="remove the file, and pin the keys anew: ringfence update trust",
            ) from error
        return value

    @property
    def _stream(self) -> str:
        return f"update/{self.landscape}/"

    def _evidence(self, event: UpdateEvent) -> Event:
        return Event(
            kind=f"update.{type(event).__name__.lower()}",
            actor=event.by,
            subject=_subject(self.landscape, event),
            because=str(getattr(event, "because", "")),
            at=event.at,
            facts=event_to_json(event),
            clauses=CLAUSES,
        )

    def _decoded(self, event: Event) -> UpdateEvent:
        try:
            return event_from_json(event.facts)
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(
                f"the ledger's {event.kind} of {event.at.isoformat()} was not written by this version",
                reason="LedgerUnreadable",
                hint="ringfence evidence list shows it; use a version that is at least as new as the one that wrote it",
            ) from error


def open_desk(paths: Paths, landscape: str, calendar: Calendar, clock: Clock, actor: str) -> Desk:
    """The desk of the landscape of that name, its events replayed."""
    folder = paths.data / "updates" / landscape
    desk = Desk(
        landscape=landscape,
        folder=folder,
        clock=clock,
        actor=actor,
        ledger=open_ledger(paths, landscape, clock),
        signer=open_signer(paths, read_settings(paths, landscape)),
        days=days_of(calendar),
    )
    desk.load()
    return desk


def days_of(calendar: Calendar) -> Days:
    """The Landscape's calendar as the days of a plan."""
    country = calendar.country
    if country is not None and calendar.subdivision is not None:
        country = f"{country}-{calendar.subdivision}"
    return Days(
        country,
        calendar.timezone,
        tuple(date.fromisoformat(day) for day in calendar.also_off),
        tuple(
            Freeze(date.fromisoformat(one.first), date.fromisoformat(one.last), one.because) for one in calendar.freezes
        ),
    )


def calendar_of(days: Days) -> WorkingCalendar:
    """The working days that a plan counts by."""
    return working_calendar(days.country, days.timezone, days.also_off)


def _subject(landscape: str, event: UpdateEvent) -> str:
    if isinstance(event, Received):
        return f"{landscape}/{event.record.environment}"
    if isinstance(event, Planned):
        return f"{landscape} to {event.plan.bundle.version}"
    environment = getattr(event, "environment", None)
    return f"{landscape}/{environment}" if environment else landscape
