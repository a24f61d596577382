"""The use case of demoting: a change goes back one stage and is held there with its reason."""

from ringfence.flows.promotion.answers import Answer
from ringfence.flows.promotion.asking import World
from ringfence.flows.promotion.going_back import Back, go_back
from ringfence.flows.promotion.workspace import Workspace, need_reason
from ringfence.promote.decisions import Proposal, Refusal, Wait
from ringfence.promote.returns import decide_demotion
from ringfence.promote.state import LadderState, MoveKind


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

    def decide(state: LadderState) -> Proposal | Refusal | Wait:
        chosen = workspace.digest(ladder.application, release) if release else None
        return decide_demotion(ladder, state, deployment, chosen)

    return go_back(workspace, world, ladder, back, decide)
