"""Cluster API's own definitions in a real API server: ordered, read back, updated. Its controllers are played here.

The definitions are in the Go module ``sigs.k8s.io/cluster-api``; the API server evaluates the rules in them that a
schema validator does not know.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster_api import cluster_definition
from integration.landscapes import write_landscape
from patience import eventually
from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths
from ringfence.decide.topology import Designation, Topology
from ringfence.engine import ClusterState
from ringfence.flows.orders.providers import ClusterApiProvider, Place
from ringfence.flows.updates.clusterapi import ClusterApiPlatform
from ringfence.flows.updates.platforms import Site
from ringfence.kube import Cluster, NotFoundError, RefusedError, open_cluster
from ringfence.landscape.model import Landscape
from ringfence.order.clusterapi import API_VERSION, ClassChoice
from ringfence.order.compare import ordered_clusters
from ringfence.order.request import Capacity, Request
from ringfence.order.state import Order, Submitted, begin
from ringfence.update.version import Bundle, Version
from topologies import Place as TopologyPlace
from topologies import topology_of

pytestmark = pytest.mark.engine

NAMESPACE = "environments"
GI = Fraction(1024**3)


@dataclass
class PlayedClock(SystemClock):
    """The real clock; instead of waiting, the controllers' part is played."""

    management: Cluster | None = None

    def sleep(self, seconds: float) -> None:
        assert self.management is not None
        play(self.management)


def play(management: Cluster) -> None:
    """What Cluster API's controllers would write once everything is there."""
    resource = management.resource_of(API_VERSION, "Cluster")
    conditions = [
        {"type": name, "status": value, "reason": "Played", "message": "", "lastTransitionTime": "2026-11-23T12:00:00Z"}
        for name, value in (("Available", "True"), ("TopologyReconciled", "True"), ("RollingOut", "False"))
    ]
    for one in management.list_raw(resource, namespace=NAMESPACE).items:
        workers = one["spec"]["topology"].get("workers", {}).get("machineDeployments", [])
        count = sum(int(deployment["replicas"]) for deployment in workers)
        status: Mapping[str, Any] = {
            "observedGeneration": one["metadata"]["generation"],
            "conditions": conditions,
            "workers": {
                "availableReplicas": count,
                "replicas": count,
                **({"versions": [{"version": one["spec"]["topology"]["version"], "replicas": count}]} if count else {}),
            },
        }
        management.patch(resource, one["metadata"]["name"], {"status": status}, NAMESPACE, subresource="status")


@dataclass(frozen=True)
class World:
    """A management cluster that knows Cluster API's definitions, and a landscape to be built by it."""

    management: Cluster
    landscape: Landscape
    topology: Topology
    clock: PlayedClock
    paths: Paths

    @property
    def file(self) -> Path:
        return Path(self.landscape.file)


@pytest.fixture(scope="module")
def world(one_cluster: ClusterState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    definition = cluster_definition()
    folder = tmp_path_factory.mktemp("capi")
    landscape = write_landscape(folder, "capi", {"shop": "{production: {}}"}, "needs: [postgresql]")
    topology = topology_of(landscape, [TopologyPlace("shop/production", "live", "live-1", "apps", "shop-production")])
    context = yaml.safe_load(one_cluster.kubeconfig.read_text())["current-context"]
    with open_cluster(one_cluster.kubeconfig) as management:
        management.apply(definition)
        management.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    eventually(lambda: served(one_cluster.kubeconfig), "the definition is established", 60)
    with pytest.MonkeyPatch.context() as patch, open_cluster(one_cluster.kubeconfig) as management:
        patch.setenv("KUBECONFIG", str(one_cluster.kubeconfig))
        patch.setenv("CAPI_CONTEXT", context)
        clock = PlayedClock(management)
        yield World(management, landscape, topology, clock, Paths(folder / "s", folder / "d", folder / "c"))


def served(kubeconfig: Path) -> bool:
    # A connection of its own: one remembers what it discovered.
    with open_cluster(kubeconfig) as management:
        try:
            management.list_raw(management.resource_of(API_VERSION, "Cluster"), namespace=NAMESPACE)
        except NotFoundError:
            return False
        return True


def order(world: World) -> Order:
    request = Request(
        environment="live",
        designation=Designation.PRODUCTION,
        purpose="trial",
        by=date(2099, 1, 1),
        paid_by="4711",
        users=("customers",),
        regions=("eu-north-1",),
        capacity=Capacity(Fraction(4), 16 * GI),
        clusters=ordered_clusters(world.topology.environments[0]),
    )
    return begin("o-1", Submitted(datetime(2026, 11, 23, tzinfo=UTC), "ada", request))


def provider(world: World) -> ClusterApiProvider:
    place = Place(world.landscape, world.topology, world.file, world.paths, world.clock)
    return ClusterApiProvider(
        place, os.environ["CAPI_CONTEXT"], ClassChoice("quick-start", "default-worker", "1.36.1", NAMESPACE)
    )


def test_ordered_clusters_are_taken_by_the_real_api_and_read_back(world: World) -> None:
    ordered = order(world)
    mine = provider(world)
    mine.provision(ordered, print)
    mine.provision(ordered, print)  # again, as after a crash
    assert mine.delivered(ordered) is None
    play(world.management)
    delivered = mine.delivered(ordered)
    assert delivered is not None
    assert delivered.region == "eu-north-1"
    assert {one.name for one in delivered.clusters} == {one.name for one in ordered.request.clusters}


def test_an_update_asks_for_the_version_and_waits_until_it_is_there(world: World) -> None:
    site = Site(world.landscape, world.topology, world.file, world.paths, world.clock)
    platform = ClusterApiPlatform(site, os.environ["CAPI_CONTEXT"], NAMESPACE)
    check = platform.deliver("live", Bundle(Version(1, 5, 0), Version(1, 37, 2)), print)
    assert check.passed, check.because
    resource = world.management.resource_of(API_VERSION, "Cluster")
    versions = {
        one["spec"]["topology"]["version"] for one in world.management.list_raw(resource, namespace=NAMESPACE).items
    }
    assert versions == {"v1.37.2"}


def test_what_cluster_api_does_not_take_is_refused_by_it(world: World) -> None:
    wrong = {
        "apiVersion": API_VERSION,
        "kind": "Cluster",
        "metadata": {"name": "wrong", "namespace": NAMESPACE},
        "spec": {"topology": {"version": "v1.37.2"}},
    }
    with pytest.raises(RefusedError):
        world.management.apply(wrong, dry_run=True)
