"""A Topology as text for people: the decision first, then where everything lives, then why."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from ringfence.base.text import plural
from ringfence.decide.explain import Section, conflict_lines, price, wrapped
from ringfence.decide.topology import Cluster, Environment, Placement, Status, Topology

if TYPE_CHECKING:
    from ringfence.flows.plan import Decision

WIDTH = 98
_SHOWN = 12


def decision_lines(topology: Topology, *, living: bool) -> Iterator[str]:
    """The answer in two lines; ``living`` when it starts from what stands already."""
    workloads = [cluster for environment in topology.environments for cluster in environment.workloads]
    nodes = sum(pool.nodes for cluster in workloads for pool in cluster.pools)
    counts = [plural(len(topology.environments), "Environment"), plural(len(workloads), "workload cluster")]
    yield f"{topology.name}: {', '.join(counts)}, {plural(nodes, 'node')}"
    sure = "the best from what stands" if living else "nothing cheaper meets everything asked"
    if topology.status is Status.FEASIBLE:
        over = float((topology.price - topology.bound) / topology.price * 100) if topology.price else 0.0
        sure = f"at most {over:.1f} % above the cheapest there can be"
    yield f"{price(topology.price)} a month; {sure}"


def topology_lines(topology: Topology, order: Sequence[str], *, wide: bool, living: bool) -> Iterator[str]:
    """The decision and the tree of places; ``order`` is that of the deployments, ``wide`` shows them all."""
    if topology.status is Status.INFEASIBLE:
        yield f"{topology.name}: impossible"
        yield "These cannot all be met; leaving out any one makes the rest possible:"
        for line in conflict_lines(topology):
            yield from wrapped(line, WIDTH, "  ")
        return
    yield from decision_lines(topology, living=living)
    rank = {name: number for number, name in enumerate(order)}
    for environment in topology.environments:
        yield ""
        yield from _environment(environment, topology, rank, wide=wide)


def _environment(environment: Environment, topology: Topology, rank: dict[str, int], *, wide: bool) -> Iterator[str]:
    inside = [placement for placement in topology.placements if placement.environment == environment.name]
    inside.sort(key=lambda placement: rank.get(placement.deployment, 0))
    extra = "" if environment.name == environment.designation.value else f" ({environment.designation.value})"
    yield f"{environment.name}{extra}"
    parts: list[list[str]] = [[f"{environment.management.name}  the platform's own: Argo CD, monitoring, identity"]]
    parts += [list(_cluster(cluster, inside, wide=wide)) for cluster in environment.workloads]
    for number, lines in enumerate(parts, start=1):
        last = number == len(parts)
        yield f"{'└─' if last else '├─'} {lines[0]}"
        for line in lines[1:]:
            yield f"{'   ' if last else '│  '}{line}"


def _cluster(cluster: Cluster, inside: Iterable[Placement], *, wide: bool) -> Iterator[str]:
    yield cluster.name
    here = [placement for placement in inside if placement.cluster == cluster.name]
    for pool in cluster.pools:
        if pool.dedicated_to is None:
            users = [placement.deployment for placement in here if placement.pool == pool.name]
        else:
            users = [each.deployment for each in here if each.services.get(pool.dedicated_to) == pool.name]
        label = f"  {pool.name:<12} {plural(pool.nodes, 'node'):<8} "
        if pool.dedicated_to is not None and not wide:
            yield f"{label} {plural(len(users), 'instance')}".rstrip()
            continue
        yield from _folded(label, users, wide=wide)
    shared: dict[str, list[str]] = {}
    for placement in here:
        shared.setdefault(placement.namespace, []).append(placement.deployment)
    for namespace, names in shared.items():
        if len(names) > 1:
            yield f"  namespace {namespace} is shared by {', '.join(names)}"


def _folded(label: str, names: Sequence[str], *, wide: bool) -> Iterator[str]:
    """Names after a label, folded; many of them cut short unless ``wide``."""
    shown = list(names) if wide or len(names) <= _SHOWN else [*names[:_SHOWN], f"and {len(names) - _SHOWN} more"]
    line, room = label, WIDTH - 5
    for position, name in enumerate(shown):
        word = name + ("," if position < len(shown) - 1 and not shown[position + 1].startswith("and ") else "")
        if len(line) + 1 + len(word) > room and line.strip():
            yield line.rstrip()
            line = " " * len(label)
        line += f" {word}"
    yield line.rstrip()


def section_lines(sections: Iterable[Section]) -> Iterator[str]:
    """Sections of an explanation."""
    for section in sections:
        yield ""
        yield section.title
        for line in section.lines:
            yield from wrapped(line, WIDTH, "  ")


def move_lines(decision: "Decision") -> Iterator[str]:
    """What moves from where topology.yaml has it, and what starting anew would save."""
    if decision.problem is None or decision.problem.previous is None or decision.fresh_price is None:
        return
    months = decision.problem.previous.months
    yield ""
    if decision.topology.moves:
        total = sum((move.price for move in decision.topology.moves), start=Fraction(0))
        yield f"Moves ({plural(len(decision.topology.moves), 'deployment')}, {price(total)} once)"
        for move in decision.topology.moves[:_SHOWN]:
            yield f"  {move.deployment}: {move.source} -> {move.target} ({price(move.price)})"
        if len(decision.topology.moves) > _SHOWN:
            yield f"  and {len(decision.topology.moves) - _SHOWN} more"
        yield f"  Since the rules ask it, or since it saves more than that within {plural(months, 'month')}."
    else:
        yield "Moves: none; everything stays where topology.yaml has it."
    saved = decision.topology.price - decision.fresh_price
    if saved > 0:
        total = sum((move.price for move in decision.fresh_moves), start=Fraction(0))
        yield (f"  Starting anew (--fresh) would save {price(saved)} a month and move "
               f"{plural(len(decision.fresh_moves), 'deployment')}, {price(total)} once.")  # fmt: skip
