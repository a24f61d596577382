"""The two sides of a separation in one cluster, and what one side can bring about.

``Group`` is what the caller knows of a deployment: its pods and its powers (from the closure over access). The
powers turn into a changed World: rights to change policies become policies that let everything pass, since that is
what somebody who wants to get through would write.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ringfence.prove.network.selectors import EVERYTHING
from ringfence.prove.network.told import told_apart
from ringfence.prove.network.values import AdminPolicy, Peer, Pod, Policy, Rule
from ringfence.prove.network.world import World

CHANGED = "(as it could be changed)"


@dataclass(frozen=True, slots=True)
class Powers:
    """What a deployment's people and accounts can do that matters to the network.

    ``create_pods``: namespaces where pods of any labels can be made. ``host_network``: those of them where admission
    lets a pod use hostNetwork. ``nodes``: where such pods can run (None: any node). ``policies``: namespaces whose
    NetworkPolicies can be written. ``admin``: kinds of cluster-wide policies that can be written. ``labels``:
    namespaces whose labels can be written. ``routes``: namespaces where Services, EndpointSlices, Ingresses or routes
    can be written. ``pod_labels``: namespaces where the labels of pods that are there can be written. ``node_doors``:
    namespaces where a Service with ports of nodes can be led to any address. ``leaving``: namespaces that can be
    deleted, where policies may go before pods do.
    """

    create_pods: frozenset[str] = frozenset()
    host_network: frozenset[str] = frozenset()
    nodes: frozenset[str] | None = None
    policies: frozenset[str] = frozenset()
    admin: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()
    pod_labels: frozenset[str] = frozenset()
    node_doors: frozenset[str] = frozenset()
    leaving: frozenset[str] = frozenset()


NO_POWERS = Powers()


@dataclass(frozen=True, slots=True)
class Group:
    """A deployment's pods in one cluster (templates of workloads count as pods), and its powers."""

    name: str
    namespaces: frozenset[str]
    pods: tuple[Pod, ...]
    powers: Powers = NO_POWERS


@dataclass(frozen=True, slots=True)
class GroupPlace:
    """Where a deployment's objects are: whole namespaces, or what in them carries ``labels``, or runs on ``nodes``."""

    namespaces: frozenset[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    nodes: frozenset[str] | None = None

    def holds(self, pod: Pod) -> bool:
        """Is a pod part of it?"""
        if pod.namespace not in self.namespaces and self.namespaces:
            return False
        if any(pod.labels.get(key) != value for key, value in self.labels.items()):
            return False
        return self.nodes is None or (pod.node is not None and pod.node in self.nodes)


def group_of(world: World, name: str, places: Iterable[GroupPlace], powers: Powers = NO_POWERS) -> Group:
    """The Group of everything that is at the places: pods, and the templates of workloads without a pod to show.

    A namespace of which the world shows no pod at all gets one without labels, so that an empty namespace is no proof.
    """
    wanted = list(places)
    namespaces = frozenset(space for place in wanted for space in place.namespaces)
    found: dict[int, Pod] = {}
    for place in wanted:
        found.update((id(pod), pod) for pod in _near(world, place) if place.holds(pod))
    pods = list(found.values())
    filled = {pod.namespace for pod in pods}
    for place in wanted:
        for space in sorted(place.namespaces - filled):
            ref = f"namespace/{space}"
            pods.append(Pod(space, f"any pod of {space}", dict(place.labels), ref=ref))
    return Group(name, namespaces, tuple(pods), powers)


def _near(world: World, place: GroupPlace) -> Iterable[Pod]:
    """The pods that a place can hold at all: those of its namespaces, or all where it names none."""
    if not place.namespaces:
        return (*world.pods.values(), *world.templates)
    return (pod for space in sorted(place.namespaces) for pod in world.pods_in(space))


def attacked(world: World, powers: Powers) -> World:
    """The World after somebody with these powers has opened what they can."""
    leaving = powers.leaving - powers.policies
    if leaving and world.deleted_in_order is False:
        world = replace(world, leaving=world.leaving | leaving)
    if not (powers.policies or powers.admin):
        return world
    told_apart(world)
    policies = {**world.policies, **{space: [_open(space)] for space in powers.policies}}
    opaque = [entry for entry in world.opaque if entry.kind != "v1" or entry.namespace not in powers.policies]
    admin = [policy for policy in world.admin if policy.kind not in powers.admin]
    admin += [_open_admin(kind) for kind in sorted(powers.admin)]
    changed = replace(world, policies=policies, opaque=opaque, admin=admin)
    changed.forget()
    return changed


def _open(namespace: str) -> Policy:
    return Policy(namespace, CHANGED, EVERYTHING, (Rule(),), (Rule(),))


def _open_admin(kind: str) -> AdminPolicy:
    rule = Rule(peers=(Peer(namespaces=EVERYTHING, pods=EVERYTHING),))
    tier = "Baseline" if kind == "BaselineAdminNetworkPolicy" else "Admin"
    return AdminPolicy(kind, CHANGED, tier, 0, EVERYTHING, EVERYTHING, (rule,), (rule,))


def relabelled(world: World, namespace: str, labels: Mapping[str, str]) -> World:
    """The World after a namespace's labels have been changed; its immutable name label stays."""
    name = {"kubernetes.io/metadata.name": namespace}
    return replace(world, namespaces=ChainMap({namespace: {**labels, **name}}, world.namespaces), spaces={})
