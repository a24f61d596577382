"""Who of a deployment may dial ports of nodes: its pods that differ to some policy or by the node that they are on."""

from collections import defaultdict
from dataclasses import dataclass, field

from ringfence.prove.network.flow import OnNode, node_face
from ringfence.prove.network.groups import Group
from ringfence.prove.network.leaving import egress_selectors, may_leave
from ringfence.prove.network.space import Cells
from ringfence.prove.network.told import told_apart
from ringfence.prove.network.values import Node, Pod
from ringfence.prove.network.wild import label_choices
from ringfence.prove.network.world import World

OF_A_KIND = 3
"""So many nodes of a kind that one of them is the node of neither end."""
_ELSEWHERE = OnNode("?", (), "a node that the snapshot does not show")


@dataclass(slots=True)
class Speakers:
    """The pods of a group, one of every class on every kind of node, and those that it could make (on no node yet).

    ``complete``: what could be made has no other labels that matter. ``leave``: something of it may speak to what is
    outside the cluster.
    """

    world: World
    cells: Cells
    made: tuple[Pod, ...]
    complete: bool
    leave: bool
    anywhere: dict[object, list[Pod]] = field(default_factory=lambda: defaultdict(list))
    on_node: dict[str, dict[object, Pod]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, pod: Pod) -> None:
        """Count a pod in, unless one like it is there already."""
        key = (self.cells.key(pod), _kind_of(self.world, pod.node))
        some = self.anywhere[key]
        # Two of a class on different nodes: one of them is not on the node of whom they dial.
        if not some or (len(some) == 1 and some[0].node != pod.node):
            some.append(pod)
        if pod.node:
            self.on_node[pod.node].setdefault(key, pod)

    def towards(self, pod: Pod) -> list[Pod]:
        """Those that differ to policies on their way to a pod: on its node, and elsewhere."""
        beside = self.on_node.get(pod.node or "", {})
        apart = [
            next((one for one in some if one.node != pod.node or not one.node), None) for some in self.anywhere.values()
        ]
        return [*(one for one in apart if one is not None), *beside.values(), *self.made]

    def key(self, pod: Pod) -> object:
        """Pods with equal keys meet the same speakers, and behave alike towards them."""
        beside = frozenset(self.on_node.get(pod.node or "", ()))
        only_here = frozenset(key for key in beside if all(one.node == pod.node for one in self.anywhere[key]))
        return (self.cells.key(pod), _kind_of(self.world, pod.node), bool(pod.node), beside, only_here)


def speakers_of(world: World, a: Group) -> Speakers:
    """The speakers of a group."""
    told = told_apart(world)
    made: list[Pod] = []
    complete = True
    for space in sorted(a.powers.create_pods):
        choices = label_choices(egress_selectors(world, space))
        complete = complete and choices.complete
        made += [Pod(space, "created", labels, node="", ref=f"namespace/{space}") for labels in choices.tried]
    leave = may_leave(world, a, frozenset(world.namespaces))
    found = Speakers(world, Cells(told.keys, told.ends, nodes=False), tuple(made), complete, leave)
    for pod in a.pods:
        found.add(pod)
    return found


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


def _kind_of(world: World, name: str | None) -> object:
    """What tells a node apart from others: ranges that hold it, selectors that match it."""
    kinds: dict[str, object] | None = world.memo.get("node kinds")
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
