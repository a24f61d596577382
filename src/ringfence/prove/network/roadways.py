"""Connections that pass through something shared: an Ingress, a Gateway, or a node's port.

The proxy of an Ingress talks to the pod in its own name, so a policy that admits the proxy admits everybody who
reaches the proxy. A node's port hides the client behind a node's address where the network plugin looks late.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from itertools import islice

from ringfence.prove.answer import Answer, Choices, Question, Trail, Truth, explore
from ringfence.prove.network.backends import Backend, Door, backends, doors
from ringfence.prove.network.cells import Span
from ringfence.prove.network.cni import NODE_PORT_SOURCE
from ringfence.prove.network.connect import Packet, connect_parties, passes
from ringfence.prove.network.elsewhere import admits_elsewhere
from ringfence.prove.network.flow import OnNode
from ringfence.prove.network.groups import Group
from ringfence.prove.network.roads import listed, mapping, opens, selected_pods, service_ref
from ringfence.prove.network.selectors import Selector
from ringfence.prove.network.shared import servers, serves
from ringfence.prove.network.values import HIGHEST_PORT, Outside, Pod
from ringfence.prove.network.wild import label_choices
from ringfence.prove.network.world import World

MOST_LABELS = 64
UNSAID_PORT = 30000
"""Stands for a node port that the API server has not chosen yet: the first of its usual range."""

Cross = Callable[[Group, Group, Iterable[Span]], Truth]


@dataclass(frozen=True, slots=True)
class Road:
    """A way round: what leads to the pod, at which port, and how sure it is."""

    destination: Pod
    port: int
    answer: Answer
    through: str


def roads_into(world: World, a: Group, b: Group, declared: Iterable[Span], cross: Cross) -> Iterator[Road]:
    """The ways from ``a`` to ``b`` through shared doors, surest first is not promised. ``cross`` answers for pods."""
    spans = list(declared)
    yield from _door_roads(world, a, b, spans, cross)
    yield from _node_roads(world, a, b, spans)


def _door_roads(world: World, a: Group, b: Group, spans: list[Span], cross: Cross) -> Iterator[Road]:
    reached: dict[str, Truth] = {}
    behind = _behind_doors(world)
    seen: set[tuple[str, str, int | None]] = set()
    for pod in b.pods:
        for door, backend in behind.get((pod.namespace, pod.ref), ()):
            key = (door.ref, backend.pod.ref, backend.port)
            if key in seen or (backend.port is not None and any(span.holds("TCP", backend.port) for span in spans)):
                continue
            seen.add(key)
            yield from _through_proxies(world, a, b, door, backend, _proxies(world), reached, cross)
    if a.powers.routes:
        yield from _made_doors(a, b, _proxies(world), reached, spans, cross)


def _proxies(world: World) -> list[Pod]:
    found: list[Pod] | None = world.memo.get("proxies")
    if found is None:
        found = world.memo["proxies"] = servers(world)
    return found


def _behind_doors(world: World) -> dict[tuple[str, str], list[tuple[Door, Backend]]]:
    """By pod: the doors that lead to it."""
    found: dict[tuple[str, str], list[tuple[Door, Backend]]] | None = world.memo.get("doors")
    if found is None:
        found = world.memo["doors"] = {}
        for door in doors(world):
            for namespace, name, port in door.services:
                for backend in backends(world, namespace, name, port):
                    found.setdefault((backend.pod.namespace, backend.pod.ref), []).append((door, backend))
    return found


def _through_proxies(
    world: World,
    a: Group,
    b: Group,
    door: Door,
    backend: Backend,
    proxies: list[Pod],
    reached: dict[str, Truth],
    cross: Cross,
) -> Iterator[Road]:
    sure = [pod for pod in proxies if door.controller and serves(pod, door.controller)]
    for proxy in sure or proxies:
        there = _reaches(a, proxy, reached, cross)
        if there is Truth.NO:
            continue
        onward = connect_parties(world, Packet(proxy, backend.pod, "TCP", backend.port or 0))
        if backend.port is None:
            onward = replace(onward, truth=cross(_alone(proxy), _only(b, backend.pod), ()))
        if onward.truth is Truth.NO:
            continue
        both = there is Truth.YES and onward.truth is Truth.YES
        text = f"{a.name} reaches {proxy.ref}, which serves {door.ref} and reaches {backend.pod.ref}"
        yield _road(backend, door, both and bool(sure), text, (door.ref, backend.service, proxy.ref, *onward.objects))
    if not sure and _unseen_proxy(world, a, b, backend):
        text = f"which program serves {door.ref}, and whether {a.name} reaches it"
        yield _road(backend, door, False, text, (door.ref, backend.service))


def _road(backend: Backend, door: Door, sure: bool, text: str, objects: tuple[str, ...]) -> Road:
    truth = Truth.YES if sure else Truth.UNKNOWN
    answer = Answer(truth, (text,), () if sure else (text,), tuple(dict.fromkeys(objects)))
    return Road(backend.pod, backend.port or 0, answer, door.ref)


def _unseen_proxy(world: World, a: Group, b: Group, backend: Backend) -> bool:
    """Could a proxy that is in no snapshot lead from one to the other? Not if either keeps to its own namespaces."""
    own = a.namespaces | b.namespaces
    inward = admits_elsewhere(world, backend.pod, "ingress", own)
    return inward and _may_leave(world, a, own)


def _may_leave(world: World, a: Group, inside: frozenset[str]) -> bool:
    """Could anything of the group, present or to be made, speak to something outside these namespaces?"""
    if a.powers.host_network & a.powers.create_pods or any(
        admits_elsewhere(world, pod, "egress", inside) for pod in a.pods
    ):
        return True
    for space in sorted(a.powers.create_pods):
        choices = label_choices(_egress_selectors(world, space))
        made = (Pod(space, "created", labels, ref=f"namespace/{space}") for labels in choices.tried)
        if not choices.complete or any(admits_elsewhere(world, pod, "egress", inside) for pod in made):
            return True
    return False


def _egress_selectors(world: World, space: str) -> list[Selector]:
    """The selectors that can tell apart pods of a namespace on their way out."""
    own = [policy.pods for policy in world.policies_of(space) if policy.egress is not None]
    return [*own, *(admin.pods for admin in world.admin)]


def _made_doors(
    a: Group, b: Group, proxies: list[Pod], reached: dict[str, Truth], spans: list[Span], cross: Cross
) -> Iterator[Road]:
    """Doors that ``a`` could make itself: a Service that points at ``b``, behind a proxy that both can reach."""
    for proxy in proxies:
        if proxy.namespace in a.namespaces or _reaches(a, proxy, reached, cross) is Truth.NO:
            continue
        for pod in b.pods:
            if cross(_alone(proxy), _only(b, pod), spans) is Truth.NO:
                continue
            where = ", ".join(sorted(a.powers.routes))
            text = f"whether {proxy.ref} would follow a Service that {a.name} makes in {where} to point at {pod.ref}"
            yield Road(pod, 0, Answer(Truth.UNKNOWN, (text,), (text,), (proxy.ref,)), proxy.ref)
            return


def _reaches(a: Group, proxy: Pod, reached: dict[str, Truth], cross: Cross) -> Truth:
    if proxy.ref not in reached:
        mine = any(pod.ref == proxy.ref for pod in a.pods)
        reached[proxy.ref] = Truth.YES if mine else cross(a, _alone(proxy), ())
    return reached[proxy.ref]


def _alone(pod: Pod) -> Group:
    return Group(pod.ref, frozenset({pod.namespace}), (pod,))


def _only(group: Group, pod: Pod) -> Group:
    return Group(group.name, group.namespaces, (pod,))


def _node_roads(world: World, a: Group, b: Group, spans: list[Span]) -> Iterator[Road]:
    """Through a node's port: the destination may see a node's address, its own node's among them."""
    mine = {pod.ref for pod in b.pods}
    for ref, (pod, through) in sorted(_opened(world, b).items()):
        if ref not in mine or pod.host_network:
            continue
        for port in _node_ports(world, pod, through):
            if any(span.holds("TCP", port) for span in spans):
                continue
            placed = pod if pod.node else replace(pod, node="")
            answer = explore(_by_node(world, placed, port, through), world.facts)
            if answer.truth is Truth.NO and _balanced(world, pod, through) and _leaves(world, a):
                answer = explore(_back_in(world, placed, port, through), world.facts)
            if answer.truth is Truth.YES and not _at_a_node(world, a, _entrances(world, pod, through)):
                text = f"whether policies of {a.name} see {pod.ref} behind a port of the node that they run on"
                answer = Answer(Truth.UNKNOWN, (text,), (text,), answer.objects)
            if answer.truth is not Truth.NO:
                yield Road(pod, port, answer, through)
                break


def _at_a_node(world: World, a: Group, ports: list[int]) -> bool:
    """Does anything of the group surely reach one of these ports at a node other than its own?"""
    nodes = [OnNode(node.name, node.addresses, f"node/{node.name}") for node in world.nodes.values()]
    return any(
        connect_parties(world, Packet(pod, node, "TCP", port)).truth is Truth.YES
        for pod in _speakers(world, a)
        for node in nodes
        if node.name != pod.node
        for port in ports
    )


def _speakers(world: World, a: Group) -> Iterator[Pod]:
    """The group's pods, and for every namespace pods that could be made there, on no node yet known."""
    yield from a.pods
    for space in sorted(a.powers.create_pods):
        for labels in islice(label_choices(_egress_selectors(world, space)).tried, MOST_LABELS):
            yield Pod(space, "created", labels, node="", ref=f"namespace/{space}")


def _entrances(world: World, pod: Pod, through: str) -> list[int]:
    """The ports at which nodes take packets in for what leads to a pod."""
    found = [
        entry["nodePort"]
        for service in world.objects_in("Service", pod.namespace)
        if service_ref(service) == through
        for entry in listed(mapping(service.get("spec")).get("ports"))
        if isinstance(entry.get("nodePort"), int)
    ]
    return found or [UNSAID_PORT]


def _opened(world: World, b: Group) -> dict[str, tuple[Pod, str]]:
    """The pods that ports of nodes lead to, each with what opens one."""
    opened: dict[str, tuple[Pod, str]] = {}
    for namespace in sorted({pod.namespace for pod in b.pods}):
        for service in world.objects_in("Service", namespace):
            if opens(service):
                for pod in selected_pods(world, service):
                    opened.setdefault(pod.ref, (pod, service_ref(service)))
    for pod in b.pods:
        if pod.host_ports:
            opened.setdefault(pod.ref, (pod, pod.ref))
    return opened


def _node_ports(world: World, pod: Pod, through: str) -> list[int]:
    found = dict.fromkeys(entry.number for entry in pod.ports)
    for service in world.objects_in("Service", pod.namespace):
        if service_ref(service) == through:
            for entry in listed(mapping(service.get("spec")).get("ports")):
                target = entry.get("targetPort", entry.get("port"))
                if isinstance(target, int) and 1 <= target <= HIGHEST_PORT:
                    found[target] = None
    return list(found) or [80]


def _by_node(world: World, pod: Pod, port: int, through: str) -> Callable[[Choices, Trail], bool]:
    def evaluate(choices: Choices, trail: Trail) -> bool:
        for node in world.nodes.values():
            party = OnNode(node.name, node.addresses, f"node/{node.name}")
            if node.name != pod.node and passes(world, Packet(party, pod, "TCP", port), choices, trail):
                trail.note(f"{through} hides the client behind node {node.name}", through)
                return True
        if choices.ask(NODE_PORT_SOURCE) == "node":
            trail.note(f"{through} hides the client behind the pod's own node, which nothing keeps out", through)
            return True
        return False

    return evaluate


def _balanced(world: World, pod: Pod, through: str) -> bool:
    """Is it a load balancer that leads in?"""
    return any(
        service_ref(service) == through and mapping(service.get("spec")).get("type") == "LoadBalancer"
        for service in world.objects_in("Service", pod.namespace)
    )


def _leaves(world: World, a: Group) -> bool:
    """May anything of the group reach addresses outside the cluster?"""
    return _may_leave(world, a, frozenset(world.namespaces))


def _back_in(world: World, pod: Pod, port: int, through: str) -> Callable[[Choices, Trail], bool]:
    """Out of the cluster and in again: a load balancer outside may show the client as an address outside."""
    outside = Outside(ip_address("198.51.100.1"), hidden=True)

    def evaluate(choices: Choices, trail: Trail) -> bool:
        if not passes(world, Packet(outside, pod, "TCP", port), choices, trail):
            return False
        text = f"whether {through} shows clients from inside the cluster as addresses outside"
        return choices.ask(Question(f"balancer:{through}", ("no", "yes"), text)) == "yes"

    return evaluate
