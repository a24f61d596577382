"""Connections that pass through something shared: an Ingress, a Gateway, or a node's port.

The proxy of an Ingress talks to the pod in its own name, so a policy that admits the proxy admits everybody who
reaches the proxy, be it through a port of nodes or a load balancer.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ringfence.prove.answer import Answer, Truth
from ringfence.prove.network.backends import Backend, Door, backends, doors
from ringfence.prove.network.cells import Span
from ringfence.prove.network.elsewhere import admits_elsewhere
from ringfence.prove.network.groups import Group
from ringfence.prove.network.leaving import may_leave
from ringfence.prove.network.noderoads import Road, node_roads
from ringfence.prove.network.packets import Packet, connect_parties
from ringfence.prove.network.shared import servers, serves
from ringfence.prove.network.values import Pod
from ringfence.prove.network.world import World

Cross = Callable[[Group, Group, Iterable[Span]], Truth]


def roads_into(world: World, a: Group, b: Group, declared: Iterable[Span], cross: Cross) -> Iterator[Road]:
    """The ways from ``a`` to ``b`` through shared doors, surest first is not promised. ``cross`` answers for pods."""
    spans = tuple(declared)
    yield from _Doors(world, a, b, spans, cross).roads()
    yield from node_roads(world, a, b, spans)


@dataclass(slots=True)
class _Doors:
    """The ways through proxies; ``reached`` remembers which of them ``a`` reaches."""

    world: World
    a: Group
    b: Group
    spans: tuple[Span, ...]
    cross: Cross
    reached: dict[str, Truth] = field(default_factory=dict)

    def roads(self) -> Iterator[Road]:
        behind = _behind_doors(self.world)
        seen: set[tuple[str, str, str, int | None]] = set()
        for pod in self.b.pods:
            for door, backend in behind.get((pod.namespace, pod.ref), ()):
                key = (door.ref, backend.pod.ref, backend.protocol, backend.port)
                if key not in seen and not self._declared(backend):
                    seen.add(key)
                    yield from self._through(door, backend)
        if self.a.powers.routes:
            yield from self._made()

    def _declared(self, backend: Backend) -> bool:
        port = backend.port
        return port is not None and any(span.holds(backend.protocol, port) for span in self.spans)

    def _through(self, door: Door, backend: Backend) -> Iterator[Road]:
        proxies = _proxies(self.world)
        sure = [pod for pod in proxies if door.controller and serves(pod, door.controller)]
        for proxy in sure or proxies:
            there = self._reaches(proxy)
            onward = Truth.NO if there is Truth.NO else self._onward(proxy, backend)
            if onward is not Truth.NO:
                certain = bool(sure) and door.certain and there is Truth.YES and onward is Truth.YES
                text = f"{self.a.name} reaches {proxy.ref}, which serves {door.ref} and reaches {backend.pod.ref}"
                yield _road(backend, door, certain, text, (door.ref, backend.service, proxy.ref))
        if not sure and self._unseen(backend):
            text = f"which program serves {door.ref}, and whether {self.a.name} reaches it"
            yield _road(backend, door, False, text, (door.ref, backend.service))

    def _onward(self, proxy: Pod, backend: Backend) -> Truth:
        if backend.port is None:
            return self.cross(_alone(proxy), _only(self.b, backend.pod), self.spans)
        return connect_parties(self.world, Packet(proxy, backend.pod, backend.protocol, backend.port)).truth

    def _unseen(self, backend: Backend) -> bool:
        """Could a proxy that is in no snapshot lead from one to the other? Not if either keeps to its own."""
        own = self.a.namespaces | self.b.namespaces
        inward = admits_elsewhere(self.world, backend.pod, "ingress", own)
        return inward and may_leave(self.world, self.a, own)

    def _made(self) -> Iterator[Road]:
        """Doors that ``a`` could make itself: a Service that points at ``b``, behind a proxy that both can reach."""
        for proxy in _proxies(self.world):
            if proxy.namespace in self.a.namespaces or self._reaches(proxy) is Truth.NO:
                continue
            for pod in self.b.pods:
                if self.cross(_alone(proxy), _only(self.b, pod), self.spans) is Truth.NO:
                    continue
                where = ", ".join(sorted(self.a.powers.routes))
                text = f"whether {proxy.ref} would follow a Service that {self.a.name} makes in {where} to {pod.ref}"
                yield Road(pod, "TCP", 0, Answer(Truth.UNKNOWN, (text,), (text,), (proxy.ref,)), proxy.ref)
                return

    def _reaches(self, proxy: Pod) -> Truth:
        found = self.reached.get(proxy.ref)
        if found is None:
            found = self.reached[proxy.ref] = self._asked(proxy)
        return found

    def _asked(self, proxy: Pod) -> Truth:
        if any(pod.ref == proxy.ref for pod in self.a.pods):
            return Truth.YES
        alone = _alone(proxy)
        straight = self.cross(self.a, alone, ())
        if straight is Truth.YES:
            return straight
        found = {straight, *(road.answer.truth for road in node_roads(self.world, self.a, alone, ()))}
        return next(truth for truth in (Truth.YES, Truth.UNKNOWN, Truth.NO) if truth in found)


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


def _road(backend: Backend, door: Door, sure: bool, text: str, objects: tuple[str, ...]) -> Road:
    truth = Truth.YES if sure else Truth.UNKNOWN
    answer = Answer(truth, (text,), () if sure else (text,), tuple(dict.fromkeys(objects)))
    return Road(backend.pod, backend.protocol, backend.port or 0, answer, door.ref)


def _alone(pod: Pod) -> Group:
    return Group(pod.ref, frozenset({pod.namespace}), (pod,))


def _only(group: Group, pod: Pod) -> Group:
    return Group(group.name, group.namespaces, (pod,))
