"""Can this party open a connection to that one? The single question, and its three answers.

A connection passes when the source's egress and the destination's ingress both let the same protocol and port through.
Two things pass whatever policies say: a pod and itself, and a pod and the node it runs on.
"""

from dataclasses import dataclass

from ringfence.prove.answer import Answer, Choices, Question, Trail, Truth, explore, unknown
from ringfence.prove.network.cni import NODE_PORT_SOURCE
from ringfence.prove.network.flow import OnNode, Party, describe, face, same_node
from ringfence.prove.network.resolve import Resolved, resolve_destination, resolve_source
from ringfence.prove.network.roads import exposed
from ringfence.prove.network.tiers import EGRESS, INGRESS, Way, direction_passes
from ringfence.prove.network.values import HIGHEST_PORT, PROTOCOLS, Outside, Pod
from ringfence.prove.network.world import World

DEFAULT_NOTE = "no network plugin is named, so NetworkPolicy counts as enforced (a default, not a finding)"


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection between two known parties."""

    source: Party
    destination: Party
    protocol: str
    port: int


def connect(world: World, source: str, destination: str, protocol: str, port: int) -> Answer:
    """May ``source`` connect to ``destination``? Either is ``namespace/pod`` or an IP address.

    ``protocol`` is TCP, UDP or SCTP; ``port`` is the destination's, from 1 to 65535. Never raises for what the cluster
    holds: what cannot be known is ``unknown``.
    """
    wanted = protocol.upper()
    if wanted not in PROTOCOLS or not 1 <= port <= HIGHEST_PORT:
        return unknown(f"policies define nothing for port {port} of {protocol[:16]}: TCP, UDP and SCTP from 1 to 65535")
    here = resolve_source(world, source)
    there = resolve_destination(world, destination, wanted, port)
    if here.problem or there.problem:
        return unknown(*(side.problem for side in (here, there) if side.problem))
    return _with_default(world, _between(world, here, there, wanted))


def connect_parties(world: World, packet: Packet) -> Answer:
    """May this packet pass? For parties that are already known, such as pods that could be created."""
    return explore(lambda choices, trail: passes(world, packet, choices, trail), world.facts)


def _between(world: World, here: Resolved, there: Resolved, protocol: str) -> Answer:
    """Over all that a name may stand for: any way in counts as yes, only all closed as no."""
    answers = [
        connect_parties(world, Packet(source, target.party, protocol, target.port))
        for source in here.parties
        for target in there.targets
    ]
    if len(answers) == 1:
        return answers[0]
    for truth in (Truth.YES, Truth.UNKNOWN, Truth.NO):
        found = [answer for answer in answers if answer.truth is truth]
        if found and not (truth is Truth.YES and not there.any_of and len(found) < len(answers)):
            return found[0]
    return unknown(
        f"{there.name} stands for several parties and they differ",
        objects=tuple(name for answer in answers for name in answer.objects),
    )


def _with_default(world: World, answer: Answer) -> Answer:
    decided = any(name.startswith("networkpolicy/") for name in answer.objects)
    if world.plugin is not None or not decided or world.facts.get("networkPolicy") != "enforced":
        return answer
    return Answer(answer.truth, (*answer.because, DEFAULT_NOTE), answer.settles, answer.objects)


def passes(world: World, packet: Packet, choices: Choices, trail: Trail) -> bool:
    """One run: does the packet pass, given what this run takes for the unknown facts?"""
    source = _seen_source(world, packet, choices)
    destination = packet.destination
    if source == destination and isinstance(source, Pod):
        trail.note("a pod always reaches itself", source.ref)
        return True
    if _own_node(world, source, destination, choices):
        trail.note(f"{describe(source)} and {describe(destination)}: a pod and its own node always reach each other")
        return True
    return _leaves(world, packet, source, choices, trail) and _enters(world, packet, source, choices, trail)


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


def _leaves(world: World, packet: Packet, source: Party, choices: Choices, trail: Trail) -> bool:
    if not isinstance(source, Pod):
        return True
    way = Way(world, EGRESS, source, packet.destination, packet.destination, packet.protocol, packet.port)
    return direction_passes(way, choices, trail)


def _enters(world: World, packet: Packet, source: Party, choices: Choices, trail: Trail) -> bool:
    destination = packet.destination
    if not isinstance(destination, Pod):
        trail.note(f"ingress: no policy guards {describe(destination)}")
        return True
    way = Way(world, INGRESS, destination, source, destination, packet.protocol, packet.port)
    return direction_passes(way, choices, trail)


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
