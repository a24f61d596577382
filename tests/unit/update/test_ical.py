"""The dates as iCalendar, read by a library that is not ours."""

from datetime import UTC, date, datetime

import pytest
from icalendar import Calendar

from ringfence.decide.topology import Designation
from ringfence.update.due import Freeze
from ringfence.update.status import EnvironmentUpdate, Phase, UpdateStatus, calendar_file

NOW = datetime(2026, 12, 18, 13, tzinfo=UTC)
DUE = datetime.fromisoformat("2026-12-29T14:00:00+01:00")


def status(because: str = "five working days", landscape: str = "clinic") -> UpdateStatus:
    waiting = EnvironmentUpdate(
        "production", Designation.PRODUCTION, "1.4.2", NOW, "1.5.0", Phase.WAITING, DUE, because
    )
    done = EnvironmentUpdate("test", Designation.NON_PRODUCTION, "1.5.0", NOW, None, Phase.DONE, None, "finished")
    return UpdateStatus(landscape, (done, waiting), (Freeze(date(2027, 1, 4), date(2027, 1, 6), "stocktaking"),))


def test_production_s_date_and_the_freezes_are_events() -> None:
    start, freeze = Calendar.from_ical(calendar_file(status(), NOW)).walk("VEVENT")
    assert start.decoded("DTSTART") == DUE
    assert str(start["SUMMARY"]) == "clinic/production: the platform may be updated to 1.5.0"
    assert (freeze.decoded("DTSTART"), freeze.decoded("DTEND")) == (date(2027, 1, 4), date(2027, 1, 7))
    assert len({str(start["UID"]), str(freeze["UID"])}) == 2


def test_the_same_event_keeps_its_identity_when_its_date_moves() -> None:
    first, second = (
        next(iter(Calendar.from_ical(calendar_file(status(because), NOW)).walk("VEVENT"))) for because in ("a", "b")
    )
    assert str(first["UID"]) == str(second["UID"])


@pytest.mark.parametrize(
    "because",
    [
        "a; b, c \\ d",
        "two\nlines",
        "END:VEVENT\r\nBEGIN:VEVENT",
        "å" * 200,
        "DESCRIPTION:" + "x" * 500,
        "日本語の理由" * 40,
    ],
)
def test_whatever_a_reason_says_it_comes_back_and_breaks_nothing(because: str) -> None:
    text = calendar_file(status(because), NOW)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    events = Calendar.from_ical(text).walk("VEVENT")
    assert len(events) == 2
    assert str(events[0]["DESCRIPTION"]) == because.replace("\r\n", "\n")
