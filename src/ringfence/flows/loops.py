"""The use case of measuring loops: from the history, against the targets of the stages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ringfence.flows.promotion.journal import Entry
from ringfence.flows.promotion.workspace import Workspace
from ringfence.promote.loops import Loop, Part, StageLoops, summarise
from ringfence.promote.picture import draw

MOST_LOOPS = 10_000
"""How many of the latest promotions are looked at."""


@dataclass(frozen=True, slots=True)
class Loops:
    """The loops of a landscape, or of one application."""

    landscape: str
    application: str | None
    stages: tuple[StageLoops, ...]

    def to_json(self) -> dict[str, Any]:
        """The loops with the names of their schema; times are seconds."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "Loops",
            "metadata": {"name": self.landscape},
            "application": self.application,
            "stages": [stage.to_json() for stage in self.stages],
        }

    def to_svg(self) -> str:
        """The loops as a picture."""
        return draw(self.stages, f"Loops of {self.application or self.landscape}")


def loops(workspace: Workspace, application: str | None = None) -> Loops:
    """Measure the loops in the history. Raises InputError for an application that is not there."""
    if application is not None:
        workspace.application(application)
    found = workspace.journal.entries(application, event="promoted", limit=MOST_LOOPS)
    local = workspace.journal.entries(application, event="applied-locally", limit=MOST_LOOPS)
    stages = sorted(workspace.landscape.stages, key=lambda stage: stage.rank)
    targets = {stage.name: None if stage.target_loop is None else float(stage.target_loop) for stage in stages}
    measured = [*_promoted(found), *_local(local)]
    return Loops(workspace.landscape.name, application, summarise(measured, [stage.name for stage in stages], targets))


def _promoted(entries: tuple[Entry, ...]) -> Iterator[Loop]:
    for entry in entries:
        body = entry.body
        seconds = body.get("seconds") or {}
        released = body.get("released")
        if not seconds or not released or "stage" not in body:
            continue
        sync = float(seconds["sync"])
        parts = {
            Part.QUEUE: float(body.get("queued") or 0.0),
            Part.GATES: float(body.get("gateSeconds") or 0.0),
            Part.GIT: float(seconds["commit"]),
            Part.ARGO_CD: sync,
            Part.ROLLOUT: max(0.0, float(seconds["healthy"]) - sync),
        }
        whole = (entry.at - datetime.fromisoformat(released)).total_seconds()
        yield Loop(str(body["stage"]), max(0.0, whole), parts)


def _local(entries: tuple[Entry, ...]) -> Iterator[Loop]:
    for entry in entries:
        seconds = float(entry.body["seconds"]["applied"])
        healthy = float(entry.body["seconds"]["healthy"])
        yield Loop("local", healthy, {Part.GIT: seconds, Part.ROLLOUT: max(0.0, healthy - seconds)})
