"""Connections between clusters: only addresses lead from one to the other, and snapshots show few of them.

A deployment whose policies let no address through cannot reach another cluster, whatever addresses that has. One whose
egress is open to some leaves it unknown: which addresses lead there, and what answers, is in no snapshot. So the rules
are looked at, and not one address after the other.
"""

from collections.abc import Iterable, Iterator

from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.network.cni import POLICY
from ringfence.prove.network.groups import Group, attacked
from ringfence.prove.network.values import Pod, Policy
from ringfence.prove.network.world import World


def outside_missing(world: World, group: Group, other: ClusterFacts) -> Iterator[str]:
    """What would have to be known to say that ``group`` cannot connect to somebody (``{name}``) in another cluster."""
    tampered = attacked(world, group.powers)
    open_pod = next((pod.ref for pod in _distinct(group.pods) if not _closed(tampered, pod)), None)
    if open_pod is None:
        made = (space for space in sorted(group.powers.create_pods) if not _closed_to_all(tampered, space))
        open_pod = next((f"namespace/{space}" for space in made), None)
    if open_pod is not None:
        shown = open_pod.replace("{", "").replace("}", "")
        yield f"which addresses lead from {shown} to {{name}} in {other.name}, and what answers there"


def _distinct(pods: tuple[Pod, ...]) -> list[Pod]:
    """One pod of each namespace and set of labels, those on the node's network apart."""
    found = {(pod.namespace, tuple(sorted(pod.labels.items())), pod.host_network): pod for pod in reversed(pods)}
    return list(found.values())


def _guarded(world: World, namespace: str) -> bool:
    """Whether NetworkPolicy v1 alone decides there, and is enforced."""
    return (
        world.facts.get(POLICY.key) == "enforced"
        and not world.admin
        and not world.may_be_bare(namespace)
        and not world.opaque_in(namespace)
    )


def _closed(world: World, pod: Pod) -> bool:
    """Whether a pod's policies let no address through: it is isolated, and every rule speaks of pods."""
    if pod.host_network or not _guarded(world, pod.namespace):
        return False
    selecting = [policy for policy in world.selecting(pod, "egress") if policy.egress is not None]
    return bool(selecting) and not _opens(selecting)


def _closed_to_all(world: World, namespace: str) -> bool:
    """As ``_closed``, for pods of any labels: what isolates selects every pod, and no policy opens for any."""
    policies = [policy for policy in world.policies.get(namespace, ()) if policy.egress is not None]
    unavoidable = any(not policy.pods.requirements for policy in policies)
    return _guarded(world, namespace) and unavoidable and not _opens(policies)


def _opens(policies: Iterable[Policy]) -> bool:
    return any(
        not rule.peers or any(peer.pods is None for peer in rule.peers)
        for policy in policies
        for rule in policy.egress or ()
    )
