"""From an arrangement to a Topology: names, namespaces, node counts, and what every pair is placed at.

Names follow from what an arrangement holds and never from the order in which it was found: Environments by designation
and then by their first deployment, clusters and pools by their first deployment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from ringfence.decide.arrangement import (
    Arrangement,
    ClusterPart,
    EnvironmentPart,
    PoolPart,
    canonical,
    pool_nodes,
    rank,
)
from ringfence.decide.problem import APPS, Problem
from ringfence.decide.requirements import Requirements
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
from ringfence.decide.units import groups
from ringfence.landscape.model import Level, Shared


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment lives, by the numbers of its Environment, cluster, pool and namespace: equal means shared."""

    environment: int
    cluster: int
    pool: int
    namespace: int


def placed(a: Place, b: Place) -> Level:
    """The level between two deployments, read off their places (contract, section 4)."""
    if a.environment != b.environment:
        return Level.ENVIRONMENT
    if a.cluster != b.cluster:
        return Level.CLUSTER
    if a.pool != b.pool:
        return Level.NODE if a.namespace == b.namespace else Level.NODE_NAMESPACE
    return Level.LABELS if a.namespace == b.namespace else Level.NAMESPACE


def lay_out(
    name: str, problem: Problem, requirements: Requirements, arrangement: Arrangement, status: Status, bound: Fraction
) -> Topology:
    """The Topology of an arrangement, with every pair and its reasons; alternatives are added by who knows them."""
    ordered = tuple(sorted(canonical(arrangement), key=lambda each: (not _produces(problem, each), each.members)))
    names = _environment_names(problem, ordered)
    drawing = _Drawing(problem)
    environments = tuple(
        drawing.environment(environment, called) for environment, called in zip(ordered, names, strict=True)
    )
    return Topology(
        name=name,
        status=status,
        price=rank(problem, arrangement).price,
        bound=bound,
        environments=environments,
        placements=tuple(drawing.placements[index] for index in range(len(problem.names))),
        pairs=tuple(_pairs(problem, requirements, drawing.places)),
        alternatives=(),
    )


def _produces(problem: Problem, environment: EnvironmentPart) -> bool:
    return any(problem.production[index] for index in environment.members)


def _environment_names(problem: Problem, ordered: Iterable[EnvironmentPart]) -> list[str]:
    """``production`` and ``non-production``; with ``-a``, ``-b`` where there are several of one designation."""
    designations = [_designation(problem, each).value for each in ordered]
    names = []
    for position, designation in enumerate(designations):
        several = designations.count(designation) > 1
        names.append(
            f"{designation}-{_letters(designations[:position].count(designation))}" if several else designation
        )
    return names


def _letters(number: int) -> str:
    """``a`` to ``z``, then ``aa``."""
    word = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        word = chr(ord("a") + digit) + word
    return word


def _designation(problem: Problem, environment: EnvironmentPart) -> Designation:
    return Designation.PRODUCTION if _produces(problem, environment) else Designation.NON_PRODUCTION


class _Drawing:
    """Names clusters, pools and namespaces while it remembers where each deployment went."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.placements: dict[int, Placement] = {}
        self.places: dict[int, Place] = {}
        self._namespaces = namespaces(problem)
        self._shared = groups(problem, frozenset({Shared.NAMESPACE}))
        self._clusters = 0
        self._pools = 0
        self._environments = 0

    def environment(self, part: EnvironmentPart, name: str) -> Environment:
        management = Cluster(f"{name}-management", ClusterRole.MANAGEMENT, (), ())
        clusters = tuple(
            self._cluster(cluster, name, f"{name}-{number}") for number, cluster in enumerate(part.clusters, start=1)
        )
        self._environments += 1
        return Environment(name, _designation(self.problem, part), (management, *clusters))

    def _cluster(self, part: ClusterPart, environment: str, name: str) -> Cluster:
        pools: list[Pool] = []
        home: dict[int, str] = {}
        services: dict[int, dict[str, str]] = {index: {} for index in part.members}
        for pool in part.pools:
            called = self._pool_name(pool, part)
            dedicated = None if pool.role == APPS else pool.role
            pools.append(Pool(called, pool_nodes(self.problem, pool), dedicated))
            self._pools += 1
            for index in pool.members:
                if dedicated is not None:
                    services[index][dedicated] = called
                    continue
                home[index] = called
                self.places[index] = Place(self._environments, self._clusters, self._pools, self._shared.find(index))
        for index in part.members:
            self.placements[index] = Placement(
                self.problem.names[index], environment, name, home[index], self._namespaces[index], services[index]
            )
        self._clusters += 1
        used = tuple(dict.fromkeys(self._namespaces[index] for index in part.members))
        return Cluster(name, ClusterRole.WORKLOAD, tuple(pools), used)

    def _pool_name(self, pool: PoolPart, cluster: ClusterPart) -> str:
        alike = [each for each in cluster.pools if each.role == pool.role]
        number = alike.index(pool) + 1
        return pool.role if number == 1 else f"{pool.role}-{number}"


def namespaces(problem: Problem) -> Mapping[int, str]:
    """The namespace of each deployment: its own name, or where ``together`` says so one for several.

    A shared one is called after what its deployments have in common (``portal-testing``) when it holds every deployment
    that begins so, else after the first of them.
    """
    shared = groups(problem, frozenset({Shared.NAMESPACE}))
    members: dict[int, list[int]] = {}
    for index in range(len(problem.names)):
        members.setdefault(shared.find(index), []).append(index)
    found: dict[int, str] = {}
    for first, group in members.items():
        name = problem.names[first]
        stem = name.rpartition("-")[0]
        copies = [index for index, each in enumerate(problem.names) if stem and _copy_of(each, stem)]
        if len(group) > 1 and group == copies and stem not in problem.names:
            name = stem
        for index in group:
            found[index] = name.replace("/", "-")
    return found


def _copy_of(name: str, stem: str) -> bool:
    return name.startswith(f"{stem}-") and name[len(stem) + 1 :].isdigit()


def _pairs(problem: Problem, requirements: Requirements, places: Mapping[int, Place]) -> Iterable[Pair]:
    subjects = requirements.subjects
    for i, a in enumerate(subjects):
        for j in range(i + 1, len(subjects)):
            mask = requirements.asked(a, subjects[j])
            yield Pair(
                problem.names[i],
                problem.names[j],
                requirements.level(mask),
                placed(places[i], places[j]),
                requirements.reasons(mask),
            )
