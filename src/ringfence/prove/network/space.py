"""Classes of pods as bits, so that one rule is matched against all of them at once.

Pods that no policy can tell apart are one class: equal namespace, labels that some selector mentions, named ports,
face, and address cell. A selector becomes a bit set (a Python int) by way of an inverted index over labels, so ten
thousand policies against ten thousand pods need no loop over pairs. A *wild* class is a pod that could be created in
a namespace with any labels: every selector that can be met at all matches it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ringfence.prove.network.selectors import EVERYTHING, Requirement, Selector
from ringfence.prove.network.values import Pod
from ringfence.prove.network.world import World


@dataclass(frozen=True, slots=True)
class Cells:
    """What a class must tell apart: label keys, and the ends of all ranges that an ipBlock mentions."""

    keys: frozenset[str]
    ends: tuple[tuple[int, int], ...]
    nodes: bool

    def key(self, pod: Pod) -> object:
        """Pods with equal keys are one class."""
        keys = self.keys
        labels = frozenset([item for item in pod.labels.items() if item[0] in keys])
        node = pod.node if self.nodes or pod.host_network else None
        if not self.ends:
            return (pod.namespace, labels, pod.ports, pod.host_network, node)
        cells = tuple(bisect_right(self.ends, (address.version, int(address))) for address in pod.addresses)
        return (pod.namespace, labels, pod.ports, pod.host_network, node, cells)


def classes(pods: Iterable[Pod], cells: Cells, apart: Callable[[Pod], object] | None = None) -> list[Pod]:
    """One pod of every class, in the order of the first. ``apart``: what else tells two of a class apart."""
    found: dict[object, Pod] = {}
    for pod in pods:
        key = cells.key(pod)
        found.setdefault(key if apart is None else (key, apart(pod)), pod)
    return list(found.values())


@dataclass(slots=True)
class Space:
    """Pods as bit positions, with an index of their labels and of their namespaces' labels."""

    world: World
    pods: Sequence[Pod]
    wild_from: int
    everything: int = 0
    wild: int = 0
    hosts: int = 0
    _labels: Mapping[str, Mapping[str, list[int]]] = field(default_factory=dict)
    _namespaces: dict[str, int] = field(default_factory=dict)
    _unknown: int = 0
    _space_labels: dict[str, dict[str, int]] = field(default_factory=dict)
    _seen_pods: dict[Selector, int] = field(default_factory=dict)
    _seen_namespaces: dict[Selector, int] = field(default_factory=dict)

    def namespace(self, name: str) -> int:
        """The bits of one namespace's pods."""
        return self._namespaces.get(name, 0)

    def matching(self, selector: Selector) -> int:
        """The bits of the pods that a pod selector may match."""
        found = self._seen_pods.get(selector)
        if found is None:
            found = self.everything
            for requirement in selector.requirements:
                found &= _bits_of(requirement, self._labels, self.everything)
            if selector.satisfiable():
                found |= self.wild
            self._seen_pods[selector] = found
        return found

    def in_namespaces(self, selector: Selector) -> int:
        """The bits of the pods of the namespaces that a selector may match; unknown namespaces always may."""
        if selector == EVERYTHING:
            return self.everything
        found = self._seen_namespaces.get(selector)
        if found is None:
            found = self.everything
            for requirement in selector.requirements:
                found &= self._space_bits(requirement)
            found |= self._unknown
            self._seen_namespaces[selector] = found
        return found

    def _space_bits(self, requirement: Requirement) -> int:
        by_value = self._space_labels.get(requirement.key, {})
        if requirement.operator in {"In", "NotIn"}:
            listed = 0
            for value in requirement.values:
                listed |= by_value.get(value, 0)
            return listed if requirement.operator == "In" else self.everything & ~listed
        present = 0
        for bits in by_value.values():
            present |= bits
        return present if requirement.operator == "Exists" else self.everything & ~present


def _bits_of(requirement: Requirement, index: Mapping[str, Mapping[str, list[int]]], everything: int) -> int:
    by_value = index.get(requirement.key, {})
    if requirement.operator in {"In", "NotIn"}:
        listed = bits(place for value in requirement.values for place in by_value.get(value, ()))
        return listed if requirement.operator == "In" else everything & ~listed
    present = bits(place for places in by_value.values() for place in places)
    return present if requirement.operator == "Exists" else everything & ~present


def bits(places: Iterable[int]) -> int:
    """The int with these bits set; built as bytes, since shifting bit by bit is quadratic."""
    listed = list(places)
    if len(listed) <= 4:
        found = 0
        for place in listed:
            found |= 1 << place
        return found
    buffer = bytearray(max(listed) // 8 + 1)
    for place in listed:
        buffer[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(buffer, "little")


def places(mask: int) -> Iterator[int]:
    """The bit positions of an int, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def make_space(world: World, present: Sequence[Pod], wild: Sequence[Pod], free_namespaces: frozenset[str]) -> Space:
    """The space of these pods; ``wild`` ones may have any labels, ``free_namespaces`` any namespace labels."""
    pods = [*present, *wild]
    space = Space(world, pods, len(present), everything=(1 << len(pods)) - 1)
    space.wild = space.everything & ~((1 << len(present)) - 1)
    labels: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    by_namespace: dict[str, list[int]] = defaultdict(list)
    hosts: list[int] = []
    for place, pod in enumerate(pods):
        by_namespace[pod.namespace].append(place)
        if pod.host_network:
            hosts.append(place)
        if place < space.wild_from:
            for key, value in pod.labels.items():
                labels[key][value].append(place)
    space._labels = labels  # noqa: SLF001 - this function is the constructor
    space.hosts = bits(hosts)
    _index_namespaces(space, by_namespace, free_namespaces)
    return space


def _index_namespaces(space: Space, by_namespace: Mapping[str, list[int]], free: frozenset[str]) -> None:
    values: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    unknown: list[int] = []
    for name, found in by_namespace.items():
        space._namespaces[name] = bits(found)  # noqa: SLF001 - see make_space
        known = space.world.namespace_labels(name)
        if known is None or name in free:
            unknown.extend(found)
            continue
        for key, value in known.items():
            values[key][value].extend(found)
    space._unknown = bits(unknown)  # noqa: SLF001 - see make_space
    space._space_labels = {  # noqa: SLF001 - see make_space
        key: {value: bits(found) for value, found in by_value.items()} for key, by_value in values.items()
    }
