"""The problem made small: deployments that nothing tells apart become one kind, so that cost follows kinds.

Two deployments are of one base kind when every rule keeps them as far from everything else, and from each other, as
from their like. Units (deployments that ``together`` rules keep in one cluster) are of one unit kind when they are made
of the same base kinds and belong to the same bond. Conflicts are bit masks over kinds.

A track is what may ever share pools: a role, and base kinds that are linked by being allowed to share. Loads of
different tracks never meet in a pool, so nodes are counted, and bounded, track by track.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ringfence.decide.problem import CLUSTER, ENVIRONMENT, NODE, Problem
from ringfence.decide.units import Groups, Unit, units
from ringfence.decide.weights import weigh


@dataclass(frozen=True, slots=True)
class Piece:
    """What a unit loads a track with, by base kind: requests scaled, summed over the members of that kind."""

    track: int
    base: int
    cpu: int
    memory: int


@dataclass(frozen=True, slots=True)
class Item:
    """A unit as the search moves it. Items of equal ``likeness`` can be exchanged.

    ``olds`` holds the clusters where its deployments stand already, and what leaving each would add to the number.
    """

    members: tuple[int, ...]
    kind: int
    pieces: tuple[Piece, ...]
    likeness: int
    olds: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class UnitKind:
    """What an item of this kind cannot share: masks over unit kinds for a cluster and an Environment.

    ``bond`` is -1, or the number of the bond whose items must share one Environment. ``base`` is a mask of base kinds.
    """

    base: int
    bond: int
    production: bool
    cluster: int
    environment: int
    weight: int


@dataclass(frozen=True, slots=True)
class Reduced:
    """The small problem. ``node`` is for each base kind the mask of those that it shares no pool with."""

    problem: Problem
    roles: tuple[str, ...]
    tracks: int
    base_of: tuple[int, ...]
    node: tuple[int, ...]
    kinds: tuple[UnitKind, ...]
    items: tuple[tuple[Item, ...], ...]
    bonds: tuple[tuple[int, int], ...]
    """For each bond, the kinds in it and the kinds that its Environment must not hold, as masks."""


def reduce(problem: Problem) -> Reduced:
    """Group what is interchangeable. Conflicts inside one unit must have been ruled out before."""
    base_of, rows = _base_kinds(problem)
    masks = tuple(
        tuple(sum(1 << other for other, distance in enumerate(row) if distance >= least) for row in rows)
        for least in (NODE, CLUSTER, ENVIRONMENT)
    )
    roles = tuple(sorted({role for loads in problem.loads for role in loads}))
    tracks = _tracks(problem, base_of, masks[0])
    found = units(problem)
    sizes: dict[int, int] = {}
    for unit in found:
        sizes[unit.bond] = sizes.get(unit.bond, 0) + 1
    bond_numbers = {bond: number for number, bond in enumerate(sorted(bond for bond in sizes if sizes[bond] > 1))}
    grouped: dict[tuple[int, int, bool], list[Unit]] = {}
    for unit in found:
        base = _mask(base_of[index] for index in unit.members)
        production = any(problem.production[index] for index in unit.members)
        grouped.setdefault((base, bond_numbers.get(unit.bond, -1), production), []).append(unit)
    keys = sorted(grouped, key=lambda key: grouped[key][0].members)
    kinds = _unit_kinds(keys, masks[1], masks[2], [len(grouped[key]) for key in keys])
    return Reduced(
        problem,
        roles,
        len(set(tracks.values())),
        base_of,
        masks[0],
        kinds,
        tuple(_items(problem, grouped[key], number, base_of, tracks) for number, key in enumerate(keys)),
        _bond_masks(kinds, len(bond_numbers)),
    )


def _mask(bits: Iterable[int]) -> int:
    found = 0
    for bit in bits:
        found |= 1 << bit
    return found


def _tracks(problem: Problem, base_of: tuple[int, ...], node: tuple[int, ...]) -> Mapping[tuple[str, int], int]:
    """The track of each role and base kind: kinds that may share a pool of the role are on one track.

    A kind whose own deployments may not share has one track all the same: the board counts its deployments apart.
    """
    using: dict[str, set[int]] = {}
    for index, loads in enumerate(problem.loads):
        for role in loads:
            using.setdefault(role, set()).add(base_of[index])
    found: dict[tuple[str, int], int] = {}
    for role in sorted(using):
        bases = sorted(using[role])
        linked = Groups(len(node))
        for position, a in enumerate(bases):
            for b in bases[position + 1 :]:
                if not node[a] >> b & 1:
                    linked.join(a, b)
        start = len(set(found.values()))
        numbers = {root: start + number for number, root in enumerate(sorted({linked.find(base) for base in bases}))}
        found |= {(role, base): numbers[linked.find(base)] for base in bases}
    return found


def _base_kinds(problem: Problem) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Kinds of the problem whose rows are equal become one: equal rows mean that they are equal to each other too."""
    number_of: dict[tuple[tuple[int, ...], bool], int] = {}
    first: list[int] = []
    renumbered: dict[tuple[int, bool], int] = {}
    for kind, production in sorted(set(zip(problem.kind_of, problem.production, strict=True))):
        key = (problem.apart[kind], production)
        if key not in number_of:
            number_of[key] = len(first)
            first.append(kind)
        renumbered[kind, production] = number_of[key]
    rows = [tuple(problem.apart[a][b] for b in first) for a in first]
    base = tuple(renumbered[pair] for pair in zip(problem.kind_of, problem.production, strict=True))
    return base, rows


def _unit_kinds(
    keys: list[tuple[int, int, bool]], cluster: tuple[int, ...], environment: tuple[int, ...], counts: list[int]
) -> tuple[UnitKind, ...]:
    def reach(base: int, table: tuple[int, ...]) -> int:
        found = 0
        for index, mask in enumerate(table):
            if base >> index & 1:
                found |= mask
        return found

    kinds = []
    for base, bond, production in keys:
        near_cluster, near_environment = reach(base, cluster), reach(base, environment)
        in_cluster = _mask(number for number, other in enumerate(keys) if other[0] & near_cluster)
        in_environment = _mask(number for number, other in enumerate(keys) if other[0] & near_environment)
        weight = sum(
            count * ((in_cluster >> number & 1) + (in_environment >> number & 1)) for number, count in enumerate(counts)
        )
        kinds.append(UnitKind(base, bond, production, in_cluster, in_environment, weight))
    return tuple(kinds)


def _items(
    problem: Problem, found: list[Unit], kind: int, base_of: tuple[int, ...], tracks: Mapping[tuple[str, int], int]
) -> tuple[Item, ...]:
    """The items of a kind, largest first, so that small ones fill what is left."""
    pieces = [(_pieces(problem, unit, base_of, tracks), unit) for unit in found]
    pieces.sort(
        key=lambda pair: (tuple((-piece.cpu, -piece.memory, piece.track) for piece in pair[0]), pair[1].members)
    )
    likeness: dict[tuple[object, ...], int] = {}
    found_items = []
    for each, unit in pieces:
        olds = _olds(problem, unit)
        like = likeness.setdefault((each, olds), len(likeness)) if len(unit.members) == 1 else -1
        found_items.append(Item(unit.members, kind, each, like, olds))
    return tuple(found_items)


def _olds(problem: Problem, unit: Unit) -> tuple[tuple[int, int], ...]:
    previous = problem.previous
    if previous is None:
        return ()
    weights = weigh(problem)
    sums: dict[int, int] = {}
    for index in unit.members:
        old = previous.cluster_of[index]
        if old >= 0:
            sums[old] = sums.get(old, 0) + weights.move(previous.move[index])
    return tuple(sorted(sums.items()))


def _pieces(
    problem: Problem, unit: Unit, base_of: tuple[int, ...], tracks: Mapping[tuple[str, int], int]
) -> tuple[Piece, ...]:
    sums: dict[tuple[int, int], tuple[int, int]] = {}
    for index in unit.members:
        for role, (cpu, memory) in problem.loads[index].items():
            key = (tracks[role, base_of[index]], base_of[index])
            before = sums.get(key, (0, 0))
            sums[key] = (before[0] + cpu, before[1] + memory)
    return tuple(Piece(track, base, cpu, memory) for (track, base), (cpu, memory) in sorted(sums.items()))


def _bond_masks(kinds: tuple[UnitKind, ...], count: int) -> tuple[tuple[int, int], ...]:
    found = []
    for bond in range(count):
        members = _mask(number for number, kind in enumerate(kinds) if kind.bond == bond)
        hostile = 0
        for kind in kinds:
            if kind.bond == bond:
                hostile |= kind.environment
        found.append((members, hostile))
    return tuple(found)
