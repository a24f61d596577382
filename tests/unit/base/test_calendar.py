"""Working days, zones and moments, against calendars looked up by hand."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.base.calendar import (
    find_zone,
    parse_date,
    parse_moment,
    wall_clock,
    working_calendar,
    working_days_after,
)
from ringfence.base.errors import InputError

STOCKHOLM = ZoneInfo("Europe/Stockholm")


@pytest.mark.parametrize(
    ("country", "day", "worked"),
    [
        ("SE", "2026-12-24", True),  # free by custom and agreement, not by law
        ("SE", "2026-12-25", False),
        ("SE", "2026-06-05", True),
        ("SE", "2025-06-06", False),  # National Day, a Friday
        ("SE", "2026-05-14", False),  # Ascension
        ("DE", "2026-12-26", False),
        ("DE", "2026-06-04", True),  # Corpus Christi, not everywhere in Germany
        ("DE-BY", "2026-06-04", False),
        ("DE-by", "2026-06-04", False),
        ("de", "2026-10-03", False),
        ("EG", "2026-11-22", True),  # Sunday: Egypt's weekend is Friday and Saturday
        ("EG", "2026-11-20", False),
        ("HU", "2025-12-13", True),  # a Saturday worked for the bridge day on the 24th
        (None, "2026-12-25", True),
        (None, "2026-12-26", False),
    ],
)
def test_a_day_is_worked_or_not(country: str | None, day: str, worked: bool) -> None:
    assert working_calendar(country, "UTC").is_working(date.fromisoformat(day)) is worked


def test_own_days_off_count() -> None:
    calendar = working_calendar("SE", "Europe/Stockholm", [date(2026, 12, 24)])
    assert not calendar.is_working(date(2026, 12, 24))


@pytest.mark.parametrize(
    ("country", "offered"),
    [("Sweden", "'SE'"), ("SWW", "'SW"), ("XX", "ISO 3166"), ("DE-XY", "BY"), ("", "ISO 3166"), ("SE-AB", "no subdiv")],
)
def test_an_unknown_country_is_refused_with_what_was_meant(country: str, offered: str) -> None:
    with pytest.raises(InputError) as raised:
        working_calendar(country, "UTC")
    assert offered in str(raised.value)


@pytest.mark.parametrize(
    "name", ["Europe/Stokholm", "", "../etc/passwd", "/etc/localtime", "europe/stockholm", "CET-1"]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="not a time zone"):
        find_zone(name)


def test_a_year_without_known_holidays_is_refused_not_taken_for_one_without_any() -> None:
    with pytest.raises(InputError, match="known from"):
        working_calendar("SE", "UTC").is_working(date(2150, 12, 25))


@pytest.mark.parametrize("text", ["24/12/2026", "2026-12-32", "2026-W52-4", "20261224", "2026-2-29", "2027-02-29", ""])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_date(text)


@pytest.mark.parametrize(
    "text", ["2026-12-18", "yesterday", "2026-12-18T25:00:00Z", "2026-12-18 14", "18.12.2026 14:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="2026-12-18T14:00:00"):
        parse_moment(text)


def test_a_time_without_an_offset_is_refused_and_the_right_spelling_offered() -> None:
    with pytest.raises(InputError, match=r"write it as 2026-07-01T14:00:00\+02:00"):
        parse_moment("2026-07-01T14:00:00", STOCKHOLM)


def test_a_moment_may_be_written_with_z() -> None:
    assert parse_moment("2026-07-01T12:00:00Z") == datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        (date(2026, 3, 29), time(2, 30), "2026-03-29T03:30:00+02:00"),  # skipped: the offset from before the gap
        (date(2026, 10, 25), time(2, 30), "2026-10-25T02:30:00+02:00"),  # repeated: the first
        (date(2026, 7, 1), time(14), "2026-07-01T14:00:00+02:00"),
    ],
)
def test_wall_clocks_at_daylight_saving(day: date, at: time, expected: str) -> None:
    assert wall_clock(day, at, STOCKHOLM).isoformat() == expected


def test_midnight_that_does_not_exist() -> None:
    # Beirut goes from 00:00 to 01:00 on 29 March 2026.
    assert wall_clock(date(2026, 3, 29), time(), ZoneInfo("Asia/Beirut")).isoformat() == "2026-03-29T01:00:00+03:00"


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 30))
def test_without_a_country_working_days_are_those_of_a_simple_count(day: date, count: int) -> None:
    found = working_days_after(day, count, working_calendar(None, "UTC"))
    # An oracle by arithmetic: whole weeks, then the rest.
    start = min(day.toordinal(), day.toordinal() - max(0, day.weekday() - 4))
    weeks, rest = divmod(count, 5)
    expected = start + 7 * weeks + (rest + 2 if date.fromordinal(start).weekday() + rest > 4 else rest)
    assert len(found) == count
    if count:
        assert found[-1].toordinal() == (expected if rest or weeks == 0 else start + 7 * weeks)
