"""Which pods of one side may possibly reach which of the other: an upper bound, in bit sets.

Facts that are not known count in favour of getting through, names of ports stand for any port, so what is not in here
cannot get through under any behaviour of the network plugin that enforces NetworkPolicy. What is in here is then asked
exactly. Pods that the other side's pods look alike to are taken together: a thousand copies of a namespace are one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ringfence.prove.network.cells import Span
from ringfence.prove.network.cni import POLICY
from ringfence.prove.network.entrances import services_of
from ringfence.prove.network.selectors import Selector
from ringfence.prove.network.space import Space, bits, places
from ringfence.prove.network.values import HIGHEST_PORT, AdminPolicy, Peer, Pod, Policy, PortRule, Rule
from ringfence.prove.network.world import World

Ports: TypeAlias = tuple[PortRule, ...]
Openings: TypeAlias = tuple[tuple[Ports, int], ...]
"""What passes one pod's policies in one direction: for the ports of each rule (none: any) the other side's bits."""
ANY_PORT: Ports = ()


@dataclass(slots=True)
class Reach:
    """The upper bound between two spaces. ``entering[i]``: what may enter destination i. ``leaving``: what may leave,
    with the bits of the sources of which that is true; sources that nobody lets in are in none of them."""

    everything: int
    declared: tuple[Span, ...] = ()
    entering: list[Openings] = field(default_factory=list)
    leaving: dict[Openings, int] = field(default_factory=dict)
    _meeting: dict[tuple[Ports, Ports], bool] = field(default_factory=dict)

    def into(self, destination: int) -> Iterator[int]:
        """The sources that may reach a destination, both ends considered; those that leave freely first."""
        inward = self.entering[destination]
        if not inward:
            return
        free, held = 0, 0
        for outward, sources in self.leaving.items():
            found = sources & self._entering_from(inward, outward, destination)
            if outward == ((ANY_PORT, self.everything),):
                free |= found
            else:
                held |= found
        yield from places(free)
        yield from places(held)

    def _entering_from(self, inward: Openings, outward: Openings, destination: int) -> int:
        """The bits of the sources that an opening of the destination meets with one of theirs."""
        found = 0
        for ports, targets in outward:
            if targets >> destination & 1:
                for others, sources in inward:
                    if sources & ~found and self._meet(ports, others):
                        found |= sources
        return found

    def _meet(self, one: Ports, other: Ports) -> bool:
        found = self._meeting.get((one, other))
        if found is None:
            found = self._meeting[one, other] = _share_a_port(one, other, self.declared)
        return found


_EVERY_PORT = (PortRule(),)


def _share_a_port(one: Ports, other: Ports, declared: tuple[Span, ...]) -> bool:
    """Whether some port that is not declared may be in both."""
    return any(_overlap(a, b, declared) for a in one or _EVERY_PORT for b in other or _EVERY_PORT)


def _overlap(one: PortRule, other: PortRule, declared: tuple[Span, ...]) -> bool:
    if one.strange or other.strange:
        return True
    if one.protocol and other.protocol and one.protocol != other.protocol:
        return False
    # A name stands for whichever port the destination gives it.
    ranges = [(port.first or 1, port.last or HIGHEST_PORT) for port in (one, other) if port.name is None]
    first = max((low for low, _ in ranges), default=1)
    last = min((high for _, high in ranges), default=HIGHEST_PORT)
    protocol = one.protocol or other.protocol or "*"
    covered = any(span.protocol in ("*", protocol) and span.first <= first and last <= span.last for span in declared)
    return first <= last and not covered


def at_port(found: Openings, protocol: str, number: int) -> int:
    """The other side's bits that openings let through at one port; names of ports may stand for any."""
    asked = (PortRule(protocol, number, number),)
    among = 0
    for ports, others in found:
        if _share_a_port(ports, asked, ()):
            among |= others
    return among


@dataclass(slots=True)
class Peers:
    """Rules of policies against one space, with what was already worked out."""

    world: World
    space: Space
    seen: dict[tuple[int, str | None], Openings] = field(default_factory=dict)
    local: dict[int, bool] = field(default_factory=dict)
    kept: list[tuple[Rule, ...]] = field(default_factory=list)
    texts: dict[Ports, str] = field(default_factory=dict)

    def ordered(self, found: dict[Ports, int]) -> Openings:
        """Openings in an order that depends on their ports alone; to write out the bits would cost more."""
        return tuple(sorted(found.items(), key=self._text))

    def _text(self, opening: tuple[Ports, int]) -> str:
        ports = opening[0]
        found = self.texts.get(ports)
        if found is None:
            found = self.texts[ports] = repr(ports)
        return found

    def admitted(self, rules: tuple[Rule, ...], namespace: str | None) -> Openings:
        """The bits of the pods that the rules let through, by ports. ``namespace``: the policy's own."""
        local = self.local.get(id(rules))
        if local is None:
            local = self.local[id(rules)] = any(peer.namespaces is None for rule in rules for peer in rule.peers)
            self.kept.append(rules)
        key = (id(rules), namespace if local else None)
        found = self.seen.get(key)
        if found is None:
            by_ports: dict[Ports, int] = defaultdict(int)
            for rule in rules:
                by_ports[rule.ports] |= self._rule(rule, namespace)
            found = self.seen[key] = tuple((ports, others) for ports, others in by_ports.items() if others)
        return found

    def _rule(self, rule: Rule, namespace: str | None) -> int:
        if not rule.peers:
            return self.space.everything
        found = 0
        for peer in rule.peers:
            found |= self._peer(peer, namespace)
        return found

    def _peer(self, peer: Peer, namespace: str | None) -> int:
        if peer.pods is None:
            return self._blocks(peer)
        if peer.namespaces is None:
            inside = self.space.namespace(namespace or "")
        else:
            inside = self.space.in_namespaces(peer.namespaces)
        return inside & self.space.matching(peer.pods) if inside else 0

    def _blocks(self, peer: Peer) -> int:
        if peer.domains or peer.nodes is not None or peer.strange:
            return self.space.everything
        return bits(place for place, pod in enumerate(self.space.pods) if self._in_blocks(pod, peer))

    def _in_blocks(self, pod: Pod, peer: Peer) -> bool:
        """By the pod's addresses, or by those of Services that lead to it, which policies may see instead."""
        if not pod.addresses or any(block.contains(address) for block in peer.blocks for address in pod.addresses):
            return True
        return any(
            entry.nameless or any(block.contains(address) for block in peer.blocks for address in entry.addresses)
            for entry in services_of(self.world, pod)
        )


def reach(world: World, sources: Space, destinations: Space, declared: tuple[Span, ...] = ()) -> Reach:
    """The upper bound from ``sources`` to ``destinations`` in this world, policies taken as enforced, without what is
    ``declared``."""
    found = Reach(destinations.everything, declared)
    peers = Peers(world, sources)
    for place, pod in enumerate(destinations.pods):
        found.entering.append(openings(world, pod, "ingress", peers, wild=place >= destinations.wild_from))
    wanted = 0
    for inside in {others for inward in set(found.entering) for _, others in inward}:
        wanted |= inside
    others = Peers(world, destinations)
    leaving: dict[Openings, list[int]] = defaultdict(list)
    for place in places(wanted):
        out = openings(world, sources.pods[place], "egress", others, wild=place >= sources.wild_from)
        if out:
            leaving[out].append(place)
    found.leaving = {out: bits(listed) for out, listed in leaving.items()}
    return found


def openings(world: World, pod: Pod, direction: str, peers: Peers, *, wild: bool = False) -> Openings:
    """The other side's bits that may pass a pod's policies in one direction, by ports."""
    everything: Openings = ((ANY_PORT, peers.space.everything),) if peers.space.everything else ()
    ignored = world.facts.get(POLICY.key) == "ignored"
    bare = ignored or pod.host_network or world.may_be_bare(pod.namespace)
    if bare or world.opaque_in(pod.namespace):
        return everything
    selecting = _wild_selecting(world, pod, direction) if wild else world.selecting(pod, direction)
    if not selecting:
        return everything
    found: dict[Ports, int] = {ANY_PORT: peers.space.hosts} if peers.space.hosts else {}
    for policy in selecting:
        rules = policy.ingress if direction == "ingress" else policy.egress
        for ports, others in peers.admitted(rules or (), policy.namespace):
            found[ports] = found.get(ports, 0) | others
        if found.get(ANY_PORT) == peers.space.everything:
            return everything
    for rules in _opening(world.admin, pod, direction, wild=wild):
        for _, others in peers.admitted(rules, None):
            found[ANY_PORT] = found.get(ANY_PORT, 0) | others
    return peers.ordered(found) if len(found) > 1 else tuple(found.items())


def _wild_selecting(world: World, pod: Pod, direction: str) -> Sequence[Policy]:
    """The policies of a namespace when no choice of labels escapes them all, else none."""
    isolating = [
        policy
        for policy in world.policies_of(pod.namespace)
        if (policy.ingress if direction == "ingress" else policy.egress) is not None
    ]
    unavoidable = any(not policy.pods.requirements for policy in isolating)
    return isolating if unavoidable else []


def _opening(admin: Iterable[AdminPolicy], pod: Pod, direction: str, *, wild: bool) -> Iterable[tuple[Rule, ...]]:
    """The rules of cluster-wide policies that may let something past a NetworkPolicy."""
    for policy in admin:
        if policy.tier != "Admin" or not (wild or _may_select(policy.pods, pod)):
            continue
        rules = policy.ingress if direction == "ingress" else policy.egress
        opening = tuple(rule for rule in rules if rule.action == "Allow")
        if opening:
            yield opening


def _may_select(selector: Selector, pod: Pod) -> bool:
    return selector.matches(pod.labels)
