"""What demotion and rollback share: the intent is journalled, then carried out; run again, it goes on."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from ringfence.base.errors import RingfenceError
from ringfence.flows.promotion.answers import Answer, Outcome
from ringfence.flows.promotion.asking import World, stuck
from ringfence.flows.promotion.carrying import alone, carry_out, main_deployment
from ringfence.flows.promotion.following import finish_following, follow
from ringfence.flows.promotion.journal import Entry
from ringfence.flows.promotion.workspace import Workspace
from ringfence.promote.decisions import Proposal, Refusal, Wait
from ringfence.promote.events import MoveStarted
from ringfence.promote.ladder import Ladder
from ringfence.promote.state import LadderState, Move, MoveKind

KINDS = {MoveKind.DEMOTION: "Demotion", MoveKind.ROLLBACK: "Rollback"}
_FOLLOWING = 100
"""More deployments than ever follow one move."""
_WORDS = {MoveKind.DEMOTION: "demoted", MoveKind.ROLLBACK: "rolled-back"}


@dataclass(frozen=True, slots=True)
class Back:
    """How somebody wants to go back; ``timeout`` in seconds bounds the waiting for Argo CD."""

    kind: MoveKind
    deployment: str
    because: str
    timeout: float = 180.0
    dry_run: bool = False
    force: bool = False


def go_back(
    workspace: Workspace,
    world: World,
    ladder: Ladder,
    back: Back,
    decide: Callable[[LadderState], Proposal | Refusal | Wait],
) -> Answer:
    """Go back as ``decide`` says; what a killed command left of the same is carried out before anything is decided."""
    if not back.dry_run:
        finish_following(workspace, world, ladder)
    state = workspace.state(ladder.application)
    move = _under_way(state, back)
    if move is not None and not back.dry_run:
        return _ended(workspace, world, ladder, _go_on(workspace, world, ladder, move, back))
    decision = decide(state)
    match decision:
        case Proposal():
            return _ended(workspace, world, ladder, _start(workspace, world, ladder, state, back, decision))
        case Refusal():
            done = _done_already(workspace, ladder, state, back)
            return _ended(workspace, world, ladder, done or _refused(workspace, ladder, state, back, decision))
        case Wait():  # pragma: no cover
            raise AssertionError("going back never waits")


def _under_way(state: LadderState, back: Back) -> Move | None:
    """The move of this kind from this deployment that a killed or stuck command left."""
    for move in state.moves.values():
        if move.kind is back.kind and back.deployment in (move.origin, main_deployment(move)):
            return move
    return None


def _done_already(workspace: Workspace, ladder: Ladder, state: LadderState, back: Back) -> Answer | None:
    """The answer of the same command when its last run was killed after the work was done."""
    latest = workspace.journal.entries(ladder.application, limit=_FOLLOWING)
    last = next((entry for entry in latest if entry.event != "followed"), None)
    if last is None or last.event != _WORDS[back.kind] or last.release is None:
        return None
    body = last.body
    if body.get("from") != back.deployment or body.get("because") != back.because:
        return None
    return Answer(
        KINDS[back.kind], last.release, body["version"], back.deployment, str(body["to"]), Outcome.DONE,
        (), body.get("revision"), body.get("observed"), body.get("seconds", {}), because="it was done before",
    )  # fmt: skip


def _refused(workspace: Workspace, ladder: Ladder, state: LadderState, back: Back, refusal: Refusal) -> Answer:
    """The answer for a refusal, which the history keeps."""
    record = state.releases.get(refusal.release or "")
    version = record.version if record else None
    if refusal.release is not None and not back.dry_run:
        body = {"version": version, "by": workspace.actor, "from": back.deployment, "because": refusal.because}
        entry = Entry(workspace.clock.now(), ladder.application, "refused", body, back.deployment, refusal.release)
        workspace.journal.write(entry)
        facts = {**body, "asked": back.because}
        workspace.evidence(f"{back.kind.value}.refused", back.deployment, refusal.because, facts)
    return Answer(
        KINDS[back.kind], refusal.release, version, back.deployment, back.deployment, Outcome.REFUSED,
        because=refusal.because, hint=refusal.hint,
    )  # fmt: skip


def _start(
    workspace: Workspace, world: World, ladder: Ladder, state: LadderState, back: Back, proposal: Proposal
) -> Answer:
    """Journal the intent and carry it out."""
    move = Move(
        uuid.uuid4().hex[:16], back.kind, proposal.release, proposal.origin, proposal.stage, proposal.target,
        proposal.steps, workspace.actor, workspace.clock.now(), back.because, replaces=proposal.replaces,
    )  # fmt: skip
    if back.dry_run:
        return replace(_answer(state, move), outcome=Outcome.PLANNED)
    workspace.journal.record(ladder, MoveStarted(move), seen=state)
    return _go_on(workspace, world, ladder, move, back)


def _ended(workspace: Workspace, world: World, ladder: Ladder, answer: Answer) -> Answer:
    """The answer, once everything followed that should: also where another process had done the work and died then."""
    if answer.outcome is Outcome.DONE:
        follow(workspace, world, ladder)
    return answer


def _go_on(workspace: Workspace, world: World, ladder: Ladder, move: Move, back: Back) -> Answer:
    """Carry out what is left of a move."""
    with alone(workspace, move, lambda: world.report("another process is at it; waiting for it")):
        state = workspace.state(ladder.application)
        if move.identifier not in state.moves:
            return replace(_answer(state, move), because="another process did it")
        try:
            carried = carry_out(
                workspace, ladder, world.delivery, move, timeout=back.timeout, facts={}, force=back.force
            )
        except RingfenceError as error:
            return stuck(workspace, KINDS[move.kind], state, move, error)
    return replace(_answer(state, move), revision=carried.revision, observed=carried.observed, seconds=carried.seconds)


def _answer(state: LadderState, move: Move) -> Answer:
    record = state.releases.get(move.release)
    step = move.steps[0] if move.steps else None
    now = state.releases.get(step.release or "") if step else None
    what = (now.version if now else "what was there before any release") if step else None
    because = (
        f"{step.deployment} goes back to {what}; {move.because}" if step and step.deployment == move.origin else None
    )
    target = move.target or f"{state.application}/{move.stage}"
    return Answer(
        KINDS[move.kind], move.release, record.version if record else None, move.origin, target, Outcome.DONE,
        because=because or move.because,
    )  # fmt: skip
