"""When an update may reach production, against answers computed by hand from printed calendars."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.base.calendar import working_calendar
from ringfence.base.errors import UsageError
from ringfence.update.due import Freeze, UpdateKind, update_due

SE, DE, BY = ("SE", "Europe/Stockholm"), ("DE", "Europe/Berlin"), ("DE-BY", "Europe/Berlin")


@pytest.mark.parametrize(
    ("place", "finished", "not_before"),
    [
        pytest.param(SE, "2026-01-19T10:00:00+01:00", "2026-01-26T10:00:00+01:00", id="an ordinary Monday"),
        pytest.param(
            SE, "2026-01-16T23:59:59+01:00", "2026-01-23T23:59:59+01:00", id="a Friday one second to midnight"
        ),
        pytest.param(SE, "2026-01-17T00:00:00+01:00", "2026-01-26T00:00:00+01:00", id="a Saturday at midnight"),
        pytest.param(SE, "2026-01-18T12:00:00+01:00", "2026-01-26T00:00:00+01:00", id="a Sunday counts from Monday"),
        pytest.param(SE, "2026-01-19T00:00:00+01:00", "2026-01-26T00:00:00+01:00", id="a Monday at midnight"),
        pytest.param(SE, "2026-12-18T14:00:00+01:00", "2026-12-28T14:00:00+01:00", id="Christmas, the 24th worked"),
        pytest.param(SE, "2026-12-25T14:00:00+01:00", "2027-01-05T00:00:00+01:00", id="finished on Christmas Day"),
        pytest.param(DE, "2026-12-18T14:00:00+01:00", "2026-12-28T14:00:00+01:00", id="Christmas in Germany"),
        pytest.param(DE, "2026-12-30T12:00:00+01:00", "2027-01-07T12:00:00+01:00", id="New Year in Germany"),
        pytest.param(BY, "2026-12-30T12:00:00+01:00", "2027-01-08T12:00:00+01:00", id="Epiphany in Bavaria"),
        pytest.param(SE, "2026-12-30T12:00:00+01:00", "2027-01-08T12:00:00+01:00", id="Epiphany in Sweden"),
        pytest.param(SE, "2026-04-01T10:00:00+02:00", "2026-04-10T10:00:00+02:00", id="Easter in Sweden"),
        pytest.param(DE, "2026-04-02T23:59:00+02:00", "2026-04-13T23:59:00+02:00", id="Easter in Germany, 23:59"),
        pytest.param(SE, "2026-04-03T08:00:00+02:00", "2026-04-14T00:00:00+02:00", id="finished on Good Friday"),
        pytest.param(DE, "2026-05-22T09:00:00+02:00", "2026-06-01T09:00:00+02:00", id="Whit Monday in Germany"),
        pytest.param(SE, "2026-05-22T09:00:00+02:00", "2026-05-29T09:00:00+02:00", id="no Whit Monday in Sweden"),
        pytest.param(SE, "2026-06-15T09:00:00+02:00", "2026-06-22T09:00:00+02:00", id="Midsummer Eve is worked by law"),
        pytest.param(SE, "2026-03-27T02:30:00+01:00", "2026-04-07T02:30:00+02:00", id="clocks forward, and Easter"),
        pytest.param(SE, "2026-10-23T14:00:00+02:00", "2026-10-30T14:00:00+01:00", id="clocks back"),
        pytest.param(SE, "2028-02-22T09:00:00+01:00", "2028-02-29T09:00:00+01:00", id="onto 29 February"),
        pytest.param(SE, "2028-02-29T09:00:00+01:00", "2028-03-07T09:00:00+01:00", id="from 29 February"),
        pytest.param(SE, "2027-02-22T09:00:00+01:00", "2027-03-01T09:00:00+01:00", id="a year without one"),
        # One moment, three places: Saturday in Stockholm, Friday in London and New York.
        pytest.param(SE, "2026-12-18T23:30:00+00:00", "2026-12-29T00:00:00+01:00", id="after midnight in Stockholm"),
        pytest.param(
            ("GB", "Europe/London"), "2026-12-18T23:30:00+00:00", "2026-12-29T23:30:00+00:00", id="Boxing Day on Monday"
        ),
        pytest.param(
            ("US", "America/New_York"), "2026-12-18T23:30:00+00:00", "2026-12-28T18:30:00-05:00", id="still Friday"
        ),
        pytest.param(
            ("EG", "Africa/Cairo"), "2026-11-19T10:00:00+02:00", "2026-11-26T10:00:00+02:00", id="Sunday is worked"
        ),
        pytest.param(
            ("NZ", "Pacific/Auckland"), "2026-07-12T12:30:00+00:00", "2026-07-20T00:30:00+12:00", id="Monday over there"
        ),
    ],
)
@pytest.mark.parametrize("kind", [UpdateKind.MAJOR, UpdateKind.MINOR])
def test_production_waits_five_working_days(
    place: tuple[str, str], finished: str, not_before: str, kind: UpdateKind
) -> None:
    answer = update_due(datetime.fromisoformat(finished), kind, working_calendar(*place))
    assert answer.not_before.isoformat() == not_before
    assert len(answer.counted) == 5
    assert answer.counted[-1].isoformat() == not_before[:10]


def test_the_example_of_the_contract() -> None:
    calendar = working_calendar("SE", "Europe/Stockholm", [date(2026, 12, 24)])
    answer = update_due(datetime.fromisoformat("2026-12-18T14:00:00+01:00"), UpdateKind.MINOR, calendar)
    assert answer.to_json() == {
        "apiVersion": "ringfence.dev/v1",
        "kind": "UpdateDue",
        "notBefore": "2026-12-29T14:00:00+01:00",
        "counted": ["2026-12-21", "2026-12-22", "2026-12-23", "2026-12-28", "2026-12-29"],
    }


def test_a_patch_need_not_wait_but_may_be_told_to() -> None:
    calendar = working_calendar("SE", "Europe/Stockholm")
    sunday = datetime.fromisoformat("2026-01-18T12:00:00+01:00")
    assert update_due(sunday, UpdateKind.PATCH, calendar).not_before == sunday
    assert update_due(sunday, UpdateKind.PATCH, calendar).counted == ()
    waited = update_due(sunday, UpdateKind.PATCH, calendar, patches_wait=True)
    assert waited.not_before.isoformat() == "2026-01-26T00:00:00+01:00"


def test_more_or_fewer_days_may_be_asked() -> None:
    calendar = working_calendar("SE", "Europe/Stockholm")
    friday = datetime.fromisoformat("2026-01-16T14:00:00+01:00")
    assert update_due(friday, UpdateKind.MINOR, calendar, days=0).not_before == friday
    assert update_due(friday, UpdateKind.MINOR, calendar, days=1).not_before.isoformat() == "2026-01-19T14:00:00+01:00"
    assert update_due(friday, UpdateKind.MINOR, calendar, days=10).not_before.isoformat() == "2026-01-30T14:00:00+01:00"
    with pytest.raises(UsageError):
        update_due(friday, UpdateKind.MINOR, calendar, days=-1)


def test_a_start_in_the_hour_that_is_skipped_is_read_as_one_hour_later() -> None:
    # With Israel's clocks, which go forward on a Friday (27 March 2026, 02:00 to 03:00), and Friday worked.
    calendar = working_calendar(None, "Asia/Jerusalem")
    answer = update_due(datetime.fromisoformat("2026-03-20T02:30:00+02:00"), UpdateKind.MINOR, calendar)
    assert answer.not_before.isoformat() == "2026-03-27T03:30:00+03:00"


def test_a_freeze_moves_the_start_behind_its_last_day() -> None:
    calendar = working_calendar("SE", "Europe/Stockholm")
    friday = datetime.fromisoformat("2026-12-18T14:00:00+01:00")
    year_end = Freeze(date(2026, 12, 20), date(2027, 1, 6), "year end")
    stocktaking = Freeze(date(2027, 1, 7), date(2027, 1, 8), "stocktaking")
    over = Freeze(date(2026, 11, 1), date(2026, 12, 1), "over")
    answer = update_due(friday, UpdateKind.MINOR, calendar, freezes=[stocktaking, over, year_end])
    assert answer.not_before.isoformat() == "2027-01-09T00:00:00+01:00"
    assert answer.frozen == (year_end, stocktaking)
    assert answer.counted[-1] == date(2026, 12, 28)


def test_a_freeze_holds_a_patch_as_well() -> None:
    calendar = working_calendar("SE", "Europe/Stockholm")
    freeze = Freeze(date(2026, 12, 20), date(2027, 1, 6), "year end")
    moment = datetime.fromisoformat("2026-12-21T14:00:00+01:00")
    answer = update_due(moment, UpdateKind.PATCH, calendar, freezes=[freeze])
    assert answer.not_before.isoformat() == "2027-01-07T00:00:00+01:00"


def test_a_freeze_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(UsageError, match="ends before it begins"):
        Freeze(date(2027, 1, 6), date(2026, 12, 20), "wrong way round")


def _worked_minutes(moment: datetime, off: frozenset[date]) -> int:
    """An oracle that knows no rule, only a clock that runs on working days."""
    day = date(2025, 12, 1)
    worked = 0
    while day < moment.date():
        worked += 0 if day.weekday() >= 5 or day in off else 1440
        day += timedelta(days=1)
    if moment.date().weekday() < 5 and moment.date() not in off:
        worked += moment.hour * 60 + moment.minute
    return worked


@given(
    st.integers(0, 60 * 24 * 40),
    st.frozensets(st.dates(date(2026, 1, 1), date(2026, 3, 31)), max_size=12),
    st.integers(1, 8),
)
def test_it_is_the_last_moment_when_that_much_working_time_has_passed(
    minutes: int, off: frozenset[date], days: int
) -> None:
    calendar = working_calendar(None, "UTC", off)
    finished = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")) + timedelta(minutes=minutes)
    found = update_due(finished, UpdateKind.MINOR, calendar, days=days).not_before
    wanted = _worked_minutes(finished, off) + days * 1440
    assert _worked_minutes(found, off) == wanted
    assert _worked_minutes(found + timedelta(minutes=1), off) > wanted


@given(st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)), st.sampled_from([SE, DE, BY]))  # noqa: DTZ001
def test_five_days_are_never_fewer_than_five_working_days(naive: datetime, place: tuple[str, str]) -> None:
    calendar = working_calendar(*place)
    finished = naive.replace(tzinfo=ZoneInfo("UTC"))
    answer = update_due(finished, UpdateKind.MAJOR, calendar)
    local = finished.astimezone(calendar.zone)
    between = [
        day
        for offset in range(1, (answer.not_before.date() - local.date()).days + 1)
        if calendar.is_working(day := local.date() + timedelta(days=offset))
    ]
    assert answer.not_before > finished
    assert set(answer.counted) <= set(between)
    assert len(between) in (
        5,
        6,
    )  # six when the finish was on a day off: the first is the one that counting starts from
