"""The same problem for a constraint solver, one variable a deployment and cluster: built differently on purpose.

It takes over where the exact search runs out of steps, is the oracle of the search's tests for middle sizes, and what
the benchmark compares with. One worker, a fixed seed and a limit in the solver's own deterministic time: eight workers
gave three different optimal answers in four runs. Imported only when it is needed, since that alone takes longer than
planning a clinic.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd
from typing import Any

from ringfence.decide.arrangement import Arrangement, EnvironmentPart, canonical, rank
from ringfence.decide.problem import APPS, CLUSTER, ENVIRONMENT, NODE, Problem
from ringfence.decide.search import Outcome
from ringfence.decide.weights import Weights
from ringfence.landscape.model import Shared

_LARGEST = 2**60
_MOST_POOLS = 6


@dataclass(frozen=True, slots=True)
class Size:
    """How many Environments and clusters the model offers; ``exact`` when no answer can need more."""

    environments: int
    clusters: int
    exact: bool


def refine(problem: Problem, weights: Weights, before: Outcome, limit: float, most_clusters: int = 12) -> Outcome:
    """A better answer or a better floor than ``before``, or ``before`` itself where the model does not fit.

    ``limit`` is in the solver's deterministic seconds. ``before`` must hold an arrangement.
    """
    assert before.arrangement is not None
    assert before.value is not None
    size = _size(problem, weights, before, most_clusters)
    if weights.value(len(problem.names), len(problem.names), weights.base) > _LARGEST or problem.previous is not None:
        return before
    model = _Model(problem, weights, size)
    if not model.fits:
        return before
    found = model.solve(before, limit)
    if found is None:
        return before
    value = weights.of(rank(problem, found.arrangement)) if found.arrangement else before.value
    floor = max(before.floor, found.floor) if size.exact else before.floor
    if found.arrangement is None or value >= before.value:
        return Outcome(before.arrangement, before.value, min(floor, before.value), before.complete)
    return Outcome(found.arrangement, value, min(floor, value), before.complete)


def _size(problem: Problem, weights: Weights, before: Outcome, most_clusters: int) -> Size:
    """As many Environments and clusters as an answer no dearer than the one before could have."""
    assert before.arrangement is not None
    assert before.value is not None
    count = len(problem.names)
    nodes = _fewest_nodes(problem)
    environments = max(e for e in range(1, count + 1) if e == 1 or weights.value(e, e, nodes) <= before.value)
    clusters = max(k for k in range(1, count + 1) if k == 1 or weights.value(1, k, nodes) <= before.value)
    now = rank(problem, before.arrangement)
    kept = Size(min(environments, max(now.environments, 4)), min(clusters, max(now.clusters, most_clusters)), True)
    return Size(kept.environments, kept.clusters, kept.environments == environments and kept.clusters == clusters)


def _fewest_nodes(problem: Problem) -> int:
    sums: dict[str, list[int]] = {}
    for loads in problem.loads:
        for role, (cpu, memory) in loads.items():
            entry = sums.setdefault(role, [0, 0])
            entry[0] += cpu
            entry[1] += memory
    return sum(problem.prices.nodes(cpu, memory) for cpu, memory in sums.values())


@dataclass(frozen=True, slots=True)
class _Found:
    arrangement: Arrangement | None
    floor: int


class _Model:
    """Variables and constraints; ``a[d, k]``: deployment in cluster, ``z[k, e]``: cluster in Environment."""

    def __init__(self, problem: Problem, weights: Weights, size: Size) -> None:
        from ortools.sat.python import cp_model

        self._cp: Any = cp_model
        self._model: Any = cp_model.CpModel()
        self._problem = problem
        self._weights = weights
        self._clusters = range(size.clusters)
        self._environments = range(size.environments)
        self._all = range(len(problem.names))
        separated = any(NODE in row for row in problem.apart)
        self._pools = range(min(_MOST_POOLS, len(problem.names)) if separated else 1)
        self._scales = [_common(problem, axis) for axis in (0, 1)]
        self.fits = self._fits()
        if self.fits:
            self._build()

    def _fits(self) -> bool:
        roles = sum(len(loads) for loads in self._problem.loads)
        variables = roles * len(self._clusters) * len(self._pools)
        largest = sum(max(load) for loads in self._problem.loads for load in loads.values())
        return variables < 60_000 and largest < _LARGEST

    def _bool(self) -> Any:
        return self._model.NewBoolVar("")

    def _build(self) -> None:
        self._a = {(d, k): self._bool() for d in self._all for k in self._clusters}
        self._z = {(k, e): self._bool() for k in self._clusters for e in self._environments}
        self._used = [self._bool() for _ in self._clusters]
        self._open = [self._bool() for _ in self._environments]
        self._g = {(d, e): self._bool() for d in self._all for e in self._environments}
        add = self._model.Add
        for d in self._all:
            self._model.AddExactlyOne(self._a[d, k] for k in self._clusters)
            self._model.AddExactlyOne(self._g[d, e] for e in self._environments)
            for k in self._clusters:
                self._model.AddImplication(self._a[d, k], self._used[k])
                for e in self._environments:
                    self._model.AddBoolOr(self._a[d, k].Not(), self._z[k, e].Not(), self._g[d, e])
        for k in self._clusters:
            add(sum(self._z[k, e] for e in self._environments) == self._used[k])
            add(sum(self._a[d, k] for d in self._all) >= self._used[k])
            for e in self._environments:
                self._model.AddImplication(self._z[k, e], self._open[e])
            if k:
                self._model.AddImplication(self._used[k], self._used[k - 1])
        for e in self._environments:
            add(sum(self._z[k, e] for k in self._clusters) >= self._open[e])
            if e:
                self._model.AddImplication(self._open[e], self._open[e - 1])
        self._apart({(d, k): self._a[d, k] for d in self._all for k in self._clusters}, CLUSTER)
        self._apart(self._g, ENVIRONMENT)
        self._tie()
        self._gate()
        self._nodes = [self._role(role) for role in sorted({role for loads in self._problem.loads for role in loads})]
        weights = self._weights
        self._objective = (
            weights.environment * sum(self._open)
            + weights.cluster * sum(self._used)
            + weights.node * sum(node for nodes in self._nodes for node in nodes)
        )
        self._model.Minimize(self._objective)

    def _apart(self, inside: dict[tuple[int, int], Any], least: int) -> None:
        """Deployments that must be that far apart are never in one place; stated between kinds."""
        places = sorted({place for _, place in inside})
        members: dict[int, list[int]] = {}
        for d in sorted({d for d, _ in inside}):
            members.setdefault(self._problem.kind_of[d], []).append(d)
        hostile = [(a, b) for a in members for b in members
                   if a <= b and self._problem.apart[a][b] >= least]  # fmt: skip
        concerned = sorted({kind for pair in hostile for kind in pair})
        for place in places:
            present = {}
            for kind in concerned:
                present[kind] = self._bool()
                for d in members[kind]:
                    self._model.AddImplication(inside[d, place], present[kind])
            for a, b in hostile:
                if a == b:
                    self._model.AddAtMostOne(inside[d, place] for d in members[a])
                else:
                    self._model.AddAtMostOne([present[a], present[b]])

    def _tie(self) -> None:
        for bond in self._problem.bonds:
            for d in bond.members[1:]:
                places = self._environments if bond.shared is Shared.ENVIRONMENT else self._clusters
                table = self._g if bond.shared is Shared.ENVIRONMENT else self._a
                for place in places:
                    self._model.Add(table[d, place] == table[bond.members[0], place])

    def _gate(self) -> None:
        if not self._problem.non_production:
            return
        free = []
        for e in self._environments:
            chosen = self._bool()
            self._model.AddImplication(chosen, self._open[e])
            for d in self._all:
                if self._problem.production[d]:
                    self._model.AddImplication(chosen, self._g[d, e].Not())
            free.append(chosen)
        self._model.AddBoolOr(free)

    def _role(self, role: str) -> list[Any]:
        """The nodes of every pool of a role."""
        users = [d for d in self._all if role in self._problem.loads[d]]
        slots = [(k, p) for k in self._clusters for p in self._pools]
        if len(self._pools) == 1:
            inside = {(d, slot): self._a[d, k] for d in users for slot, (k, _) in enumerate(slots)}
        else:
            inside = {(d, slot): self._bool() for d in users for slot in range(len(slots))}
            for d in users:
                for k in self._clusters:
                    here = [inside[d, slot] for slot, (cluster, _) in enumerate(slots) if cluster == k]
                    self._model.Add(sum(here) == self._a[d, k])
            self._apart(inside, NODE)
        if role == APPS:
            for bond in self._problem.bonds:
                if bond.shared is Shared.POOL:
                    for d in bond.members[1:]:
                        for slot in range(len(slots)):
                            self._model.Add(inside[d, slot] == inside[bond.members[0], slot])
        return [self._pool(role, users, inside, slot) for slot in range(len(slots))]

    def _pool(self, role: str, users: list[int], inside: dict[tuple[int, int], Any], slot: int) -> Any:
        loads = self._problem.loads
        prices = self._problem.prices
        whole = [sum(loads[d][role][axis] for d in users) for axis in (0, 1)]
        nodes = self._model.NewIntVar(0, prices.nodes(whole[0], whole[1]), "")
        filled = self._bool()
        for d in users:
            self._model.AddImplication(inside[d, slot], filled)
        self._model.Add(nodes >= prices.minimum * filled)
        for axis in (0, 1):
            scale = self._scales[axis]
            load = sum(loads[d][role][axis] // scale * inside[d, slot] for d in users)
            self._model.Add(prices.capacity[axis] // scale * nodes >= load)
        return nodes

    def solve(self, before: Outcome, limit: float) -> _Found | None:
        """Solve from the answer before; None when the solver found nothing to say."""
        assert before.value is not None
        self._model.Add(self._objective <= before.value)
        self._model.Add(self._objective >= before.floor)
        solver = self._cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 1
        solver.parameters.max_deterministic_time = limit
        status = solver.Solve(self._model)
        if status not in {self._cp.OPTIMAL, self._cp.FEASIBLE}:
            return None
        floor = int(solver.BestObjectiveBound()) if status != self._cp.OPTIMAL else int(solver.ObjectiveValue())
        if status == self._cp.OPTIMAL:
            floor = self._weights.of(rank(self._problem, self._read(solver)))
        return _Found(self._read(solver), floor)

    def _read(self, solver: Any) -> Arrangement:
        """The arrangement that the solver found, its pools found anew from its clusters."""
        from ringfence.decide.pooling import Pooling

        pooling = Pooling(self._problem)
        environments: list[EnvironmentPart] = []
        for e in self._environments:
            parts = []
            for k in self._clusters:
                members = tuple(d for d in self._all if solver.Value(self._a[d, k]))
                if members and solver.Value(self._z[k, e]):
                    parts.append(pooling.cluster(members))
            if parts:
                environments.append(EnvironmentPart(tuple(parts)))
        return canonical(tuple(environments))


def _common(problem: Problem, axis: int) -> int:
    """The largest number that divides every request and the capacity, so that the solver's numbers stay small."""
    values: Iterable[int] = (load[axis] for loads in problem.loads for load in loads.values())
    return gcd(problem.prices.capacity[axis], *values) or 1
