"""Who talks to whom: the two ends of one packet, and what a policy can know of them.

A hostNetwork pod has two faces: its node's address, or itself. Which one NetworkPolicy v1 sees is left undefined by
the API, so the face is asked for; the cluster-wide policy APIs always see the node (their types say so).
"""

from dataclasses import dataclass

from ringfence.prove.answer import Choices, Question
from ringfence.prove.network.cni import BLOCK_NODES, BLOCK_PODS, HOST_NETWORK, SERVICE_ADDRESS
from ringfence.prove.network.selectors import Selector
from ringfence.prove.network.values import Address, Block, Outside, Pod
from ringfence.prove.network.world import World


@dataclass(frozen=True, slots=True)
class OnNode:
    """Traffic of a node itself; ``name`` None is some node, nobody knows which."""

    name: str | None
    addresses: tuple[Address, ...] = ()
    ref: str = "node"


Party = Pod | OnNode | Outside


def describe(party: Party) -> str:
    """A party's name for reasons."""
    if isinstance(party, Outside):
        return str(party.address)
    return party.ref or f"node/{party.name}"


def node_of(party: Party) -> str | None:
    """The node that a party is on, None when it is not known or there is none."""
    if isinstance(party, Pod):
        return party.node
    return party.name if isinstance(party, OnNode) else None


def as_node(world: World, pod: Pod) -> OnNode:
    """The node's face of a hostNetwork pod."""
    node = world.nodes.get(pod.node or "")
    addresses = dict.fromkeys((*pod.addresses, *(node.addresses if node else ())))
    return OnNode(pod.node, tuple(addresses), pod.ref)


def node_face(world: World, name: str | None) -> OnNode:
    """A node by its name; without a name, some node that nobody knows."""
    if not name:
        return OnNode(None, (), "a node")
    node = world.nodes.get(name)
    return OnNode(name, node.addresses if node else (), f"node/{name}")


def face(world: World, party: Party, choices: Choices) -> Party:
    """What NetworkPolicy v1 takes a party for in this run."""
    if isinstance(party, Pod) and party.host_network and choices.ask(HOST_NETWORK) == "node":
        return as_node(world, party)
    return party


def admin_face(world: World, party: Party) -> Party:
    """What the cluster-wide policy APIs take a party for: a hostNetwork pod is always its node."""
    return as_node(world, party) if isinstance(party, Pod) and party.host_network else party


def same_node(one: Party, other: Party, choices: Choices) -> bool:
    """Are both on one node? Asked where a pod has not been placed."""
    if isinstance(one, Outside) or isinstance(other, Outside):
        return False
    here, there = node_of(one), node_of(other)
    if here is not None and there is not None:
        return here == there
    key = "same-node:" + "|".join(sorted((describe(one), describe(other))))
    text = f"whether {describe(one)} and {describe(other)} are on one node"
    return choices.ask(Question(key, ("no", "yes"), text)) == "yes"


def namespace_matches(world: World, selector: Selector, namespace: str, choices: Choices) -> bool:
    """Does a selector match a namespace? Asked where the snapshot lacks the namespace and its labels decide."""
    labels = world.namespace_labels(namespace)
    if labels is not None:
        return selector.matches(labels)
    known = {"kubernetes.io/metadata.name": namespace}
    open_requirements = [requirement for requirement in selector.requirements if requirement.key not in known]
    if not all(requirement.matches(known) for requirement in selector.requirements if requirement.key in known):
        return False
    if not open_requirements:
        return True
    wanted = Selector(frozenset(open_requirements))
    question = Question(
        f"namespace:{namespace}:{wanted}",
        ("no", "yes"),
        f"the labels of namespace {namespace}, which the snapshot does not hold (is it {wanted}?)",
    )
    return choices.ask(question) == "yes"


@dataclass(frozen=True, slots=True)
class Dialled:
    """What is known of a packet's addresses: their IP ``version`` where a party has both, and the address of the
    ``service`` that was dialled (``nameless``: the Service whose address the snapshot does not show).

    ``hides``: an outer address, behind which clients may be masked by nodes. ``local``: only end points on the
    client's own node are led to. ``node`` and ``at``: the node and its port that were dialled.
    """

    version: int | None = None
    service: Address | None = None
    nameless: str = ""
    hides: bool = False
    local: bool = False
    node: OnNode | None = None
    at: int = 0


PLAIN = Dialled()


def in_block(block: Block, party: Party, dialled: Dialled, choices: Choices, *, v1: bool) -> bool:
    """Does a range match a party? ``v1``: ipBlock, whose reach over pods and nodes depends on the network plugin.

    The ``networks`` of the cluster-wide APIs match all traffic, in-cluster traffic included.
    """
    if _dials_into(block, dialled, choices) and choices.ask(SERVICE_ADDRESS) == "before":
        return True
    if isinstance(party, Outside) and not party.hidden:
        return block.contains(party.address)
    if dialled.version not in (None, block.network.version) or not _contains_any(block, party, choices):
        return False
    if not v1 or isinstance(party, Outside):
        return True
    question = BLOCK_PODS if isinstance(party, Pod) and not party.host_network else BLOCK_NODES
    return choices.ask(question) == "matched"


def _dials_into(block: Block, dialled: Dialled, choices: Choices) -> bool:
    """Is the address of the Service that was dialled in the range?"""
    if dialled.service is not None:
        return block.contains(dialled.service)
    if not dialled.nameless or choices.known.get(SERVICE_ADDRESS.key) == "after":
        return False
    text = f"the address of {dialled.nameless} (is it in {block}?)"
    return choices.ask(Question(f"address:{dialled.nameless}:{block}", ("no", "yes"), text)) == "yes"


def _contains_any(block: Block, party: Party, choices: Choices) -> bool:
    if isinstance(party, Outside):
        if block.network.version != party.address.version:
            return False
        if block.network.prefixlen == 0 and not block.excepted:
            return True
        text = f"which address is seen for traffic of {party.address} (is it in {block}?)"
        return choices.ask(Question(f"seen:{party.address}:{block}", ("no", "yes"), text)) == "yes"
    if block.network.version == 4 and block.network.prefixlen == 0 and not (block.excepted or party.addresses):
        return True
    if party.addresses:
        return any(block.contains(address) for address in party.addresses)
    text = f"the address of {describe(party)} (is it in {block}?)"
    return choices.ask(Question(f"address:{describe(party)}:{block}", ("no", "yes"), text)) == "yes"
