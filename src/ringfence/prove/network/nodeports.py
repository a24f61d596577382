"""Through a port of a node to a pod: what each end's policies see is left to proxies and plugins.

kube-proxy translates on the node that is dialled and then masks the client with that node, unless
externalTrafficPolicy is Local; a plugin that does its work may translate where the client is, as if the pod had been
dialled. Sources: kubernetes.io, "Using Source IP"; docs/reference/cni.md.
"""

from dataclasses import replace

from ringfence.prove.answer import Choices, Question, Trail
from ringfence.prove.network.cni import NODE_PORT_SOURCE, NODE_PORT_TARGET
from ringfence.prove.network.flow import PLAIN, Dialled, OnNode, describe, node_of
from ringfence.prove.network.packets import Packet, enters, leaves, passes
from ringfence.prove.network.values import Outside, Pod
from ringfence.prove.network.world import World


def by_node_port(world: World, packet: Packet, choices: Choices, trail: Trail) -> bool:
    """One run: does the packet reach its pod through ``packet.dialled.node``, by the port ``at`` of that node?"""
    node = packet.dialled.node
    if node is None or _translated_early(packet, node, choices):
        return passes(world, replace(packet, dialled=Dialled(packet.dialled.version)), choices, trail)
    if not _reaches_node(world, packet, node, choices, trail):
        return False
    return _let_in(world, packet, node, choices, trail)


def _translated_early(packet: Packet, node: OnNode, choices: Choices) -> bool:
    """Is the pod behind the port what the client's policies see, and the client what the pod's see?"""
    if isinstance(packet.source, Outside) or node_of(packet.source) == node.name:
        return False
    return choices.ask(NODE_PORT_TARGET) == "pod"


def _reaches_node(world: World, packet: Packet, node: OnNode, choices: Choices, trail: Trail) -> bool:
    if isinstance(packet.source, Outside):
        return True
    if isinstance(packet.source, Pod) and not packet.source.host_network and packet.source.node == node.name:
        text = f"whether policies of {packet.source.ref} see the pod behind a port of the node that it runs on"
        if choices.ask(Question(f"own-node-port:{packet.source.ref}", ("pod", "node"), text)) == "pod":
            return leaves(world, replace(packet, dialled=PLAIN), packet.source, choices, trail)
    there = Packet(packet.source, node, packet.protocol, packet.dialled.at, Dialled(packet.dialled.version))
    return passes(world, there, choices, Trail())


def _let_in(world: World, packet: Packet, node: OnNode, choices: Choices, trail: Trail) -> bool:
    """Is the packet let into the pod, from the client or from the node that masks it?"""
    here = isinstance(packet.destination, Pod) and packet.destination.node == node.name
    bare = replace(packet, dialled=Dialled(packet.dialled.version))
    if not packet.dialled.hides:
        if not here and not _led_on(packet, node, choices):
            where = f"externalTrafficPolicy keeps to end points on the node, and {describe(packet.destination)} is not"
            trail.note(where)
            return False
        return _from_client(world, bare, choices, trail)
    if here and choices.ask(NODE_PORT_SOURCE) == "client":
        return _from_client(world, bare, choices, trail)
    trail.note(f"{describe(node)} stands in for {describe(packet.source)}")
    return passes(world, replace(bare, source=node), choices, trail)


def _led_on(packet: Packet, node: OnNode, choices: Choices) -> bool:
    """Do the node's own pods get past externalTrafficPolicy Local? kube-proxy takes them for traffic from inside."""
    if isinstance(packet.source, Outside) or node_of(packet.source) != node.name:
        return False
    text = f"whether externalTrafficPolicy Local holds for pods of {describe(node)} too"
    return choices.ask(Question(f"local:{node.name}", ("holds", "passed by"), text)) == "passed by"


def _from_client(world: World, packet: Packet, choices: Choices, trail: Trail) -> bool:
    if isinstance(packet.source, Outside):
        return passes(world, packet, choices, trail)
    return enters(world, packet, packet.source, choices, trail)
