"""Delivered against ordered, item by item, and an order against the plan. Pure.

More than was ordered is no difference in capacity or nodes; another cluster than was ordered is: nobody knows what it
is for. What is unknown is a difference: it was asked for, and nobody can show it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ringfence.base.quantity import format_cpu, format_memory
from ringfence.base.text import listed, suggestion
from ringfence.decide.topology import Environment, Topology
from ringfence.landscape.model import Landscape
from ringfence.order.request import Capacity, ClusterSize, Delivered, Difference, PoolSize, Request

UNKNOWN = "unknown"


class FindingKind(StrEnum):
    """What is wrong with an order before anything is built."""

    NOT_NEEDED = "not needed"
    NOT_COVERED = "does not cover"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against an order, as a sentence."""

    kind: FindingKind
    detail: str

    def __str__(self) -> str:
        verb = "is" if self.kind is FindingKind.NOT_NEEDED else ""
        return " ".join(word for word in ("this order", verb, f"{self.kind}: {self.detail}") if word)


def differences(request: Request, delivered: Delivered) -> tuple[Difference, ...]:
    """Every item of ``request`` that ``delivered`` does not show, in the order of the request."""
    found: list[Difference] = []
    if delivered.environment != request.environment:
        found.append(Difference("environment", request.environment, delivered.environment))
    if delivered.designation is not request.designation:
        shown = UNKNOWN if delivered.designation is None else delivered.designation.value
        found.append(Difference("designation", request.designation.value, shown))
    if request.regions and delivered.region not in request.regions:
        found.append(Difference("region", listed(request.regions, "or"), delivered.region or UNKNOWN))
    found.extend(_capacity(request.capacity, delivered.capacity))
    found.extend(_clusters(request.clusters, delivered.clusters))
    if delivered.users is None:
        found.append(Difference("users", listed(request.users), UNKNOWN))
    elif set(delivered.users) != set(request.users):
        found.append(Difference("users", listed(sorted(request.users)), listed(sorted(delivered.users)) or "nobody"))
    return tuple(found)


def _capacity(ordered: Capacity | None, delivered: Capacity | None) -> list[Difference]:
    if ordered is None:
        return []
    found = []
    if delivered is None or delivered.cpu < ordered.cpu:
        shown = UNKNOWN if delivered is None else format_cpu(delivered.cpu)
        found.append(Difference("capacity.cpu", format_cpu(ordered.cpu), shown))
    if delivered is None or delivered.memory < ordered.memory:
        shown = UNKNOWN if delivered is None else format_memory(delivered.memory)
        found.append(Difference("capacity.memory", format_memory(ordered.memory), shown))
    return found


def _clusters(ordered: Sequence[ClusterSize], delivered: Sequence[ClusterSize]) -> list[Difference]:
    found = []
    there = {cluster.name: cluster for cluster in delivered}
    for cluster in ordered:
        item = f"clusters.{cluster.name}"
        one = there.get(cluster.name)
        if one is None:
            found.append(Difference(item, f"a {cluster.role.value} cluster", "missing"))
            continue
        if one.role is not cluster.role:
            found.append(Difference(f"{item}.role", cluster.role.value, one.role.value))
        if cluster.kubernetes is not None and one.kubernetes != cluster.kubernetes:
            found.append(Difference(f"{item}.kubernetes", cluster.kubernetes, one.kubernetes or UNKNOWN))
        found.extend(_pools(item, cluster.pools, one.pools))
    names = {cluster.name for cluster in ordered}
    if ordered:
        found.extend(
            Difference(f"clusters.{one.name}", "not ordered", f"a {one.role.value} cluster")
            for one in delivered
            if one.name not in names
        )
    return found


def _pools(item: str, ordered: Sequence[PoolSize], delivered: Sequence[PoolSize]) -> list[Difference]:
    found = []
    there = {pool.name: pool for pool in delivered}
    for pool in ordered:
        one = there.get(pool.name)
        if one is None:
            found.append(Difference(f"{item}.pools.{pool.name}", f"{pool.nodes} nodes", "missing"))
        elif one.nodes < pool.nodes:
            found.append(Difference(f"{item}.pools.{pool.name}.nodes", str(pool.nodes), str(one.nodes)))
    return found


def ordered_clusters(environment: Environment) -> tuple[ClusterSize, ...]:
    """The clusters that the plan asks of an Environment, as an order writes them."""
    return tuple(
        ClusterSize(
            cluster.name,
            cluster.role,
            tuple(PoolSize(pool.name, pool.nodes, pool.dedicated_to) for pool in cluster.pools),
        )
        for cluster in environment.clusters
    )


def needed_capacity(landscape: Landscape, environment: Environment) -> Capacity:
    """What the planned nodes of an Environment offer together."""
    nodes = sum(pool.nodes for cluster in environment.workloads for pool in cluster.pools)
    capacity = landscape.costs.node.capacity
    return Capacity(capacity.cpu * nodes, capacity.memory * nodes)


def findings(
    request: Request,
    landscape: Landscape,
    topology: Topology,
    present: frozenset[str],
    users: frozenset[str],
    today: date,
) -> tuple[Finding, ...]:
    """What speaks against ``request``.

    ``present`` are Environments that were delivered or are on order, ``users`` the groups that the plan lets in.
    """
    found: list[Finding] = []
    names = [environment.name for environment in topology.environments]
    planned = next((one for one in topology.environments if one.name == request.environment), None)
    if planned is None:
        near = suggestion(request.environment, names)
        detail = f"the plan of {landscape.name} has {listed(names)}, and no {request.environment!r}"
        found.append(Finding(FindingKind.NOT_NEEDED, f"{detail}; {near}" if near else detail))
    elif request.environment in present:
        found.append(Finding(FindingKind.NOT_NEEDED, f"{request.environment} is there or on order already"))
    if request.by < today:
        found.append(Finding(FindingKind.NOT_COVERED, f"it is wanted by {request.by.isoformat()}, which has passed"))
    missing = [name for name in landscape.regulations if name not in request.regulations]
    if missing:
        found.append(Finding(FindingKind.NOT_COVERED, f"{listed(missing)}, which {landscape.name} is under"))
    strangers = sorted(users - set(request.users))
    if strangers:
        found.append(Finding(FindingKind.NOT_COVERED, f"{listed(strangers)}, whom the plan lets in"))
    if planned is not None:
        found.extend(_not_covered(request, landscape, topology, planned))
    return tuple(found)


def _not_covered(request: Request, landscape: Landscape, topology: Topology, planned: Environment) -> list[Finding]:
    found: list[Finding] = []
    if planned.designation is not request.designation:
        hosts = [one.deployment for one in topology.placements if one.environment == planned.name]
        found.append(
            Finding(
                FindingKind.NOT_COVERED,
                f"{planned.name} is designated {planned.designation}, ordered is {request.designation}; "
                f"it hosts {listed(hosts[:3])}{' and more' if len(hosts) > 3 else ''}",
            )
        )
    needed = needed_capacity(landscape, planned)
    if request.capacity is not None:
        if request.capacity.cpu < needed.cpu:
            detail = f"cpu: the plan needs {format_cpu(needed.cpu)}, ordered are {format_cpu(request.capacity.cpu)}"
            found.append(Finding(FindingKind.NOT_COVERED, detail))
        if request.capacity.memory < needed.memory:
            ordered = format_memory(request.capacity.memory)
            detail = f"memory: the plan needs {format_memory(needed.memory)}, ordered are {ordered}"
            found.append(Finding(FindingKind.NOT_COVERED, detail))
    if request.clusters:
        sizes = _clusters(ordered_clusters(planned), request.clusters)
        found.extend(
            Finding(FindingKind.NOT_COVERED, f"{one.item}: the plan needs {one.ordered}, ordered is {one.delivered}")
            for one in sizes
            if one.ordered != "not ordered"
        )
    return found
