"""Gates of time: soak, window, freeze. Each says until when, so that ``--wait`` sleeps no longer than needed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ringfence.base.calendar import WorkingCalendar, find_zone, working_calendar, working_days_after
from ringfence.landscape.model import Calendar
from ringfence.promote.gates.question import Facts, Question, origin_stage
from ringfence.promote.verdict import GateState, GateVerdict

FARTHEST_DAYS = 400
"""How many days ahead a window is looked for: every yearly window is found."""


def working(calendar: Calendar) -> WorkingCalendar:
    """The working days of a Landscape. Raises InputError for a country or a time zone that nobody knows."""
    also_off = tuple(date.fromisoformat(day) for day in calendar.also_off)
    return working_calendar(calendar.country, calendar.timezone, also_off, calendar.subdivision)


@dataclass(frozen=True, slots=True)
class Soak:
    """Open once the release has been at a stage for a time. ``stage`` None: the stage that it comes from."""

    duration: timedelta
    stage: str | None = None
    name: str = "soak"
    dear: bool = False

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """Counts from the release's last entry into the stage."""
        stage = self.stage or origin_stage(question)
        passage = question.state.passed(question.release.digest, stage)
        if passage is None:
            return GateVerdict(self.name, GateState.CLOSED, f"it never ran in {stage}")
        until = passage.at + self.duration
        if question.now >= until:
            return GateVerdict(self.name, GateState.OPEN, f"in {stage} since {passage.at.isoformat()}")
        return GateVerdict(
            self.name, GateState.WAITING, f"in {stage} since {passage.at.isoformat()}, of {self.duration}", until
        )


@dataclass(frozen=True, slots=True)
class Window:
    """Open for ``duration`` from every moment that a cron expression names, in a time zone."""

    opens: str
    duration: timedelta
    timezone: str | None = None
    working_days: bool = False
    name: str = "window"
    dear: bool = False

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """The next opening is found by cron's own rules, summer time included."""
        from cronsim import CronSim

        days = working(question.calendar)
        zone = find_zone(self.timezone) if self.timezone else days.zone
        now = question.now.astimezone(zone)
        horizon = now + timedelta(days=FARTHEST_DAYS)
        for opening in CronSim(self.opens, now - self.duration - timedelta(minutes=1)):
            if opening > horizon:
                break
            closing = opening + self.duration
            if closing <= now or (self.working_days and not days.is_working(opening.date())):
                continue
            if opening <= now:
                return GateVerdict(
                    self.name, GateState.OPEN, f"the window is open until {closing.isoformat()}", closing
                )
            return GateVerdict(self.name, GateState.WAITING, f"the next window opens at {opening.isoformat()}", opening)
        return GateVerdict(self.name, GateState.CLOSED, f"no window opens within {FARTHEST_DAYS} days: {self.opens}")


@dataclass(frozen=True, slots=True)
class Freeze:
    """Shut between two moments, or (``days_off``) on every day that is no working day."""

    begins: datetime | None = None
    ends: datetime | None = None
    days_off: bool = False
    because: str = ""
    name: str = "freeze"
    dear: bool = False

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """Waiting while frozen, with the moment at which it ends."""
        if self.begins is not None and self.ends is not None and self.begins <= question.now < self.ends:
            because = f"frozen until {self.ends.isoformat()}" + (f": {self.because}" if self.because else "")
            return GateVerdict(self.name, GateState.WAITING, because, self.ends)
        days = working(question.calendar)
        local = question.now.astimezone(days.zone)
        if self.days_off and not days.is_working(local.date()):
            following = working_days_after(local.date(), 1, days)[0]
            until = datetime(following.year, following.month, following.day, tzinfo=days.zone)
            return GateVerdict(self.name, GateState.WAITING, f"{local.date()} is no working day", until)
        return GateVerdict(self.name, GateState.OPEN, "no freeze now")
