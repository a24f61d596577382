"""What every verdict reads: the clusters' facts, the territories, and the closure of each deployment."""

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ringfence.prove.closure.engine import State, close
from ringfence.prove.facts.cluster import ClusterFacts, cluster_facts
from ringfence.prove.facts.territory import Territory, starts, territory
from ringfence.prove.memory import Memory, Once
from ringfence.prove.partition import Partition, People
from ringfence.prove.rules import load_rules
from ringfence.prove.rules.registry import RuleWorld, expander
from ringfence.prove.snapshot import Snapshot
from ringfence.prove.verdicts.exposed import EXPOSED, reached_controllers


@dataclass(slots=True)
class ProofWorld:
    """One proof's facts. ``without`` names rules that are left out, for tests that show each one to matter."""

    partition: Partition
    clusters: Mapping[str, ClusterFacts]
    territories: Mapping[str, Territory]
    rules: RuleWorld
    memory: Memory = field(default_factory=Once)
    without: frozenset[str] = frozenset()

    def state(self, source: str, destination: str) -> State:
        """Everything that whoever owns ``source`` can come to, without the people that it has in common with
        ``destination`` by design; computed once for each such set of people."""
        entitled = self.partition.people_of_both(source, destination)
        return self.memory.once(("state", source, entitled), lambda: self._state(source, entitled), operator.eq)

    def every_state(self) -> Iterator[State]:
        """The states of all pairs, each once."""
        seen: set[object] = set()
        for source in self.territories:
            for destination in self.territories:
                key = (source, self.partition.people_of_both(source, destination))
                if source != destination and key not in seen:
                    seen.add(key)
                    yield self.state(source, destination)

    def _state(self, source: str, entitled: People) -> State:
        begin = starts(self.territories[source], self.clusters, entitled)
        found = close(begin, expander(self.rules, self.without))
        more = reached_controllers(self, self.territories[source], found)
        if more and EXPOSED not in self.without:
            found = close({**begin, **more}, expander(self.rules, self.without))
        return found


def proof_world(partition: Partition, snapshot: Snapshot, without: frozenset[str] = frozenset()) -> ProofWorld:
    """The facts of one proof."""
    memory = Once()
    clusters = {name: cluster_facts(cluster, partition.assume, memory) for name, cluster in snapshot.clusters.items()}
    return world_of_facts(partition, clusters, memory, without)


def world_of_facts(
    partition: Partition,
    clusters: Mapping[str, ClusterFacts],
    memory: Memory,
    without: frozenset[str] = frozenset(),
) -> ProofWorld:
    """The world over facts that are there. ``memory`` is theirs."""
    load_rules()
    territories = {item.name: territory(item, clusters) for item in partition.deployments}
    return ProofWorld(partition, clusters, territories, RuleWorld(clusters, partition, memory), memory, without)
