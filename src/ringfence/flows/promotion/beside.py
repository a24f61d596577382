"""What runs beside a change at a stage, and what should: stable, latest or all (stages.md, "Promotion")."""

from typing import Any

from ringfence.base.text import listed
from ringfence.flows.promotion.workspace import Workspace
from ringfence.landscape.model import Beside
from ringfence.promote.following import meant
from ringfence.promote.state import LadderState


def beside(workspace: Workspace, stage: str, application: str) -> list[dict[str, Any]]:
    """Every other application at a stage: the versions that run there, the one that is wanted, and whether it fits.

    ``wanted`` is ``stable`` or ``latest`` (see ``ringfence.promote.following``). ``asWanted`` is None where there is
    nothing to compare with: no release of that application has come so far; ``changes`` are versions whose authors are
    at work there, ``connected`` says that a connection between the two is declared.
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
        release = None if wanted is Beside.ALL else meant(ladder, state, stage, wanted)
        changes = [digest for name in deployments for digest in state.standing(name)]
        found.append(
            {
                "application": other.name,
                "wanted": wanted.value,
                "release": _version(state, release),
                "runs": {name: _version(state, digest) for name, digest in runs.items()},
                "changes": [_version(state, digest) for digest in changes if digest != release],
                "connected": _connected(workspace, deployments, application, stage),
                "asWanted": None if release is None else release in runs.values(),
            }
        )
    return found


def mismatches(around: list[dict[str, Any]], stage: str) -> list[str]:
    """Sentences about neighbours that are not what the stage should show."""
    found = []
    for one in around:
        if one["asWanted"] is False:
            runs = ", ".join(f"{version or 'no release'} at {name}" for name, version in one["runs"].items())
            why = f"; a change of its own is at work there: {listed(one['changes'])}" if one["changes"] else ""
            found.append(
                f"{stage} should show the {one['wanted']} version of {one['application']}, {one['release']};"
                f" it runs {runs or 'no release'}{why}"
            )
    return found


def _connected(workspace: Workspace, deployments: list[str], application: str, stage: str) -> bool:
    ladder = workspace.ladder(application)
    mine = {name for rung in ladder.rungs if rung.stage == stage for name in rung.deployments}
    return any(
        {one.source, one.destination} & mine and {one.source, one.destination} & set(deployments)
        for one in workspace.landscape.declared
    )


def _version(state: LadderState, digest: str | None) -> str | None:
    record = state.releases.get(digest or "")
    return record.version if record else digest
