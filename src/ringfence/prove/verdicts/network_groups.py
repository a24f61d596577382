"""A deployment as the network sees it: its pods, those that it can act as, and what it can change there."""

import operator
from collections.abc import Iterator
from dataclasses import replace

from ringfence.prove.admission.placement import nodes_open_to
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability
from ringfence.prove.closure.engine import State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.network.build import world_of
from ringfence.prove.network.cni import assumed
from ringfence.prove.network.groups import Group, GroupPlace, Powers, group_of
from ringfence.prove.network.values import Pod
from ringfence.prove.network.world import World, alike
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.verdicts.held import Held
from ringfence.prove.verdicts.world import ProofWorld

_ADMIN_KINDS = frozenset({"AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"})
LABELS_PODS = (Power.CHANGE_PODS, Power.WRITE_POD_STATUS)
"""The powers that give pods other labels."""
# End points follow the addresses in the status of pods.
ADDRESSES = (Power.WRITE_ENDPOINTS, Power.WRITE_POD_STATUS)
_LEADS = (Power.WRITE_SERVICES, Power.WRITE_INGRESSES, Power.WRITE_ROUTES, *ADDRESSES)
_LOOSENING = (Power.WRITE_ADMISSION_POLICIES.value, Power.WRITE_NODES.value)


def network_world(world: ProofWorld, cluster: str) -> World:
    """The network's view of a cluster, built once."""

    def built() -> World:
        facts = assumed(world.partition.assume.facts, default_enforced=False)
        version = world.partition.assume.facts.get("version")
        return world_of(world.clusters[cluster].snapshot, facts, version)

    return world.memory.once(("network", cluster), built, alike)


def plain_group(world: ProofWorld, cluster: str, owned: Territory) -> Group:
    """A deployment's own pods, with no power over anything."""
    return world.memory.once(
        ("group", cluster, owned.name),
        lambda: group_of(network_world(world, cluster), owned.name, _places(owned, cluster)),
        operator.eq,
    )


def group_against(world: ProofWorld, cluster: str, owned: Territory, b: Territory, *, certain: bool) -> Group:
    """``group_in_state`` of what a deployment can become against ``b``; ``certain``: only what is beyond doubt."""
    entitled = world.partition.people_of_both(owned.name, b.name)
    return world.memory.once(
        ("group in state", cluster, owned.name, entitled, certain),
        lambda: group_in_state(world, cluster, owned, world.state(owned.name, b.name), certain=certain),
        operator.eq,
    )


def group_in_state(world: ProofWorld, cluster: str, owned: Territory, state: State, *, certain: bool) -> Group:
    """A's pods, those of others that it can act as, and its powers; ``certain``: only what is beyond doubt."""
    group = plain_group(world, cluster, owned)
    by_ref = pods_by_ref(world, cluster)
    held = Held(world.clusters[cluster], state, certain)
    extra: dict[str, Pod] = {}
    for capability in held.each(Can.INSIDE_POD):
        ref = f"{capability.detail.lower()}/{capability.namespace}/{capability.name}"
        pod = by_ref.get(ref)
        if pod is not None:
            extra[ref] = pod
    for capability in held.each(Can.ON_NODE):
        if capability.name != EVERYWHERE:
            ref = f"node/{capability.name}"
            extra[ref] = Pod("", capability.name, {}, host_network=True, node=capability.name, ref=ref)
    own = {pod.ref for pod in group.pods}
    pods = (*group.pods, *(pod for ref, pod in extra.items() if ref not in own))
    return replace(group, pods=pods, powers=_powers(held))


def pods_by_ref(world: ProofWorld, cluster: str) -> dict[str, Pod]:
    """The network's view of every pod and template, by reference."""

    def referred() -> dict[str, Pod]:
        net = network_world(world, cluster)
        return {pod.ref: pod for pod in (*net.pods.values(), *net.templates)}

    return world.memory.once(("by ref", cluster), referred, operator.eq)


def _places(owned: Territory, cluster: str) -> Iterator[GroupPlace]:
    for place in owned.in_cluster(cluster):
        yield GroupPlace(place.namespaces, place.labels, place.nodes)


def _powers(held: Held) -> Powers:
    facts, powered = held.facts, held.powered
    # Whoever changes pods gives them any labels; whoever owns a node may show pods there in any namespace.
    made = held.places(Can.CREATE_PODS) | powered(*LABELS_PODS)
    if not held.certain and held.state.of(Can.ON_NODE, facts.name):
        made = frozenset(facts.every_namespace())
    hosted = held.places(Can.CREATE_HOST_PODS)
    return Powers(
        create_pods=made,
        host_network=hosted,
        nodes=_nodes_of(facts, held.state, hosted),
        policies=powered(Power.WRITE_POLICIES),
        admin=_ADMIN_KINDS if powered(Power.WRITE_ADMIN_POLICIES) else frozenset(),
        labels=held.places(Can.RELABEL),
        routes=powered(*_LEADS),
        pod_labels=powered(*LABELS_PODS),
        node_doors=powered(Power.WRITE_SERVICES) & powered(*ADDRESSES),
        leaving=_deleted(held),
    )


def _deleted(held: Held) -> frozenset[str]:
    """The namespaces that A can delete."""
    found: set[str] = set()
    for capability in held.powers(Power.DELETE_NAMESPACES):
        every = held.facts.every_namespace() if capability.namespace == EVERYWHERE else (capability.namespace,)
        found.update(names_of(capability) or every)
    return frozenset(found)


def _nodes_of(facts: ClusterFacts, state: State, hosted: frozenset[str]) -> frozenset[str] | None:
    """The nodes that pods on a node's network may be put on, None for any: where admission keeps them to a pool."""
    if any(True for power in _LOOSENING for _ in state.powers(facts.name, power)) or not facts.nodes:
        return None
    found: set[str] = set()
    for namespace in hosted:
        relabelled = any(state.has(Capability(Can.RELABEL, facts.name, place)) for place in (namespace, EVERYWHERE))
        choice = nodes_open_to(facts, namespace, relabelled=relabelled)
        if choice.nodes is None:
            return None
        found |= set(choice.nodes)
    return frozenset(found)
