"""Which ports of a pair of pods are worth asking: policies cut the ports into cells that behave alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ringfence.prove.network.selectors import Selector
from ringfence.prove.network.values import HIGHEST_PORT, PROTOCOLS, Pod, Rule
from ringfence.prove.network.world import World


@dataclass(frozen=True, slots=True)
class Span:
    """Ports of a protocol (``*``: of all), both ends included."""

    protocol: str
    first: int = 1
    last: int = HIGHEST_PORT

    def holds(self, protocol: str, port: int) -> bool:
        """Is the port in it?"""
        return self.protocol in {"*", protocol} and self.first <= port <= self.last


@dataclass(frozen=True, slots=True)
class Relevant:
    """The selectors that can tell apart sources of one namespace on their way to one pod."""

    pod_selectors: tuple[Selector, ...]
    namespace_selectors: tuple[Selector, ...]


def port_cells(world: World, source: Pod, destination: Pod, declared: Iterable[Span]) -> Iterator[tuple[str, int]]:
    """One port of every cell, those with names first, without the declared ones."""
    spans = list(declared)
    starts: set[int] = {1}
    for rule in _rules(world, source, destination):
        for port in rule.ports:
            if port.first is not None and port.last is not None:
                starts.update((port.first, port.first + 1, port.last + 1))
    for span in spans:
        starts.update((span.first, span.last + 1))
    named = {entry.number for entry in destination.ports}
    starts.update(number + 1 for number in named)
    ordered = [*sorted(named), *sorted(starts - named)]
    for protocol in PROTOCOLS:
        for number in ordered:
            if 1 <= number <= HIGHEST_PORT and not any(span.holds(protocol, number) for span in spans):
                yield protocol, number


def _rules(world: World, source: Pod, destination: Pod) -> Iterator[Rule]:
    for policy in world.selecting(destination, "ingress"):
        yield from policy.ingress or ()
    for policy in world.selecting(source, "egress"):
        yield from policy.egress or ()
    for admin in world.admin:
        yield from admin.ingress
        yield from admin.egress


def relevant_for_destination(world: World, namespace: str, destination: Pod) -> Relevant:
    """The selectors that can tell apart what ``destination`` could be relabelled to, for sources of ``namespace``."""
    pods = {policy.pods: None for policy in world.policies_of(destination.namespace) if policy.ingress is not None}
    spaces: dict[Selector, None] = {}
    rules = [rule for policy in world.policies_of(namespace) for rule in policy.egress or ()]
    for admin in world.admin:
        pods[admin.pods] = None
        spaces[admin.namespaces] = None
        rules.extend((*admin.ingress, *admin.egress))
    for peer in (peer for rule in rules for peer in rule.peers):
        if peer.pods is not None:
            pods[peer.pods] = None
        if peer.namespaces is not None:
            spaces[peer.namespaces] = None
    return Relevant(tuple(pods), tuple(spaces))


def relevant_rules(world: World, namespace: str, destination: Pod) -> Relevant:
    """The selectors that matter for sources of ``namespace`` that speak to ``destination``."""
    pods: dict[Selector, None] = {}
    spaces: dict[Selector, None] = {}
    rules: list[Rule] = []
    for policy in world.policies_of(namespace):
        if policy.egress is not None:
            pods[policy.pods] = None
    for policy in world.selecting(destination, "ingress"):
        rules.extend(policy.ingress or ())
    for admin in world.admin:
        pods[admin.pods] = None
        spaces[admin.namespaces] = None
        rules.extend((*admin.ingress, *admin.egress))
    for rule in rules:
        for peer in rule.peers:
            if peer.pods is not None:
                pods[peer.pods] = None
            if peer.namespaces is not None:
                spaces[peer.namespaces] = None
    return Relevant(tuple(pods), tuple(spaces))
