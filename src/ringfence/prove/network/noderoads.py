"""Ways from one deployment to another by ports of nodes and by load balancers.

A node's port hides the client behind a node's address, or shows a node's address to the client's own policies; a load
balancer outside may lead out of the cluster and in again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address
from itertools import islice, product

from ringfence.prove.answer import Answer, Choices, Question, Trail, Truth, explore
from ringfence.prove.network.cells import Span, port_cells
from ringfence.prove.network.entrances import UNSAID_PORT, Entrance, entrances
from ringfence.prove.network.flow import Dialled, OnNode, node_face
from ringfence.prove.network.groups import Group
from ringfence.prove.network.leaving import egress_selectors, may_leave
from ringfence.prove.network.nodeports import by_node_port
from ringfence.prove.network.packets import Packet, passes
from ringfence.prove.network.space import Cells, classes
from ringfence.prove.network.told import told_apart
from ringfence.prove.network.values import Outside, Pod
from ringfence.prove.network.wild import label_choices
from ringfence.prove.network.world import World

MOST_LABELS = 64
MOST_ASKED = 4096
_OF_A_KIND = 3
_ABROAD = tuple(Outside(ip_address(text), hidden=True) for text in ("198.51.100.1", "2001:db8::1"))
_ELSEWHERE = OnNode("?", (), "a node that the snapshot does not show")


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
    spans = list(declared)
    doors = entrances(world)
    unsure: list[Road] = []
    pods = [pod for pod in b.pods if not pod.host_network]
    for pod in pods:
        for entry in doors.get(pod.ref, ()):
            if any(span.holds(entry.protocol, entry.number) for span in spans):
                continue
            answer = _by_entrance(world, a, pod, entry)
            road = Road(pod, entry.protocol, entry.number, answer, entry.ref)
            if answer.truth is Truth.YES:
                yield road
                return
            if answer.truth is Truth.UNKNOWN:
                unsure.append(road)
    yield from unsure
    if a.powers.node_doors and not unsure:
        yield from _made(world, a, pods, spans)


def _by_entrance(world: World, a: Group, pod: Pod, entry: Entrance) -> Answer:
    """The surest way of anything of the group through one entrance."""
    found = Answer(Truth.NO)
    for packet in islice(_packets(world, a, pod, entry), MOST_ASKED):
        evaluate = passes if packet.dialled.node is None else by_node_port
        answer = explore(partial(evaluate, world, packet), world.facts)
        if answer.truth is Truth.YES:
            return _through(answer, entry)
        found = answer if found.truth is Truth.NO else found
    placed = pod if pod.node else replace(pod, node="")
    if found.truth is Truth.NO and entry.own:
        found = explore(partial(_behind_some_node, world, placed, entry), world.facts)
    if found.truth is Truth.NO and _goes_round(world, entry) and may_leave(world, a, frozenset(world.namespaces)):
        found = explore(partial(_back_in, world, placed, entry), world.facts)
    return found if found.truth is Truth.NO else _through(found, entry)


def _through(answer: Answer, entry: Entrance) -> Answer:
    text = f"{entry.ref} leads to it by a port of nodes"
    return replace(answer, because=(*answer.because, text), objects=(*answer.objects, entry.ref))


def _packets(world: World, a: Group, pod: Pod, entry: Entrance) -> Iterator[Packet]:
    """Who could dial what: those that differ to some policy. Pods on no node yet may come to be on any."""
    faces = [node_face(world, pod.node)] if pod.node else []
    if not (entry.own and pod.node):
        faces += [node for node in _node_faces(world) if node.name != pod.node]
    for source in _speakers(world, a, pod):
        for address in entry.outer:
            dialled = Dialled(address.version, address, hides=entry.hides)
            yield Packet(source, _at(pod, ""), entry.protocol, entry.number, dialled)
        if entry.at is None:
            continue
        own = [node_face(world, source.node)] if source.node and not entry.own else []
        for node in dict.fromkeys((*faces, *own)):
            dialled = Dialled(hides=entry.hides, node=node, at=entry.at)
            for one, other in product(_places(source, node), _places(pod, node)):
                yield Packet(_at(source, one), _at(pod, other), entry.protocol, entry.number, dialled)


def _places(pod: Pod, node: OnNode) -> tuple[str, ...]:
    """Where a pod may be, seen from a node: where it is, else there or elsewhere."""
    return (pod.node,) if pod.node else (node.name or "", "")


def _at(pod: Pod, node: str) -> Pod:
    """The pod on a node, where it is on none yet."""
    return pod if pod.node else replace(pod, node=node)


def _node_faces(world: World) -> list[OnNode]:
    """One node of every kind that ranges and selectors of nodes tell apart."""
    found: list[OnNode] | None = world.memo.get("node faces")
    if found is None:
        told = told_apart(world)
        cells = Cells(frozenset(), told.ends, nodes=False)
        peers = [peer.nodes for admin in world.admin for rule in admin.egress for peer in rule.peers if peer.nodes]
        # Three of a kind, so that one of them is the node of neither end.
        alike: dict[object, list[OnNode]] = defaultdict(list)
        for node in world.nodes.values():
            stand_in = Pod("", node.name, {}, address_texts=tuple(str(address) for address in node.addresses))
            some = alike[cells.key(stand_in), tuple(selector.matches(node.labels) for selector in peers)]
            if len(some) < _OF_A_KIND:
                some.append(node_face(world, node.name))
        found = world.memo["node faces"] = [node for some in alike.values() for node in some] or [_ELSEWHERE]
    return found


def _speakers(world: World, a: Group, pod: Pod) -> Iterator[Pod]:
    """The group's pods that differ to some policy or by being on the pod's node, and pods that could be made."""
    told = told_apart(world)
    beside = [one for one in a.pods if one.node and one.node == pod.node]
    apart = [one for one in a.pods if not (one.node and one.node == pod.node)]
    cells = Cells(told.keys, told.ends, nodes=False)
    yield from classes(apart, cells)
    yield from classes(beside, cells)
    for space in sorted(a.powers.create_pods):
        for labels in islice(label_choices(egress_selectors(world, space)).tried, MOST_LABELS):
            yield Pod(space, "created", labels, node="", ref=f"namespace/{space}")


def _behind_some_node(world: World, pod: Pod, entry: Entrance, choices: Choices, trail: Trail) -> bool:
    """A host port: whose address the pod sees is up to whoever maps it."""
    for node in _node_faces(world):
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
    return any(address.is_global for node in _node_faces(world) for address in node.addresses)


def _back_in(world: World, pod: Pod, entry: Entrance, choices: Choices, trail: Trail) -> bool:
    """Out of the cluster and in again: a load balancer outside may show the client as an address outside."""
    if not any(
        passes(world, Packet(outside, pod, entry.protocol, entry.number), choices, trail) for outside in _ABROAD
    ):
        return False
    text = f"whether {entry.ref} shows clients from inside the cluster as addresses outside"
    return choices.ask(Question(f"balancer:{entry.ref}", ("no", "yes"), text)) == "yes"


def _made(world: World, a: Group, pods: list[Pod], spans: list[Span]) -> Iterator[Road]:
    """Ports of nodes that ``a`` could open itself, by a Service whose end points it writes."""
    told = told_apart(world)
    where = ", ".join(sorted(a.powers.node_doors))
    for pod in classes(pods, Cells(told.keys, told.ends, nodes=False)):
        for protocol, number in port_cells(world, pod, pod, spans):
            entry = Entrance(f"namespace/{min(a.powers.node_doors)}", protocol, number, UNSAID_PORT, hides=True)
            answer = _by_entrance(world, a, pod, entry)
            if answer.truth is not Truth.NO:
                text = f"whether a Service that {a.name} makes in {where} leads to {pod.ref} by ports of nodes"
                settles = answer.settles or (text,)
                unsure = Answer(Truth.UNKNOWN, (text, *answer.because), settles, answer.objects)
                yield Road(pod, protocol, number, unsure, entry.ref)
                return
