"""State -> event -> State for one application's releases, refusing whatever must never happen.

The rules stand here a second time, after ``decisions`` has chosen what to do: a defect in a flow, or the stale decision
of a process that slept, then fails loudly instead of bringing an unproved release to customers. Trusting the decision
alone was rejected for that reason.
"""

from dataclasses import replace

from ringfence.promote.events import (
    Approved,
    Event,
    Held,
    Lifted,
    MoveAbandoned,
    MoveDone,
    MoveStarted,
    Queued,
    Rejected,
    Released,
    Verified,
    Withdrawn,
)
from ringfence.promote.ladder import Ladder
from ringfence.promote.retirement import retire
from ringfence.promote.rules import check_move, known, never, short, still
from ringfence.promote.state import LadderState, Move, MoveKind, Note, Passage, Position, Waiting


def advance(ladder: Ladder, state: LadderState, event: Event) -> LadderState:
    """The state after an event. Raises ConflictError when the event may not happen in this state."""
    return replace(_advance(ladder, state, event), version=state.version + 1)


def _advance(ladder: Ladder, state: LadderState, event: Event) -> LadderState:
    match event:
        case Released():
            return _released(ladder, state, event)
        case Queued(waiting):
            return _queued(ladder, state, waiting)
        case Withdrawn(release, stage):
            return replace(state, queue=tuple(w for w in state.queue if (w.release, w.stage) != (release, stage)))
        case MoveStarted(move):
            check_move(ladder, state, move)
            return _started(state, move)
        case MoveDone(identifier):
            return _done(ladder, state, _under_way(state, identifier), event)
        case MoveAbandoned(identifier):
            return _abandoned(state, _under_way(state, identifier))
        case Verified():
            return _verified(ladder, state, event)
        case Held(release, note):
            return _held(state, release, note)
        case Lifted(release):
            return _lifted(state, release)
        case Rejected(release, note):
            return _rejected(ladder, state, release, note)
        case Approved(approval):
            known(state, approval.release)
            return replace(state, approvals=(*state.approvals, approval))


def _without(queue: tuple[Waiting, ...], release: str) -> tuple[Waiting, ...]:
    return tuple(waiting for waiting in queue if waiting.release != release)


def _released(ladder: Ladder, state: LadderState, event: Released) -> LadderState:
    digest = event.release.digest
    if digest in state.rejected:
        note = state.rejected[digest]
        raise never(f"the same content was rejected for good by {note.by}: {note.because}", "Rejected")
    if digest in state.releases:
        raise never(f"release {short(digest)} is there already", "SameContent")
    entry = ladder.rungs[0]
    return retire(
        ladder,
        replace(
            state,
            releases={**state.releases, digest: event.release},
            positions={**state.positions, digest: Position(entry.stage, entry.deployments[0])},
        ),
    )


def _queued(ladder: Ladder, state: LadderState, waiting: Waiting) -> LadderState:
    known(state, waiting.release)
    still(state, waiting.release, "queued")
    if waiting.release in state.holds or waiting.release in state.rejected:
        raise never(f"release {short(waiting.release)} is held or rejected; it cannot wait for a copy", "Held")
    if not ladder.rung(waiting.stage).taken:
        raise never(f"{waiting.stage} of {state.application} has no copies to wait for", "NoCopies")
    if any((entry.release, entry.stage) == (waiting.release, waiting.stage) for entry in state.queue):
        return state
    return replace(state, queue=(*state.queue, waiting))


def _verified(ladder: Ladder, state: LadderState, event: Verified) -> LadderState:
    rung = ladder.rung(event.stage)
    passage = state.passed(event.release, event.stage)
    runs = any(state.runs.get(name) == event.release for name in rung.deployments)
    if rung.production or passage is None or not runs:
        raise never(f"release {short(event.release)} is not verified at {event.stage}", "NotThere")
    entries = tuple(
        replace(one, platform=event.platform) if one is passage else one for one in state.passages[event.release]
    )
    return replace(state, passages={**state.passages, event.release: entries})


def _held(state: LadderState, release: str, note: Note) -> LadderState:
    known(state, release)
    still(state, release, "held")
    return replace(state, holds={**state.holds, release: note}, queue=_without(state.queue, release))


def _lifted(state: LadderState, release: str) -> LadderState:
    if release not in state.holds:
        raise never(f"release {short(release)} is not held", "NotHeld")
    return replace(state, holds={key: note for key, note in state.holds.items() if key != release})


def _rejected(ladder: Ladder, state: LadderState, release: str, note: Note) -> LadderState:
    known(state, release)
    still(state, release, "rejected")
    for rung in ladder.rungs:
        running = [name for name in rung.deployments if state.runs.get(name) == release]
        if rung.production and running:
            raise never(f"release {short(release)} runs at {running[0]}; roll back first, then reject it", "Running")
    return replace(
        state,
        rejected={**state.rejected, release: note},
        positions={key: place for key, place in state.positions.items() if key != release},
        holds={key: hold for key, hold in state.holds.items() if key != release},
        queue=_without(state.queue, release),
    )


def _started(state: LadderState, move: Move) -> LadderState:
    moves = {key: value for key, value in state.moves.items() if key != move.replaces}
    holds = state.holds
    if move.kind is MoveKind.FOLLOW:
        return replace(state, moves={**moves, move.identifier: move})
    if move.kind is not MoveKind.PROMOTION:
        # Held from the first moment: a crash half-way back must not leave a change that anybody can promote.
        holds = {**holds, move.release: Note(move.because or "", move.by, move.at)}
    return replace(
        state, moves={**moves, move.identifier: move}, holds=holds, queue=_without(state.queue, move.release)
    )


def _under_way(state: LadderState, identifier: str) -> Move:
    if identifier not in state.moves:
        raise never(f"move {identifier} is not under way", "NoSuchMove")
    return state.moves[identifier]


def _abandoned(state: LadderState, move: Move) -> LadderState:
    if move.kind is not MoveKind.FOLLOW:
        raise never(f"a {move.kind} is finished or brought back, not given up", "NotGivenUp")
    return replace(state, moves={key: other for key, other in state.moves.items() if key != move.identifier})


_BACK = (MoveKind.DEMOTION, MoveKind.ROLLBACK)


def _done(ladder: Ladder, state: LadderState, move: Move, event: MoveDone) -> LadderState:
    runs = dict(state.runs)
    ran = dict(state.ran)
    for step in move.steps:
        leaving = runs.get(step.deployment)
        past = [digest for digest in ran.get(step.deployment, ()) if digest != step.release]
        if step.deployment == move.origin and leaving is not None and move.kind in _BACK:
            past = [digest for digest in past if digest != leaving]
        if step.release is None:
            runs.pop(step.deployment, None)
        else:
            runs[step.deployment] = step.release
            past.append(step.release)
        ran[step.deployment] = tuple(past)
    passages, positions = state.passages, state.positions
    if move.kind is MoveKind.PROMOTION:
        passage = Passage(move.release, move.stage, move.gates, event.at, event.platform)
        passages = {**passages, move.release: (*passages.get(move.release, ()), passage)}
    target = move.target
    if move.kind is MoveKind.ROLLBACK and not ladder.rung(move.stage).taken:
        target = ladder.rung(move.stage).deployments[0]
    if move.kind is not MoveKind.FOLLOW:
        positions = {**positions, move.release: Position(move.stage, target)}
    return replace(
        state,
        runs=runs,
        ran=ran,
        revisions={**state.revisions, **event.revisions},
        passages=passages,
        positions=positions,
        moves={key: value for key, value in state.moves.items() if key != move.identifier},
    )
