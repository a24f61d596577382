"""The use case of demoting: a change goes back one stage and is held there with its reason."""

from ringfence.flows.promotion.answers import Answer
from ringfence.flows.promotion.asking import World
from ringfence.flows.promotion.following import finish_following
from ringfence.flows.promotion.going_back import Back, done_already, ended, go_on, refused, start, under_way
from ringfence.flows.promotion.workspace import Workspace, need_reason
from ringfence.promote.decisions import Proposal, Refusal, Wait
from ringfence.promote.returns import decide_demotion
from ringfence.promote.state import MoveKind


def demote(
    workspace: Workspace,
    world: World,
    deployment: str,
    because: str | None,
    *,
    release: str | None = None,
    timeout: float = 180.0,
    dry_run: bool = False,
    force: bool = False,
) -> Answer:
    """Send the change at ``deployment`` back one stage. Raises InputError for names that do not exist or no reason."""
    back = Back(MoveKind.DEMOTION, deployment, need_reason(because, "a demotion"), timeout, dry_run, force)
    ladder = workspace.ladder_at(deployment)
    if not dry_run:
        finish_following(workspace, world, ladder)
    state = workspace.state(ladder.application)
    move = under_way(state, back)
    if move is not None and not dry_run:
        return ended(workspace, world, ladder, go_on(workspace, world, ladder, move, back))
    chosen = workspace.digest(ladder.application, release) if release else None
    decision = decide_demotion(ladder, state, deployment, chosen)
    match decision:
        case Proposal():
            return ended(workspace, world, ladder, start(workspace, world, ladder, state, back, decision))
        case Refusal():
            done = done_already(workspace, ladder, state, back)
            return ended(workspace, world, ladder, done or refused(workspace, ladder, state, back, decision))
        case Wait():  # pragma: no cover
            raise AssertionError("a demotion never waits")
