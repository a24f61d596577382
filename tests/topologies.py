"""Topologies by hand, for tests of what comes after planning: two deployments at each of the six levels."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ringfence.decide.topology import (
    Cluster,
    ClusterRole,
    Designation,
    Environment,
    Pair,
    Placement,
    Pool,
    Status,
    Topology,
)
from ringfence.landscape.load import load_landscape
from ringfence.landscape.model import Landscape, Level

ROOT = Path(__file__).resolve().parents[1]
CLINIC = ROOT / "examples" / "clinic" / "ringfence.yaml"


@dataclass(frozen=True)
class Place:
    """Where a deployment goes."""

    deployment: str
    environment: str
    cluster: str
    pool: str
    namespace: str


def between(one: Place, other: Place) -> Level:
    """The level that two places are apart (contract, section 4)."""
    if one.environment != other.environment:
        return Level.ENVIRONMENT
    if one.cluster != other.cluster:
        return Level.CLUSTER
    if one.pool != other.pool:
        return Level.NODE if one.namespace == other.namespace else Level.NODE_NAMESPACE
    return Level.LABELS if one.namespace == other.namespace else Level.NAMESPACE


def topology_of(landscape: Landscape, places: list[Place]) -> Topology:
    """A Topology that has exactly these places; service pools are shared by deployments with one application pool."""
    placements: list[Placement] = []
    pools: dict[tuple[str, str], dict[str, str | None]] = {}
    for place in places:
        needs = landscape.application(landscape.deployment(place.deployment).application).needs
        services = {service: f"{place.pool}-{service}" for service in needs}
        placements.append(
            Placement(place.deployment, place.environment, place.cluster, place.pool, place.namespace, services)
        )
        here = pools.setdefault((place.environment, place.cluster), {})
        here[place.pool] = None
        here.update({pool: service for service, pool in services.items()})
    environments = []
    for name in dict.fromkeys(place.environment for place in places):
        clusters = [Cluster(f"{name}-management", ClusterRole.MANAGEMENT, (), ())]
        for cluster in dict.fromkeys(place.cluster for place in places if place.environment == name):
            inside = [place for place in places if place.cluster == cluster]
            clusters.append(
                Cluster(
                    cluster,
                    ClusterRole.WORKLOAD,
                    tuple(Pool(pool, 2, service) for pool, service in sorted(pools[name, cluster].items())),
                    tuple(sorted({place.namespace for place in inside})),
                )
            )
        production = any(
            landscape.stage(landscape.deployment(place.deployment).stage).production
            for place in places
            if place.environment == name
        )
        designation = Designation.PRODUCTION if production else Designation.NON_PRODUCTION
        environments.append(Environment(name, designation, tuple(clusters)))
    pairs = tuple(
        Pair(one.deployment, other.deployment, Level.LABELS, between(one, other), ())
        for index, one in enumerate(places)
        for other in places[index + 1 :]
    )
    return Topology(
        landscape.name,
        Status.OPTIMAL,
        Fraction(0),
        Fraction(0),
        tuple(environments),
        tuple(placements),
        pairs,
        (),
    )


def clinic() -> Landscape:
    """The clinic of examples/."""
    return load_landscape(CLINIC)


_A, _B = "portal/testing-1", "portal/testing-2"

LEVELS: dict[Level, list[Place]] = {
    Level.LABELS: [Place(_A, "np", "np-1", "apps", "shared"), Place(_B, "np", "np-1", "apps", "shared")],
    Level.NAMESPACE: [Place(_A, "np", "np-1", "apps", "one"), Place(_B, "np", "np-1", "apps", "two")],
    Level.NODE: [Place(_A, "np", "np-1", "apps-a", "shared"), Place(_B, "np", "np-1", "apps-b", "shared")],
    Level.NODE_NAMESPACE: [Place(_A, "np", "np-1", "apps-a", "one"), Place(_B, "np", "np-1", "apps-b", "two")],
    Level.CLUSTER: [Place(_A, "np", "np-1", "apps", "one"), Place(_B, "np", "np-2", "apps", "two")],
    Level.ENVIRONMENT: [Place(_A, "np", "np-1", "apps", "one"), Place(_B, "other", "other-1", "apps", "two")],
}
"""Two copies of the portal's testing, apart at each level."""
