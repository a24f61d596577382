"""Going back: demotion sends a change back one stage, rollback brings production to a release that ran there.

Both hold what leaves, so that nothing brings it in again by itself. Deciding by Git's history (the commit before) was
rejected: it may hold somebody else's change, a held release, or nothing that ever became healthy.
"""

from ringfence.base.text import listed
from ringfence.promote.decisions import (
    Decision,
    Proposal,
    Refusal,
    Standing,
    Why,
    standing_at,
    stopped_by,
    version_of,
    where_releases_are,
)
from ringfence.promote.ladder import Ladder, Rung
from ringfence.promote.state import LadderState, MoveKind, Step


def decide_demotion(ladder: Ladder, state: LadderState, deployment: str, release: str | None = None) -> Decision:
    """What sending the change at ``deployment`` back one stage comes to; a promotion on its way there is given up."""
    incoming = next((m for m in state.moves.values() if m.target == deployment and m.kind is MoveKind.PROMOTION), None)
    if incoming is not None:
        position = state.positions[incoming.release]
        return Proposal(
            incoming.release,
            deployment,
            position.stage,
            position.deployment,
            (Step(deployment, _before(state, deployment, incoming.release)),),
            replaces=incoming.identifier,
        )
    found = standing_at(ladder, state, deployment, release)
    if isinstance(found, Refusal):
        return found
    stopped = stopped_by(state, found.release)
    if stopped is not None:
        return stopped
    below = ladder.below(found.position.stage)
    if below is None or found.position.deployment is None:
        return Refusal(
            Why.BOTTOM,
            f"{version_of(state, found.release)} stands at {found.place}; there is nothing to send it back from",
            "hold it (`ringfence hold set`) or reject it (`ringfence reject`)",
            found.release,
        )
    return _return(state, found, found.position.deployment, below)


def _return(state: LadderState, found: Standing, origin: str, below: Rung) -> Decision:
    touching = state.move_touching(origin)
    if touching is not None:
        return Refusal(Why.ON_THE_MOVE, f"{origin} is being changed by {touching.by}", "wait, then try again")
    target = _return_target(state, found.release, below)
    steps = []
    if state.runs.get(origin) == found.release:
        steps.append(Step(origin, _before(state, origin, found.release)))
    if target is not None and below.placed and not _newer_runs(state, target, found.release, below):
        steps.append(Step(target, found.release))
    return Proposal(found.release, origin, below.stage, target, tuple(steps))


def _return_target(state: LadderState, release: str, below: Rung) -> str | None:
    """The copy that the release came from when it is free, else any free one; elsewhere the stage's one deployment."""
    if not below.taken:
        return below.deployments[0]
    free = [name for name in below.deployments if state.taker(name) is None and state.move_touching(name) is None]
    came_from = [name for name in free if state.runs.get(name) == release]
    return next(iter([*came_from, *free]), None)


def _newer_runs(state: LadderState, target: str, release: str, below: Rung) -> bool:
    """True when somebody else's change runs there, or one is coming: a change sent back must not throw it out."""
    if below.taken:
        return False
    running = state.runs.get(target)
    if state.move_touching(target) is not None:
        return True
    if running is None or running == release:
        return False
    place = state.positions.get(running)
    return place is not None and place.deployment == target


def _before(state: LadderState, deployment: str, leaving: str) -> str | None:
    """The release that ran there most recently before ``leaving`` and may run again; None: what was there first."""
    running = state.runs.get(deployment)
    past = [digest for digest in state.ran.get(deployment, ()) if digest != leaving]
    if running is not None and running != leaving:
        return running
    allowed = [digest for digest in past if digest not in state.rejected and digest not in state.holds]
    return allowed[-1] if allowed else None


def decide_rollback(ladder: Ladder, state: LadderState, deployment: str, to: str | None = None) -> Decision:
    """What going back at ``deployment`` to a release that ran there before comes to; ``to`` is its digest."""
    rung = ladder.rung_of(deployment)
    running = state.runs.get(deployment)
    if running is None:
        return Refusal(Why.NOTHING_THERE, f"{deployment} runs no release", where_releases_are(state))
    below = ladder.below(rung.stage)
    if below is None or state.move_touching(deployment) is not None:
        return Refusal(Why.ON_THE_MOVE, f"{deployment} is being changed now", "finish that, then try again", running)
    place = state.positions.get(running)
    if place is None or place.deployment != deployment:
        return Refusal(
            Why.NOTHING_THERE,
            f"{version_of(state, running)} runs at {deployment} but does not stand there",
            "",
            running,
        )
    if running in state.holds:
        return stopped_by(state, running) or Refusal(Why.HELD, "held", "", running)
    target = to if to is not None else _before(state, deployment, running)
    if target is None:
        return Refusal(
            Why.NOTHING_BEFORE, f"no release ran at {deployment} before {version_of(state, running)}", "", running
        )
    if target not in state.ran.get(deployment, ()) or target == running:
        return Refusal(
            Why.NEVER_RAN,
            f"{version_of(state, target)} did not run at {deployment} before",
            "releases that did: " + listed([version_of(state, digest) for digest in state.ran.get(deployment, ())]),
            running,
        )
    if target in state.rejected or target in state.holds:
        return Refusal(Why.HELD, f"{version_of(state, target)} is held or rejected", "lift the hold first", target)
    return Proposal(running, deployment, below.stage, None, (Step(deployment, target),))
