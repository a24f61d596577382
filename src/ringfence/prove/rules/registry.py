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


@dataclass(slots=True)
class RuleWorld:
    """What rules read: the facts of every cluster, and the Partition. ``memory`` keeps what is worked out from them."""

    clusters: Mapping[str, ClusterFacts]
    partition: Partition
    memory: Memory = field(default_factory=Once)


Body = Callable[[RuleWorld, Capability, State], Iterable[Derivation]]


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One rule of the reference: what it says, where that is written, and for which Kubernetes versions."""

    name: str
    says: str
    source: str
    versions: str
    on: tuple[Can, ...] = ()
    body: Body | None = None


RULES: dict[str, RuleEntry] = {}
_BY_CAN: dict[Can, list[RuleEntry]] = defaultdict(list)


def rule(name: str, says: str, *, source: str, on: tuple[Can, ...], versions: str = "all") -> Callable[[Body], Body]:
    """Enter a function into the table: it is applied to every capability of the kinds ``on``."""

    def enter(body: Body) -> Body:
        entry = RuleEntry(name, says, source, versions, on, body)
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

    def expand(capability: Capability, state: State) -> Iterator[Derivation]:
        if capability.cluster not in world.clusters:
            return
        for entry in _BY_CAN.get(capability.can, ()):
            if entry.name not in without and entry.body is not None:
                yield from entry.body(world, capability, state)

    return expand
