"""The state of the search: which items stand where, what that costs at least, and how to take a move back."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ringfence.decide.reduced import Item, Reduced


@dataclass(slots=True)
class Home:
    """An Environment. ``mask`` holds the kinds inside, with those that a bond will bring; ``closed`` to production."""

    mask: int = 0
    clusters: int = 0
    closed: bool = False
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Site:
    """A workload cluster: kinds inside, and per track the requests, the fewest nodes, and requests by base kind."""

    home: int
    cpu: list[int]
    memory: list[int]
    nodes: list[int]
    by_base: list[dict[int, list[int]]]
    mask: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    productions: int = 0
    olds: dict[int, int] = field(default_factory=dict)
    leaving: int = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an item may go. ``site`` -1 is a new cluster, ``home`` -1 a new Environment."""

    site: int
    home: int


class Board:
    """Places items and takes them back, last first."""

    def __init__(self, reduced: Reduced) -> None:
        self.reduced = reduced
        self.nodes_of = reduced.problem.prices.nodes
        self.homes: list[Home] = []
        self.sites: list[Site] = []
        self.bond_home: list[int] = [-1] * len(reduced.bonds)
        self.track_nodes = [0] * reduced.tracks
        self.leaving = 0
        self.trail: list[tuple[Item, int, bool]] = []
        self._fighting = _mask_of(index for index, foes in enumerate(reduced.node) if foes)

    def spots(self, kind_number: int) -> list[int]:
        """The existing clusters that take an item of this kind."""
        kind = self.reduced.kinds[kind_number]
        bound = self.bond_home[kind.bond] if kind.bond >= 0 else -1
        found = []
        for number, site in enumerate(self.sites):
            if site.mask & kind.cluster or (bound >= 0 and site.home != bound):
                continue
            if self.welcome(site.home, kind_number):
                found.append(number)
        return found

    def welcome(self, home_number: int, kind_number: int) -> bool:
        """True when an Environment takes an item of this kind."""
        kind = self.reduced.kinds[kind_number]
        home = self.homes[home_number]
        if home.mask & kind.environment or (home.closed and kind.production):
            return False
        if kind.bond < 0:
            return True
        bound = self.bond_home[kind.bond]
        if bound >= 0:
            return bound == home_number
        members, hostile = self.reduced.bonds[kind.bond]
        kinds = enumerate(self.reduced.kinds)
        closed = home.closed and any(each.production for number, each in kinds if members >> number & 1)
        return not home.mask & hostile and not closed

    def place(self, item: Item, spot: Spot) -> None:
        """Put an item somewhere; opens a cluster and an Environment where the spot says so."""
        kind = self.reduced.kinds[item.kind]
        site_number, home_number = spot.site, spot.home
        if site_number < 0:
            if home_number < 0:
                home_number = len(self.homes)
                self.homes.append(Home())
            tracks = self.reduced.tracks
            site_number = len(self.sites)
            self.sites.append(Site(home_number, [0] * tracks, [0] * tracks, [0] * tracks, [{} for _ in range(tracks)]))
            self.homes[home_number].clusters += 1
        site = self.sites[site_number]
        home = self.homes[site.home]
        first_of_bond = kind.bond >= 0 and self.bond_home[kind.bond] < 0
        if first_of_bond:
            self.bond_home[kind.bond] = site.home
        site.counts[item.kind] = site.counts.get(item.kind, 0) + 1
        site.mask |= 1 << item.kind
        home.counts[item.kind] = home.counts.get(item.kind, 0) + 1
        self._refresh(home)
        site.items.append(item)
        site.productions += kind.production
        self._load(site, item, 1)
        self._settle(site, item, 1)
        self.trail.append((item, site_number, first_of_bond))

    def take_back(self) -> None:
        """Undo the last placement."""
        item, site_number, first_of_bond = self.trail.pop()
        kind = self.reduced.kinds[item.kind]
        site = self.sites[site_number]
        home = self.homes[site.home]
        self._load(site, item, -1)
        self._settle(site, item, -1)
        site.items.pop()
        site.productions -= kind.production
        for owner in (site, home):
            owner.counts[item.kind] -= 1
            if not owner.counts[item.kind]:
                del owner.counts[item.kind]
        if item.kind not in site.counts:
            site.mask &= ~(1 << item.kind)
        if first_of_bond:
            self.bond_home[kind.bond] = -1
        self._refresh(home)
        if not site.items:
            self.sites.pop()
            home.clusters -= 1
            if not home.clusters and not home.closed:
                self.homes.pop()

    def _settle(self, site: Site, item: Item, sign: int) -> None:
        """What moves at least: a cluster can be one old cluster only, so all but the dearest share leaves its own."""
        if not item.olds:
            return
        for old, worth in item.olds:
            site.olds[old] = site.olds.get(old, 0) + sign * worth
        leaving = sum(site.olds.values()) - max(site.olds.values())
        self.leaving += leaving - site.leaving
        site.leaving = leaving

    def leave_cost(self, item: Item, site_number: int) -> int:
        """How much more moves at least when an item joins a cluster."""
        if not item.olds:
            return 0
        site = self.sites[site_number]
        sums = dict(site.olds)
        for old, worth in item.olds:
            sums[old] = sums.get(old, 0) + worth
        return sum(sums.values()) - max(sums.values()) - site.leaving

    def _refresh(self, home: Home) -> None:
        mask = 0
        for kind_number in home.counts:
            mask |= 1 << kind_number
            bond = self.reduced.kinds[kind_number].bond
            if bond >= 0:
                mask |= self.reduced.bonds[bond][0]
        home.mask = mask

    def _load(self, site: Site, item: Item, sign: int) -> None:
        for piece in item.pieces:
            track = piece.track
            site.cpu[track] += sign * piece.cpu
            site.memory[track] += sign * piece.memory
            by_base = site.by_base[track].setdefault(piece.base, [0, 0, 0])
            by_base[0] += sign * piece.cpu
            by_base[1] += sign * piece.memory
            by_base[2] += sign
            if not by_base[2]:
                del site.by_base[track][piece.base]
            nodes = self._fewest(site, track)
            self.track_nodes[track] += nodes - site.nodes[track]
            site.nodes[track] = nodes

    def _fewest(self, site: Site, track: int) -> int:
        """Nodes that the track needs at least: all in one pool, or one pool for each of a set that never shares."""
        bases = site.by_base[track]
        if not bases:
            return 0
        whole = self.nodes_of(site.cpu[track], site.memory[track])
        fighting = [base for base in bases if self._fighting >> base & 1]
        if len(fighting) < 2:
            return whole
        table = self.reduced.node
        sized = sorted(((self.nodes_of(*bases[base][:2]), base) for base in fighting), reverse=True)
        chosen = apart = 0
        for nodes, base in sized:
            if chosen & ~table[base] == 0:
                chosen |= 1 << base
                apart += nodes
        return max(whole, apart)

    def cost_of(self, item: Item, site_number: int) -> int:
        """Nodes that an item adds to an existing cluster at least, without regard to node-separation."""
        site = self.sites[site_number]
        return sum(
            self.nodes_of(site.cpu[piece.track] + piece.cpu, site.memory[piece.track] + piece.memory)
            - (self.nodes_of(site.cpu[piece.track], site.memory[piece.track]) if site.by_base[piece.track] else 0)
            for piece in item.pieces
        )


def _mask_of(bits: Iterator[int]) -> int:
    found = 0
    for bit in bits:
        found |= 1 << bit
    return found
