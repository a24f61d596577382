"""Can this party open a connection to that one? The single question, and its three answers."""

from dataclasses import replace
from functools import partial

from ringfence.prove.answer import Answer, Truth, explore, unknown
from ringfence.prove.network.flow import Dialled, OnNode
from ringfence.prove.network.nodeports import by_node_port
from ringfence.prove.network.packets import Packet, best, connect_parties
from ringfence.prove.network.resolve import Resolved, Target, resolve_destination, resolve_source
from ringfence.prove.network.values import HIGHEST_PORT, PROTOCOLS, Outside, Pod
from ringfence.prove.network.world import World

DEFAULT_NOTE = "no network plugin is named, so NetworkPolicy counts as enforced (a default, not a finding)"


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


def _between(world: World, here: Resolved, there: Resolved, protocol: str) -> Answer:
    """Over all that two names may stand for: one end point of a Service is enough, else all have to agree."""
    if all(isinstance(target.party, Outside) for target in (*here.targets, *there.targets)):
        return unknown(f"neither {here.name} nor {there.name} is in the cluster: nothing in it decides")
    answers = []
    for source in here.targets:
        reached = [
            _ask(world, Packet(source.party, target.party, protocol, target.port, _dialled(source, target)))
            for target in there.targets
            if not _shadowed(source, here, target, there)
        ]
        if reached:
            answers.append(best(reached) if there.any_of else _agreed(reached, there.name))
    return _agreed(answers, here.name)


def _ask(world: World, packet: Packet) -> Answer:
    if packet.dialled.node is None:
        return connect_parties(world, packet)
    return explore(partial(by_node_port, world, packet), world.facts)


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
