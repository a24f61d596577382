"""The Topology as values: where every deployment lives and what that costs (contract, section 4).

No solver here: whoever renders, applies or proves a Topology needs only these values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from ringfence.landscape.model import Level


class Designation(StrEnum):
    """What an Environment may host: a production deployment makes it ``production``."""

    PRODUCTION = "production"
    NON_PRODUCTION = "non-production"


class ClusterRole(StrEnum):
    """What runs on a cluster: what the platform needs, or applications."""

    MANAGEMENT = "management"
    WORKLOAD = "workload"


class Status(StrEnum):
    """How sure the price is: proved cheapest, the best found in time, or impossible."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True, slots=True)
class Pool:
    """Nodes of one kind in a cluster; ``dedicated_to`` names a kind of service, None means applications."""

    name: str
    nodes: int
    dedicated_to: str | None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster with its pools and namespaces; management clusters have neither priced pools nor namespaces."""

    name: str
    role: ClusterRole
    pools: tuple[Pool, ...]
    namespaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """One management cluster and one or more workload clusters."""

    name: str
    designation: Designation
    clusters: tuple[Cluster, ...]

    @property
    def management(self) -> Cluster:
        """The management cluster."""
        return next(cluster for cluster in self.clusters if cluster.role is ClusterRole.MANAGEMENT)

    @property
    def workloads(self) -> tuple[Cluster, ...]:
        """The workload clusters."""
        return tuple(cluster for cluster in self.clusters if cluster.role is ClusterRole.WORKLOAD)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a deployment lives; ``services`` maps each service it needs to the pool of its instance."""

    deployment: str
    environment: str
    cluster: str
    pool: str
    namespace: str
    services: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reason:
    """What asks a level of a pair: a clause of a regulation, or the user's own rule (then ``clause`` is None).

    ``recommended`` is True when the clause recommends the level and does not require it.
    """

    source: str
    clause: str | None
    level: Level
    because: str
    recommended: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """Two deployments, the level asked of them with its reasons, and the level they are placed at."""

    a: str
    b: str
    required: Level
    placed: Level
    because: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """What the price would be without one clause or rule."""

    without: str
    price: Fraction
    environments: int


@dataclass(frozen=True, slots=True)
class ConflictItem:
    """One of a minimal set of requirements that cannot be met together. ``place`` is FILE:LINE:COLUMN."""

    rule: str
    because: str
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A deployment that would leave its cluster, as ENVIRONMENT/CLUSTER, and what that costs once."""

    deployment: str
    source: str
    target: str
    price: Fraction


@dataclass(frozen=True, slots=True)
class Topology:
    """The decision. ``conflict`` is empty unless ``status`` is infeasible; then there are no environments.

    ``moves`` is what leaves the place that ``topology.yaml`` had for it.
    """

    name: str
    status: Status
    price: Fraction
    bound: Fraction
    environments: tuple[Environment, ...]
    placements: tuple[Placement, ...]
    pairs: tuple[Pair, ...]
    alternatives: tuple[Alternative, ...]
    conflict: tuple[ConflictItem, ...] = ()
    moves: tuple[Move, ...] = ()

    def placement(self, deployment: str) -> Placement:
        """The place of a deployment. Raises KeyError when it has none (local ones have none)."""
        for placement in self.placements:
            if placement.deployment == deployment:
                return placement
        raise KeyError(deployment)

    def environment(self, name: str) -> Environment:
        """The Environment of that name. Raises KeyError when there is none."""
        for environment in self.environments:
            if environment.name == name:
                return environment
        raise KeyError(name)
