"""Connections between clusters: only addresses lead from one to the other, and snapshots show few of them.

A deployment whose egress reaches no address outside its cluster cannot reach another one. One that reaches some leaves
it unknown: which addresses lead to the other cluster, and what answers there, is in no snapshot.
"""

from collections.abc import Iterator
from ipaddress import ip_address

from ringfence.prove import kinds
from ringfence.prove.answer import Truth
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.network.connect import Packet, connect_parties
from ringfence.prove.network.groups import Group, attacked
from ringfence.prove.network.values import Address, Outside, Pod
from ringfence.prove.network.world import World

_ANYWHERE = ("198.51.100.7", "203.0.113.9", "192.0.2.33", "2001:db8::7")
_PORTS = (443, 80, 6443, 5432, 53, 22, 8080)
_MOST = 200


def outside_missing(world: World, group: Group, other: ClusterFacts) -> Iterator[str]:
    """What would have to be known to say that ``group`` cannot connect to somebody (``{name}``) in another cluster."""
    tampered = attacked(world, group.powers)
    made = [Pod(space, "created", {}, ref=f"namespace/{space}") for space in sorted(group.powers.create_pods)]
    addresses = [*_addresses(other), *(ip_address(text) for text in _ANYWHERE), *_blocks(tampered)]
    pods = _distinct((*group.pods, *made))
    for pod in pods[:_MOST]:
        for address in addresses[:_MOST]:
            for port in _ports(tampered, pod):
                answer = connect_parties(tampered, Packet(pod, Outside(address), "TCP", port))
                if answer.truth is not Truth.NO:
                    shown = pod.ref.replace("{", "").replace("}", "")
                    yield f"which addresses lead from {shown} to {{name}} in {other.name}, and what answers there"
                    return
    if len(pods) > _MOST or len(addresses) > _MOST:
        yield f"whether all of the pods of {group.name} are kept from addresses outside their cluster"


def _distinct(pods: tuple[Pod, ...]) -> list[Pod]:
    """One pod of each namespace and set of labels, those on the node's network apart."""
    found = {(pod.namespace, tuple(sorted(pod.labels.items())), pod.host_network): pod for pod in reversed(pods)}
    return list(found.values())


def _ports(world: World, pod: Pod) -> list[int]:
    found = dict.fromkeys(_PORTS)
    for policy in world.policies.get(pod.namespace, ()):
        for rule in policy.egress or ():
            for port in rule.ports:
                if port.first is not None:
                    found[port.first] = None
    return list(found)


def _blocks(world: World) -> list[Address]:
    found: dict[Address, None] = {}
    for policies in world.policies.values():
        for policy in policies:
            for rule in policy.egress or ():
                for peer in rule.peers:
                    for block in peer.blocks:
                        first = block.network.network_address
                        found[first + 1 if block.network.num_addresses > 1 else first] = None
    return list(found)


def _addresses(other: ClusterFacts) -> Iterator[Address]:
    for node in other.nodes.values():
        for entry in (node.get("status") or {}).get("addresses") or ():
            yield from _parsed(entry.get("address"))
    for service in other.snapshot.of(kinds.SERVICE):
        spec = service.get("spec") or {}
        for text in spec.get("externalIPs") or ():
            yield from _parsed(text)
        ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        for entry in ingress if isinstance(ingress, list) else ():
            yield from _parsed(entry.get("ip") if isinstance(entry, dict) else None)


def _parsed(text: object) -> Iterator[Address]:
    try:
        yield ip_address(str(text))
    except ValueError:
        return
