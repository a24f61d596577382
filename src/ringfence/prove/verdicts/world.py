"""What every verdict reads: the clusters' facts, the territories, and the closure of each deployment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ringfence.prove.closure.engine import State, close
from ringfence.prove.facts.cluster import ClusterFacts, cluster_facts
from ringfence.prove.facts.territory import Territory, starts, territory
from ringfence.prove.partition import Partition, People
from ringfence.prove.rules import load_rules
from ringfence.prove.rules.registry import RuleWorld, expander
from ringfence.prove.snapshot import Snapshot
from ringfence.prove.verdicts.exposed import EXPOSED, reached_controllers


@dataclass(slots=True)
class ProofWorld:
    """One proof's facts. ``without`` names rules that are left out, for tests that show each one to matter."""

    partition: Partition
    snapshot: Snapshot
    clusters: Mapping[str, ClusterFacts]
    territories: Mapping[str, Territory]
    rules: RuleWorld
    without: frozenset[str] = frozenset()
    states: dict[tuple[str, People], State] = field(default_factory=dict)
    cache: dict[object, object] = field(default_factory=dict)

    def state(self, source: str, destination: str) -> State:
        """Everything that whoever owns ``source`` can come to, without the people that it has in common with
        ``destination`` by design; computed once for each such set of people."""
        entitled = self.partition.people_of_both(source, destination)
        found = self.states.get((source, entitled))
        if found is None:
            begin = starts(self.territories[source], self.clusters, entitled)
            found = close(begin, expander(self.rules, self.without))
            more = reached_controllers(self, self.territories[source], found)
            if more and EXPOSED not in self.without:
                found = close({**begin, **more}, expander(self.rules, self.without))
            self.states[source, entitled] = found
        return found


def proof_world(partition: Partition, snapshot: Snapshot, without: frozenset[str] = frozenset()) -> ProofWorld:
    """The facts of a proof."""
    load_rules()
    clusters = {name: cluster_facts(cluster, partition.assume) for name, cluster in snapshot.clusters.items()}
    territories = {item.name: territory(item, clusters) for item in partition.deployments}
    return ProofWorld(partition, snapshot, clusters, territories, RuleWorld(clusters, partition), without)
