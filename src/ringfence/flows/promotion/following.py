"""Bringing deployments at which no change stands to the version that their stage shows to the changes of others.

It is no part of the promotion that caused it: what cannot follow now is said, and follows after the next move.
"""

import uuid

from ringfence.base.errors import ConflictError, RingfenceError
from ringfence.flows.promotion.asking import World
from ringfence.flows.promotion.carrying import alone, carry_out
from ringfence.flows.promotion.workspace import Workspace
from ringfence.promote.events import MoveAbandoned, MoveStarted
from ringfence.promote.following import Follower, followers
from ringfence.promote.ladder import Ladder
from ringfence.promote.state import Move, MoveKind, Step

_ATTEMPTS = 50


def follow(workspace: Workspace, world: World, ladder: Ladder) -> None:
    """Let everything follow that should; what could not is reported."""
    for note in _follow(workspace, world, ladder):
        world.report(note)


def _follow(workspace: Workspace, world: World, ladder: Ladder) -> tuple[str, ...]:
    notes = list(finish_following(workspace, world, ladder))
    given_up: set[str] = set()
    for _ in range(_ATTEMPTS):
        wanted = next((one for one in _wanted(workspace, ladder) if one.deployment not in given_up), None)
        if wanted is None:
            break
        try:
            world.delivery.check(wanted.deployment)
            move = _start(workspace, ladder, wanted)
        except ConflictError:
            continue  # somebody else moved something meanwhile: look again
        except RingfenceError as error:
            given_up.add(wanted.deployment)
            notes.append(f"{wanted.deployment} does not follow: {error}")
            continue
        failed = _carry(workspace, world, ladder, move)
        if failed is not None:
            given_up.add(wanted.deployment)
            notes.append(f"{wanted.deployment} does not follow: {failed}")
    return tuple(notes)


def finish_following(workspace: Workspace, world: World, ladder: Ladder) -> tuple[str, ...]:
    """Finish what a killed process left half followed, before anybody else wants that deployment."""
    moves = [move for move in workspace.state(ladder.application).moves.values() if move.kind is MoveKind.FOLLOW]
    failures = [(move, _carry(workspace, world, ladder, move)) for move in moves]
    return tuple(f"{move.origin} does not follow: {failed}" for move, failed in failures if failed is not None)


def _wanted(workspace: Workspace, ladder: Ladder) -> tuple[Follower, ...]:
    shown = {stage.name: stage.beside for stage in workspace.landscape.stages}
    return tuple(followers(ladder, workspace.state(ladder.application), shown))


def _start(workspace: Workspace, ladder: Ladder, wanted: Follower) -> Move:
    state = workspace.state(ladder.application)
    move = Move(
        uuid.uuid4().hex[:16], MoveKind.FOLLOW, wanted.release, wanted.deployment, wanted.stage, None,
        (Step(wanted.deployment, wanted.release),), workspace.actor, workspace.clock.now(),
    )  # fmt: skip
    workspace.journal.record(ladder, MoveStarted(move), seen=state)
    return move


def _carry(workspace: Workspace, world: World, ladder: Ladder, move: Move) -> str | None:
    """Carry a following out; why not, None: it is done. What fails is given up: nothing waits for it."""
    with alone(workspace, move, lambda: world.report("another process is at it; waiting for it")):
        if move.identifier not in workspace.state(ladder.application).moves:
            return None
        try:
            carry_out(workspace, ladder, world.delivery, move, timeout=0.0, facts={})
        except RingfenceError as error:
            workspace.journal.record(ladder, MoveAbandoned(move.identifier))
            workspace.journal.forget(move.identifier)
            return str(error)
    return None
