"""When a platform update may reach production: five working days after the last non-production Environment finished.

Pure. The rule (contract, section 8; stages.md, "Ordering and updates") counts working days by wall clocks in one time
zone, not hours: an update that finished on a Friday at 14:00 may start on the fifth working day after, at 14:00, also
when daylight saving made one of those days 23 hours long. Counting 24-hour spans was rejected for that reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from ringfence.base.calendar import WorkingDays, next_day, wall_clock, working_days_after
from ringfence.base.errors import UsageError

WORKING_DAYS = 5


class UpdateKind(StrEnum):
    """Which part of the version an update raises (semantic versioning)."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"


@dataclass(frozen=True, slots=True)
class Freeze:
    """Days on which nothing starts in production, both included; they count as working days all the same."""

    first: date
    last: date
    because: str

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UsageError(
                f"the freeze {self.first.isoformat()}/{self.last.isoformat()} ends before it begins; "
                "write the first day, a slash, the last day"
            )


@dataclass(frozen=True, slots=True)
class UpdateDue:
    """The earliest moment in production, the working days that were counted, and the freezes that moved it."""

    not_before: datetime
    counted: tuple[date, ...] = ()
    frozen: tuple[Freeze, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The value as the contract's ``UpdateDue``."""
        value: dict[str, Any] = {
            "apiVersion": "ringfence.dev/v1",
            "kind": "UpdateDue",
            "notBefore": self.not_before.isoformat(),
            "counted": [day.isoformat() for day in self.counted],
        }
        if self.frozen:
            value["frozen"] = [
                {"first": freeze.first.isoformat(), "last": freeze.last.isoformat(), "because": freeze.because}
                for freeze in self.frozen
            ]
        return value


def update_due(
    finished: datetime,
    kind: UpdateKind,
    calendar: WorkingDays,
    *,
    days: int = WORKING_DAYS,
    patches_wait: bool = False,
    freezes: Sequence[Freeze] = (),
) -> UpdateDue:
    """When production may start after non-production ``finished`` (a moment with an offset).

    Major and minor updates wait ``days`` working days, patches only when ``patches_wait``. The result is in the
    calendar's zone. Raises UsageError for negative ``days``, InputError for a year whose holidays are not known.
    """
    if days < 0:
        raise UsageError(f"{days} working days cannot pass; write 0 or more")
    local = finished.astimezone(calendar.zone)
    waits = days if kind is not UpdateKind.PATCH or patches_wait else 0
    counted: tuple[date, ...] = ()
    moment = local
    if waits:
        start = _counting_from(local, calendar)
        counted = working_days_after(start.day, waits, calendar)
        moment = wall_clock(counted[-1], start.at, calendar.zone)
    return _thawed(UpdateDue(moment, counted), freezes, calendar.zone)


@dataclass(frozen=True, slots=True)
class _Start:
    day: date
    at: time


def _counting_from(local: datetime, calendar: WorkingDays) -> _Start:
    """A finish on a working day counts from its wall-clock time, another from the start of the next working day."""
    if calendar.is_working(local.date()):
        return _Start(local.date(), local.time())
    day = local.date()
    while not calendar.is_working(day):
        day = next_day(day)
    return _Start(day, time())


def _thawed(due: UpdateDue, freezes: Sequence[Freeze], zone: ZoneInfo) -> UpdateDue:
    """``due`` moved behind every freeze that it falls into, one after the other."""
    moment, hit = due.not_before, list[Freeze]()
    for freeze in sorted(freezes, key=lambda one: (one.first, one.last)):
        if freeze.first <= moment.date() <= freeze.last:
            moment = wall_clock(next_day(freeze.last), time(), zone)
            hit.append(freeze)
    return UpdateDue(moment, due.counted, tuple(hit))
