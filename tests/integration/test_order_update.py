"""Two Environments ordered and delivered on the engine, then updated: non-production first, data kept, clock moved."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import EngineHome
from integration.landscapes import write_landscape
from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths
from ringfence.decide.topology import Designation, Topology
from ringfence.flows.apply import apply, prepared
from ringfence.flows.live_proof import present
from ringfence.flows.orders import commands as orders
from ringfence.flows.orders.desk import open_orders
from ringfence.flows.orders.providers import EngineProvider, Place, look_shares_nothing
from ringfence.flows.targets import find_targets
from ringfence.flows.updates import commands, run
from ringfence.flows.updates.choose import Chosen, looks_of
from ringfence.flows.updates.commands import Opened, PlanRequest
from ringfence.flows.updates.desk import open_desk
from ringfence.flows.updates.own_gates import OwnGates
from ringfence.flows.updates.platforms import EnginePlatform, Site, look_separation
from ringfence.kube import CONFIG_MAPS
from ringfence.landscape.model import Landscape
from ringfence.order.request import Request
from ringfence.order.state import Approved, Order, Phase
from ringfence.update.bundle_file import PLATFORM
from ringfence.update.record import RefusedError
from ringfence.update.version import Bundle, Version
from topologies import Place as TopologyPlace
from topologies import topology_of

pytestmark = pytest.mark.engine

SECONDS = "--default-not-ready-toleration-seconds=77"
NEXT = Bundle(Version(1, 1, 0), PLATFORM.kubernetes, PLATFORM.components, {"kube-apiserver": (SECONDS,)})
WRONG = Bundle(Version(1, 2, 0), PLATFORM.kubernetes, PLATFORM.components, {"kube-apiserver": ("--no-such-flag=1",)})


@dataclass
class MovedClock(SystemClock):
    """The real clock, some days on."""

    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.now(tz=UTC) + self.ahead


@dataclass(frozen=True)
class World:
    """A landscape with two Environments, and everything to act on it."""

    landscape: Landscape
    topology: Topology
    paths: Paths
    clock: MovedClock

    def place(self) -> Place:
        return Place(self.landscape, self.topology, Path(self.landscape.file), self.paths, self.clock)

    def opened(self) -> Opened:
        desk = open_desk(self.paths, self.landscape.name, self.landscape.calendar, self.clock, "ada")
        return Opened(
            self.landscape, self.topology, desk, present(self.landscape, self.topology, self.paths, self.clock)
        )

    def chosen(self) -> Chosen:
        site = Site(self.landscape, self.topology, Path(self.landscape.file), self.paths, self.clock)
        separation = look_separation(site, "a trial on nodes that run no code")
        return Chosen(EnginePlatform(site), looks_of(OwnGates(site, "ada"), self.opened(), separation, lambda _: None))

    def start(self) -> run.RunResult:
        chosen = self.chosen()
        return run.start(self.opened(), chosen.platform, chosen.looks)

    def minor(self, cluster: str) -> str:
        """The minor version of Kubernetes that a cluster says it is."""
        with find_targets(self.paths, self.clock, self.landscape.name).open(cluster) as connection:
            return str(connection.request("GET", "/version")["emulationMinor"])

    def tolerated(self, cluster: str) -> int:
        """How long a pod that is made now would be tolerated on a node that is not ready: what the flag sets."""
        targets = find_targets(self.paths, self.clock, self.landscape.name)
        probe: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "probe", "namespace": "default"},
            "spec": {"containers": [{"name": "probe", "image": "registry.invalid/probe"}]},
        }
        with targets.open(cluster) as connection:
            made = connection.create(probe, dry_run=True)
        return next(
            int(one["tolerationSeconds"])
            for one in made["spec"]["tolerations"]
            if one["key"] == "node.kubernetes.io/not-ready"
        )


@pytest.fixture(scope="module")
def world(engine_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("updates")
    landscape = write_landscape(folder, "updates", {"shop": "{testing: {}, production: {}}"})
    topology = topology_of(
        landscape,
        [
            TopologyPlace("shop/testing", "trial", "trial-1", "apps", "shop-testing"),
            TopologyPlace("shop/production", "live", "live-1", "apps", "shop-production"),
        ],
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in engine_home.variables.items():
            patch.setenv(name, value)
        yield World(landscape, topology, engine_home.paths, MovedClock())
    engine_home.engine().down(landscape.name, purge=True)


def ordered(world: World, environment: str, designation: Designation) -> Order:
    desk = open_orders(world.paths, world.landscape.name, world.clock, "ada")
    users = tuple(sorted(orders.groups_of(world.landscape, world.topology, environment)))
    request = Request(environment, designation, "trial", date.today() + timedelta(days=9), "4711", users)  # noqa: DTZ011
    there = present(world.landscape, world.topology, world.paths, world.clock)
    made = orders.submit(desk, world.landscape, world.topology, request, there)
    assert made.findings == ()
    assert made.order is not None
    orders.decide(desk, made.order.identifier, Approved)
    proof = look_shares_nothing(world.place(), "a trial on nodes that run no code")
    return orders.deliver(desk, made.order.identifier, EngineProvider(world.place()), proof)


def test_ordered_delivered_and_updated_with_the_data_kept(world: World) -> None:
    for environment, designation in (("trial", Designation.NON_PRODUCTION), ("live", Designation.PRODUCTION)):
        order = ordered(world, environment, designation)
        assert (order.phase, order.differences) == (Phase.DELIVERED, ())
    targets = find_targets(world.paths, world.clock, "updates")
    with prepared(world.landscape, world.topology, targets) as ready:
        apply(ready, targets, timeout=180)
    data = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "customers", "namespace": "shop-testing"},
        "data": {"ada": "1815"},
    }
    with targets.open("trial-1") as connection:
        connection.create(data)
    assert world.tolerated("trial-1") == 300

    commands.plan_update(world.opened(), PlanRequest(NEXT))
    assert world.start().updated == ("trial",)
    assert world.tolerated("trial-1") == 77
    assert world.tolerated("live-1") == 300
    with targets.open("trial-1") as connection:
        kept = connection.get(CONFIG_MAPS, "customers", "shop-testing")
    assert kept is not None
    assert kept["data"] == {"ada": "1815"}

    with pytest.raises(RefusedError, match="working days"):
        world.start()
    world.clock.ahead = timedelta(days=9)
    assert world.start().updated == ("live",)
    assert world.tolerated("live-1") == 77
    assert [one.version for one in commands.status(world.opened()).environments] == ["1.1.0", "1.1.0"]


def test_a_bundle_that_does_not_start_stops_before_production_and_goes_back(world: World) -> None:
    commands.plan_update(world.opened(), PlanRequest(WRONG))
    result = world.start()
    assert result.stopped == "trial"
    assert world.tolerated("live-1") == 77
    run.back(world.opened(), "trial", world.chosen().platform)
    assert world.tolerated("trial-1") == 77
    assert world.opened().desk.ledger.verify().intact


def test_an_older_kubernetes_comes_and_goes_with_the_data_kept(world: World) -> None:
    platform = world.chosen().platform
    for minor in (36, 34):
        older = Bundle(Version(1, 1, 0), Version(1, minor, 0), PLATFORM.components, NEXT.flags)
        assert platform.deliver("trial", older, print).passed
        assert world.minor("trial-1") == str(minor)
        assert world.minor("live-1") == "37"
    with find_targets(world.paths, world.clock, "updates").open("trial-1") as connection:
        assert connection.get(CONFIG_MAPS, "customers", "shop-testing") is not None
    assert platform.deliver("trial", NEXT, print).passed
    assert world.minor("trial-1") == "37"


@pytest.mark.parametrize(
    "kubernetes", [Version(1, 33, 0), Version(1, 38, 0), Version(1, 37, 1), Version(2, 36, 0)], ids=str
)
def test_a_kubernetes_that_the_engine_cannot_be_is_refused(world: World, kubernetes: Version) -> None:
    found = world.chosen().platform.deliver("trial", Bundle(Version(1, 2, 0), kubernetes), print)
    assert not found.passed
    assert f"the bundle has Kubernetes {kubernetes}" in found.because
    assert world.tolerated("trial-1") == 77
