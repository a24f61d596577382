"""The use case of rolling back: a deployment goes back to a release that ran there; what leaves is held."""

from ringfence.base.errors import InputError
from ringfence.base.text import listed
from ringfence.flows.promotion.answers import Answer
from ringfence.flows.promotion.asking import World
from ringfence.flows.promotion.going_back import Back, go_back
from ringfence.flows.promotion.workspace import Workspace, need_reason
from ringfence.promote.decisions import Proposal, Refusal, Wait
from ringfence.promote.ladder import Ladder
from ringfence.promote.returns import decide_rollback
from ringfence.promote.state import LadderState, MoveKind


def rollback(
    workspace: Workspace,
    world: World,
    what: str,
    because: str | None,
    *,
    to: str | None = None,
    timeout: float = 180.0,
    dry_run: bool = False,
    force: bool = False,
) -> Answer:
    """Bring a deployment, or an application's production, back to a release that ran there before.

    ``to`` is its version or digest; None: the one before. Raises InputError for names that do not exist or no reason.
    """
    reason = need_reason(because, "a rollback")
    ladder = workspace.ladder(what) if "/" not in what else workspace.ladder_at(what)
    back = Back(MoveKind.ROLLBACK, _deployment(ladder, what), reason, timeout, dry_run, force)

    def decide(state: LadderState) -> Proposal | Refusal | Wait:
        chosen = workspace.digest(ladder.application, to) if to else None
        return decide_rollback(ladder, state, back.deployment, chosen)

    return go_back(workspace, world, ladder, back, decide)


def _deployment(ladder: Ladder, what: str) -> str:
    if "/" in what:
        return what
    names = [name for rung in ladder.rungs if rung.production for name in rung.deployments]
    if len(names) == 1:
        return names[0]
    raise InputError(
        f"{what}: it has {listed(names) or 'no production deployment'}; name the deployment", reason="Ambiguous"
    )
