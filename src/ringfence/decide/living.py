"""The living Topology: what stands already, what moving it costs, and which new place is which old one.

A Topology has no names while it is searched for; which of its clusters is the old ``production-1`` is decided at the
end, so that as little as possible moves: an assignment of new Environments to old ones of the same designation, and of
their clusters. The search adds the price of what moves to the price over the months in which a saving counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ringfence.decide.topology import Designation, Move, Topology

_MOST_EXACT = 9
"""Clusters of an Environment, or Environments, that are assigned exactly; more are assigned greedily."""


@dataclass(frozen=True, slots=True)
class OldCluster:
    """A workload cluster that stands: its name, and its Environment's name and designation."""

    name: str
    environment: str
    production: bool


@dataclass(frozen=True, slots=True)
class Previous:
    """What stands. ``cluster_of`` is for each deployment an index into ``clusters`` or -1, ``move`` its price once.

    ``pool_of`` is the name of its application pool. ``months`` is how long a saving counts.
    """

    clusters: tuple[OldCluster, ...]
    cluster_of: tuple[int, ...]
    pool_of: tuple[str | None, ...]
    move: tuple[Fraction, ...]
    months: int


@dataclass(frozen=True, slots=True)
class Match:
    """Which old cluster each new one is (-1: none), and which old Environment; ``kept`` is the worth that stays."""

    clusters: tuple[tuple[int, ...], ...]
    environments: tuple[str | None, ...]
    kept: int


def previous_of(topology: Topology, names: Sequence[str], move: Sequence[Fraction], months: int) -> Previous:
    """What stands, as far as the deployments of those names go."""
    clusters = tuple(
        OldCluster(cluster.name, environment.name, environment.designation is Designation.PRODUCTION)
        for environment in topology.environments
        for cluster in environment.workloads
    )
    number = {(cluster.environment, cluster.name): index for index, cluster in enumerate(clusters)}
    places = {placement.deployment: placement for placement in topology.placements}
    found = [places.get(name) for name in names]
    return Previous(
        clusters,
        tuple(-1 if each is None else number[each.environment, each.cluster] for each in found),
        tuple(None if each is None else each.pool for each in found),
        tuple(move),
        months,
    )


def match(
    previous: Previous, parts: Sequence[Sequence[Sequence[int]]], production: Sequence[bool], worth: Sequence[int]
) -> Match:
    """Assign new Environments (clusters of deployments) to old ones so that most worth stays.

    ``production`` says of each new Environment what it is designated; ``worth`` is that of each deployment's staying.
    """
    old_environments = list(dict.fromkeys(cluster.environment for cluster in previous.clusters))
    inside = {name: [index for index, cluster in enumerate(previous.clusters) if cluster.environment == name]
              for name in old_environments}  # fmt: skip
    designation = {cluster.environment: cluster.production for cluster in previous.clusters}
    options: list[list[_Assigned]] = []
    for clusters, productive in zip(parts, production, strict=True):
        row = []
        for name in old_environments:
            if designation[name] != productive:
                row.append(_Assigned(-1, ()))
                continue
            table = [[_worth(previous, members, old, worth) for old in inside[name]] for members in clusters]
            row.append(_assign(table))
        options.append(row)
    best = _assign([[option.total for option in row] for row in options])
    chosen: list[tuple[int, ...]] = []
    names: list[str | None] = []
    for number, old in enumerate(best.columns):
        if old < 0:
            chosen.append((-1,) * len(parts[number]))
            names.append(None)
            continue
        name = old_environments[old]
        names.append(name)
        columns = options[number][old].columns
        chosen.append(tuple(inside[name][column] if column >= 0 else -1 for column in columns))
    return Match(tuple(chosen), tuple(names), best.total)


def _worth(previous: Previous, members: Sequence[int], old: int, worth: Sequence[int]) -> int:
    return sum(worth[index] for index in members if previous.cluster_of[index] == old)


@dataclass(frozen=True, slots=True)
class _Assigned:
    """For each row its column or -1, and the sum. A total of -1 marks what may not be assigned."""

    total: int
    columns: tuple[int, ...]


def _assign(table: Sequence[Sequence[int]]) -> _Assigned:
    """The assignment of rows to columns with the largest sum; rows may stay without; the first of several."""
    width = len(table[0]) if table else 0
    if len(table) > _MOST_EXACT or width > _MOST_EXACT:
        return _assign_greedily(table, width)
    known: dict[tuple[int, int], _Assigned] = {}

    def best(row: int, used: int) -> _Assigned:
        if row == len(table):
            return _Assigned(0, ())
        if (row, used) not in known:
            rest = best(row + 1, used)
            found = _Assigned(rest.total, (-1, *rest.columns))
            for column in range(width):
                if not used >> column & 1 and table[row][column] > 0:
                    rest = best(row + 1, used | 1 << column)
                    if rest.total + table[row][column] > found.total:
                        found = _Assigned(rest.total + table[row][column], (column, *rest.columns))
            known[row, used] = found
        return known[row, used]

    return best(0, 0)


def _assign_greedily(table: Sequence[Sequence[int]], width: int) -> _Assigned:
    cells = sorted(
        (-table[row][column], row, column) for row in range(len(table)) for column in range(width)
         if table[row][column] > 0
    )  # fmt: skip
    columns = [-1] * len(table)
    total = 0
    for value, row, column in cells:
        if columns[row] < 0 and column not in columns:
            columns[row] = column
            total -= value
    return _Assigned(total, tuple(columns))


def moves(old: Topology, new: Topology, price_of: Mapping[str, Fraction]) -> tuple[Move, ...]:
    """What moves from one Topology to the other: deployments in both whose Environment or cluster is another."""
    before = {placement.deployment: (placement.environment, placement.cluster) for placement in old.placements}
    return tuple(
        Move(each.deployment, "/".join(before[each.deployment]), f"{each.environment}/{each.cluster}",
             price_of[each.deployment])
        for each in new.placements
        if each.deployment in before and before[each.deployment] != (each.environment, each.cluster)
    )  # fmt: skip
