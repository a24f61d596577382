"""Can this party open a connection to that one? The single question, and its three answers.

A connection passes when the source's egress and the destination's ingress both let the same protocol and port through.
Two things pass whatever policies say: a pod and itself, and a pod and the node it runs on.
"""

from dataclasses import dataclass, replace
from functools import partial

from ringfence.prove.answer import Answer, Choices, Question, Trail, Truth, explore, unknown
from ringfence.prove.network.cni import NODE_PORT_SOURCE
from ringfence.prove.network.flow import PLAIN, Dialled, OnNode, Party, describe, face, same_node
from ringfence.prove.network.resolve import Resolved, Target, resolve_destination, resolve_source
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
    dialled: Dialled = PLAIN


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
    return _best(answers)


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


def _between(world: World, here: Resolved, there: Resolved, protocol: str) -> Answer:
    """Over all that two names may stand for: one end point of a Service is enough, else all have to agree."""
    if all(isinstance(target.party, Outside) for target in (*here.targets, *there.targets)):
        return unknown(f"neither {here.name} nor {there.name} is in the cluster: nothing in it decides")
    answers = []
    for source in here.targets:
        reached = [
            connect_parties(world, Packet(source.party, target.party, protocol, target.port, _dialled(source, target)))
            for target in there.targets
            if not _shadowed(source, here, target, there)
        ]
        if reached:
            answers.append(_best(reached) if there.any_of else _agreed(reached, there.name))
    return _agreed(answers, here.name)


def _best(answers: list[Answer]) -> Answer:
    order = (Truth.YES, Truth.UNKNOWN, Truth.NO)
    return min(answers, key=lambda answer: order.index(answer.truth))


def _agreed(answers: list[Answer], name: str) -> Answer:
    if len({answer.truth for answer in answers}) == 1:
        return answers[0]
    unsure = next((answer for answer in answers if answer.truth is Truth.UNKNOWN), None)
    objects = tuple(found for answer in answers for found in answer.objects)
    return unsure or unknown(f"{name} stands for several parties and they differ", objects=objects)


def _shadowed(source: Target, here: Resolved, target: Target, there: Resolved) -> bool:
    """Is one end a hostNetwork pod that was only met by its node's address, and the other end on that node? Then it is
    the node that speaks, which nothing keeps out."""
    return _stands_in(source, here, target) or _stands_in(target, there, source)


def _stands_in(one: Target, among: Resolved, other: Target) -> bool:
    if len(among.targets) < 2 or not isinstance(among.targets[0].party, OnNode) or isinstance(one.party, OnNode):
        return False
    return isinstance(other.party, Pod) and other.party.node == among.targets[0].party.name


def _dialled(source: Target, target: Target) -> Dialled:
    return replace(target.dialled, version=target.dialled.version or source.dialled.version)


def _with_default(world: World, answer: Answer) -> Answer:
    decided = any(name.startswith("networkpolicy/") for name in answer.objects)
    if world.plugin is not None or not decided or world.facts.get("networkPolicy") != "enforced":
        return answer
    return Answer(answer.truth, (*answer.because, DEFAULT_NOTE), answer.settles, answer.objects)


def passes(world: World, packet: Packet, choices: Choices, trail: Trail) -> bool:
    """One run: does the packet pass, given what this run takes for the unknown facts?"""
    source = _seen_source(world, packet, choices)
    destination = packet.destination
    if source == destination and isinstance(source, Pod) and not _policed_hairpin(packet, source, choices):
        trail.note("a pod always reaches itself", source.ref)
        return True
    if _own_node(world, source, destination, choices):
        trail.note(f"{describe(source)} and {describe(destination)}: a pod and its own node always reach each other")
        return True
    return _leaves(world, packet, source, choices, trail) and _enters(world, packet, source, choices, trail)


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


def _leaves(world: World, packet: Packet, source: Party, choices: Choices, trail: Trail) -> bool:
    if not isinstance(source, Pod):
        return True
    way = Way(
        world, EGRESS, source, packet.destination, packet.destination, packet.protocol, packet.port, packet.dialled
    )
    return direction_passes(way, choices, trail)


def _enters(world: World, packet: Packet, source: Party, choices: Choices, trail: Trail) -> bool:
    destination = packet.destination
    if not isinstance(destination, Pod):
        trail.note(f"ingress: no policy guards {describe(destination)}")
        return True
    dialled = Dialled(packet.dialled.version)
    way = Way(world, INGRESS, destination, source, destination, packet.protocol, packet.port, dialled)
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
