"""The use case of promoting: decide, ask the gates, write the intent down, carry it out; or say why not.

Run again, the same command goes on from where it stands: a move that is under way is finished, one that is done is
answered as done. Nothing outside the journal is touched before the intent is in it.
"""

import uuid
from dataclasses import replace

from ringfence.base.errors import ConflictError, RingfenceError
from ringfence.flows.promotion.answers import Answer, Outcome, shut, shut_because
from ringfence.flows.promotion.asking import (
    PROMOTION,
    Request,
    World,
    answer_of,
    queue,
    queued_seconds,
    stuck,
    withdraw,
    write_refusal,
)
from ringfence.flows.promotion.beside import beside, mismatches
from ringfence.flows.promotion.carrying import alone, carry_out
from ringfence.flows.promotion.following import finish_following, follow
from ringfence.flows.promotion.gating import ask_gates, overridden
from ringfence.flows.promotion.workspace import Workspace
from ringfence.promote.decisions import Proposal, Refusal, Wait, Why, decide_promotion
from ringfence.promote.events import MoveStarted
from ringfence.promote.ladder import Ladder
from ringfence.promote.state import LadderState, Move, MoveKind
from ringfence.promote.verdict import GateState, GateVerdict

_ATTEMPTS = 5
_POLL_SECONDS = 2.0


def promote(workspace: Workspace, world: World, request: Request) -> Answer:
    """Promote a release, or say why not. Raises InputError for names that do not exist."""
    began = workspace.clock.monotonic()
    attempts = 0
    if not request.dry_run:
        finish_following(workspace, world, workspace.ladder_at(request.origin))
    while True:
        try:
            answer = _once(workspace, world, request)
        except ConflictError:
            # Somebody else was first: decide again on what is now.
            attempts += 1
            if attempts == _ATTEMPTS:
                raise
            workspace.journal.refresh()
            continue
        if answer.outcome is Outcome.DONE and not request.withdraw:
            # Also where it was done before: a process may have died between the promotion and what follows it.
            follow(workspace, world, workspace.ladder_at(request.origin))
        left = request.patience - (workspace.clock.monotonic() - began)
        if answer.outcome is not Outcome.WAITING or left <= 0 or answer.revision is not None or request.dry_run:
            return answer
        world.report(f"waiting: {answer.because}")
        workspace.clock.sleep(min(left, _POLL_SECONDS))
        workspace.journal.refresh()


def _once(workspace: Workspace, world: World, request: Request) -> Answer:
    ladder = workspace.ladder_at(request.origin)
    state = workspace.state(ladder.application)
    chosen = workspace.digest(ladder.application, request.release) if request.release else None
    if request.withdraw:
        return withdraw(workspace, ladder, state, request, chosen)
    decision = decide_promotion(ladder, state, request.origin, request.to, release=chosen, skip=request.skip)
    if isinstance(decision, Refusal):
        return _refusal(workspace, world, ladder, state, request, decision)
    if isinstance(decision, Wait):
        return queue(workspace, ladder, state, request, decision)
    return _propose(workspace, world, ladder, state, request, decision)


def _refusal(
    workspace: Workspace, world: World, ladder: Ladder, state: LadderState, request: Request, refusal: Refusal
) -> Answer:
    move = state.move_of(refusal.release) if refusal.release else None
    if refusal.why is Why.ON_THE_MOVE and move is not None and _same(request, move):
        return _carry(workspace, world, ladder, move, request)
    if refusal.why is Why.NOTHING_THERE:
        done = _done_already(workspace, ladder, state, request)
        if done is not None:
            return done
    answer = answer_of(state, request, refusal.release, Outcome.REFUSED, because=refusal.because)
    if refusal.release is not None and not request.dry_run:
        write_refusal(workspace, ladder, answer)
    return replace(answer, hint=refusal.hint)


def _same(request: Request, move: Move) -> bool:
    return move.kind is MoveKind.PROMOTION and request.to.rpartition("/")[2] in (
        move.stage,
        (move.target or "").rpartition("/")[2],
    )


def _done_already(workspace: Workspace, ladder: Ladder, state: LadderState, request: Request) -> Answer | None:
    """The answer of the promotion that this command asks for once more: a killed command is simply typed again."""
    last = workspace.journal.entries(ladder.application, event="promoted", limit=1)
    if not last or last[0].release is None:
        return None
    body, release = last[0].body, last[0].release
    position = state.positions.get(release)
    asked = request.to.rpartition("/")[2]
    there = position is not None and position.deployment == body["to"]
    stage = ladder.rung_of(str(body["to"])).stage
    if not there or body["from"] != request.origin or asked not in (stage, str(body["to"]).rpartition("/")[2]):
        return None
    gates = tuple(
        GateVerdict(gate["name"], GateState(gate["state"]), gate["because"]) for gate in body.get("gates", ())
    )
    return Answer(
        PROMOTION, release, body["version"], request.origin, str(body["to"]), Outcome.DONE, gates,
        body.get("revision"), body.get("observed"), body.get("seconds", {}), because="it was done before",
    )  # fmt: skip


def _propose(
    workspace: Workspace, world: World, ladder: Ladder, state: LadderState, request: Request, proposal: Proposal
) -> Answer:
    began = workspace.clock.monotonic()
    gates = ask_gates(workspace, world.facts, ladder, state, proposal)
    gates = overridden(workspace, state, request, proposal, gates)
    asked = round(workspace.clock.monotonic() - began, 3)
    target = proposal.target or proposal.stage
    if any(not gate.passable for gate in gates):
        answer = answer_of(state, request, proposal.release, shut(gates), gates, shut_because(gates), target)
        if answer.outcome is Outcome.REFUSED and not request.dry_run:
            write_refusal(workspace, ladder, answer)
        return answer
    if proposal.skipped and not (request.because or "").strip():
        return answer_of(
            state, request, proposal.release, Outcome.REFUSED, gates, "passing over a stage needs --because", target
        )
    if request.dry_run:
        return answer_of(state, request, proposal.release, Outcome.PLANNED, gates, None, target)
    for step in proposal.steps:
        world.delivery.check(step.deployment)
    move = Move(
        uuid.uuid4().hex[:16], MoveKind.PROMOTION, proposal.release, proposal.origin, proposal.stage, proposal.target,
        proposal.steps, workspace.actor, workspace.clock.now(), request.because, gates, proposal.skipped,
    )  # fmt: skip
    workspace.journal.record(ladder, MoveStarted(move), seen=state)
    workspace.journal.reached(move.identifier, "gates", str(asked))
    return _carry(workspace, world, ladder, move, request)


def _carry(workspace: Workspace, world: World, ladder: Ladder, move: Move, request: Request) -> Answer:
    """Carry a move out. What stops it half-way is an answer that says where it stands, not an error without a place."""
    with alone(workspace, move, lambda: world.report("another process is at it; waiting for it")):
        state = workspace.state(ladder.application)
        if move.identifier not in state.moves:
            done = _done_already(workspace, ladder, state, replace(request, origin=move.origin))
            return done or answer_of(
                state, request, move.release, Outcome.REFUSED, because="it was brought back meanwhile"
            )
        around = beside(workspace, move.stage, ladder.application)
        gates = float(workspace.journal.progress(move.identifier).get("gates", "0"))
        facts = {"beside": around, "gateSeconds": gates, "queued": queued_seconds(workspace, state, move)}
        try:
            carried = carry_out(
                workspace, ladder, world.delivery, move, timeout=request.timeout, facts=facts, force=request.force
            )
        except RingfenceError as error:
            return stuck(workspace, PROMOTION, state, move, error)
    version = state.releases[move.release].version
    return Answer(
        PROMOTION, move.release, version, move.origin, move.target or move.stage, Outcome.DONE,
        move.gates, carried.revision, carried.observed, carried.seconds, beside=tuple(around),
        notes=tuple(mismatches(around, move.stage)),
    )  # fmt: skip
