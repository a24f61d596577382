"""The deployments' own gates on a new platform: what promotion asks of a stage, asked again where the platform changed.

Of a stage's gates those count that speak of the release on its platform: its tests, and verification (MDR Annex VI,
6.5.2: what runs in production was verified on the same platform version first). Gates about whoever changes what when
(approval, window, freeze, soak, impact) spoke when the release came in, and are not asked again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ringfence.base.errors import RingfenceError
from ringfence.base.text import listed
from ringfence.flows.promotion.asking import World
from ringfence.flows.promotion.journal import Entry
from ringfence.flows.promotion.workspace import Workspace, open_workspace, shared_ladder
from ringfence.flows.promotion.world import open_world
from ringfence.flows.updates.platforms import Site, look_running
from ringfence.promote.events import Verified
from ringfence.promote.gates.facts import CommandGate, JobGate, Verification
from ringfence.promote.gates.question import Question
from ringfence.promote.gates.registry import ask_all
from ringfence.promote.ladder import Ladder, Rung
from ringfence.promote.state import LadderState
from ringfence.promote.verdict import GateState
from ringfence.update.platform import Look, Report
from ringfence.update.record import Check
from ringfence.update.version import Bundle


@dataclass(frozen=True, slots=True)
class Resident:
    """A release and the deployment of an Environment that runs it."""

    deployment: str
    release: str
    ladder: Ladder
    rung: Rung
    state: LadderState

    @property
    def version(self) -> str:
        """The release's version."""
        return self.state.releases[self.release].version


@dataclass(frozen=True, slots=True)
class OwnGates:
    """The gates of the deployments of one landscape. ``actor`` is who updates; ``world`` opens what gates are judged
    on, ``running`` looks whether everything runs what Git has."""

    site: Site
    actor: str
    world: Callable[[Workspace, Report], World] = open_world
    running: Callable[[Site], Look] = look_running

    def passed(self, report: Report) -> Look:
        """Whether every deployment of an Environment runs what Git has, healthy, and its stage's tests pass on it."""

        def look(environment: str) -> Check:
            running = self.running(self.site)(environment)
            workspace = self._workspace()
            if not running.passed or workspace is None:
                return running
            world = self.world(workspace, report)
            asked, problems = 0, []
            for one in residents(workspace, self.site, environment):
                gates = workspace.policy.gates.get(one.rung.stage, ())
                tests = [gate for gate in gates if isinstance(gate, CommandGate | JobGate)]
                for verdict in ask_all(tests, self._question(workspace, one), world.facts):
                    asked += 1
                    if verdict.state is not GateState.OPEN:
                        problems.append(f"{one.deployment}: {verdict.name}: {verdict.because}")
            workspace.journal.close()
            because = f"{running.because}; {asked} of their own tests passed" if asked else running.because
            return Check("gates", not problems, listed(problems) or because)

        return look

    def ready(self, bundle: Bundle) -> Look:
        """Whether what runs in an Environment was verified on the bundle elsewhere, where its stage asks for that."""

        def look(environment: str) -> Check:
            workspace = self._workspace()
            if workspace is None:
                return Check("verified", True, "no release was promoted")
            problems = [
                f"{one.deployment} runs {one.version}, which no non-production deployment ran on {bundle.version}"
                for one in residents(workspace, self.site, environment)
                if any(isinstance(gate, Verification) for gate in workspace.policy.gates.get(one.rung.stage, ()))
                and not _verified_on(one, f"{bundle.version} on ")
            ]
            workspace.journal.close()
            return Check("verified", not problems, listed(problems) or "what runs there was verified on it")

        return look

    def verified(self, environment: str, report: Report) -> None:
        """Write down that what runs in a non-production Environment passed its gates on the platform it has now.

        Writes nothing that is written down already; a cluster that does not answer is said and tried again.
        """
        workspace = self._workspace()
        if workspace is None:
            return
        world = self.world(workspace, report)
        for one in residents(workspace, self.site, environment):
            passage = one.state.passed(one.release, one.rung.stage)
            if one.rung.production or passage is None:
                continue
            try:
                platform = world.delivery.platform(one.deployment)
            except RingfenceError as error:
                report(f"{one.deployment}: its platform is not known: {error}")
                continue
            if platform is not None and platform != passage.platform:
                _write(workspace, report, one, platform)
        workspace.journal.close()

    def _workspace(self) -> Workspace | None:
        """The ladder; None where nobody ever released anything."""
        site = self.site
        journal = site.paths.landscape(site.landscape.name) / "promotion.db"
        if not journal.exists() and shared_ladder(site.paths, site.landscape.name) is None:
            return None
        return open_workspace(site.file, site.paths, site.clock, self.actor)

    def _question(self, workspace: Workspace, one: Resident) -> Question:
        return Question(
            release=one.state.releases[one.release],
            ladder=one.ladder,
            state=one.state,
            origin=one.deployment,
            stage=one.rung.stage,
            target=one.deployment,
            by=self.actor,
            now=workspace.clock.now(),
            calendar=workspace.landscape.calendar,
            groups=workspace.policy.groups,
        )


def residents(workspace: Workspace, site: Site, environment: str) -> Iterator[Resident]:
    """The releases that run in an Environment, as the ladder has them now."""
    here = {one.deployment for one in site.topology.placements if one.environment == environment}
    for name in workspace.journal.applications():
        ladder = workspace.ladder(name)
        for rung in ladder.rungs:
            for deployment in rung.deployments:
                state = workspace.state(name)
                release = state.runs.get(deployment)
                if deployment in here and release is not None and rung.placed:
                    yield Resident(deployment, release, ladder, rung, state)


def _verified_on(one: Resident, platform: str) -> bool:
    lower = {rung.stage for rung in one.ladder.rungs if rung.placed and not rung.production}
    passages = one.state.passages.get(one.release, ())
    return any(passage.stage in lower and (passage.platform or "").startswith(platform) for passage in passages)


def _write(workspace: Workspace, report: Report, one: Resident, platform: str) -> None:
    now = workspace.clock.now()
    because = f"it passed the gates of {one.rung.stage} on platform {platform}"
    body = {"version": one.version, "by": workspace.actor, "stage": one.rung.stage, "platform": platform,
            "because": because}  # fmt: skip
    entry = Entry(now, one.ladder.application, "verified", body, one.deployment, one.release)
    workspace.journal.record(one.ladder, Verified(one.release, one.rung.stage, platform), entry)
    report(f"{one.deployment}: release {one.version} is verified on platform {platform}")
    workspace.evidence("release.verified", one.deployment, because, {**body, "release": one.release,
                       "gates": [{"name": "verification", "state": "open"}]})  # fmt: skip
