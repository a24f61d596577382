"""An arrangement: which deployments share a pool, a cluster, an Environment; and what it costs.

It has no names yet: those are given by ``layout``. Rank is what decides between arrangements (contract, section 4):
price, then fewest Environments, clusters, nodes; names are made canonical by ``layout`` and the solvers' fixed order.
"""

from dataclasses import dataclass
from fractions import Fraction

from ringfence.decide.problem import APPS, Prices, Problem


@dataclass(frozen=True, slots=True)
class PoolPart:
    """The deployments that share a pool of one role, sorted."""

    role: str
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClusterPart:
    """A workload cluster's pools: those of the role APPS hold each of its deployments once."""

    pools: tuple[PoolPart, ...]

    @property
    def members(self) -> tuple[int, ...]:
        """Every deployment of the cluster, sorted."""
        return tuple(sorted(index for pool in self.pools if pool.role == APPS for index in pool.members))


@dataclass(frozen=True, slots=True)
class EnvironmentPart:
    """An Environment's workload clusters."""

    clusters: tuple[ClusterPart, ...]

    @property
    def members(self) -> tuple[int, ...]:
        """Every deployment of the Environment, sorted."""
        return tuple(sorted(index for cluster in self.clusters for index in cluster.members))


Arrangement = tuple[EnvironmentPart, ...]


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """What decides between two arrangements; the smaller one is better."""

    price: Fraction
    environments: int
    clusters: int
    nodes: int


def pool_nodes(problem: Problem, pool: PoolPart) -> int:
    """The nodes of a pool."""
    cpu = sum(problem.loads[index][pool.role][0] for index in pool.members)
    memory = sum(problem.loads[index][pool.role][1] for index in pool.members)
    return problem.prices.nodes(cpu, memory)


def rank(problem: Problem, arrangement: Arrangement) -> Rank:
    """Count an arrangement and price it."""
    clusters = [cluster for environment in arrangement for cluster in environment.clusters]
    nodes = sum(pool_nodes(problem, pool) for cluster in clusters for pool in cluster.pools)
    return ranked(problem.prices, len(arrangement), len(clusters), nodes)


def ranked(prices: Prices, environments: int, clusters: int, nodes: int) -> Rank:
    """The rank of these counts."""
    price = environments * prices.environment + clusters * prices.cluster + nodes * prices.node
    return Rank(price, environments, clusters, nodes)


def canonical(arrangement: Arrangement) -> Arrangement:
    """The same arrangement with everything in order: by members, which are in order of name."""
    environments = []
    for environment in arrangement:
        clusters = [
            ClusterPart(
                tuple(
                    sorted(
                        (PoolPart(pool.role, tuple(sorted(pool.members))) for pool in cluster.pools),
                        key=lambda pool: (pool.role != APPS, pool.role, pool.members),
                    )
                )
            )
            for cluster in environment.clusters
        ]
        environments.append(EnvironmentPart(tuple(sorted(clusters, key=lambda cluster: cluster.members))))
    return tuple(sorted(environments, key=lambda environment: environment.members))
