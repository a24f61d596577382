"""Where an update stands, Environment by Environment: the contract's ``UpdateStatus``, and a calendar file of it.

Pure. The calendar (iCalendar, RFC 5545) is written here, since it is two kinds of event and a rule for long lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from ringfence.base.calendar import WorkingDays
from ringfence.decide.topology import Designation
from ringfence.update.due import Freeze
from ringfence.update.gate import Gate, gate_of, is_done
from ringfence.update.state import EnvironmentState, Progress, UpdateState
from ringfence.update.version import Bundle


class Phase(StrEnum):
    """What an Environment's update is doing (contract, section 8)."""

    WAITING = "waiting"
    DUE = "due"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Known:
    """An Environment of the Topology, and what it is known to run when no update ever said."""

    name: str
    designation: Designation
    bundle: Bundle | None


@dataclass(frozen=True, slots=True)
class EnvironmentUpdate:
    """One line of the status. ``version`` is None where nobody said what runs, ``next`` where nothing is planned."""

    name: str
    designation: Designation
    version: str | None
    since: datetime | None
    next: str | None
    phase: Phase
    not_before: datetime | None
    because: str

    def to_json(self) -> dict[str, Any]:
        """The line as the contract has it."""
        return {
            "name": self.name,
            "designation": self.designation.value,
            "version": self.version,
            "since": None if self.since is None else self.since.isoformat(),
            "next": self.next,
            "state": self.phase.value,
            "notBefore": None if self.not_before is None else self.not_before.isoformat(),
            "because": self.because,
        }


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """All Environments of a landscape at one moment."""

    landscape: str
    environments: tuple[EnvironmentUpdate, ...]
    freezes: tuple[Freeze, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The value as the contract's ``UpdateStatus``."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "UpdateStatus",
            "landscape": self.landscape,
            "environments": [one.to_json() for one in self.environments],
        }


def status_of(
    landscape: str, state: UpdateState, known: Sequence[Known], now: datetime, calendar: WorkingDays
) -> UpdateStatus:
    """The status of every Environment in ``known``, in that order."""
    freezes = state.plan.days.freezes if state.plan is not None else ()
    return UpdateStatus(landscape, tuple(_line(state, one, now, calendar) for one in known), freezes)


def _line(state: UpdateState, known: Known, now: datetime, calendar: WorkingDays) -> EnvironmentUpdate:
    one = state.environment(known.name)
    plan = state.plan
    present = one.present or known.bundle
    version, since = (None if present is None else str(present.version)), one.since
    if plan is None or known.name not in plan.environments:
        because = "no update is planned" if present is not None else "nobody said what it runs: ringfence update adopt"
        return EnvironmentUpdate(known.name, known.designation, version, since, None, Phase.DONE, None, because)
    target = str(plan.bundle.version)
    if is_done(state, plan, known.name):
        record = one.record if known.name in plan.remote else None
        finished = record.finished if record is not None else one.finished
        because = f"finished {finished.isoformat(timespec='seconds')}" if finished is not None else "finished"
        return EnvironmentUpdate(known.name, known.designation, target, finished, None, Phase.DONE, None, because)
    gate = gate_of(state, known.name, now, calendar)
    why = _phase(one, gate)
    not_before = gate.not_before if why.phase in (Phase.WAITING, Phase.DUE) else None
    return EnvironmentUpdate(known.name, known.designation, version, since, target, why.phase, not_before, why.because)


@dataclass(frozen=True, slots=True)
class _PhaseWhy:
    phase: Phase
    because: str


def _phase(one: EnvironmentState, gate: Gate) -> _PhaseWhy:
    if one.progress is Progress.RUNNING:
        return _PhaseWhy(Phase.RUNNING, "the update runs, or was interrupted: ringfence update start goes on")
    if one.progress is Progress.STOPPED:
        way_back = "" if one.previous is None else ", ringfence update back returns to what ran before"
        return _PhaseWhy(Phase.STOPPED, f"{one.because}; ringfence update resume tries again{way_back}")
    return _PhaseWhy(Phase.DUE if gate.open else Phase.WAITING, gate.because)


def calendar_file(status: UpdateStatus, now: datetime) -> str:
    """The status as iCalendar: an event where production may start, one for every freeze."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//ringfence.dev//ringfence//EN", "CALSCALE:GREGORIAN"]
    for one in status.environments:
        if one.not_before is None or one.next is None:
            continue
        where = f"{status.landscape}/{one.name}"
        start = one.not_before
        lines += _event(
            f"{where}/{one.next}",
            now,
            f"DTSTART:{_utc(start)}",
            f"DTEND:{_utc(start + timedelta(hours=1))}",
            f"{where}: the platform may be updated to {one.next}",
            one.because,
        )
    for freeze in status.freezes:
        lines += _event(
            f"{status.landscape}/freeze/{freeze.first.isoformat()}",
            now,
            f"DTSTART;VALUE=DATE:{_day(freeze.first)}",
            f"DTEND;VALUE=DATE:{_day(freeze.last + timedelta(days=1))}",
            f"{status.landscape}: production is frozen",
            freeze.because,
        )
    lines.append("END:VCALENDAR")
    return "".join(_folded(line) for line in lines)


def _event(identifier: str, now: datetime, start: str, end: str, summary: str, because: str) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{_escaped(identifier)}@ringfence.dev",
        f"DTSTAMP:{_utc(now)}",
        start,
        end,
        f"SUMMARY:{_escaped(summary)}",
        f"DESCRIPTION:{_escaped(because)}",
        "END:VEVENT",
    ]


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _day(day: date) -> str:
    return day.strftime("%Y%m%d")


def _escaped(text: str) -> str:
    for character in ("\\", ";", ","):
        text = text.replace(character, f"\\{character}")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> str:
    """A content line of at most 75 octets, continued on lines that begin with a space (RFC 5545, section 3.1)."""
    parts: list[str] = []
    part = ""
    for character in line:
        limit = 75 if not parts else 74
        if len((part + character).encode()) > limit:
            parts.append(part)
            part = ""
        part += character
    return "\r\n ".join([*parts, part]) + "\r\n"
