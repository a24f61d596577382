"""What the ladder says of every deployment: the release it runs, what stands there, holds, and what runs beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.paths import Paths
from ringfence.flows.promotion.beside import beside, mismatches
from ringfence.flows.promotion.workspace import open_workspace, shared_ladder


@dataclass(frozen=True, slots=True)
class DeploymentRelease:
    """One deployment on the ladder. ``runs`` is a version, None before any release came; ``standing`` are versions,
    ``notes`` sentences about neighbours that are not what the stage should show."""

    runs: str | None
    digest: str | None
    standing: tuple[str, ...]
    held: Mapping[str, str]
    coming: str | None
    beside: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "version": self.runs,
            "release": self.digest,
            "standing": list(self.standing),
            "held": dict(self.held),
            "coming": self.coming,
            "beside": [dict(one) for one in self.beside],
            "notes": list(self.notes),
        }


def where(file: Path, paths: Paths, clock: Clock, landscape: str) -> Mapping[str, DeploymentRelease]:
    """Every deployment by name, once there is a release; nothing, and nothing made, before the first release."""
    if not (paths.landscape(landscape) / "promotion.db").exists() and shared_ladder(paths, landscape) is None:
        return {}
    workspace = open_workspace(file, paths, clock)
    found: dict[str, DeploymentRelease] = {}
    for application in (one.name for one in workspace.landscape.applications):
        ladder = workspace.ladder(application)
        state = workspace.state(application)
        around = {rung.stage: tuple(beside(workspace, rung.stage, application)) for rung in ladder.rungs if rung.placed}
        for rung in ladder.rungs:
            for name in rung.deployments:
                standing = state.standing(name)
                move = state.move_touching(name)
                digest = state.runs.get(name)
                found[name] = DeploymentRelease(
                    state.releases[digest].version if digest else None,
                    digest,
                    tuple(state.releases[one].version for one in standing),
                    {state.releases[one].version: state.holds[one].because for one in standing if one in state.holds},
                    state.releases[move.release].version if move else None,
                    around.get(rung.stage, ()),
                    tuple(mismatches(list(around.get(rung.stage, ())), rung.stage)),
                )
    workspace.journal.close()
    return found
