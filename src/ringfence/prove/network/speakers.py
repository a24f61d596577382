"""Who of a deployment could dial a port of a node: as few of them as can come to different answers.

What lets a pod reach a node is the same for all pods whose way out is the same, whatever namespaces they are in, for
no selector of pods matches a node. What the pod behind the port sees differs from client to client only where its
policies could admit clients at all. So one client of every way out is asked, and each client that the destination may
admit; one of every namespace was rejected: a thousand namespaces would ask a million times.
"""

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

from ringfence.prove.network.flow import OnNode, node_face
from ringfence.prove.network.groups import Group
from ringfence.prove.network.leaving import egress_selectors, may_leave
from ringfence.prove.network.reach import Peers, at_port, openings
from ringfence.prove.network.space import Cells, make_space, places
from ringfence.prove.network.told import told_apart
from ringfence.prove.network.values import Node, Pod
from ringfence.prove.network.wild import label_choices
from ringfence.prove.network.world import World

OF_A_KIND = 3
"""So many nodes of a kind that one of them is the node of neither end."""
_ELSEWHERE = OnNode("?", (), "a node that the snapshot does not show")


@dataclass(frozen=True, slots=True)
class _Beside:
    """The pods of a group on one node: one for every way out, and those of each namespace. ``only``: the ways out that
    no pod has elsewhere."""

    ways: dict[Hashable, Pod]
    spaces: dict[str, list[Pod]]
    only: frozenset[Hashable]


_NOBODY = _Beside({}, {}, frozenset())


@dataclass(slots=True)
class Speakers:
    """The pods of a group that something tells apart, and those that it could make (on no node yet).

    ``complete``: what could be made has no other labels that matter. ``leave``: something of it may speak to what is
    outside the cluster.
    """

    world: World
    cells: Cells
    pods: tuple[Pod, ...]
    peers: Peers
    complete: bool
    leave: bool
    anywhere: dict[Hashable, list[Pod]] = field(default_factory=lambda: defaultdict(list))
    on_node: dict[str, _Beside] = field(default_factory=dict)

    def towards(self, pod: Pod, protocol: str, number: int) -> list[Pod]:
        """Those that between them come to every answer that any of the group comes to, at one port of a pod."""
        beside = self.on_node.get(pod.node or "", _NOBODY)
        apart = (
            next((one for one in some if one.node != pod.node or not one.node), None) for some in self.anywhere.values()
        )
        admitted = at_port(openings(self.world, pod, "ingress", self.peers), protocol, number)
        found = [
            *(one for one in apart if one is not None),
            *beside.ways.values(),
            *beside.spaces.get(pod.namespace, ()),
            *(self.pods[place] for place in places(admitted)),
        ]
        return list({id(one): one for one in found}.values())

    def key(self, pod: Pod) -> object:
        """Pods with equal keys meet the same speakers, and behave alike towards them."""
        beside = self.on_node.get(pod.node or "", _NOBODY)
        own = bool(beside.spaces.get(pod.namespace)) and pod.node
        kind = _kind_of(self.world, pod.node)
        return (self.cells.key(pod), kind, bool(pod.node), frozenset(beside.ways), beside.only, own)


def speakers_of(world: World, a: Group) -> Speakers:
    """The speakers of a group."""
    told = told_apart(world)
    cells = Cells(told.keys, told.ends, nodes=False)
    made: list[Pod] = []
    complete = True
    for space in sorted(a.powers.create_pods):
        choices = label_choices(egress_selectors(world, space))
        complete = complete and choices.complete
        made += [Pod(space, "created", labels, node="", ref=f"namespace/{space}") for labels in choices.tried]
    present: dict[Hashable, Pod] = {}
    for pod in a.pods:
        present.setdefault((cells.key(pod), pod.node), pod)
    space_of_all = make_space(world, list(present.values()), made, a.powers.labels)
    leave = may_leave(world, a, frozenset(world.namespaces))
    peers = Peers(world, space_of_all)
    found = Speakers(world, cells, tuple(space_of_all.pods), peers, complete, leave)
    _file(found)
    return found


def _file(speakers: Speakers) -> None:
    """Enter every speaker under its way out, and under its node."""
    ways: dict[str, dict[Hashable, Pod]] = defaultdict(dict)
    spaces: dict[str, dict[str, list[Pod]]] = defaultdict(lambda: defaultdict(list))
    for pod in speakers.pods:
        way = _way_out(speakers.world, pod)
        some = speakers.anywhere[way]
        # Two with one way out on different nodes: one of them is not on the node of whom they dial.
        if not some or (len(some) == 1 and some[0].node != pod.node):
            some.append(pod)
        if pod.node:
            ways[pod.node].setdefault(way, pod)
            spaces[pod.node][pod.namespace].append(pod)
    for node, found in ways.items():
        only = frozenset(way for way in found if all(one.node == node for one in speakers.anywhere[way]))
        speakers.on_node[node] = _Beside(found, dict(spaces[node]), only)


def _way_out(world: World, pod: Pod) -> Hashable:
    """What decides whether a pod reaches nodes: the rules that it has, not the namespace that it is in. Pods on the
    network of a node are each their own."""
    if pod.host_network:
        return pod.ref
    labels = world.namespace_labels(pod.namespace)
    selecting = tuple(id(policy.egress) for policy in world.selecting(pod, "egress"))
    hidden = tuple(map(id, world.opaque_in(pod.namespace)))
    admin = tuple(
        (id(policy), pod.namespace if labels is None else policy.namespaces.matches(labels))
        for policy in world.admin
        if policy.pods.matches(pod.labels)
    )
    bare = pod.namespace if world.may_be_bare(pod.namespace) else None
    return (selecting, hidden, admin, bare, _kind_of(world, pod.node))


def node_faces(world: World) -> list[OnNode]:
    """Some nodes of every kind that ranges and selectors of nodes tell apart."""
    found: list[OnNode] | None = world.memo.get("node faces")
    if found is None:
        alike: dict[object, list[OnNode]] = defaultdict(list)
        for node in world.nodes.values():
            some = alike[_kind_of(world, node.name)]
            if len(some) < OF_A_KIND:
                some.append(node_face(world, node.name))
        found = world.memo["node faces"] = [node for some in alike.values() for node in some] or [_ELSEWHERE]
    return found


def _kind_of(world: World, name: str | None) -> Hashable:
    """What tells a node apart from others: ranges that hold it, selectors that match it."""
    kinds: dict[str, Hashable] | None = world.memo.get("node kinds")
    if kinds is None:
        told = told_apart(world)
        cells = Cells(frozenset(), told.ends, nodes=False)
        kinds = world.memo["node kinds"] = {
            node.name: (cells.key(_stand_in(node)), tuple(selector.matches(node.labels) for selector in told.nodes))
            for node in world.nodes.values()
        }
    return kinds.get(name or "", name)


def _stand_in(node: Node) -> Pod:
    return Pod("", "", {}, address_texts=tuple(str(address) for address in node.addresses))
