"""No sequence of events brings a major or minor update to production early.

The machine gets random events at random times, most of them refused. What it lets through is judged by rules that are
written here again, in another way: days are counted one by one from a printed calendar, not by the code under test.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ringfence.base.errors import InputError
from ringfence.decide.topology import Designation
from ringfence.flows.updates.desk import calendar_of
from ringfence.update.due import Freeze
from ringfence.update.machine import apply
from ringfence.update.record import Check, RefusedError, UpdateRecord
from ringfence.update.state import (
    REQUIRED_CHECKS,
    Abandoned,
    Adopted,
    Begun,
    Days,
    Finished,
    Halted,
    Paused,
    Plan,
    Planned,
    Progress,
    Received,
    Resumed,
    Returned,
    UpdateEvent,
    UpdateState,
    Wave,
)
from ringfence.update.version import Bundle, Version

STOCKHOLM = ZoneInfo("Europe/Stockholm")
START = datetime(2026, 12, 14, 9, tzinfo=UTC)
# Sweden, December 2026 to February 2027, from a printed calendar.
OFF = {date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1), date(2027, 1, 6)}
FREEZE = Freeze(date(2027, 1, 11), date(2027, 1, 13), "stocktaking")
DAYS = Days("SE", "Europe/Stockholm", (), (FREEZE,))
CALENDAR = calendar_of(DAYS)
TEST, STAGE, PROD, PROD2 = "test", "stage", "prod", "prod-2"
WAVES = (
    Wave(Designation.NON_PRODUCTION, (TEST,)),
    Wave(Designation.NON_PRODUCTION, (STAGE,)),
    Wave(Designation.PRODUCTION, (PROD,)),
    Wave(Designation.PRODUCTION, (PROD2,)),
)
OLD = Bundle(Version(1, 4, 2), Version(1, 36, 1))
TARGETS = [
    Bundle(Version(1, 5, 0), Version(1, 37, 2)),
    Bundle(Version(2, 0, 0), Version(1, 37, 0)),
    Bundle(Version(1, 4, 3), Version(1, 36, 2)),
    Bundle(Version(1, 6, 0), Version(1, 37, 0)),  # skips a minor version
    Bundle(Version(1, 4, 1), Version(1, 36, 0)),  # goes back
]
REACHED = Counter[str]()
"""How often production began: a test whose events never get there would show nothing."""
names = st.sampled_from([TEST, STAGE, PROD, PROD2])
PASSED = tuple(Check(name, True, "") for name in REQUIRED_CHECKS)


def earliest(finished: datetime) -> datetime:
    """Five working days later, day by day."""
    local = finished.astimezone(STOCKHOLM)
    day, naive = local.date(), local.replace(tzinfo=None)
    if day.weekday() >= 5 or day in OFF:
        while day.weekday() >= 5 or day in OFF:
            day += timedelta(days=1)
        naive = datetime.combine(day, datetime.min.time())
    left = 5
    while left:
        day += timedelta(days=1)
        left -= 0 if day.weekday() >= 5 or day in OFF else 1
    return datetime.combine(day, naive.time(), tzinfo=STOCKHOLM)


@dataclass
class Seen:
    """What the outside world knows of one Environment, for judging."""

    record: UpdateRecord | None = None


class Updates(RuleBasedStateMachine):
    @initialize(
        remote=st.sampled_from([frozenset[str](), frozenset({TEST, STAGE})]), bundle=st.sampled_from(TARGETS[:3])
    )
    def begin(self, remote: frozenset[str], bundle: Bundle) -> None:
        self.now = START
        self.state = UpdateState()
        self.remote = remote
        self.seen: dict[str, Seen] = {name: Seen() for name in (TEST, STAGE)}
        self.number = 0
        for name in (TEST, STAGE, PROD, PROD2):
            self.tell(Adopted(self.now, "ada", name, OLD))
        self.plan(bundle, False)

    def tell(self, event: UpdateEvent) -> bool:
        try:
            self.state = apply(self.state, event, CALENDAR)
        except (RefusedError, InputError):
            return False
        return True

    @rule(hours=st.integers(1, 24 * 9), minutes=st.integers(0, 59))
    def time_passes(self, hours: int, minutes: int) -> None:
        self.now += timedelta(hours=hours, minutes=minutes)

    def plan(self, bundle: Bundle, wait: bool) -> None:
        before = self.state
        plan = Plan("p", bundle, WAVES, DAYS, patches_wait=wait, remote=self.remote)
        if self.tell(Planned(self.now, "ada", plan)):
            assert bundle in TARGETS[:3] or all(
                before.environment(name).present != OLD for name in plan.environments if name not in self.remote
            )

    def start(self, name: str) -> None:
        plan, before = self.state.plan, self.state
        if not self.tell(Begun(self.now, "ada", name)):
            return
        assert plan is not None
        assert before.paused is None
        for wave in plan.waves:
            if name in wave.environments:
                break
            for earlier in wave.environments:
                if earlier not in self.remote:
                    assert before.environment(earlier).present == plan.bundle
        if name in (PROD, PROD2):
            self.judge(plan, name)

    def judge(self, plan: Plan, name: str) -> None:
        """Production began: was that right?"""
        REACHED[name] += 1
        local = self.now.astimezone(STOCKHOLM)
        assert not FREEZE.first <= local.date() <= FREEZE.last
        for other in (TEST, STAGE):
            record = self.seen[other].record
            assert record is not None
            assert record.bundle == plan.bundle.digest
            assert self.now - record.issued <= timedelta(days=30)
            present = self.state.environment(name).present
            assert present is not None
            patch = (present.version.major, present.version.minor) == (
                plan.bundle.version.major,
                plan.bundle.version.minor,
            )
            assert self.now >= (earliest(record.finished) if plan.patches_wait or not patch else record.finished)

    def finish(self, name: str, ok: bool, dropped: int) -> None:
        checks = tuple(replace(check, passed=ok or index != 0) for index, check in enumerate(PASSED))
        checks = tuple(check for index, check in enumerate(checks) if index != dropped)
        told = self.tell(Finished(self.now, "ada", name, checks))
        assert not told or (ok and len(checks) == len(PASSED))

    @rule(name=names, ok=st.booleans(), dropped=st.integers(0, 5), then=st.sampled_from(["finish", "halt", "back"]))
    def one_step(self, name: str, ok: bool, dropped: int, then: str) -> None:
        if then == "back":
            self.tell(Returned(self.now, "ada", name))
            return
        self.start(name)
        if then == "finish":
            self.finish(name, ok, dropped)
        else:
            self.tell(Halted(self.now, "ada", name, "pods are not ready"))

    @rule(
        name=st.sampled_from([TEST, STAGE]),
        age=st.integers(0, 24 * 45),
        bundle=st.sampled_from([OLD, *TARGETS[:3]]),
        step=st.sampled_from([1, 1, 1, 0, -1]),
    )
    def record_arrives(self, name: str, age: int, bundle: Bundle, step: int) -> None:
        issued = self.now - timedelta(hours=age)
        finished = issued - timedelta(hours=age // 2)
        seen = self.seen[name]
        number = (seen.record.sequence if seen.record else 0) + step
        record = UpdateRecord(
            "clinic", name, "non-production", str(bundle.version), bundle.digest, finished, issued, number, PASSED
        )
        if self.tell(Received(self.now, "ada", record)):
            assert seen.record is None or number > seen.record.sequence
            seen.record = record

    def remote_record(self, name: str, bundle: Bundle) -> None:
        """Whoever updates that Environment elsewhere did it just now, and says so."""
        number = (self.seen[name].record.sequence if self.seen[name].record else 0) + 1  # type: ignore[union-attr]
        record = UpdateRecord(
            "clinic", name, "non-production", str(bundle.version), bundle.digest, self.now, self.now, number, PASSED
        )
        if self.tell(Received(self.now, "ada", record)):
            self.seen[name].record = record

    def a_true_record_arrives(self) -> None:
        """As a machine of ours would send it, so that the end is reached often enough."""
        for name in (TEST, STAGE):
            known, seen = self.state.environment(name), self.seen[name]
            if known.progress is Progress.DONE and known.present and known.finished:
                record = UpdateRecord(
                    "clinic",
                    name,
                    "non-production",
                    str(known.present.version),
                    known.present.digest,
                    known.finished,
                    max(self.now, known.finished),
                    (seen.record.sequence if seen.record else 0) + 1,
                    PASSED,
                )
                if self.tell(Received(self.now, "ada", record)):
                    seen.record = record

    @rule()
    def everybody_works(self) -> None:
        self.run_what_may_run()
        self.a_true_record_arrives()
        self.run_what_may_run()

    @rule(
        seconds=st.sampled_from([-3600, -60, -1, 0, 1, 3600]),
        name=st.sampled_from([PROD, PROD, PROD2]),
        then=st.sampled_from(["finish", "finish", "halt", "nothing"]),
    )
    def somebody_tries_at_the_very_moment(self, seconds: int, name: str, then: str) -> None:
        """Non-production works and tells; production is tried within an hour of when it may begin."""
        for stage in (TEST, STAGE):
            self.start(stage)
            self.tell(Finished(self.now, "ada", stage, PASSED))
            if stage in self.remote and self.state.plan is not None:
                self.remote_record(stage, self.state.plan.bundle)
        self.a_true_record_arrives()
        finished = [seen.record.finished for seen in self.seen.values() if seen.record is not None]
        if len(finished) < 2:
            return
        self.now = max(self.now, max(earliest(one) for one in finished) + timedelta(seconds=seconds))
        self.start(name)
        if then == "finish":
            self.tell(Finished(self.now, "ada", name, PASSED))
        elif then == "halt":
            self.tell(Halted(self.now, "ada", name, "pods are not ready"))

    def run_what_may_run(self) -> None:
        """Everything that may begin now does, and succeeds."""
        for name in (TEST, STAGE, PROD, PROD2):
            self.start(name)
            self.tell(Finished(self.now, "ada", name, PASSED))

    @rule(
        what=st.sampled_from(["pause", "resume", "resume", "abandon", "plan", "clock"]),
        bundle=st.sampled_from(TARGETS),
        wait=st.booleans(),
    )
    def somebody_decides(self, what: str, bundle: Bundle, wait: bool) -> None:
        if what == "pause":
            self.tell(Paused(self.now, "ada", "lunch"))
        elif what == "resume":
            self.tell(Resumed(self.now, "ada"))
        elif what == "clock":
            self.now -= timedelta(hours=30)
        else:
            if what == "abandon":
                self.tell(Abandoned(self.now, "ada", "enough"))
            self.plan(bundle, wait)

    @invariant()
    def production_runs_nothing_but_what_was_planned(self) -> None:
        for name, known in self.state.environments.items():
            assert known.present is not None
            assert known.present in (OLD, *TARGETS)
            if known.progress is Progress.RUNNING:
                assert self.state.plan is not None
                assert name in self.state.plan.environments


Updates.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestUpdates = Updates.TestCase


def test_production_was_reached_often_enough_to_be_judged() -> None:
    assert not REACHED or min(REACHED[PROD], REACHED[PROD2]) >= 10, REACHED


def test_the_machine_gets_to_the_end_when_everybody_waits() -> None:
    updates = Updates()
    updates.begin(frozenset(), TARGETS[0])
    for _ in range(40):
        updates.run_what_may_run()
        updates.a_true_record_arrives()
        updates.time_passes(12, 0)
    assert all(known.present == TARGETS[0] for known in updates.state.environments.values())
