"""Does a pod's side of the policies leave room for somebody outside certain namespaces? An upper bound, for proxies
that are in no snapshot."""

from ringfence.prove.network.cni import POLICY
from ringfence.prove.network.values import Peer, Pod
from ringfence.prove.network.world import World


def admits_elsewhere(world: World, pod: Pod, direction: str, inside: frozenset[str]) -> bool:
    """May something outside the namespaces ``inside`` pass the pod's policies in this direction?"""
    if pod.host_network or world.facts.get(POLICY.key) != "enforced" or world.may_be_bare(pod.namespace):
        return True
    if world.opaque_in(pod.namespace) or world.admin:
        return True
    selecting = world.selecting(pod, direction)
    if not selecting:
        return True
    return any(
        not rule.peers or any(_reaches_out(world, peer, inside) for peer in rule.peers)
        for policy in selecting
        for rule in (policy.ingress if direction == "ingress" else policy.egress) or ()
    )


def _reaches_out(world: World, peer: Peer, inside: frozenset[str]) -> bool:
    if peer.pods is None:
        return True
    if peer.namespaces is None:
        return False
    selector = peer.namespaces
    named = [part for part in selector.requirements if part.key == "kubernetes.io/metadata.name"]
    listed = [part for part in named if part.operator == "In"]
    if listed:
        return any(not part.values <= inside for part in listed)
    if world.missing("namespaces", None) is not None:
        return True
    return any(selector.matches(labels) for name, labels in world.namespaces.items() if name not in inside)
