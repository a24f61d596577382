"""Ways from one deployment to another by ports of nodes and by load balancers.

A node's port hides the client behind a node's address, or shows a node's address to the client's own policies; a load
balancer outside may lead out of the cluster and in again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import ip_address
from itertools import product

from ringfence.prove.answer import Answer, Choices, Question, Trail, Truth, explore, unknown
from ringfence.prove.network.cells import Span, port_cells
from ringfence.prove.network.entrances import UNSAID_PORT, Entrance, entrances
from ringfence.prove.network.flow import Dialled, OnNode, node_face
from ringfence.prove.network.groups import Group
from ringfence.prove.network.nodeports import by_node_port
from ringfence.prove.network.packets import Packet, passes
from ringfence.prove.network.space import Cells, classes
from ringfence.prove.network.speakers import Speakers, node_faces, speakers_of
from ringfence.prove.network.told import told_apart
from ringfence.prove.network.values import Outside, Pod
from ringfence.prove.network.world import World

MOST_ASKED = 4096
ENOUGH_UNKNOWN = 64
_ABROAD = tuple(Outside(ip_address(text), hidden=True) for text in ("198.51.100.1", "2001:db8::1"))


@dataclass(frozen=True, slots=True)
class Road:
    """A way round: what leads to the pod, at which port, and how sure it is."""

    destination: Pod
    protocol: str
    port: int
    answer: Answer
    through: str


def node_roads(world: World, a: Group, b: Group, declared: Iterable[Span]) -> Iterator[Road]:
    """The ways in by ports of nodes that are open or that ``a`` could open, a certain one alone if there is one."""
    return _Ways(world, a, tuple(declared)).roads([pod for pod in b.pods if not pod.host_network])


@dataclass(slots=True)
class _Ways:
    """The ways of one group, with who may speak and what was found for pods that nothing tells apart."""

    world: World
    a: Group
    declared: tuple[Span, ...]
    known: dict[object, Answer] = field(default_factory=dict)
    _speakers: Speakers | None = None

    @property
    def speakers(self) -> Speakers:
        if self._speakers is None:
            self._speakers = speakers_of(self.world, self.a)
        return self._speakers

    def roads(self, pods: list[Pod]) -> Iterator[Road]:
        doors = entrances(self.world)
        unsure: list[Road] = []
        for pod in pods:
            for entry in doors.get(pod.ref, ()):
                if any(span.holds(entry.protocol, entry.number) for span in self.declared):
                    continue
                answer = self._by_entrance(pod, entry)
                road = Road(pod, entry.protocol, entry.number, answer, entry.ref)
                if answer.truth is Truth.YES:
                    yield road
                    return
                if answer.truth is Truth.UNKNOWN and len(unsure) < ENOUGH_UNKNOWN:
                    unsure.append(road)
        yield from unsure
        if self.a.powers.node_doors and not unsure:
            yield from self._made(pods)

    def _by_entrance(self, pod: Pod, entry: Entrance) -> Answer:
        """The surest way of anything of the group through one entrance."""
        if entry.at is None and not entry.outer and not entry.balanced:
            return Answer(Truth.NO)
        key = (replace(entry, addresses=(), nameless=False), self.speakers.key(pod))
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._asked(pod, entry)
        return found

    def _asked(self, pod: Pod, entry: Entrance) -> Answer:
        found = Answer(Truth.NO)
        for asked, packet in enumerate(self._packets(pod, entry)):
            if asked >= MOST_ASKED:
                return unknown(f"too many pods of {self.a.name} could dial {entry.ref} to try them all")
            evaluate = passes if packet.dialled.node is None else by_node_port
            answer = explore(partial(evaluate, self.world, packet), self.world.facts)
            if answer.truth is Truth.YES:
                return _through(answer, entry)
            found = answer if found.truth is Truth.NO else found
        placed = pod if pod.node else replace(pod, node="")
        if found.truth is Truth.NO and not self.speakers.complete:
            text = f"too many sets of labels could be given to pods of {self.a.name} to try them all"
            found = unknown(text, settles=(text,))
        if found.truth is Truth.NO and entry.own:
            found = explore(partial(_behind_some_node, self.world, placed, entry), self.world.facts)
        if found.truth is Truth.NO and _goes_round(self.world, entry) and self.speakers.leave:
            found = explore(partial(_back_in, self.world, placed, entry), self.world.facts)
        return found if found.truth is Truth.NO else _through(found, entry)

    def _packets(self, pod: Pod, entry: Entrance) -> Iterator[Packet]:
        """Who could dial what: those that differ to some policy. Pods on no node yet may come to be on any."""
        faces = [node_face(self.world, pod.node)] if pod.node else []
        if not (entry.own and pod.node):
            faces += [node for node in node_faces(self.world) if node.name != pod.node]
        for source in self.speakers.towards(pod, entry.protocol, entry.number):
            for address in entry.outer:
                dialled = Dialled(address.version, address, hides=entry.hides)
                yield Packet(source, _at(pod, ""), entry.protocol, entry.number, dialled)
            if entry.at is None:
                continue
            own = [node_face(self.world, source.node)] if source.node and not entry.own else []
            for node in dict.fromkeys((*faces, *own)):
                dialled = Dialled(hides=entry.hides, node=node, at=entry.at)
                for one, other in product(_places(source, node), _places(pod, node)):
                    yield Packet(_at(source, one), _at(pod, other), entry.protocol, entry.number, dialled)

    def _made(self, pods: list[Pod]) -> Iterator[Road]:
        """Ports of nodes that the group could open itself, by a Service whose end points it writes."""
        told = told_apart(self.world)
        where = ", ".join(sorted(self.a.powers.node_doors))
        for pod in classes(pods, Cells(told.keys, told.ends, nodes=False), self.speakers.key):
            for protocol, number in port_cells(self.world, pod, pod, self.declared):
                ref = f"namespace/{min(self.a.powers.node_doors)}"
                entry = Entrance(ref, protocol, number, UNSAID_PORT, hides=True)
                answer = self._by_entrance(pod, entry)
                if answer.truth is not Truth.NO:
                    text = f"whether a Service that {self.a.name} makes in {where} leads to {pod.ref} by ports of nodes"
                    settles = answer.settles or (text,)
                    unsure = Answer(Truth.UNKNOWN, (text, *answer.because), settles, answer.objects)
                    yield Road(pod, protocol, number, unsure, entry.ref)
                    return


def _through(answer: Answer, entry: Entrance) -> Answer:
    text = f"{entry.ref} leads to it by a port of nodes"
    return replace(answer, because=(*answer.because, text), objects=(*answer.objects, entry.ref))


def _places(pod: Pod, node: OnNode) -> tuple[str, ...]:
    """Where a pod may be, seen from a node: where it is, else there or elsewhere."""
    return (pod.node,) if pod.node else (node.name or "", "")


def _at(pod: Pod, node: str) -> Pod:
    """The pod on a node, where it is on none yet."""
    return pod if pod.node else replace(pod, node=node)


def _behind_some_node(world: World, pod: Pod, entry: Entrance, choices: Choices, trail: Trail) -> bool:
    """A host port: whose address the pod sees is up to whoever maps it."""
    for node in node_faces(world):
        if node.name != pod.node and passes(world, Packet(node, pod, entry.protocol, entry.number), choices, trail):
            text = f"whether another node stands in for clients of host port {entry.at} of {pod.ref}"
            return choices.ask(Question(f"hostPort:{pod.ref}:{entry.at}", ("no", "yes"), text)) == "yes"
    return False


def _goes_round(world: World, entry: Entrance) -> bool:
    """Does a way lead out of the cluster and in again: by a load balancer, or by an address that a node has outside?"""
    if entry.balanced:
        return True
    if entry.at is None:
        return False
    return any(address.is_global for node in node_faces(world) for address in node.addresses)


def _back_in(world: World, pod: Pod, entry: Entrance, choices: Choices, trail: Trail) -> bool:
    """Out of the cluster and in again: a load balancer outside may show the client as an address outside."""
    if not any(
        passes(world, Packet(outside, pod, entry.protocol, entry.number), choices, trail) for outside in _ABROAD
    ):
        return False
    text = f"whether {entry.ref} shows clients from inside the cluster as addresses outside"
    return choices.ask(Question(f"balancer:{entry.ref}", ("no", "yes"), text)) == "yes"
