"""The ladder of one application: its stages in order, the deployments at each, and the gates in front of each.

Derived from the Landscape each time and never stored: a stage that is added, renamed or left out counts at once. The
stages themselves are the Landscape's (stages.md); this module only knows their order.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.base.errors import InputError
from ringfence.base.text import listed, suggestion
from ringfence.landscape.model import Application, Landscape, Stage

ENTRY = "local"
"""The stage at which every new release stands (contract, section 7), whether or not the application deploys there."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A stage of one application. ``gates`` are the names that must be open before a release comes in.

    ``taken`` says that its deployments are copies: a change takes one, others wait in order, and it is given back.
    Elsewhere a newer release replaces the one that runs. ``placed`` is False where nothing of Ringfence runs (local).
    """

    stage: str
    deployments: tuple[str, ...]
    taken: bool
    production: bool
    placed: bool
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of an application, lowest first."""

    application: str
    rungs: tuple[Rung, ...]

    def rung(self, stage: str) -> Rung:
        """The rung of that stage. Raises InputError, with the nearest name, when the application has none."""
        for rung in self.rungs:
            if rung.stage == stage:
                return rung
        known = [rung.stage for rung in self.rungs]
        raise InputError(
            f"{self.application}: it has no stage {stage!r}; {suggestion(stage, known) or listed(known)}",
            reason="NoSuchStage",
            hint=f"the stages of {self.application} are {listed(known)}",
        )

    def rung_of(self, deployment: str) -> Rung:
        """The rung on which a deployment stands. Raises InputError when no rung has it."""
        for rung in self.rungs:
            if deployment in rung.deployments:
                return rung
        known = [name for rung in self.rungs for name in rung.deployments]
        raise InputError(
            f"{deployment}: no such deployment; {suggestion(deployment, known)}".rstrip("; "),
            reason="NoSuchDeployment",
            hint=f"the deployments of {self.application} are {listed(known)}",
        )

    def position(self, stage: str) -> int:
        """How many rungs are below a stage."""
        return self.rungs.index(self.rung(stage))

    def above(self, stage: str) -> Rung | None:
        """The next rung towards customers, or None at the top."""
        index = self.position(stage) + 1
        return self.rungs[index] if index < len(self.rungs) else None

    def below(self, stage: str) -> Rung | None:
        """The rung before, or None at the bottom."""
        index = self.position(stage)
        return self.rungs[index - 1] if index else None

    def entered(self, origin: str, target: str) -> tuple[Rung, ...]:
        """The rungs that a move from stage ``origin`` up to ``target`` enters or passes, ``target`` last."""
        return self.rungs[self.position(origin) + 1 : self.position(target) + 1]

    def required_gates(self, origin: str, target: str) -> tuple[str, ...]:
        """Names of every gate of every rung entered: a stage that is skipped keeps its gates, as ``STAGE:GATE``."""
        entered = self.entered(origin, target)
        passed = [f"{rung.stage}:{name}" for rung in entered[:-1] for name in rung.gates]
        return (*passed, *(name for rung in entered[-1:] for name in rung.gates))


def ladder_of(
    landscape: Landscape, application: Application, gates: Mapping[str, tuple[str, ...]] | None = None
) -> Ladder:
    """The ladder of an application. ``gates`` maps a stage to the names of the gates in front of it."""
    by_stage: dict[str, list[str]] = {}
    copied: set[str] = set()
    for deployment in application.deployments:
        by_stage.setdefault(deployment.stage, []).append(deployment.name)
        if deployment.copy is not None:
            copied.add(deployment.stage)
    wanted = gates or {}
    rungs = [
        _rung(stage, tuple(by_stage[stage.name]), stage.name in copied, wanted.get(stage.name, ()))
        for stage in sorted(landscape.stages, key=lambda stage: stage.rank)
        if stage.name in by_stage
    ]
    if not rungs or rungs[0].placed:
        rungs.insert(0, Rung(ENTRY, (f"{application.name}/{ENTRY}",), taken=False, production=False, placed=False))
    return Ladder(application.name, tuple(rungs))


def _rung(stage: Stage, deployments: tuple[str, ...], taken: bool, gates: tuple[str, ...]) -> Rung:
    return Rung(stage.name, deployments, taken, stage.production, stage.placed, gates if stage.placed else ())
