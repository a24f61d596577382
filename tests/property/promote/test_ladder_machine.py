"""Random events on the ladder, and what must hold after each (issue 6, "Shown by").

The invariants are computed from a diary that the test keeps itself, not from the state under test.
"""

import json
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from promotion import START, ladder, record
from ringfence.base.errors import ConflictError
from ringfence.flows.promotion.codec import decode, encode
from ringfence.landscape.model import Beside
from ringfence.promote import events
from ringfence.promote.decisions import Proposal, Refusal, Wait, decide_promotion
from ringfence.promote.following import followers
from ringfence.promote.machine import advance
from ringfence.promote.returns import decide_demotion, decide_rollback
from ringfence.promote.rules import place_name
from ringfence.promote.state import Approval, LadderState, Move, MoveKind, Note, Step, Waiting
from ringfence.promote.verdict import GateState, GateVerdict

GATES = {"testing": ("separation",), "staging": ("separation", "tests"), "production": ("verification", "approval")}
LADDER = ladder(copies=2, gates=GATES)
PLACES = [name for rung in LADDER.rungs for name in rung.deployments] + ["portal/testing"]
STAGES = [rung.stage for rung in LADDER.rungs]
BESIDE = {"development": Beside.STABLE, "testing": Beside.LATEST, "staging": Beside.LATEST}
PEOPLE = ["alice", "bob", "carol"]
GATE_NAMES = sorted({name for names in GATES.values() for name in names})


class LadderMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = LadderState("portal")
        self.now = START
        self.moves = 0
        self.released = 0
        # The diary: for each release, the gates that were open (or rightly overridden) when it entered a stage.
        self.entered: dict[str, set[str]] = {}
        self.held_at: dict[str, str] = {}
        self.rejected: set[str] = set()

    def happen(self, event: events.Event) -> bool:
        try:
            self.state = advance(LADDER, self.state, event)
        except ConflictError:
            return False
        return True

    def where(self, release: str) -> str | None:
        place = self.state.positions.get(release)
        return place_name("portal", place) if place else None

    @initialize()
    def first(self) -> None:
        self.release()

    @rule()
    def release(self) -> None:
        self.released += 1
        digest = record(self.released).digest
        known = digest in self.state.releases or digest in self.rejected
        assert self.happen(events.Released(record(self.released))) is not known

    @rule(number=st.integers(1, 6))
    def release_again(self, number: int) -> None:
        digest = record(number).digest
        if self.happen(events.Released(record(number))):
            assert digest not in self.rejected

    @rule(
        origin=st.sampled_from(PLACES),
        to=st.sampled_from(STAGES + PLACES),
        skip=st.booleans(),
        shut=st.sets(st.sampled_from(GATE_NAMES), max_size=2),
        emergency=st.booleans(),
        by=st.sampled_from(PEOPLE),
        forget=st.booleans(),
    )
    def promote(self, origin: str, to: str, skip: bool, shut: set[str], emergency: bool, by: str, forget: bool) -> None:
        if to == "portal/testing":
            return
        decision = decide_promotion(LADDER, self.state, origin, to, skip=skip)
        if isinstance(decision, Refusal):
            return
        if isinstance(decision, Wait):
            self.happen(events.Queued(Waiting(decision.release, decision.stage, by, self.now)))
            return
        stage = self.state.positions[decision.release].stage
        names = LADDER.required_gates(stage, decision.stage)
        verdicts = tuple(
            GateVerdict(
                name, GateState.CLOSED if name in shut else GateState.OPEN, "", overridden=emergency and name in shut
            )
            for name in (names[1:] if forget else names)
        )
        people = {by} | {
            a.by
            for a in self.state.approvals
            if a.emergency and a.release == decision.release and a.stage == decision.stage
        }
        started = self.start(MoveKind.PROMOTION, decision, by, "because", verdicts)
        may = not (forget and names) and (not (shut & set(names)) or (emergency and len(people) >= 2))
        assert started == may
        if started:
            self.entered.setdefault(decision.release, set()).update(names)

    @rule(times=st.integers(1, 4), data=st.data())
    def climb(self, times: int, data: st.DataObject) -> None:
        """A quiet day: one release goes up, stage by stage, every gate open."""
        standing = sorted({self.where(release) or "" for release in self.state.positions})
        if not standing:
            return
        place = data.draw(st.sampled_from(standing))
        for _ in range(times):
            above = LADDER.above(place.partition("/")[2].partition("-")[0])
            if above is None:
                return
            self.promote(place, above.stage, skip=False, shut=set(), emergency=False, by="alice", forget=False)
            moves = [move for move in self.state.moves.values() if move.origin == place and move.stage == above.stage]
            if not moves or moves[0].target is None:
                return
            place = moves[0].target
            self.happen(events.MoveDone(moves[0].identifier, self.now))

    def start(
        self, kind: MoveKind, decision: Proposal, by: str, because: str, gates: tuple[GateVerdict, ...] = ()
    ) -> bool:
        self.moves += 1
        held = decision.release in self.held_at
        move = Move(
            f"m{self.moves}", kind, decision.release, decision.origin, decision.stage, decision.target, decision.steps,
            by, self.now, because, gates, decision.skipped, decision.replaces,
        )  # fmt: skip
        started = self.happen(events.MoveStarted(move))
        assert not (started and held), "a held release moves"
        assert not (started and decision.release in self.rejected), "a rejected release moves"
        return started

    @rule(place=st.sampled_from(PLACES), by=st.sampled_from(PEOPLE))
    def demote(self, place: str, by: str) -> None:
        decision = decide_demotion(LADDER, self.state, place)
        if isinstance(decision, Proposal):
            assert self.start(MoveKind.DEMOTION, decision, by, "it broke")
            self.held_at[decision.release] = "moving"

    @rule(by=st.sampled_from(PEOPLE))
    def rollback(self, by: str) -> None:
        decision = decide_rollback(LADDER, self.state, "portal/production")
        if isinstance(decision, Proposal):
            assert self.start(MoveKind.ROLLBACK, decision, by, "it broke")
            self.held_at[decision.release] = "moving"

    @precondition(lambda self: self.state.moves)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        move = self.state.moves[data.draw(st.sampled_from(sorted(self.state.moves)))]
        self.now += timedelta(minutes=1)
        assert self.happen(events.MoveDone(move.identifier, self.now))
        assert not self.happen(events.MoveDone(move.identifier, self.now)), "nothing is done twice"
        if move.release in self.held_at:
            self.held_at[move.release] = self.where(move.release) or ""

    @rule(take=st.integers(0, 3))
    def follow(self, take: int) -> None:
        """Deployments without a change follow; some of those that should cannot, and are given up."""
        for number, one in enumerate(list(followers(LADDER, self.state, BESIDE))):
            self.moves += 1
            assert not self.state.standing(one.deployment)
            assert one.release not in self.held_at, "a held release is brought somewhere"
            assert one.release not in self.rejected
            assert one.stage in ("development", "testing", "staging"), "nothing follows in production"
            move = Move(
                f"m{self.moves}", MoveKind.FOLLOW, one.release, one.deployment, one.stage, None,
                (Step(one.deployment, one.release),), "alice", self.now,
            )  # fmt: skip
            place = self.where(one.release)
            assert self.happen(events.MoveStarted(move))
            ended = (
                events.MoveDone(move.identifier, self.now) if number < take else events.MoveAbandoned(move.identifier)
            )
            assert self.happen(ended)
            assert self.where(one.release) == place, "what is followed does not move"
            assert (self.state.runs.get(one.deployment) == one.release) == (number < take)

    @rule(data=st.data(), place=st.sampled_from(PLACES), number=st.integers(1, 6))
    def follow_what_may_not_be_followed(self, data: st.DataObject, place: str, number: int) -> None:
        release = record(number).digest
        allowed = {(one.deployment, one.release) for one in followers(LADDER, self.state, BESIDE)}
        if place == "portal/testing" or (place, release) in allowed:
            return
        stage = LADDER.rung_of(place).stage
        entered = {passage.stage for passage in self.state.passages.get(release, ())}
        move = Move("never", MoveKind.FOLLOW, release, place, stage, None, (Step(place, release),), "alice", self.now)
        if self.happen(events.MoveStarted(move)):
            # Older releases that came here may be followed as well; production, changes and holds never give way.
            assert stage != "production"
            assert not self.state.standing(place)
            assert release not in self.held_at
            assert entered
            assert self.happen(events.MoveAbandoned("never"))

    @rule(number=st.integers(1, 6), by=st.sampled_from(PEOPLE))
    def hold(self, number: int, by: str) -> None:
        digest = record(number).digest
        if self.happen(events.Held(digest, Note("load tests", by, self.now))):
            self.held_at[digest] = self.where(digest) or ""

    @rule(number=st.integers(1, 6))
    def lift(self, number: int) -> None:
        digest = record(number).digest
        moving = self.state.move_of(digest) is not None
        if not moving and self.happen(events.Lifted(digest)):
            del self.held_at[digest]

    @rule(number=st.integers(1, 6), by=st.sampled_from(PEOPLE))
    def reject(self, number: int, by: str) -> None:
        digest = record(number).digest
        if self.happen(events.Rejected(digest, Note("wrong", by, self.now))):
            self.rejected.add(digest)
            self.held_at.pop(digest, None)

    @rule(number=st.integers(1, 6), by=st.sampled_from(PEOPLE), stage=st.sampled_from(STAGES))
    def approve(self, number: int, by: str, stage: str) -> None:
        self.happen(events.Approved(Approval(record(number).digest, stage, by, self.now, emergency=True)))

    @invariant()
    def production_skipped_no_gate(self) -> None:
        running = self.state.runs.get("portal/production")
        if running is not None:
            assert set(GATE_NAMES) <= self.entered[running]

    @invariant()
    def held_releases_stand_still(self) -> None:
        for release, place in self.held_at.items():
            assert release in self.state.holds
            if place != "moving":
                assert self.where(release) == place or (place == "" and self.where(release) is None)

    @invariant()
    def one_release_a_copy(self) -> None:
        for deployment in LADDER.rung("testing").deployments:
            standing = set(self.state.standing(deployment))
            coming = {move.release for move in self.state.moves.values() if move.target == deployment}
            assert len(standing | coming) <= 1

    @invariant()
    def one_move_a_deployment(self) -> None:
        touched = [step.deployment for move in self.state.moves.values() for step in move.steps]
        assert len(touched) == len(set(touched))

    @invariant()
    def the_state_is_stored_as_it_is(self) -> None:
        assert decode(LadderState, json.loads(json.dumps(encode(self.state)))) == self.state

    @invariant()
    def rejected_stand_nowhere(self) -> None:
        assert not self.rejected & set(self.state.positions)


LadderMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLadder = LadderMachine.TestCase
