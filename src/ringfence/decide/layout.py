"""From an arrangement to a Topology: names, namespaces, node counts, and what every pair is placed at.

Names follow from what an arrangement holds and never from the order in which it was found: Environments by designation
and then by their first deployment, clusters and pools by their first deployment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count
from math import lcm

from ringfence.decide.arrangement import (
    Arrangement,
    ClusterPart,
    EnvironmentPart,
    canonical,
    pool_nodes,
    rank,
)
from ringfence.decide.living import Match, match
from ringfence.decide.problem import APPS, Problem
from ringfence.decide.requirements import Requirements, natural
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
    name: str,
    problem: Problem,
    requirements: Requirements,
    arrangement: Arrangement,
    status: Status,
    bound: Fraction,
    *,
    pairs: bool = True,
) -> Topology:
    """The Topology of an arrangement, with every ``pair`` and its reasons; alternatives are added by who knows them.

    What stands already keeps its names; the rest gets the first that are free.
    """
    ordered = tuple(sorted(canonical(arrangement), key=lambda each: (not _produces(problem, each), each.members)))
    kept = _kept(problem, ordered)
    names = _environment_names(problem, ordered, kept)
    drawing = _Drawing(problem)
    environments = tuple(
        drawing.environment(environment, called, olds)
        for environment, called, olds in zip(ordered, names, kept.clusters, strict=True)
    )
    return Topology(
        name=name,
        status=status,
        price=rank(problem, arrangement).price,
        bound=bound,
        environments=environments,
        placements=tuple(drawing.placements[index] for index in range(len(problem.names))),
        pairs=tuple(_pairs(problem, requirements, drawing.places)) if pairs else (),
        alternatives=(),
    )


def _kept(problem: Problem, ordered: Arrangement) -> Match:
    """Which Environments and clusters stand already: dear moves count first, then their number."""
    parts = [[cluster.members for cluster in environment.clusters] for environment in ordered]
    previous = problem.previous
    if previous is None:
        return Match(tuple((-1,) * len(part) for part in parts), (None,) * len(parts), 0)
    scale = lcm(*(price.denominator for price in previous.move))
    worth = [int(price * scale) * len(problem.names) * 2 + 1 for price in previous.move]
    return match(previous, parts, [_produces(problem, each) for each in ordered], worth)


def _produces(problem: Problem, environment: EnvironmentPart) -> bool:
    return any(problem.production[index] for index in environment.members)


def _environment_names(problem: Problem, ordered: Arrangement, kept: Match) -> list[str]:
    """``production`` and ``non-production``; with ``-a``, ``-b`` where there are several of one designation."""
    designations = [_designation(problem, each).value for each in ordered]
    taken = {name for name in kept.environments if name is not None}
    names = []
    for designation, old in zip(designations, kept.environments, strict=True):
        if old is not None:
            names.append(old)
            continue
        lettered = (f"{designation}-{_letters(number)}" for number in count())
        plain = [] if designations.count(designation) > 1 else [designation]
        names.append(next(name for name in chain(plain, lettered) if name not in taken))
        taken.add(names[-1])
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

    def environment(self, part: EnvironmentPart, name: str, olds: Sequence[int]) -> Environment:
        management = Cluster(f"{name}-management", ClusterRole.MANAGEMENT, (), ())
        previous = self.problem.previous
        kept = [previous.clusters[old].name if previous is not None and old >= 0 else None for old in olds]
        free = (each for each in (f"{name}-{number}" for number in count(1)) if each not in kept)
        called = [old or next(free) for old in kept]
        clusters = tuple(
            self._cluster(cluster, name, each) for cluster, each in zip(part.clusters, called, strict=True)
        )
        self._environments += 1
        ordered = tuple(sorted(clusters, key=lambda cluster: natural(cluster.name)))
        return Environment(name, _designation(self.problem, part), (management, *ordered))

    def _cluster(self, part: ClusterPart, environment: str, name: str) -> Cluster:
        pools: list[Pool] = []
        home: dict[int, str] = {}
        services: dict[int, dict[str, str]] = {index: {} for index in part.members}
        names = self._pool_names(part)
        for pool, called in zip(part.pools, names, strict=True):
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
        pools.sort(key=lambda pool: (pool.dedicated_to is not None, pool.dedicated_to or "", natural(pool.name)))
        return Cluster(name, ClusterRole.WORKLOAD, tuple(pools), used)

    def _pool_names(self, cluster: ClusterPart) -> list[str]:
        """``apps``, ``apps-2``, and so for each service; a pool keeps the name that its first deployments had."""
        taken: dict[str, set[str]] = {}
        names: list[str | None] = []
        for pool in cluster.pools:
            found = None
            if pool.role == APPS and self.problem.previous is not None:
                olds = (self.problem.previous.pool_of[index] for index in pool.members)
                found = next((old for old in olds if old is not None and old not in taken.get(APPS, set())), None)
            names.append(found)
            taken.setdefault(pool.role, set()).add(found or "")
        result = []
        for pool, name in zip(cluster.pools, names, strict=True):
            free = (each for each in chain([pool.role], (f"{pool.role}-{number}" for number in count(2)))
                    if each not in taken[pool.role])  # fmt: skip
            result.append(name or next(free))
            taken[pool.role].add(result[-1])
        return result


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
