"""Which pods of one side may possibly reach which of the other: an upper bound, in bit sets.

Facts that are not known count in favour of getting through and ports are left out, so what is not in here cannot get
through under any behaviour of the network plugin that enforces NetworkPolicy. What is in here is then asked exactly.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ringfence.prove.network.cni import POLICY
from ringfence.prove.network.selectors import Selector
from ringfence.prove.network.space import Space, bits, places
from ringfence.prove.network.values import AdminPolicy, Peer, Pod, Policy, Rule
from ringfence.prove.network.world import World


@dataclass(slots=True)
class Reach:
    """The upper bound between two spaces. ``entering[i]``: who may enter destination i, as source bits.
    ``leaving[j]``: whom source j may reach, as destination bits; sources that are not in it may leave freely, or are
    let in by nobody.
    ``held``: the sources that are in ``leaving``, ``reachable``: the destinations that some of those may reach."""

    entering: list[int] = field(default_factory=list)
    leaving: dict[int, int] = field(default_factory=dict)
    held: int = 0
    reachable: int = 0

    def into(self, destination: int) -> Iterator[int]:
        """The sources that may reach a destination, both ends considered; those that leave freely first."""
        inside = self.entering[destination]
        if not inside:
            return
        yield from places(inside & ~self.held)
        if not self.reachable >> destination & 1:
            return
        for source in places(inside & self.held):
            if self.leaving[source] >> destination & 1:
                yield source


@dataclass(slots=True)
class _Peers:
    """Rules of policies against one space, with what was already worked out."""

    world: World
    space: Space
    seen: dict[tuple[int, str | None], int] = field(default_factory=dict)
    local: dict[int, bool] = field(default_factory=dict)
    kept: list[tuple[Rule, ...]] = field(default_factory=list)

    def admitted(self, rules: tuple[Rule, ...], namespace: str | None) -> int:
        """The bits of the pods that some rule lets through on some port. ``namespace``: the policy's own."""
        local = self.local.get(id(rules))
        if local is None:
            local = self.local[id(rules)] = any(peer.namespaces is None for rule in rules for peer in rule.peers)
            self.kept.append(rules)
        key = (id(rules), namespace if local else None)
        found = self.seen.get(key)
        if found is None:
            found = 0
            for rule in rules:
                found |= self._rule(rule, namespace)
                if found == self.space.everything:
                    break
            self.seen[key] = found
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
        return bits(
            place
            for place, pod in enumerate(self.space.pods)
            if not pod.addresses or any(block.contains(address) for block in peer.blocks for address in pod.addresses)
        )


def reach(world: World, sources: Space, destinations: Space) -> Reach:
    """The upper bound from ``sources`` to ``destinations`` in this world, policies taken as enforced."""
    found = Reach()
    peers = _Peers(world, sources)
    for place, pod in enumerate(destinations.pods):
        found.entering.append(_through(world, pod, "ingress", peers, wild=place >= destinations.wild_from))
    wanted = 0
    for inside in set(found.entering):
        wanted |= inside
    others = _Peers(world, destinations)
    for place in places(wanted):
        pod = sources.pods[place]
        out = _through(world, pod, "egress", others, wild=place >= sources.wild_from)
        if out != destinations.everything:
            found.leaving[place] = out
            found.reachable |= out
    found.held = bits(found.leaving)
    return found


def _through(world: World, pod: Pod, direction: str, peers: _Peers, *, wild: bool) -> int:
    """The other side's bits that may pass a pod's policies in one direction."""
    everything = peers.space.everything
    ignored = world.facts.get(POLICY.key) == "ignored"
    if ignored or pod.host_network or any(entry.touches(pod.namespace) for entry in world.opaque):
        return everything
    selecting = _wild_selecting(world, pod, direction) if wild else world.selecting(pod, direction)
    if not selecting:
        return everything
    found = peers.space.hosts
    for policy in selecting:
        rules = policy.ingress if direction == "ingress" else policy.egress
        found |= peers.admitted(rules or (), policy.namespace)
        if found == everything:
            return found
    for rules in _opening(world.admin, pod, direction, wild=wild):
        found |= peers.admitted(rules, None)
    return found


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
