"""A landscape to promote in without clusters: real Git repositories and a journal, and a stand-in for Argo CD.

The stand-in runs whatever the branch's head says, at once; what it cannot show, the integration tests do.
"""

import atexit
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from promotion import START, proof_that
from ringfence.base.clock import SetClock
from ringfence.base.errors import StateError, UnreachableError
from ringfence.base.paths import Paths
from ringfence.decide.topology import Topology
from ringfence.deliver.git import Repository
from ringfence.engine import EngineState
from ringfence.flows.plan import plan
from ringfence.flows.promote import promote
from ringfence.flows.promotion.answers import Answer
from ringfence.flows.promotion.argo_delivery import ArgoDelivery
from ringfence.flows.promotion.asking import Request, World
from ringfence.flows.promotion.delivery import Observed
from ringfence.flows.promotion.facts import WorldFacts
from ringfence.flows.promotion.workspace import Workspace, open_workspace
from ringfence.flows.release import Choices, Made, release
from ringfence.flows.sources import read_sources
from ringfence.flows.targets import Contexts, Targets
from ringfence.landscape.load import load_landscape
from ringfence.promote.gates.question import Running
from ringfence.render import render
from ringfence.render.files import repository_files

ROOT = Path(__file__).resolve().parents[1]
PORTAL_FILES = ROOT / "examples" / "clinic" / "charts"


class HeadDelivery(ArgoDelivery):
    """Delivery whose clusters run the head of their repository; ``down`` and ``unhealthy`` are what a test breaks."""

    down = False
    unhealthy = False
    version: str | None = "1.37.2"
    thrown_away: tuple[str, ...] = ()

    def arrive(self, deployment: str, revision: str, timeout: float) -> Observed:
        if self.down:
            raise UnreachableError("argocd: does not answer")
        if self.unhealthy:
            raise StateError("not healthy in time", reason="NotHealthy")
        head = self.head(deployment)
        assert head is not None
        return Observed(head, 0.5, 1.0)

    def head(self, deployment: str) -> str | None:
        return self.repository(deployment).head()

    def repository(self, deployment: str) -> Repository:
        return self._targets.repository(self._topology.placement(deployment).environment)

    def nudge(self, deployment: str) -> None:
        pass

    def running(self, deployment: str, expected: str | None) -> Running:
        return Running(expected, expected, not self.unhealthy, "as the head says")

    def platform(self, deployment: str) -> str | None:
        return self.version

    def throw_away(self, deployment: str) -> int:
        self.thrown_away += (deployment,)
        return 2

    def chart(self, deployment: str, file: str = "chart/values.yaml") -> str:
        """A file of what a deployment runs."""
        path = self._place(deployment).path
        content = self.repository(deployment).read(f"{path}/{file}")
        return content.decode() if content is not None else ""


@dataclass
class Site:
    """The clinic with its repositories, in a folder of the test's."""

    folder: Path
    topology: Topology
    clock: SetClock
    proof: dict[str, str] = field(default_factory=lambda: {"answer": "holds"})
    actor: str = "alice"

    @property
    def paths(self) -> Paths:
        return Paths(self.folder / "state", self.folder / "data", self.folder / "cache")

    @property
    def landscape_file(self) -> Path:
        return self.folder / "clinic" / "ringfence.yaml"

    def targets(self) -> Targets:
        folder = self.paths.landscape("clinic")
        return Targets("clinic", folder, EngineState("clinic", folder, ()), Contexts(), self.clock)

    def workspace(self, actor: str | None = None) -> Workspace:
        return open_workspace(self.landscape_file, self.paths, self.clock, actor or self.actor)

    def world(self, workspace: Workspace) -> World:
        delivery = HeadDelivery(workspace.landscape, self.topology, self.targets(), self.clock)
        facts = WorldFacts(workspace, delivery, lambda _: proof_that(self.proof["answer"]))
        return World(delivery, facts)

    def change(self, text: str) -> None:
        """Edit the portal's chart as a developer would."""
        path = self.folder / "clinic" / "charts" / "portal" / "values.yaml"
        lines = [
            f"greeting: {text}" if line.startswith("greeting:") else line for line in path.read_text().splitlines()
        ]
        path.write_text("\n".join(lines) + "\n")

    def release(self, version: str, text: str | None = None, actor: str | None = None) -> Made:
        self.change(text or f"Welcome to {version}")
        workspace = self.workspace(actor)
        try:
            return release(workspace, "portal", version, Choices())
        finally:
            workspace.journal.close()

    def promote(
        self, origin: str, to: str, *, actor: str | None = None, world: World | None = None, **options: object
    ) -> Answer:
        workspace = self.workspace(actor)
        try:
            self.clock.moment += timedelta(minutes=1)
            return promote(workspace, world or self.world(workspace), Request(origin, to, **options))  # type: ignore[arg-type]
        finally:
            workspace.journal.close()

    def climb(self, origin: str, *stages: str) -> str:
        """Promote through stages; every step must be done."""
        for stage in stages:
            answer = self.promote(origin, stage)
            assert answer.outcome == "done", answer
            origin = answer.target
        return origin


def make_site(folder: Path) -> Site:
    """The clinic, applied for the first time: a copy of one that was made once."""
    made = _template()
    shutil.copytree(made.folder, folder, dirs_exist_ok=True)
    return Site(folder, made.topology, SetClock(START))


@lru_cache(maxsize=1)
def _template() -> Site:
    folder = Path(tempfile.mkdtemp(prefix="ringfence-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(ROOT / "examples" / "clinic", folder / "clinic")
    landscape = load_landscape(folder / "clinic")
    topology = plan(landscape)
    site = Site(folder, topology, SetClock(START))
    targets = site.targets()
    manifests = render(landscape, topology, read_sources(landscape), targets.options(topology))
    for environment in topology.environments:
        files = repository_files(manifests, environment.name)
        targets.repository(environment.name).commit(dict(files), "Apply clinic")
    return site
