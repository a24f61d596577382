"""What the ladder answers: a move, a place in the queue, or a refusal."""

import pytest

from promotion import START, ladder, record
from ringfence.base.errors import ConflictError, InputError
from ringfence.promote import events
from ringfence.promote.decisions import Decision, Proposal, Refusal, Wait, Why, decide_promotion
from ringfence.promote.machine import advance
from ringfence.promote.returns import decide_demotion, decide_rollback
from ringfence.promote.state import LadderState, Move, MoveKind, Note, Step, Waiting

LADDER = ladder(copies=2)


class Story:
    """Events in a row, told briefly."""

    def __init__(self) -> None:
        self.state = LadderState("portal")
        self.count = 0

    def released(self, *numbers: int) -> "Story":
        for number in numbers:
            self.state = advance(LADDER, self.state, events.Released(record(number)))
        return self

    def carry_out(self, decision: Decision, kind: MoveKind = MoveKind.PROMOTION, finish: bool = True) -> Proposal:
        assert isinstance(decision, Proposal), decision
        self.count += 1
        name = f"m{self.count}"
        move = Move(
            name, kind, decision.release, decision.origin, decision.stage, decision.target, decision.steps,
            "alice", START, "because", (), decision.skipped, decision.replaces,
        )  # fmt: skip
        self.state = advance(LADDER, self.state, events.MoveStarted(move))
        if finish:
            self.state = advance(LADDER, self.state, events.MoveDone(name, START))
        return decision

    def promoted(self, origin: str, *stages: str) -> str:
        for stage in stages:
            target = self.carry_out(decide_promotion(LADDER, self.state, origin, stage)).target
            assert target is not None
            origin = target
        return origin

    def demoted(self, place: str) -> Proposal:
        return self.carry_out(decide_demotion(LADDER, self.state, place), MoveKind.DEMOTION)

    def place(self, number: int) -> str | None:
        position = self.state.positions.get(record(number).digest)
        return None if position is None else position.deployment or position.stage

    def runs(self, deployment: str) -> str | None:
        return self.state.runs.get(deployment)


def refusal(decision: Decision) -> Why:
    assert isinstance(decision, Refusal), decision
    assert decision.because
    return decision.why


def test_a_release_goes_up_stage_by_stage() -> None:
    story = Story().released(1)
    assert story.place(1) == "portal/local"
    assert story.promoted("portal/local", "development", "testing") == "portal/testing-1"
    assert story.promoted("portal/testing-1", "staging", "production") == "portal/production"
    assert story.runs("portal/production") == record(1).digest


def test_copies_are_taken_in_order_and_given_back() -> None:
    story = Story().released(1, 2, 3, 4)
    for number in (1, 2, 3, 4):
        decision = decide_promotion(LADDER, story.state, "portal/local", "development", release=record(number).digest)
        story.carry_out(decision)
    for number, copy in ((4, "portal/testing-1"), (3, "portal/testing-2")):
        decision = decide_promotion(LADDER, story.state, "portal/development", "testing", release=record(number).digest)
        assert story.carry_out(decision).target == copy

    def ask(number: int) -> Decision:
        return decide_promotion(LADDER, story.state, "portal/development", "testing", release=record(number).digest)

    waits = ask(1)
    assert isinstance(waits, Wait)
    assert "portal/testing-1 is taken by 1.4" in waits.because
    story.state = advance(LADDER, story.state, events.Queued(Waiting(record(1).digest, "testing", "alice", START)))
    story.promoted("portal/testing-2", "staging")
    later = ask(2)
    assert isinstance(later, Wait)
    assert "1.1 has waited longer" in later.because
    assert story.carry_out(ask(1)).target == "portal/testing-2"
    assert story.state.queue == ()


def test_a_copy_can_be_chosen() -> None:
    story = Story().released(1)
    story.promoted("portal/local", "development")
    assert story.promoted("portal/development", "testing-2") == "portal/testing-2"
    assert story.place(1) == "portal/testing-2"


def test_skipping_needs_to_be_said() -> None:
    story = Story().released(1)
    assert refusal(decide_promotion(LADDER, story.state, "portal/local", "staging")) is Why.SKIPS
    decision = decide_promotion(LADDER, story.state, "portal/local", "staging", skip=True)
    assert isinstance(decision, Proposal)
    assert decision.skipped == ("development", "testing")


@pytest.mark.parametrize(
    ("origin", "to"), [("portal/nowhere", "staging"), ("portal/testing-9", "staging"), ("portal/local", "stagin")]
)
def test_unknown_names_are_bad_input(origin: str, to: str) -> None:
    with pytest.raises(InputError):
        decide_promotion(LADDER, Story().released(1).state, origin, to)


def test_nothing_to_promote_and_wrong_direction() -> None:
    story = Story().released(1)
    assert refusal(decide_promotion(LADDER, story.state, "portal/staging", "production")) is Why.NOTHING_THERE
    story.promoted("portal/local", "development", "testing")
    assert refusal(decide_promotion(LADDER, story.state, "portal/testing-1", "development")) is Why.NOT_ABOVE
    assert refusal(decide_promotion(LADDER, story.state, "portal/development", "testing")) is Why.NOTHING_THERE


def test_demotion_sends_back_holds_and_restores_what_ran() -> None:
    story = Story().released(1, 2)
    for number in (1, 2):
        digest = record(number).digest
        story.carry_out(decide_promotion(LADDER, story.state, "portal/local", "development", release=digest))
        story.promoted("portal/development", "testing", "staging")
    decision = story.demoted("portal/staging")
    assert decision.target == "portal/testing-1"
    assert story.runs("portal/staging") == record(1).digest
    assert refusal(decide_promotion(LADDER, story.state, "portal/testing-1", "staging")) is Why.HELD
    story.state = advance(LADDER, story.state, events.Lifted(record(2).digest))
    assert story.promoted("portal/testing-1", "staging") == "portal/staging"


def test_the_first_release_leaves_what_was_there_before() -> None:
    story = Story().released(1)
    story.promoted("portal/local", "development", "testing", "staging")
    decision = story.demoted("portal/staging")
    assert decision.steps == (Step("portal/staging", None), Step("portal/testing-1", record(1).digest))
    assert story.runs("portal/staging") is None


def test_demotion_without_a_free_copy_parks_the_release() -> None:
    story = Story().released(1, 2, 3)
    story.carry_out(decide_promotion(LADDER, story.state, "portal/local", "development", release=record(1).digest))
    story.promoted("portal/development", "testing", "staging")
    for number in (2, 3):
        digest = record(number).digest
        story.carry_out(decide_promotion(LADDER, story.state, "portal/local", "development", release=digest))
        story.promoted("portal/development", "testing")
    assert story.demoted("portal/staging").target is None
    assert story.place(1) == "testing"
    story.state = advance(LADDER, story.state, events.Lifted(record(1).digest))
    parked = decide_promotion(LADDER, story.state, "portal/testing", "testing", release=record(1).digest)
    assert isinstance(parked, Wait)
    story.promoted("portal/testing-2", "staging")
    parked = decide_promotion(LADDER, story.state, "portal/testing", "testing", release=record(1).digest)
    assert story.carry_out(parked).target == "portal/testing-2"


def test_a_promotion_under_way_can_be_brought_back() -> None:
    story = Story().released(1)
    story.promoted("portal/local", "development", "testing")
    story.carry_out(decide_promotion(LADDER, story.state, "portal/testing-1", "staging"), finish=False)
    assert refusal(decide_promotion(LADDER, story.state, "portal/testing-1", "staging")) is Why.ON_THE_MOVE
    decision = story.demoted("portal/staging")
    assert decision.target == "portal/testing-1"
    assert story.state.moves == {}
    assert story.place(1) == "portal/testing-1"
    assert record(1).digest in story.state.holds


def test_a_change_sent_back_does_not_throw_out_the_one_in_development() -> None:
    story = Story().released(1, 2)
    story.carry_out(decide_promotion(LADDER, story.state, "portal/local", "development", release=record(1).digest))
    story.promoted("portal/development", "testing")
    story.carry_out(decide_promotion(LADDER, story.state, "portal/local", "development", release=record(2).digest))
    story.demoted("portal/testing-1")
    assert story.runs("portal/development") == record(2).digest
    assert story.place(1) == "portal/development"
    assert story.promoted("portal/development", "testing") == "portal/testing-1"
    assert story.place(2) == "portal/testing-1"


def test_rollback_goes_to_a_release_that_ran_there_and_holds_the_other() -> None:
    story = Story().released(1, 2)
    for number in (1, 2):
        digest = record(number).digest
        story.carry_out(decide_promotion(LADDER, story.state, "portal/local", "development", release=digest))
        story.promoted("portal/development", "testing", "staging", "production")
    never = decide_rollback(LADDER, story.state, "portal/production", record(3).digest)
    assert refusal(never) is Why.NEVER_RAN
    story.carry_out(decide_rollback(LADDER, story.state, "portal/production"), MoveKind.ROLLBACK)
    assert story.runs("portal/production") == record(1).digest
    assert story.place(2) == "portal/staging"
    assert refusal(decide_promotion(LADDER, story.state, "portal/staging", "production")) is Why.HELD
    assert refusal(decide_rollback(LADDER, story.state, "portal/production")) is Why.NOTHING_BEFORE


def test_what_runs_in_production_is_not_rejected_there() -> None:
    story = Story().released(1)
    story.promoted("portal/local", "development", "testing", "staging", "production")
    with pytest.raises(ConflictError, match="roll back first"):
        advance(LADDER, story.state, events.Rejected(record(1).digest, Note("bad", "bob", START)))


def test_a_rejected_release_gives_its_copy_back_and_stays_away() -> None:
    story = Story().released(1)
    story.promoted("portal/local", "development", "testing")
    story.state = advance(LADDER, story.state, events.Rejected(record(1).digest, Note("bad", "bob", START)))
    assert story.state.taker("portal/testing-1") is None
    with pytest.raises(ConflictError, match="rejected for good by bob: bad"):
        story.released(1)


def test_the_state_does_not_grow_for_ever() -> None:
    story = Story()
    for number in range(1, 120):
        story.released(number)
        story.promoted("portal/local", "development")
    assert len(story.state.releases) < 60
    assert story.place(119) == "portal/development"
