"""The table of rules. A rule is a function with a name, a sentence, a source and the versions it is true for.

The reference page is generated from this table, and a verdict names the rules that gave it by these names.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ringfence.prove.closure.capability import Can, Capability
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.memory import Memory, Once
from ringfence.prove.partition import Partition
from ringfence.prove.rbac.powers import Power


@dataclass(slots=True)
class RuleWorld:
    """What rules read: the facts of every cluster, and the Partition. ``memory`` keeps what is worked out from them."""

    clusters: Mapping[str, ClusterFacts]
    partition: Partition
    memory: Memory = field(default_factory=Once)


Body = Callable[[RuleWorld, Capability, State], Iterable[Derivation]]


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One rule of the reference: what it says, where that is written, and for which Kubernetes versions. ``powers``:
    of all powers those that it is about; None: any."""

    name: str
    says: str
    source: str
    versions: str
    on: tuple[Can, ...] = ()
    body: Body | None = None
    powers: frozenset[str] | None = None

    def about(self, capability: Capability) -> bool:
        """Whether the rule can have something to say of a capability of a kind that it is applied to."""
        return capability.can is not Can.POWER or self.powers is None or capability.name in self.powers


RULES: dict[str, RuleEntry] = {}
_BY_CAN: dict[Can, list[RuleEntry]] = defaultdict(list)


def rule(
    name: str,
    says: str,
    *,
    source: str,
    on: tuple[Can, ...],
    versions: str = "all",
    powers: tuple[Power, ...] | None = None,
) -> Callable[[Body], Body]:
    """Enter a function into the table: it is applied to every capability of the kinds ``on``, and of powers to those
    that are named, where any are: who holds much in many namespaces has a hundred thousand of them."""
    named = None if powers is None else frozenset(power.value for power in powers)

    def enter(body: Body) -> Body:
        entry = RuleEntry(name, says, source, versions, on, body, named)
        RULES[name] = entry
        for can in on:
            _BY_CAN[can].append(entry)
        return body

    return enter


def credited(name: str, found: Iterable[Derivation]) -> Iterator[Derivation]:
    """What was found on the way, as the rule of that name gives it: for rules that go the way of another one."""
    return (replace(derivation, rule=name) for derivation in found)


def state_rule(name: str, says: str, *, source: str, versions: str = "all") -> str:
    """Enter a rule that a verdict applies outside the closure (a comparison of two deployments); returns its name."""
    RULES[name] = RuleEntry(name, says, source, versions)
    return name


def expander(
    world: RuleWorld, without: frozenset[str] = frozenset()
) -> Callable[[Capability, State], Iterator[Derivation]]:
    """The function that applies every rule but those named in ``without`` (which tests use to see each one matter)."""

    applied: dict[tuple[Can, str], tuple[Body, ...]] = {}

    def expand(capability: Capability, state: State) -> Iterator[Derivation]:
        if capability.cluster not in world.clusters:
            return
        key = (capability.can, capability.name if capability.can is Can.POWER else "")
        bodies = applied.get(key)
        if bodies is None:
            entries = (entry for entry in _BY_CAN.get(capability.can, ()) if entry.about(capability))
            bodies = applied[key] = tuple(
                entry.body for entry in entries if entry.name not in without and entry.body is not None
            )
        for body in bodies:
            yield from body(world, capability, state)

    return expand
