"""What policies can tell pods apart by: label keys, and the ends of address ranges. Worked out once for a world."""

from collections.abc import Iterator
from dataclasses import dataclass

from ringfence.prove.network.selectors import Selector
from ringfence.prove.network.values import Rule
from ringfence.prove.network.world import World


@dataclass(frozen=True, slots=True)
class ToldApart:
    """The label keys that some selector of pods mentions, the ends of all ranges as (IP version, number), and the
    selectors of nodes."""

    keys: frozenset[str]
    ends: tuple[tuple[int, int], ...]
    nodes: tuple[Selector, ...] = ()


def told_apart(world: World) -> ToldApart:
    """What the policies of this world tell pods apart by.

    Copies of a world share the answer, so it has to be asked of the original before policies are taken away.
    """
    found: ToldApart | None = world.memo.get("told apart")
    if found is None:
        found = world.memo["told apart"] = _told_apart(world)
    return found


def _told_apart(world: World) -> ToldApart:
    keys: set[str] = set()
    ends: set[tuple[int, int]] = set()
    for rules in _all_rules(world):
        for rule in rules:
            for peer in rule.peers:
                keys |= peer.pods.keys if peer.pods is not None else frozenset()
                for block in peer.blocks:
                    for part in (block.network, *block.excepted):
                        ends.add((part.version, int(part.network_address)))
                        ends.add((part.version, int(part.broadcast_address) + 1))
    selectors = {policy.pods for policies in world.policies.values() for policy in policies}
    for selector in selectors:
        keys |= selector.keys
    for admin in world.admin:
        keys |= admin.pods.keys
    peers = [peer.nodes for admin in world.admin for rule in admin.egress for peer in rule.peers]
    nodes = tuple(dict.fromkeys(selector for selector in peers if selector is not None))
    return ToldApart(frozenset(keys), tuple(sorted(ends)), nodes)


def _all_rules(world: World) -> Iterator[tuple[Rule, ...]]:
    seen: set[int] = set()
    listed: list[tuple[Rule, ...] | None] = []
    for policies in world.policies.values():
        for policy in policies:
            listed += (policy.ingress, policy.egress)
    for admin in world.admin:
        listed += (admin.ingress, admin.egress)
    for rules in listed:
        if rules and id(rules) not in seen:
            seen.add(id(rules))
            yield rules
