"""The pools of one role in one cluster: fewest nodes, then fewest pools, none shared by what must be node-separate.

Without such a distance one pool is best, since rounding up twice never costs less than rounding up once. With it this
is a colouring with sizes, solved by a search over items whose bound is the sum of all requests.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ringfence.decide.arrangement import ClusterPart, PoolPart
from ringfence.decide.problem import APPS, NODE, Problem
from ringfence.decide.units import Groups, groups
from ringfence.landscape.model import Shared

STEPS = 3_000
"""Search steps for one role of one cluster before the best so far is taken as it is."""


@dataclass(frozen=True, slots=True)
class _Lump:
    """Deployments that share the pool whatever happens."""

    members: tuple[int, ...]
    cpu: int
    memory: int
    foes: int


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of a role in a cluster; ``proved`` is False when the search ran out of steps."""

    parts: tuple[PoolPart, ...]
    nodes: int
    proved: bool


@dataclass(slots=True)
class Pooling:
    """Finds pools and remembers them: clusters with the same deployments come up again and again."""

    problem: Problem
    _known: dict[tuple[str, tuple[int, ...]], Pools] = field(default_factory=dict)
    _together: Groups | None = None

    def pools(self, role: str, members: tuple[int, ...]) -> Pools:
        """The pools of a role for these deployments (sorted); deployments without that role are left out."""
        used = tuple(index for index in members if role in self.problem.loads[index])
        key = (role, used)
        found = self._known.get(key)
        if found is None:
            solved = [_Search(self.problem, role, lumps).run() for lumps in self._lumps(role, used)]
            parts = sorted((part for each in solved for part in each.parts), key=lambda part: part.members)
            nodes = sum(each.nodes for each in solved)
            found = self._known[key] = Pools(tuple(parts), nodes, all(each.proved for each in solved))
        return found

    def cluster(self, members: tuple[int, ...]) -> ClusterPart:
        """The cluster that holds these deployments (sorted)."""
        roles = sorted({role for index in members for role in self.problem.loads[index]})
        return ClusterPart(tuple(part for role in roles for part in self.pools(role, members).parts))

    def _lumps(self, role: str, members: tuple[int, ...]) -> list[list[_Lump]]:
        """What may share pools, as separate searches: lumps of different lists never share one."""
        if self._together is None:
            self._together = groups(self.problem, frozenset({Shared.POOL}))
        bound = self._together if role == APPS else Groups(len(self.problem.names))
        gathered: dict[int, list[int]] = {}
        for index in members:
            gathered.setdefault(bound.find(index), []).append(index)
        sets = list(gathered.values())
        kinds = [frozenset(self.problem.kind_of[index] for index in each) for each in sets]
        distinct = sorted(set(kinds), key=sorted)
        where = {kind: _mask(number for number, each in enumerate(kinds) if each == kind) for kind in distinct}
        linked = Groups(len(distinct))
        foes = dict.fromkeys(distinct, 0)
        for one, a in enumerate(distinct):
            for other, b in enumerate(distinct):
                if any(self.problem.apart[x][y] >= NODE for x in a for y in b):
                    foes[a] |= where[b]
                else:
                    linked.join(one, other)
        if not any(foes.values()):
            return [[self._lump(role, members, 0)]] if members else []
        lists: dict[int, list[_Lump]] = {}
        local: dict[int, list[int]] = {}
        for number, kind in enumerate(kinds):
            local.setdefault(linked.find(distinct.index(kind)), []).append(number)
        for root, numbers in local.items():
            masks = {kind: _mask(at for at, number in enumerate(numbers) if foes[kind] >> number & 1)
                     for kind in {kinds[number] for number in numbers}}  # fmt: skip
            lists[root] = [self._lump(role, tuple(sets[number]), masks[kinds[number]] & ~(1 << at))
                           for at, number in enumerate(numbers)]  # fmt: skip
        return list(lists.values())

    def _lump(self, role: str, members: tuple[int, ...], foes: int) -> _Lump:
        loads = [self.problem.loads[index][role] for index in members]
        return _Lump(members, sum(cpu for cpu, _ in loads), sum(memory for _, memory in loads), foes)


def _mask(bits: Iterable[int]) -> int:
    found = 0
    for bit in bits:
        found |= 1 << bit
    return found


@dataclass(slots=True)
class _Bin:
    cpu: int = 0
    memory: int = 0
    inside: int = 0
    nodes: int = 0
    lumps: list[int] = field(default_factory=list)


def _hardness(lump: _Lump) -> tuple[int, int, int, tuple[int, ...]]:
    return -lump.foes.bit_count(), -lump.cpu, -lump.memory, lump.members


class _Search:
    """Depth first over lumps, hardest first, each to every pool that takes it or to a new one."""

    def __init__(self, problem: Problem, role: str, lumps: list[_Lump]) -> None:
        self._problem = problem
        self._role = role
        self._lumps = lumps
        self._order = sorted(range(len(lumps)), key=lambda number: _hardness(lumps[number]))
        self._nodes = problem.prices.nodes
        self._floor = self._nodes(sum(each.cpu for each in lumps), sum(each.memory for each in lumps)) if lumps else 0
        self._bins: list[_Bin] = []
        self._best: list[list[int]] = []
        self._best_rank: tuple[int, int] | None = None
        self._steps = 0

    def run(self) -> Pools:
        self._clique = self._clique_floor()
        self._search()
        parts = [
            PoolPart(self._role, tuple(sorted(index for number in each for index in self._lumps[number].members)))
            for each in self._best
        ]
        parts.sort(key=lambda part: part.members)
        nodes = self._best_rank[0] if self._best_rank else 0
        proved = self._steps < STEPS or (self._best_rank is not None and self._best_rank == self._clique)
        return Pools(tuple(parts), nodes, proved)

    def _clique_floor(self) -> tuple[int, int]:
        """Fewest nodes and pools that any arrangement has: what is pairwise hostile never shares."""
        chosen: list[int] = []
        for number in self._order:
            if all(self._lumps[number].foes >> other & 1 for other in chosen):
                chosen.append(number)
        apart = sum(self._nodes(self._lumps[number].cpu, self._lumps[number].memory) for number in chosen)
        return max(self._floor, apart), len(chosen)

    def _search(self) -> None:
        """The search, with a stack of its own: a cluster may hold a thousand lumps."""
        stack: list[tuple[int, list[int]]] = []
        position = 0
        options = self._options(0)
        while True:
            moved = False
            while options and self._steps < STEPS:
                choice = options.pop()
                self._steps += 1
                self._place(self._order[position], choice)
                if self._worth():
                    stack.append((position, options))
                    position += 1
                    options = self._options(position)
                    moved = True
                    break
                self._remove(self._order[position])
            if moved:
                if position == len(self._order):
                    self._keep()
                continue
            if not stack or self._best_rank == self._clique:
                return
            position, options = stack.pop()
            self._remove(self._order[position])

    def _options(self, position: int) -> list[int]:
        """Pools for the next lump, the cheapest last; a new pool is number ``len(bins)``."""
        if position == len(self._order):
            return []
        lump = self._lumps[self._order[position]]
        found = [(self._nodes(each.cpu + lump.cpu, each.memory + lump.memory) - each.nodes, number)
                 for number, each in enumerate(self._bins) if not each.inside & lump.foes]  # fmt: skip
        found.sort(reverse=True)
        return [len(self._bins), *(number for _, number in found)]

    def _worth(self) -> bool:
        nodes = max(sum(each.nodes for each in self._bins), self._floor)
        return self._best_rank is None or (nodes, len(self._bins)) < self._best_rank

    def _place(self, number: int, choice: int) -> None:
        if choice == len(self._bins):
            self._bins.append(_Bin())
        each, lump = self._bins[choice], self._lumps[number]
        each.cpu += lump.cpu
        each.memory += lump.memory
        each.inside |= 1 << number
        each.lumps.append(number)
        each.nodes = self._nodes(each.cpu, each.memory)

    def _remove(self, number: int) -> None:
        each = next(each for each in self._bins if each.lumps and each.lumps[-1] == number)
        lump = self._lumps[number]
        each.cpu -= lump.cpu
        each.memory -= lump.memory
        each.inside ^= 1 << number
        each.lumps.pop()
        each.nodes = self._nodes(each.cpu, each.memory)
        if not each.lumps:
            self._bins.pop()

    def _keep(self) -> None:
        found = (sum(each.nodes for each in self._bins), len(self._bins))
        if self._best_rank is None or found < self._best_rank:
            self._best_rank = found
            self._best = [list(each.lumps) for each in self._bins]
