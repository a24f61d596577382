"""One packet between two known parties: does it pass, whatever is not known of the network plugin?

A connection passes when the source's egress and the destination's ingress both let the same protocol and port through.
Two things pass whatever policies say: a pod and itself, and a pod and the node it runs on.
"""

from dataclasses import dataclass, replace
from functools import partial

from ringfence.prove.answer import Answer, Choices, Question, Trail, Truth, explore
from ringfence.prove.network.cni import NODE_PORT_SOURCE, NODE_PORT_TARGET
from ringfence.prove.network.entrances import exposed
from ringfence.prove.network.flow import PLAIN, Dialled, OnNode, Party, describe, face, node_face, same_node
from ringfence.prove.network.tiers import EGRESS, INGRESS, Way, direction_passes
from ringfence.prove.network.values import Outside, Pod
from ringfence.prove.network.world import World


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection between two known parties."""

    source: Party
    destination: Party
    protocol: str
    port: int
    dialled: Dialled = PLAIN


def connect_parties(world: World, packet: Packet) -> Answer:
    """May this packet pass? For parties that are already known, such as pods that could be created.

    Parties with addresses of both IP versions connect if they do in either.
    """
    versions = _versions(packet)
    if versions == (packet.dialled.version,):
        return explore(partial(passes, world, packet), world.facts)
    answers = []
    for version in versions:
        one = replace(packet, dialled=replace(packet.dialled, version=version))
        answers.append(explore(partial(passes, world, one), world.facts))
    return best(answers)


def best(answers: list[Answer]) -> Answer:
    """The surest way through: yes before unknown before no."""
    order = (Truth.YES, Truth.UNKNOWN, Truth.NO)
    return min(answers, key=lambda answer: order.index(answer.truth))


def _versions(packet: Packet) -> tuple[int | None, ...]:
    """The IP versions that both parties speak; None where no party has both, so that the version decides nothing."""
    if packet.dialled.version is not None:
        return (packet.dialled.version,)
    source, destination = packet.source, packet.destination
    if _one_address(source) and _one_address(destination):
        return (None,)
    both = [_spoken(party) for party in (source, destination)]
    if all(len(spoken) < 2 for spoken in both):
        return (None,)
    common = both[0] & both[1] if both[0] and both[1] else both[0] | both[1]
    return tuple(sorted(common)) or (None,)


def _one_address(party: Party) -> bool:
    return isinstance(party, Pod) and len(party.address_texts) < 2


def _spoken(party: Party) -> frozenset[int]:
    if isinstance(party, Outside):
        return frozenset({party.address.version})
    if isinstance(party, OnNode):
        return frozenset(address.version for address in party.addresses)
    return frozenset(6 if ":" in text else 4 for text in party.address_texts)


def passes(world: World, packet: Packet, choices: Choices, trail: Trail) -> bool:
    """One run: does the packet pass, given what this run takes for the unknown facts?"""
    source = _seen_source(world, packet, choices)
    destination = packet.destination
    if packet.dialled.local and not _beside_each_other(source, destination, choices):
        where = f"internalTrafficPolicy keeps clients to their own node, and {describe(destination)} is on another"
        trail.note(where)
        return False
    if source == destination and isinstance(source, Pod) and not _policed_hairpin(packet, source, choices):
        trail.note("a pod always reaches itself", source.ref)
        return True
    if _own_node(world, source, destination, choices):
        trail.note(f"{describe(source)} and {describe(destination)}: a pod and its own node always reach each other")
        return True
    return leaves(world, packet, source, choices, trail) and enters(
        world, packet, _masked(world, packet, source, choices), choices, trail
    )


def _beside_each_other(source: Party, destination: Party, choices: Choices) -> bool:
    return isinstance(source, Outside) or same_node(source, destination, choices)


def _policed_hairpin(packet: Packet, source: Pod, choices: Choices) -> bool:
    """Through a Service a pod may meet policies on its way to itself: the API leaves it open."""
    if packet.dialled.service is None:
        return False
    text = f"whether policies apply to {source.ref} where it reaches itself through a Service"
    return choices.ask(Question(f"hairpin:{source.ref}", ("passes", "policed"), text)) == "policed"


def _own_node(world: World, source: Party, destination: Party, choices: Choices) -> bool:
    """Is one end the node that the other runs on? A hostNetwork pod counts as its node where it has that face."""
    if not (_may_be_node(source) or _may_be_node(destination)):
        return False
    one, other = face(world, source, choices), face(world, destination, choices)
    if isinstance(one, OnNode) == isinstance(other, OnNode):
        return isinstance(one, OnNode) and one.name is not None and isinstance(other, OnNode) and one.name == other.name
    return same_node(one, other, choices)


def _may_be_node(party: Party) -> bool:
    return isinstance(party, OnNode) or (isinstance(party, Pod) and party.host_network)


def leaves(world: World, packet: Packet, source: Party, choices: Choices, trail: Trail) -> bool:
    """Does the source's egress let the packet go?"""
    if not isinstance(source, Pod):
        return True
    way = Way(
        world, EGRESS, source, packet.destination, packet.destination, packet.protocol, packet.port, packet.dialled
    )
    return direction_passes(way, choices, trail)


def enters(world: World, packet: Packet, source: Party, choices: Choices, trail: Trail) -> bool:
    """Does the destination's ingress let the packet in, where it sees ``source``?"""
    destination = packet.destination
    if not isinstance(destination, Pod):
        trail.note(f"ingress: no policy guards {describe(destination)}")
        return True
    if isinstance(source, OnNode) and source is not packet.source and _own_node(world, source, destination, choices):
        trail.note(f"{describe(source)} and {describe(destination)}: a pod and its own node always reach each other")
        return True
    dialled = Dialled(packet.dialled.version)
    way = Way(world, INGRESS, destination, source, destination, packet.protocol, packet.port, dialled)
    return direction_passes(way, choices, trail)


def _masked(world: World, packet: Packet, source: Party, choices: Choices) -> Party:
    """What the destination sees of a source inside that dials a Service's outer address: perhaps the source's node."""
    if not packet.dialled.hides or not isinstance(source, Pod) or source.host_network:
        return source
    if choices.ask(NODE_PORT_TARGET) == "pod":
        return source
    beside = isinstance(packet.destination, Pod) and source.node and source.node == packet.destination.node
    return source if beside and choices.ask(NODE_PORT_SOURCE) == "client" else node_face(world, source.node)


def _seen_source(world: World, packet: Packet, choices: Choices) -> Party:
    """What the destination sees of a source outside: address translation may put another address in its place."""
    source, destination = packet.source, packet.destination
    if not isinstance(source, Outside) or source.hidden or not isinstance(destination, Pod):
        return source
    open_to_nodes = exposed(world, destination) and world.facts.get(NODE_PORT_SOURCE.key) != "client"
    values = ("kept", "hidden", "node") if open_to_nodes else ("kept", "hidden")
    text = f"whether address translation hides {source.address} from {destination.ref}"
    seen = choices.ask(Question(f"nat:{source.address}", values, text))
    if seen == "kept":
        return source
    if seen == "node":
        return OnNode(None, (), "a node that stands in for it")
    return Outside(source.address, hidden=True)
