"""An independent check of every answer before anybody sees it; it trusts no solver and shares no code with one.

It reads places by their names, as a user would, and adds up requests again from the Landscape.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from ringfence.decide.requirements import Requirements
from ringfence.decide.topology import Cluster, Designation, Placement, Topology
from ringfence.landscape.model import Landscape, Level, Resources, Shared


def faults(landscape: Landscape, requirements: Requirements, topology: Topology) -> list[str]:
    """What is wrong with a Topology, in words; empty when it is right. One that is infeasible has nothing to check."""
    if not topology.environments and not requirements.subjects:
        return []
    return [
        *_place_faults(topology, requirements),
        *_level_faults(topology, requirements),
        *_service_faults(landscape, topology, requirements),
        *_bond_faults(landscape, topology),
        *_node_faults(landscape, topology),
        *_gate_faults(topology, requirements),
    ]


def read_level(a: Placement, b: Placement) -> Level:
    """The level between two placements, by their names (contract, section 4)."""
    if a.environment != b.environment:
        return Level.ENVIRONMENT
    if a.cluster != b.cluster:
        return Level.CLUSTER
    same_pool, same_namespace = a.pool == b.pool, a.namespace == b.namespace
    if same_pool:
        return Level.LABELS if same_namespace else Level.NAMESPACE
    return Level.NODE if same_namespace else Level.NODE_NAMESPACE


def _place_faults(topology: Topology, requirements: Requirements) -> Iterator[str]:
    expected = [subject.deployment.name for subject in requirements.subjects]
    if sorted(expected) != sorted(placement.deployment for placement in topology.placements):
        yield "not every deployment has one place"
    clusters: dict[tuple[str, str], Cluster] = {}
    for environment in topology.environments:
        if not environment.workloads:
            yield f"{environment.name} has no workload cluster"
        clusters |= {(environment.name, cluster.name): cluster for cluster in environment.workloads}
    for placement in topology.placements:
        cluster = clusters.get((placement.environment, placement.cluster))
        if cluster is None or placement.namespace not in cluster.namespaces:
            yield f"{placement.deployment} stands in a place that does not exist"
            continue
        pools = {pool.name: pool.dedicated_to for pool in cluster.pools}
        if pools.get(placement.pool, "?") is not None:
            yield f"{placement.deployment} stands on a pool that is not for applications"
        for service, pool_name in placement.services.items():
            if pools.get(pool_name, "?") != service:
                yield f"{placement.deployment} has its {service} on a pool that is not for {service}"


def _level_faults(topology: Topology, requirements: Requirements) -> Iterator[str]:
    places = {placement.deployment: placement for placement in topology.placements}
    ordered = [places[subject.deployment.name] for subject in requirements.subjects]
    for i, a in enumerate(requirements.subjects):
        for j in range(i):
            mask = requirements.asked(a, requirements.subjects[j])
            if not mask:
                continue
            level = read_level(ordered[i], ordered[j])
            if not level.meets(requirements.level(mask)):
                yield f"{ordered[i].deployment} and {ordered[j].deployment} are {level} apart"
            elif requirements.level(mask).meets(Level.NODE) and _shares_service(ordered[i], ordered[j]):
                yield f"{ordered[i].deployment} and {ordered[j].deployment} share a service pool"


def _shares_service(a: Placement, b: Placement) -> bool:
    return a.cluster == b.cluster and any(b.services.get(kind) == pool for kind, pool in a.services.items())


def _service_faults(landscape: Landscape, topology: Topology, requirements: Requirements) -> Iterator[str]:
    needs = {subject.deployment.name: subject.application.needs for subject in requirements.subjects}
    for placement in topology.placements:
        if sorted(placement.services) != sorted(needs[placement.deployment]):
            yield f"{placement.deployment} does not have the services that it needs"
        if any(kind not in landscape.services for kind in placement.services):
            yield f"{placement.deployment} has a service that is not described"


def _bond_faults(landscape: Landscape, topology: Topology) -> Iterator[str]:
    places = {placement.deployment: placement for placement in topology.placements}
    allowed: dict[str, set[str]] = {}
    for rule in landscape.together:
        found = [places[name] for name in rule.deployments]
        shared = {
            Shared.ENVIRONMENT: {each.environment for each in found},
            Shared.CLUSTER: {each.cluster for each in found},
            Shared.POOL: {f"{each.cluster}/{each.pool}" for each in found},
            Shared.NAMESPACE: {f"{each.cluster}/{each.namespace}" for each in found},
        }[rule.shared]
        if len(shared) > 1:
            yield f"{rule.identifier} is not kept"
        if rule.shared is Shared.NAMESPACE:
            group = set(rule.deployments).union(*(allowed.get(name, set()) for name in rule.deployments))
            for name in group:
                allowed[name] = group
    inside: dict[tuple[str, str], set[str]] = {}
    for placement in topology.placements:
        inside.setdefault((placement.cluster, placement.namespace), set()).add(placement.deployment)
    for names in inside.values():
        if len(names) > 1 and any(names - allowed.get(name, {name}) for name in names):
            yield f"{', '.join(sorted(names))} share a namespace that no rule asks for"


def _node_faults(landscape: Landscape, topology: Topology) -> Iterator[str]:
    requests = {deployment.name: deployment.requests for deployment in landscape.deployments}
    price = landscape.costs.node
    loads: dict[tuple[str, str], Resources] = {}
    for placement in topology.placements:
        key = (placement.cluster, placement.pool)
        loads[key] = loads.get(key, Resources()) + requests[placement.deployment]
        for kind, pool_name in placement.services.items():
            key = (placement.cluster, pool_name)
            loads[key] = loads.get(key, Resources()) + landscape.services[kind].requests
    total = Fraction(0)
    for environment in topology.environments:
        total += landscape.costs.environment + landscape.costs.cluster * len(environment.workloads)
        for cluster in environment.workloads:
            for pool in cluster.pools:
                load = loads.get((cluster.name, pool.name))
                if load is None:
                    yield f"the pool {pool.name} of {cluster.name} holds nothing"
                    continue
                needed = max(
                    price.minimum_per_pool,
                    ceil(load.cpu / (price.capacity.cpu * price.fill)),
                    ceil(load.memory / (price.capacity.memory * price.fill)),
                )
                if needed != pool.nodes:
                    yield f"the pool {pool.name} of {cluster.name} needs {needed} nodes, not {pool.nodes}"
                total += pool.nodes * price.price
    if total != topology.price:
        yield f"the price is {total}, not {topology.price}"


def _gate_faults(topology: Topology, requirements: Requirements) -> Iterator[str]:
    productive = {subject.deployment.name for subject in requirements.subjects if subject.production}
    hosts = {placement.environment for placement in topology.placements if placement.deployment in productive}
    for environment in topology.environments:
        if (environment.name in hosts) != (environment.designation is Designation.PRODUCTION):
            yield f"{environment.name} is designated {environment.designation}"
    if any(gate.gate.needs_non_production for gate in requirements.gates) and not any(
        placement.environment not in hosts for placement in topology.placements
    ):
        yield "no non-production Environment hosts a deployment"
