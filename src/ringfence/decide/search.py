"""Exact search: depth first over items, the most constrained kind first, cut by a bound that counts kinds and nodes.

Import-free on purpose: loading a solver takes longer than planning a clinic. It answers most Landscapes outright, since
rules leave few kinds and most have one place to go; where its steps run out, the answer so far and its bound go to the
solver. Steps are counted and time is not, so that every machine gives the same answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ringfence.decide.arrangement import Arrangement, EnvironmentPart, canonical
from ringfence.decide.board import Board, Home, Spot
from ringfence.decide.living import match
from ringfence.decide.pooling import Pooling
from ringfence.decide.reduced import Item, Reduced
from ringfence.decide.weights import Weights


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search found: no arrangement's number is below ``floor``; ``value`` is that of the one found.

    ``complete`` is True when everything was searched; then no arrangement means that there is none.
    """

    arrangement: Arrangement | None
    value: int | None
    floor: int
    complete: bool

    @property
    def proved(self) -> bool:
        """True when nothing can be better."""
        return self.value is not None and self.value <= self.floor


@dataclass(slots=True)
class _Frame:
    """A choice: what was placed before it, the item, and the spots still to try, the best last."""

    trail: int
    item: Item
    spots: list[Spot]


@dataclass(slots=True)
class Search:
    """One search over a reduced problem."""

    reduced: Reduced
    weights: Weights
    pooling: Pooling
    steps: int
    most_environments: int | None = None
    _board: Board = field(init=False)
    _left: list[int] = field(init=False)
    _loads: list[list[list[int]]] = field(init=False)
    _best: Arrangement | None = None
    _best_value: int | None = None
    _exhausted: bool = False
    _inexact: bool = False
    _floors: list[int] = field(init=False)
    _floor: int = 0
    _ceiling: int = 0
    _queues: list[list[Item]] = field(default_factory=list)

    def __post_init__(self) -> None:
        reduced = self.reduced
        self._board = Board(reduced)
        self._left = [0] * len(reduced.items)
        self._loads = [_kind_loads(items, reduced.tracks) for items in reduced.items]
        self._floors = []
        for track in range(reduced.tracks):
            cpu = sum(loads[track][0] for loads in self._loads)
            memory = sum(loads[track][1] for loads in self._loads)
            self._floors.append(reduced.problem.prices.nodes(cpu, memory))

    def run(self) -> Outcome:
        """Search to the end, or until the steps run out."""
        steps = self.steps
        count = len(self.reduced.problem.names) + 1
        self._ceiling = self.weights.value(count, count, self.weights.base)
        self._floor = self._bound([self._board.spots(kind) for kind in range(len(self._left))])
        self._explore()
        if self.reduced.problem.non_production and not _has_non_production(self.reduced, self._best):
            self._forget()
            self.steps = steps
            self._with_seed()
        if self._best_value is not None:
            if not self._exhausted and not self._inexact:
                self._floor = self._best_value
        elif not self._exhausted and not self._inexact:
            self._floor = self._ceiling
        return Outcome(self._best, self._best_value, self._floor, not self._exhausted and not self._inexact)

    def _forget(self) -> None:
        """Drop an answer without the non-production Environment that is asked for; its number is a floor if proved."""
        if self._best_value is not None and not self._exhausted and not self._inexact:
            self._floor = max(self._floor, self._best_value)
        self._best, self._best_value, self._exhausted = None, None, False

    def _with_seed(self) -> None:
        """Search with one more Environment that is closed to production, begun by each kind of item in turn."""
        self._board.homes.append(Home(closed=True))
        for kind, items in enumerate(self.reduced.items):
            tried: set[int] = set()
            if not self._board.welcome(0, kind):
                continue
            for position, item in enumerate(items):
                if item.likeness in tried and item.likeness >= 0:
                    continue
                tried.add(item.likeness)
                self._board.place(item, Spot(-1, 0))
                self._explore(skip=(kind, position))
                self._board.take_back()
        self._board.homes.pop()

    def _explore(self, skip: tuple[int, int] | None = None) -> None:
        """The search proper, from the board as it stands. ``skip`` is an item that stands already."""
        queues = [list(items) for items in self.reduced.items]
        if skip is not None:
            del queues[skip[0]][skip[1]]
            self._shift_loads(self.reduced.items[skip[0]][skip[1]], -1)
        self._queues = queues
        self._left = [0] * len(queues)
        ground = len(self._board.trail)
        frames: list[_Frame] = []
        frame = self._descend()
        while True:
            if frame is not None:
                frames.append(frame)
            while frames and (not frames[-1].spots or self._exhausted):
                self._rewind(frames.pop().trail)
            if not frames:
                break
            top = frames[-1]
            self._rewind(top.trail)
            self._put(top.item, top.spots.pop())
            frame = self._descend()
        self._rewind(ground)
        if skip is not None:
            self._shift_loads(self.reduced.items[skip[0]][skip[1]], 1)

    def _put(self, item: Item, spot: Spot) -> None:
        self._board.place(item, spot)
        self._left[item.kind] += 1
        self._shift_loads(item, -1)

    def _rewind(self, trail: int) -> None:
        while len(self._board.trail) > trail:
            item = self._board.trail[-1][0]
            self._board.take_back()
            self._left[item.kind] -= 1
            self._shift_loads(item, 1)

    def _shift_loads(self, item: Item, sign: int) -> None:
        loads = self._loads[item.kind]
        for piece in item.pieces:
            load = loads[piece.track]
            load[0] += sign * piece.cpu
            load[1] += sign * piece.memory
            load[2] += sign

    def _descend(self) -> _Frame | None:
        """Place what has one spot only, then hand out the next choice; None at a leaf or a dead end."""
        while True:
            self.steps -= 1
            if self.steps < 0:
                self._exhausted = True
                return None
            open_kinds = [kind for kind, queue in enumerate(self._queues) if self._left[kind] < len(queue)]
            if not open_kinds:
                self._leaf()
                return None
            spots: list[list[int]] = [[] for _ in self._queues]
            for kind in open_kinds:
                spots[kind] = self._board.spots(kind)
            floor = self._bound(spots)
            if self._cut(floor):
                return None
            closed = self._cut(floor + self.weights.cluster)
            if closed and all(spots[kind] for kind in open_kinds) and self._cut(self._linked(open_kinds, spots)):
                return None
            kinds = self.reduced.kinds
            kind = min(open_kinds, key=lambda each: (len(spots[each]), -kinds[each].weight, each))
            item = self._queues[kind][self._left[kind]]
            options = self._options(item, spots[kind], closed=closed)
            if not options:
                return None
            if len(options) > 1:
                return _Frame(len(self._board.trail), item, options)
            self._put(item, options[0])

    def _cut(self, floor: int) -> bool:
        limit = self._ceiling if self._best_value is None else self._best_value
        return max(floor, self._floor) >= limit

    def _options(self, item: Item, sites: list[int], *, closed: bool) -> list[Spot]:
        """Spots for an item, the most promising last."""
        board = self._board
        kind = self.reduced.kinds[item.kind]
        least = self._previous_site(item)
        ranked = []
        for number in sites:
            if number >= least:
                site = board.sites[number]
                alien = site.productions == len(site.items) if not kind.production else not site.productions
                cost = board.cost_of(item, number) * self.weights.node + board.leave_cost(item, number)
                ranked.append((cost, alien, number))
        ranked.sort(reverse=True)
        options = [Spot(number, board.sites[number].home) for _, _, number in ranked]
        if closed and sites:
            return options
        new = [Spot(-1, home) for home in range(len(board.homes)) if board.welcome(home, item.kind)]
        if kind.bond < 0 or board.bond_home[kind.bond] < 0:
            new.append(Spot(-1, -1))
        return [*reversed(new), *options]

    def _previous_site(self, item: Item) -> int:
        """Items that can be exchanged go to clusters in ascending order, so that no order is searched twice."""
        if item.likeness < 0 or not self._left[item.kind]:
            return 0
        before = self._queues[item.kind][self._left[item.kind] - 1]
        if before.likeness != item.likeness:
            return 0
        for placed, site, _ in reversed(self._board.trail):
            if placed is before:
                return site
        return 0

    def _bound(self, spots: list[list[int]]) -> int:
        """The least number of any completion: what stands, what must open, and the sum of all requests."""
        board, kinds = self._board, self.reduced.kinds
        homeless = [kind for kind in range(len(kinds)) if not spots[kind] and self._remaining(kind)]
        homeless.sort(key=lambda kind: -kinds[kind].weight)
        clique = clusters = 0
        extra = [0] * len(self._floors)
        chosen = []
        for kind in homeless:
            if clique & ~kinds[kind].cluster == 0:
                clique |= 1 << kind
                chosen.append(kind)
                clusters += self._remaining(kind) if kinds[kind].cluster >> kind & 1 else 1
                for track, load in enumerate(self._loads[kind]):
                    if load[2]:
                        extra[track] += board.nodes_of(load[0], load[1])
        environments = self._new_homes(chosen)
        nodes = sum(max(now + more, floor) for now, more, floor in
                    zip(board.track_nodes, extra, self._floors, strict=True))  # fmt: skip
        homes = len(board.homes) + environments
        if self.most_environments is not None and homes > self.most_environments:
            return self._ceiling
        return self.weights.value(homes, len(board.sites) + clusters, nodes) + board.leaving

    def _remaining(self, kind: int) -> int:
        return len(self._queues[kind]) - self._left[kind] if self._queues else len(self.reduced.items[kind])

    def _new_homes(self, chosen: Iterable[int]) -> int:
        kinds = self.reduced.kinds
        clique = count = 0
        for kind in chosen:
            if clique & ~kinds[kind].environment == 0 and not any(
                self._board.welcome(home, kind) for home in range(len(self._board.homes))
            ):
                clique |= 1 << kind
                count += self._remaining(kind) if kinds[kind].environment >> kind & 1 else 1
        return count

    def _linked(self, open_kinds: list[int], spots: list[list[int]]) -> int:
        """A sharper bound when no cluster may open: requests stay among the clusters that their kinds can reach."""
        board = self._board
        open_tracks = [track for track in range(len(self._floors)) if any(
            self._loads[kind][track][2] for kind in open_kinds)]  # fmt: skip
        total = sum(board.track_nodes) - sum(board.track_nodes[track] for track in open_tracks)
        for track in open_tracks:
            parent = list(range(len(board.sites)))

            def find(member: int, parent: list[int] = parent) -> int:
                while parent[member] != member:
                    member = parent[member]
                return member

            loading = [kind for kind in open_kinds if self._loads[kind][track][2]]
            for kind in loading:
                for other in spots[kind][1:]:
                    one, two = find(spots[kind][0]), find(other)
                    parent[max(one, two)] = min(one, two)
            sums: dict[int, list[int]] = {}
            for number, site in enumerate(board.sites):
                entry = sums.setdefault(find(number), [0, 0, 0, 0])
                entry[0] += site.cpu[track]
                entry[1] += site.memory[track]
                entry[2] += site.nodes[track]
            for kind in loading:
                entry = sums[find(spots[kind][0])]
                entry[0] += self._loads[kind][track][0]
                entry[1] += self._loads[kind][track][1]
                entry[3] = 1
            for cpu, memory, nodes, more in sums.values():
                total += max(nodes, board.nodes_of(cpu, memory)) if more else nodes
        return self.weights.value(len(board.homes), len(board.sites), total) + board.leaving

    def _moved(self, parts: list[tuple[int, tuple[int, ...]]]) -> int:
        """What moves when every cluster becomes the old one that it resembles most."""
        previous = self.reduced.problem.previous
        if previous is None:
            return 0
        homes = [[members for home, members in parts if home == number] for number in range(len(self._board.homes))]
        production = self.reduced.problem.production
        productive = [any(production[index] for members in home for index in members) for home in homes]
        worth = _movable(self.reduced, self.weights)
        return sum(worth) - match(previous, homes, productive, worth).kept

    def _leaf(self) -> None:
        """Everything stands: find the pools, count, and keep it if it is better."""
        board = self._board
        if any(home.closed and not home.clusters for home in board.homes):
            return
        parts = []
        nodes = 0
        for site in board.sites:
            members = tuple(sorted(index for item in site.items for index in item.members))
            found = [self.pooling.pools(role, members) for role in self.reduced.roles]
            nodes += sum(pools.nodes for pools in found)
            self._inexact = self._inexact or not all(pools.proved for pools in found)
            parts.append((site.home, members))
        value = self.weights.value(len(board.homes), len(parts), nodes) + self._moved(parts)
        if self._cut(value):
            return
        self._best_value = value
        self._best = canonical(
            tuple(
                EnvironmentPart(tuple(self.pooling.cluster(members) for home, members in parts if home == number))
                for number in range(len(board.homes))
            )
        )


def _movable(reduced: Reduced, weights: Weights) -> list[int]:
    """What each deployment's staying is worth."""
    previous = reduced.problem.previous
    if previous is None:
        return []
    return [weights.move(price) if old >= 0 else 0
            for price, old in zip(previous.move, previous.cluster_of, strict=True)]  # fmt: skip


def _kind_loads(items: tuple[Item, ...], tracks: int) -> list[list[int]]:
    """Per track the CPU, memory and number of pieces of all items of a kind."""
    loads = [[0, 0, 0] for _ in range(tracks)]
    for item in items:
        for piece in item.pieces:
            loads[piece.track][0] += piece.cpu
            loads[piece.track][1] += piece.memory
            loads[piece.track][2] += 1
    return loads


def _has_non_production(reduced: Reduced, arrangement: Arrangement | None) -> bool:
    if arrangement is None:
        return False
    production = reduced.problem.production
    return any(not any(production[index] for index in environment.members) for environment in arrangement)
