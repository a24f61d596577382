"""A proof that is asked for again and again: what did not change since the last time is not worked out again.

``prove`` answers once. Who watches a cluster asks after every change, and there nearly everything is as it was.
"""

from dataclasses import dataclass

from ringfence.prove.facts.recorded import RecordedCluster, recorded
from ringfence.prove.memory import Ledger, same
from ringfence.prove.partition import Partition
from ringfence.prove.proof import Proof
from ringfence.prove.snapshot import Snapshot
from ringfence.prove.verdicts.pairs import prove_in
from ringfence.prove.verdicts.world import ProofWorld, world_of_facts

_UNUSED_FOR = 32


@dataclass(slots=True)
class _Kept:
    """What is kept from one proof to the next, and for which Partition."""

    partition: Partition
    ledger: Ledger
    clusters: dict[str, RecordedCluster]
    world: ProofWorld


class Prover:
    """Proves one Snapshot after the other. Each answer equals that of ``prove`` for the same Partition and Snapshot.

    Reuse is by identity first: a ClusterSnapshot, a tuple of objects or an object that is the very same as last time
    costs nothing to compare, an equal copy of it costs the comparison. Nothing that a Snapshot holds may be changed
    in place. Not for several threads at once.
    """

    def __init__(self) -> None:
        self._kept: _Kept | None = None

    def prove(self, partition: Partition, snapshot: Snapshot) -> Proof:
        """The proof of every ordered pair. Never raises for what the Snapshot holds."""
        kept, self._kept = self._kept, None
        if kept is None or not same(kept.partition, partition) or not _follow(kept, snapshot):
            kept = _begin(partition, snapshot)
        proof = prove_in(kept.world)
        # Only now: whatever goes wrong on the way leaves nothing half done behind.
        self._kept = kept
        return proof


def _begin(partition: Partition, snapshot: Snapshot) -> _Kept:
    ledger = Ledger()
    clusters = {name: recorded(cluster, partition.assume, ledger) for name, cluster in snapshot.clusters.items()}
    facts = {name: cluster.facts for name, cluster in clusters.items()}
    return _Kept(partition, ledger, clusters, world_of_facts(partition, facts, ledger))


def _follow(kept: _Kept, snapshot: Snapshot) -> bool:
    """Take the next snapshot's facts; False when nothing can be kept."""
    if list(kept.clusters) != list(snapshot.clusters):
        return False
    changed = {
        name: kept.clusters[name].follows(cluster, kept.partition.assume)
        for name, cluster in snapshot.clusters.items()
        if cluster is not kept.clusters[name].given
    }
    kept.ledger.revision += 1
    for name, facts in changed.items():
        if facts is None:
            return False
        kept.clusters[name].take(facts, snapshot.clusters[name])
    if kept.ledger.revision % _UNUSED_FOR == 0:
        kept.ledger.forget_unused(_UNUSED_FOR)
    return True
