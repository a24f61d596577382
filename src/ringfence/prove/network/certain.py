"""Which connections could be certain, where policies are there that cannot be read? The others need not be asked.

A policy in a plugin's own language may deny whatever it selects. An unreadable NetworkPolicy may isolate what it
selects: what passes for certain then passes by a rule that can be read.
"""

from dataclasses import dataclass, field, replace

from ringfence.prove.network.reach import Peers, openings
from ringfence.prove.network.space import Space
from ringfence.prove.network.values import Pod
from ringfence.prove.network.world import World


@dataclass(slots=True)
class Certainty:
    """What is asked of the pairs of one search; ``sources`` are those who connect."""

    world: World
    sources: Space
    _readable: World | None = None
    _peers: Peers | None = None
    _admitted: dict[int, int] = field(default_factory=dict)

    def may_be(self, source: int, destination: Pod) -> bool:
        """Whether a connection from the source at that place could be certain. Pods on the network of nodes may get
        past what selects pods."""
        pod = self.sources.pods[source]
        if pod.host_network or destination.host_network:
            return True
        hidden = [*self.world.opaque_in(pod.namespace), *self.world.opaque_in(destination.namespace)]
        if any(entry.kind == "vendor" and not entry.tcp_only for entry in hidden):
            return False
        if not any(entry.kind == "v1" for entry in self.world.opaque_in(destination.namespace)):
            return True
        return bool(self._by_rules(destination) >> source & 1)

    def _by_rules(self, destination: Pod) -> int:
        """The sources that rules which can be read let in."""
        found = self._admitted.get(id(destination))
        if found is None:
            found = 0
            if self._readable is None:
                self._readable = replace(self.world, opaque=[])
                self._readable.forget()
            if self._peers is None:
                self._peers = Peers(self._readable, self.sources)
            if self._readable.selecting(destination, "ingress") or self.world.admin:
                for _, others in openings(self._readable, destination, "ingress", self._peers):
                    found |= others
            self._admitted[id(destination)] = found
        return found
