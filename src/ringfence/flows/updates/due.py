"""Use cases of platform updates: what the ``update`` verbs do, without printing."""

from collections.abc import Sequence

from ringfence.base.calendar import parse_date, parse_moment, working_calendar
from ringfence.base.errors import InputError
from ringfence.update.due import Freeze, UpdateDue, UpdateKind, update_due


def due(
    *,
    finished: str,
    kind: UpdateKind,
    country: str | None,
    timezone: str,
    days: int,
    also_off: Sequence[str] = (),
    freezes: Sequence[str] = (),
    patches_wait: bool = False,
) -> UpdateDue:
    """When production may start, from the words of the command line.

    Raises InputError for a moment, day, country or zone that cannot be read.
    """
    calendar = working_calendar(country, timezone, [parse_date(day) for day in also_off])
    return update_due(
        parse_moment(finished, calendar.zone),
        kind,
        calendar,
        days=days,
        patches_wait=patches_wait,
        freezes=[parse_freeze(text) for text in freezes],
    )


def parse_freeze(text: str) -> Freeze:
    """A freeze written as ``2026-12-20/2027-01-06=year end``. Raises InputError for anything else."""
    span, _, because = text.partition("=")
    first, slash, last = span.partition("/")
    if not slash:
        raise InputError(
            f"{text!r} is not a freeze; write FIRST/LAST, such as 2026-12-20/2027-01-06", reason="BadFreeze"
        )
    return Freeze(parse_date(first), parse_date(last), because.strip() or "frozen")
