"""What somebody holds of one cluster, as verdicts on whole namespaces ask it: surely, or possibly."""

from collections.abc import Iterator
from dataclasses import dataclass

from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability
from ringfence.prove.closure.engine import State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of


@dataclass(frozen=True, slots=True)
class Held:
    """The capabilities of a state in one cluster; ``certain``: those in doubt do not count."""

    facts: ClusterFacts
    state: State
    certain: bool

    def has(self, capability: Capability) -> bool:
        """Whether a capability is there."""
        reached = self.state.reached.get(capability)
        return reached is not None and (not self.certain or reached.doubts == 0)

    def each(self, can: Can) -> Iterator[Capability]:
        """The capabilities of one kind."""
        return filter(self.has, self.state.of(can, self.facts.name))

    def powers(self, *powers: Power) -> Iterator[Capability]:
        """The powers of these names."""
        for power in powers:
            yield from filter(self.has, self.state.powers(self.facts.name, power.value))

    def places(self, can: Can) -> frozenset[str]:
        """The namespaces where a capability is there."""
        return self._namespaces(self.each(can))

    def powered(self, *powers: Power) -> frozenset[str]:
        """The namespaces where any of the powers is there."""
        return self._namespaces(self.powers(*powers))

    def _namespaces(self, held: Iterator[Capability]) -> frozenset[str]:
        found = frozenset(item.namespace for item in held)
        return frozenset(self.facts.every_namespace()) if EVERYWHERE in found else found

    def loosened(self, namespace: str) -> "Loosened":
        """What can be changed first of what holds the pods of a namespace."""
        relabels = (Capability(Can.RELABEL, self.facts.name, place) for place in (namespace, EVERYWHERE))
        rewriting = list(self.powers(Power.WRITE_ADMISSION_POLICIES))
        return Loosened(
            any(map(self.has, relabels)),
            any(not names_of(item) for item in rewriting),
            frozenset(name for item in rewriting for name in names_of(item)),
        )


@dataclass(frozen=True, slots=True)
class Loosened:
    """Whether a namespace's labels and all policies can be changed, and which policies can be by name."""

    relabelled: bool
    rewritten: bool
    gone: frozenset[str]
