"""A good arrangement fast: the hardest deployments first, each to the cheapest place that takes it.

Used as the first answer that the exact search has to beat.
"""

from dataclasses import dataclass, field

from ringfence.decide.arrangement import Arrangement, ClusterPart, EnvironmentPart, PoolPart, canonical
from ringfence.decide.problem import APPS, CLUSTER, ENVIRONMENT, NODE, Problem
from ringfence.decide.units import Unit


@dataclass(slots=True)
class _Cluster:
    members: list[int] = field(default_factory=list)
    environment: int = 0


def greedy(problem: Problem, units: tuple[Unit, ...]) -> Arrangement:
    """An arrangement that meets every distance and bond; the gate for non-production is not looked at."""
    clusters: list[_Cluster] = []
    environments = 0
    place: dict[int, int] = {}
    order = sorted(units, key=lambda unit: (-unit.weight, unit.members))
    for unit in order:
        options = [index for index, cluster in enumerate(clusters) if _fits(problem, unit, cluster, clusters, place)]
        if options:
            clusters[options[0]].members += unit.members
            place[unit.bond] = clusters[options[0]].environment
            continue
        homes = [
            number
            for number in range(environments)
            if place.get(unit.bond, number) == number
            and not _clash(problem, unit, _inside(clusters, number), ENVIRONMENT)
        ]
        if homes:
            home = homes[0]
        else:
            home = environments
            environments += 1
        clusters.append(_Cluster(list(unit.members), home))
        place[unit.bond] = home
    parts = [
        EnvironmentPart(tuple(part(problem, cluster.members) for cluster in clusters if cluster.environment == number))
        for number in range(environments)
    ]
    return canonical(tuple(parts))


def _fits(problem: Problem, unit: Unit, cluster: _Cluster, clusters: list[_Cluster], place: dict[int, int]) -> bool:
    if place.get(unit.bond, cluster.environment) != cluster.environment:
        return False
    if _clash(problem, unit, cluster.members, CLUSTER):
        return False
    return not _clash(problem, unit, _inside(clusters, cluster.environment), ENVIRONMENT)


def _inside(clusters: list[_Cluster], environment: int) -> list[int]:
    return [member for cluster in clusters if cluster.environment == environment for member in cluster.members]


def _clash(problem: Problem, unit: Unit, others: list[int], distance: int) -> bool:
    return any(problem.distance(a, b) >= distance for a in unit.members for b in others)


def part(problem: Problem, members: list[int]) -> ClusterPart:
    """The pools of a cluster with these members, first fit."""
    pools: list[PoolPart] = []
    for role in sorted({role for index in members for role in problem.loads[index]}):
        bins: list[list[int]] = []
        for index in sorted(members):
            if role in problem.loads[index]:
                for each in bins:
                    if all(problem.distance(index, other) < NODE for other in each):
                        each.append(index)
                        break
                else:
                    bins.append([index])
        pools += [PoolPart(role, tuple(each)) for each in bins]
    assert any(pool.role == APPS for pool in pools)
    return ClusterPart(tuple(pools))
