"""What runs beside a change at a stage, and what should: stable, latest or all (stages.md, "Promotion")."""

from typing import Any

from ringfence.flows.promotion.workspace import Workspace
from ringfence.landscape.model import Beside
from ringfence.promote.ladder import Ladder
from ringfence.promote.state import LadderState


def beside(workspace: Workspace, stage: str, application: str) -> list[dict[str, Any]]:
    """Every other application at a stage: the versions that run there, the one that is wanted, and whether it fits.

    Stable is what runs in production; latest is the newest release that came to this stage. ``asWanted`` is None where
    there is nothing to compare with: no release of that application has come so far.
    """
    wanted = workspace.landscape.stage(stage).beside
    if wanted is Beside.NOTHING:
        return []
    found = []
    for other in workspace.landscape.applications:
        if other.name == application:
            continue
        ladder = workspace.ladder(other.name)
        state = workspace.state(other.name)
        deployments = [name for rung in ladder.rungs if rung.stage == stage for name in rung.deployments]
        if not deployments:
            continue
        runs = {name: state.runs[name] for name in deployments if name in state.runs}
        meant = _stable(ladder, state) if wanted is Beside.STABLE else _latest(ladder, state, stage)
        found.append(
            {
                "application": other.name,
                "wanted": wanted.value,
                "release": _version(state, meant),
                "runs": {name: _version(state, digest) for name, digest in runs.items()},
                "asWanted": None if meant is None else meant in runs.values(),
            }
        )
    return found


def _version(state: LadderState, digest: str | None) -> str | None:
    record = state.releases.get(digest or "")
    return record.version if record else digest


def _stable(ladder: Ladder, state: LadderState) -> str | None:
    names = [name for rung in ladder.rungs if rung.production for name in rung.deployments]
    return next((state.runs[name] for name in names if name in state.runs), None)


def _latest(ladder: Ladder, state: LadderState, stage: str) -> str | None:
    """The release that came last to the stage, or passed it."""
    first = ladder.position(stage)
    passages = [
        passage
        for entries in state.passages.values()
        for passage in entries
        if any(rung.stage == passage.stage and ladder.position(rung.stage) >= first for rung in ladder.rungs)
        and passage.release not in state.rejected
    ]
    return max(passages, key=lambda passage: passage.at).release if passages else None
