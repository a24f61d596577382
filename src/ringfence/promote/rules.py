"""What a move must fulfil before it may begin, whoever asks for it.

Sources: issue 6 and contract section 7 (one stage at a time, holds, copies in order, gates), stages.md (the ladder).
"""

from collections.abc import Iterable

from ringfence.base.errors import ConflictError
from ringfence.promote.ladder import Ladder
from ringfence.promote.state import LadderState, Move, MoveKind, Position

EMERGENCY_PEOPLE = 2
"""How many different people an emergency needs: one alone must not be able to open a gate."""


def short(digest: str) -> str:
    """The first twelve figures of a digest: enough for people to tell releases apart."""
    return digest.removeprefix("sha256:")[:12]


def never(message: str, reason: str) -> ConflictError:
    """The error for an event that may not happen in the present state."""
    return ConflictError(message, reason=reason, hint="`ringfence history` shows what happened meanwhile")


def known(state: LadderState, release: str) -> None:
    """Raise unless the application has the release."""
    if release not in state.releases:
        raise never(f"{state.application} has no release {short(release)}", "NoSuchRelease")


def still(state: LadderState, release: str, done: str) -> None:
    """Raise when the release is on the move."""
    move = state.move_of(release)
    if move is not None:
        raise never(
            f"release {short(release)} is on its way to {move.target or move.stage}; it cannot be {done} now",
            "OnTheMove",
        )


def place_name(application: str, position: Position) -> str:
    """How a place is written: the deployment, or ``APP/STAGE`` for a release that stands there without a copy."""
    return position.deployment or f"{application}/{position.stage}"


def emergency_people(state: LadderState, release: str, stage: str, by: str) -> frozenset[str]:
    """Who stands for an emergency: whoever acts, and everybody who approved it as an emergency."""
    return frozenset(
        {by}
        | {
            approval.by
            for approval in state.approvals
            if approval.emergency and approval.release == release and approval.stage == stage
        }
    )


def check_move(ladder: Ladder, state: LadderState, move: Move) -> None:
    """Raise ConflictError unless the move may begin now."""
    known(state, move.release)
    if move.release in state.rejected:
        raise never(f"release {short(move.release)} was rejected for good", "Rejected")
    current = state.move_of(move.release)
    if current is not None and current.identifier != move.replaces:
        still(state, move.release, "moved")
    _check_untouched(state, move)
    match move.kind:
        case MoveKind.PROMOTION:
            _check_promotion(ladder, state, move)
        case MoveKind.DEMOTION:
            _check_return(ladder, state, move)
        case MoveKind.ROLLBACK:
            _check_return(ladder, state, move)
            _check_ran_before(state, move)
        case MoveKind.FOLLOW:
            _check_follow(ladder, state, move)


def _check_follow(ladder: Ladder, state: LadderState, move: Move) -> None:
    """Nothing follows in production, over somebody's change, or to a release that never came through this stage."""
    rung = ladder.rung_of(move.origin)
    if rung.production or not rung.placed or [step.deployment for step in move.steps] != [move.origin]:
        raise never(f"{move.origin} follows no release", "NotThere")
    if state.standing(move.origin):
        raise never(f"{move.origin} is taken by release {short(state.standing(move.origin)[0])}", "Taken")
    if move.release in state.holds:
        raise never(f"release {short(move.release)} is held: {state.holds[move.release].because}", "Held")
    came = {passage.stage for passage in state.passages.get(move.release, ())}
    if not came & {above.stage for above in ladder.rungs[ladder.position(rung.stage) :]}:
        raise never(f"release {short(move.release)} never came to {rung.stage}", "NotThere")


def _check_untouched(state: LadderState, move: Move) -> None:
    for deployment in {step.deployment for step in move.steps}:
        other = state.move_touching(deployment)
        if other is not None and other.identifier != move.replaces:
            raise never(f"{deployment}: release {short(other.release)} is being moved there by {other.by}", "OnTheMove")


def _check_promotion(ladder: Ladder, state: LadderState, move: Move) -> None:
    if move.release in state.holds:
        raise never(f"release {short(move.release)} is held: {state.holds[move.release].because}", "Held")
    position = state.positions.get(move.release)
    if position is None or place_name(state.application, position) != move.origin:
        raise never(f"release {short(move.release)} does not stand at {move.origin}", "NotThere")
    entered = ladder.entered(position.stage, move.stage)
    parked = position.deployment is None and position.stage == move.stage
    if not entered and not parked:
        raise never(f"{move.stage} is not above {position.stage}", "NotAbove")
    skipped = tuple(rung.stage for rung in entered[:-1])
    if skipped != move.skipped or (skipped and not move.because):
        raise never(f"the way from {position.stage} to {move.stage} passes {', '.join(skipped)}", "Skipped")
    _check_target(ladder, state, move)
    _check_gates(state, move, ladder.required_gates(position.stage, move.stage))


def _check_target(ladder: Ladder, state: LadderState, move: Move) -> None:
    rung = ladder.rung(move.stage)
    if move.target is None or move.target not in rung.deployments:
        raise never(f"{move.target} is no deployment of {move.stage}", "NotThere")
    if not rung.taken:
        return
    taker = state.taker(move.target)
    if taker is not None:
        raise never(f"{move.target} is taken by release {short(taker)}", "Taken")
    first = next((waiting for waiting in state.queue if waiting.stage == move.stage), None)
    if first is not None and first.release != move.release:
        raise never(f"release {short(first.release)} waits for a copy of {move.stage} before this one", "Queue")


def _check_gates(state: LadderState, move: Move, required: Iterable[str]) -> None:
    verdicts = {verdict.name: verdict for verdict in move.gates}
    shut = [name for name in required if name not in verdicts or not verdicts[name].passable]
    shut += [verdict.name for verdict in move.gates if not verdict.passable and verdict.name not in shut]
    if shut:
        raise never(f"not every gate lets release {short(move.release)} pass: {', '.join(shut)}", "GateShut")
    if any(verdict.overridden for verdict in move.gates):
        people = emergency_people(state, move.release, move.stage, move.by)
        if len(people) < EMERGENCY_PEOPLE or not move.because:
            raise never(f"an emergency needs {EMERGENCY_PEOPLE} different people and a reason", "Emergency")


def _check_return(ladder: Ladder, state: LadderState, move: Move) -> None:
    if not move.because:
        raise never("going back needs a reason", "NoReason")
    if move.replaces is not None:
        given_up = state.moves.get(move.replaces)
        if given_up is None or given_up.release != move.release:
            raise never(f"move {move.replaces} is not under way", "NoSuchMove")
        return
    if move.release in state.holds:
        raise never(f"release {short(move.release)} is held: {state.holds[move.release].because}", "Held")
    position = state.positions.get(move.release)
    if position is None or position.deployment != move.origin:
        raise never(f"release {short(move.release)} does not stand at {move.origin}", "NotThere")
    below = ladder.below(position.stage)
    if below is None or below.stage != move.stage:
        raise never(f"{move.stage} is not the stage before {position.stage}", "NotBelow")
    if move.target is not None and below.taken and state.taker(move.target) is not None:
        raise never(f"{move.target} is taken", "Taken")


def _check_ran_before(state: LadderState, move: Move) -> None:
    step = move.steps[0]
    if step.release is None or step.release not in state.ran.get(step.deployment, ()):
        raise never(f"release {short(step.release or 'none')} never ran at {step.deployment}", "NeverRan")
    if step.release in state.rejected or step.release in state.holds:
        raise never(f"release {short(step.release)} is held or rejected", "Held")
