"""Each gate: what opens it, what shuts it, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from promotion import START, ladder, proof_that, record
from ringfence.base.errors import UnreachableError
from ringfence.landscape.model import Calendar
from ringfence.promote.gates.facts import CommandGate, Health, Impact, JobGate, Separation, Verification
from ringfence.promote.gates.people import ApprovalOf
from ringfence.promote.gates.question import CommandResult, JobEnd, JobResult, Proved, Question, Running, Statement
from ringfence.promote.gates.registry import KINDS, ask_all
from ringfence.promote.gates.times import Freeze, Soak, Window
from ringfence.promote.state import Approval, LadderState, Passage
from ringfence.promote.verdict import GateState

OPEN, CLOSED, WAITING = GateState.OPEN, GateState.CLOSED, GateState.WAITING
RELEASE = record(1)


@dataclass
class World:
    """Facts that a test sets."""

    proof: str = "holds"
    running_now: Running = field(default_factory=lambda: Running("aaa", "aaa", True, "healthy"))
    version: str | None = "1.4.2"
    signed: tuple[Statement, ...] = ()
    result: CommandResult = field(default_factory=lambda: CommandResult(0, 1.0, ""))
    commands: list[tuple[str, ...]] = field(default_factory=list)
    job: JobEnd = JobEnd.PASSED

    def proved(self, deployment: str) -> Proved:
        if self.proof == "unreachable":
            raise UnreachableError("production-1: does not answer")
        return proof_that(self.proof)

    def running(self, deployment: str) -> Running:
        return self.running_now

    def platform(self, deployment: str) -> str | None:
        return self.version

    def statements(self, release: str) -> tuple[Statement, ...]:
        return self.signed

    def neighbours(self, stage: str, application: str) -> tuple[str, ...]:
        return ()

    def tested_by_job(self, file: str, seconds: float, question: Question) -> JobResult:
        return JobResult(self.job, "on node-1", 2.0)

    def tested(self, command: tuple[str, ...], seconds: float, question: Question) -> CommandResult:
        self.commands.append(command)
        return self.result


def question(
    now: datetime = START,
    *,
    origin: str = "portal/staging",
    stage: str = "production",
    passages: tuple[Passage, ...] = (),
    approvals: tuple[Approval, ...] = (),
    runs: str | None = RELEASE.digest,
    calendar: Calendar | None = None,
    groups: Mapping[str, tuple[str, ...]] | None = None,
) -> Question:
    state = LadderState(
        "portal",
        releases={RELEASE.digest: RELEASE},
        runs={origin: runs} if runs else {},
        passages={RELEASE.digest: passages},
        approvals=approvals,
    )
    return Question(
        RELEASE, ladder(), state, origin, stage, f"portal/{stage}", "alice", now, calendar or Calendar(), groups or {}
    )


def passage(stage: str, at: datetime = START, platform: str | None = "1.4.2") -> Passage:
    return Passage(RELEASE.digest, stage, (), at, platform)


def approval(by: str, stage: str = "production", release: str = RELEASE.digest) -> Approval:
    return Approval(release, stage, by, START)


@pytest.mark.parametrize(
    ("proof", "accept", "state"),
    [
        ("holds", False, OPEN),
        ("broken", False, CLOSED),
        ("broken", True, CLOSED),
        ("unknown", False, CLOSED),
        ("unknown", True, OPEN),
    ],
)
def test_separation_opens_on_a_proof_only(proof: str, accept: bool, state: GateState) -> None:
    verdict = Separation(accept_unknown=accept).ask(question(), World(proof=proof))
    assert verdict.state is state
    assert verdict.facts["proof"] == proof


@pytest.mark.parametrize(
    ("proof", "accept", "state"),
    [
        ("broken", "access", OPEN),
        ("broken", "network", CLOSED),
        ("unknown", "network", OPEN),
        ("unknown", "access", CLOSED),
    ],
)
def test_an_accepted_risk_is_said_each_time(proof: str, accept: str, state: GateState) -> None:
    gate = Separation(accept=frozenset({accept}), why="until the spring")
    verdict = gate.ask(question(), World(proof=proof))
    assert verdict.state is state
    if state is OPEN:
        assert "which the landscape accepts (until the spring)" in verdict.because
        assert verdict.facts["accepted"] == accept


@pytest.mark.parametrize(
    ("running", "state"),
    [
        (Running("aaa", "aaa", True, "healthy"), OPEN),
        (Running("aaa", "aaa", False, "a pod crashes"), WAITING),
        (Running("aaa", "bbb", True, "healthy"), WAITING),
        (Running("aaa", None, True, "healthy"), WAITING),
        (Running(None, None, True, "healthy"), WAITING),
    ],
)
def test_health_counts_at_the_revision_only(running: Running, state: GateState) -> None:
    assert Health().ask(question(), World(running_now=running)).state is state


def test_health_of_a_release_that_was_replaced_is_its_last_passage() -> None:
    assert Health().ask(question(runs=None), World()).state is CLOSED
    assert Health().ask(question(runs=None, passages=(passage("staging"),)), World()).state is OPEN
    assert Health().ask(question(origin="portal/local", stage="testing", runs=None), World()).state is OPEN


@pytest.mark.parametrize(
    ("passages", "version", "state"),
    [
        ((), "1.4.2", CLOSED),
        ((passage("staging"),), "1.4.2", OPEN),
        ((passage("staging"),), "1.5.0", CLOSED),
        ((passage("staging", platform=None),), "1.4.2", CLOSED),
        ((passage("staging"),), None, CLOSED),
        ((passage("testing"), passage("staging", platform="1.5.0")), "1.4.2", OPEN),
        ((passage("testing"), passage("testing", platform="1.5.0")), "1.4.2", CLOSED),
        ((passage("production"),), "1.4.2", CLOSED),
        ((passage("local"),), "1.4.2", CLOSED),
    ],
)
def test_verification_wants_the_same_platform_in_non_production(
    passages: tuple[Passage, ...], version: str | None, state: GateState
) -> None:
    assert Verification().ask(question(passages=passages), World(version=version)).state is state


def test_an_impact_analysis_is_somebody_elses() -> None:
    assert Impact().ask(question(), World()).state is WAITING
    own = Statement("alice", "sha256:1", START)
    assert Impact().ask(question(), World(signed=(own,))).state is WAITING
    assert Impact().ask(question(), World(signed=(own, Statement("bob", "sha256:1", START)))).state is OPEN


@pytest.mark.parametrize(("exit_code", "state"), [(0, OPEN), (1, CLOSED), (None, CLOSED)])
def test_tests_pass_or_not(exit_code: int | None, state: GateState) -> None:
    verdict = CommandGate(("make", "smoke")).ask(question(), World(result=CommandResult(exit_code, 3.0, "1 failed")))
    assert verdict.state is state
    assert verdict.facts["command"] == "make smoke"


def test_soak_says_until_when() -> None:
    soak = Soak(timedelta(hours=2))
    assert soak.ask(question(), World()).state is CLOSED
    early = soak.ask(question(START + timedelta(hours=1), passages=(passage("staging"),)), World())
    assert (early.state, early.until) == (WAITING, START + timedelta(hours=2))
    assert soak.ask(question(START + timedelta(hours=2), passages=(passage("staging"),)), World()).state is OPEN


STOCKHOLM = Calendar(country="SE", timezone="Europe/Stockholm", also_off=("2026-11-25",))


@pytest.mark.parametrize(
    ("now", "state", "until"),
    [
        # 2026-11-23 is a Monday; Stockholm is UTC+1.
        ("2026-11-23T06:59:59+00:00", WAITING, "2026-11-23T08:00:00+01:00"),
        ("2026-11-23T07:00:00+00:00", OPEN, "2026-11-23T16:00:00+01:00"),
        ("2026-11-23T14:59:59+00:00", OPEN, "2026-11-23T16:00:00+01:00"),
        ("2026-11-23T15:00:00+00:00", WAITING, "2026-11-24T08:00:00+01:00"),
        ("2026-11-25T10:00:00+00:00", WAITING, "2026-11-26T08:00:00+01:00"),  # the landscape's own day off
        ("2026-12-25T10:00:00+00:00", WAITING, "2026-12-28T08:00:00+01:00"),  # Christmas Day, then a weekend
        ("2026-03-29T10:00:00+00:00", WAITING, "2026-03-30T08:00:00+02:00"),  # the day summer time begins
    ],
)
def test_a_window_follows_cron_and_the_calendar(now: str, state: GateState, until: str) -> None:
    window = Window("0 8 * * 1-5", timedelta(hours=8), working_days=True)
    verdict = window.ask(question(datetime.fromisoformat(now), calendar=STOCKHOLM), World())
    assert (verdict.state, verdict.until) == (state, datetime.fromisoformat(until))


def test_a_window_that_never_opens_is_closed() -> None:
    verdict = Window("0 8 29 2 *", timedelta(hours=1)).ask(question(), World())
    assert verdict.state is CLOSED


def test_a_window_that_opened_before_midnight_is_still_open() -> None:
    night = Window("0 22 * * *", timedelta(hours=6))
    assert night.ask(question(datetime(2026, 11, 24, 3, 0, tzinfo=UTC)), World()).state is OPEN
    assert night.ask(question(datetime(2026, 11, 24, 4, 0, tzinfo=UTC)), World()).state is WAITING


def test_a_freeze_ends() -> None:
    ends = datetime(2027, 1, 7, tzinfo=UTC)
    freeze = Freeze(datetime(2026, 12, 20, tzinfo=UTC), ends, because="Christmas")
    assert freeze.ask(question(), World()).state is OPEN
    frozen = freeze.ask(question(datetime(2026, 12, 24, tzinfo=UTC)), World())
    assert (frozen.state, frozen.until) == (WAITING, ends)
    assert "Christmas" in frozen.because
    assert freeze.ask(question(ends), World()).state is OPEN


def test_days_off_freeze_until_the_next_working_day() -> None:
    freeze = Freeze(days_off=True)
    friday_night = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)  # already Saturday in Stockholm
    verdict = freeze.ask(question(friday_night, calendar=STOCKHOLM), World())
    assert (verdict.state, verdict.until) == (WAITING, datetime.fromisoformat("2026-11-30T00:00:00+01:00"))
    assert freeze.ask(question(friday_night), World()).state is OPEN


def test_approvals_are_counted_by_person_and_never_the_authors() -> None:
    gate = ApprovalOf(2, "release-managers")
    groups = {"release-managers": ("alice", "bob", "carol", "dave")}

    def state(*approvals: Approval) -> GateState:
        return gate.ask(question(approvals=approvals, groups=groups), World()).state

    assert state() is WAITING
    assert state(approval("bob"), approval("bob")) is WAITING
    assert state(approval("bob"), approval("alice")) is WAITING
    assert state(approval("bob"), approval("mallory")) is WAITING
    assert state(approval("bob"), approval("carol", stage="staging")) is WAITING
    assert state(approval("bob"), approval("carol", release="sha256:2")) is WAITING
    assert state(approval("bob"), approval("carol")) is OPEN


def test_an_approval_without_a_group_is_anybody_elses() -> None:
    assert ApprovalOf().ask(question(approvals=(approval("alice"),)), World()).state is WAITING
    assert ApprovalOf().ask(question(approvals=(approval("mallory"),)), World()).state is OPEN


def test_dear_gates_are_asked_when_all_others_are_open() -> None:
    world = World(proof="broken")
    separation, tests = ask_all((Separation(), CommandGate(("make", "smoke"))), question(), world)
    assert (separation.state, tests.state) == (CLOSED, WAITING)
    assert world.commands == []
    assert [v.state for v in ask_all((CommandGate(("make", "smoke")), Separation()), question(), World())] == [
        OPEN,
        OPEN,
    ]


def test_facts_that_cannot_be_had_close_the_gate() -> None:
    verdict = ask_all((Separation(),), question(), World(proof="unreachable"))[0]
    assert verdict.state is CLOSED
    assert "does not answer" in verdict.because


def test_every_kind_is_documented() -> None:
    assert all(kind.summary for kind in KINDS.values())


@pytest.mark.parametrize("end", list(JobEnd))
def test_a_job_counts_only_when_it_ran(end: JobEnd) -> None:
    verdict = JobGate("tests/smoke.yaml").ask(question(), World(job=end))
    assert verdict.state is (OPEN if end is JobEnd.PASSED else CLOSED)
    assert verdict.because.startswith("tests/smoke.yaml ")
    assert verdict.facts["end"] == end.value
