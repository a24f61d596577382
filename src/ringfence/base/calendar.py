"""Working days: a country's weekend and public holidays, own days off, and wall-clock times in a time zone.

The only module that knows the ``holidays`` library, and it loads it when a country is named. A calendar of our own was
rejected: weekends move (Friday and Saturday in Egypt), some countries work on a Saturday to make up for a bridge day,
and Easter is nobody's core business. Public holidays only: a day that is customarily free without being one by law,
such as Christmas Eve in Sweden, is one's own day off and has to be said.
"""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ringfence.base.errors import InputError
from ringfence.base.text import suggestion

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SATURDAY = 5
_FIRST_YEAR, _LAST_YEAR = 1900, 9000


class WorkingDays(Protocol):
    """Says which days are worked, and in which time zone a day begins."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone whose wall clocks count."""
        ...

    def is_working(self, day: date) -> bool:
        """True when that day is a working day."""
        ...


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """The working days of a country (ISO 3166-1, or 3166-2 with a subdivision); without one: Monday to Friday.

    ``is_working`` raises InputError for a year whose holidays are not known, instead of taking it for one without any.
    """

    zone: ZoneInfo
    country: str | None = None
    also_off: frozenset[date] = frozenset()
    _public: Any = field(default=None, repr=False, compare=False)

    def is_working(self, day: date) -> bool:
        """True when ``day`` is neither a weekend day, nor a public holiday, nor one's own day off."""
        if day in self.also_off:
            return False
        if self._public is None:
            return day.weekday() < _SATURDAY
        if not self._public.start_year <= day.year <= self._public.end_year:
            raise InputError(
                f"{day.isoformat()}: the public holidays of {self.country} are known from {self._public.start_year} "
                f"to {self._public.end_year} only",
                reason="YearUnknown",
            )
        # The library fills in a year when it is asked for a holiday in it; the Saturdays that are worked come with it.
        self._public.get(day)
        return bool(self._public.is_working_day(day))


def working_calendar(
    country: str | None, timezone: str, also_off: Iterable[date] = (), subdivision: str | None = None
) -> WorkingCalendar:
    """The calendar of a country such as ``SE`` or ``DE-BY`` in a time zone such as ``Europe/Stockholm``.

    Raises InputError, with the nearest spelling, for a country, subdivision or time zone that nobody knows.
    """
    name = f"{country}-{subdivision}" if country is not None and subdivision is not None else country
    public = None if name is None else _public_holidays(name)
    return WorkingCalendar(find_zone(timezone), name, frozenset(also_off), public)


def find_zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name. Raises InputError with the nearest spelling when there is none."""
    # Some files of the zone database are no zones: they depend on the machine, or count leap seconds.
    if name not in ("localtime", "posixrules") and not name.startswith(("posix/", "right/")):
        with contextlib.suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(name)
    hint = suggestion(name, available_timezones()) or "write an IANA name such as Europe/Stockholm"
    raise InputError(f"{name!r} is not a time zone; {hint}", reason="UnknownTimeZone")


@lru_cache(maxsize=16)
def _public_holidays(country: str) -> Any:
    import holidays

    code, _, subdivision = country.partition("-")
    code = code.upper()
    try:
        found = holidays.country_holidays(code)
    except NotImplementedError:
        raise _unknown_country(country, code) from None
    if not subdivision:
        return found
    known = list(found.subdivisions)
    spelling = {name.casefold(): name for name in known}.get(subdivision.casefold())
    if spelling is None:
        hint = suggestion(subdivision, known) if known else f"{code} has no subdivisions here"
        hint = hint or f"known: {', '.join(known)}"
        raise InputError(
            f"{country!r} is not a subdivision of {code} whose holidays are known; {hint}", reason="UnknownSubdivision"
        )
    return holidays.country_holidays(code, subdiv=spelling)


def _unknown_country(country: str, code: str) -> InputError:
    """The error that offers the code of a country that was written out, else the nearest code."""
    from holidays.registry import COUNTRIES

    names = {entry[0].casefold(): entry[1] for entry in COUNTRIES.values()}
    spelled = names.get(code.casefold()) or names.get(country.casefold().replace(" ", ""))
    codes = {part for entry in COUNTRIES.values() for part in entry[1:3]}
    hint = f"did you mean {spelled!r}?" if spelled else suggestion(code, codes)
    hint = hint or "write an ISO 3166 code such as SE, DE or DE-BY"
    return InputError(f"{country!r} is not a country whose holidays are known; {hint}", reason="UnknownCountry")


def parse_date(text: str) -> date:
    """A day written as ``2026-12-24``. Raises InputError for anything else, ambiguous orders above all."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a day of the calendar: {error}", reason="BadDate") from error
    raise InputError(f"{text!r} is not a date; write year-month-day, such as 2026-12-24", reason="BadDate")


def parse_moment(text: str, zone: ZoneInfo | None = None) -> datetime:
    """A moment written as ISO 8601 with its offset, such as ``2026-12-18T14:00:00+01:00``.

    A time without an offset is refused, also where ``zone`` is known: in the hour that is repeated in autumn it would
    mean two moments. Raises InputError that offers the spelling with the zone's offset.
    """
    example = "2026-12-18T14:00:00+01:00"
    if not _DATE.match(text) or len(text) < len("2026-12-18T14:00"):
        raise InputError(f"{text!r} is not a date and time; write it as {example}", reason="BadMoment")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is not a date and time ({error}); write it as {example}", reason="BadMoment"
        ) from error
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise InputError(f"{text!r} is outside the years {_FIRST_YEAR} to {_LAST_YEAR}", reason="BadMoment")
    if moment.tzinfo is None:
        offered = wall_clock(moment.date(), moment.time(), zone).isoformat() if zone else example
        raise InputError(
            f"{text!r} has no offset from UTC, so it names no moment; write it as {offered}", reason="NoOffset"
        )
    return moment


def wall_clock(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment when clocks in ``zone`` show ``at`` on ``day``.

    Of a time that is repeated, the first; a time that is skipped is read with the offset from before the gap, so that
    02:30 becomes 03:30 (RFC 5545, section 3.3.5): never earlier than asked.
    """
    moment = datetime.combine(day, at.replace(tzinfo=None, fold=0), tzinfo=zone)
    # Through UTC and back: a skipped time comes out as one that exists.
    return moment.astimezone(ZoneInfo("UTC")).astimezone(zone)


def working_days_after(day: date, count: int, calendar: WorkingDays) -> tuple[date, ...]:
    """The next ``count`` working days after ``day``, which is itself not among them."""
    found: list[date] = []
    while len(found) < count:
        day = next_day(day)
        if calendar.is_working(day):
            found.append(day)
    return tuple(found)


def next_day(day: date) -> date:
    """The day after. Raises InputError at the end of the calendar (year 9999)."""
    if day == date.max:
        raise InputError("no date after 9999-12-31 can be written", reason="YearUnknown")
    return day + timedelta(days=1)
