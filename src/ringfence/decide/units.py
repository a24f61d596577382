"""Units: deployments that share a cluster whatever happens, since ``together`` rules say so; moved as one."""

from dataclasses import dataclass

from ringfence.decide.problem import Problem
from ringfence.landscape.model import Shared


@dataclass(frozen=True, slots=True)
class Unit:
    """Deployments of one cluster. ``bond`` is equal for units of one Environment; ``weight``: how contrary it is."""

    members: tuple[int, ...]
    bond: int
    weight: int


class Groups:
    """Sets that grow together (disjoint sets), each named by its smallest member."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, member: int) -> int:
        """The name of a member's set."""
        while self._parent[member] != member:
            self._parent[member] = self._parent[self._parent[member]]
            member = self._parent[member]
        return member

    def join(self, a: int, b: int) -> None:
        """Make the sets of both one."""
        one, other = self.find(a), self.find(b)
        if one != other:
            self._parent[max(one, other)] = min(one, other)


def groups(problem: Problem, shared: frozenset[Shared]) -> Groups:
    """The sets that bonds of these kinds make."""
    found = Groups(len(problem.names))
    for bond in problem.bonds:
        if bond.shared in shared:
            for member in bond.members[1:]:
                found.join(bond.members[0], member)
    return found


IN_CLUSTER = frozenset({Shared.NAMESPACE, Shared.POOL, Shared.CLUSTER})
IN_ENVIRONMENT = IN_CLUSTER | {Shared.ENVIRONMENT}


def units(problem: Problem) -> tuple[Unit, ...]:
    """Every unit of the problem."""
    clusters, environments = groups(problem, IN_CLUSTER), groups(problem, IN_ENVIRONMENT)
    members: dict[int, list[int]] = {}
    for index in range(len(problem.names)):
        members.setdefault(clusters.find(index), []).append(index)
    count = [0] * len(problem.apart)
    for kind in problem.kind_of:
        count[kind] += 1
    weight = [sum(distance * 1000 * count[other] for other, distance in enumerate(row)) for row in problem.apart]
    return tuple(
        Unit(tuple(found), environments.find(found[0]), max(weight[problem.kind_of[index]] for index in found))
        for found in members.values()
    )
