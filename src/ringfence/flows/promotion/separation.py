"""The proof as a gate asks for it: the worst answer of every pair with one deployment, both ways, on live clusters.

Only the pairs with that deployment are proved: what is wrong between two others is theirs, and is not a reason to keep
a mended change away from where it goes.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ringfence.decide.topology import Topology
from ringfence.flows.promotion.workspace import Workspace
from ringfence.flows.targets import Targets, all_clusters
from ringfence.promote.gates.question import Proved
from ringfence.prove.proof import Answer, PairProof, Proof, worst
from ringfence.prove.snapshot import ClusterSnapshot

_READERS = 4


def proved(workspace: Workspace, topology: Topology, targets: Targets, deployment: str) -> Proved:
    """Whether what was promised of the pairs with ``deployment`` holds now, on the running clusters."""
    from ringfence.flows.partition import topology_partition
    from ringfence.flows.prove import prove_snapshot
    from ringfence.observe.hashing import new_key
    from ringfence.observe.live import read_cluster
    from ringfence.prove.snapshot import snapshot_of

    partition = topology_partition(workspace.landscape, topology)
    mine = tuple(promise for promise in partition.promises if deployment in promise.between)
    key = new_key()

    def read(name: str) -> ClusterSnapshot:
        spaces = [one.namespace for one in topology.placements if one.cluster == name]
        with targets.open(name) as cluster:
            return read_cluster(name, cluster, key, namespaces=list(dict.fromkeys(spaces)))

    with ThreadPoolExecutor(_READERS) as pool:
        clusters = list(pool.map(read, [cluster.name for _, cluster in all_clusters(topology)]))
    proof = prove_snapshot(replace(partition, promises=mine), snapshot_of(clusters)).proof
    return judged(proof, deployment)


def judged(proof: Proof, deployment: str) -> Proved:
    """What a proof says of one deployment: the worst pair, and its first reason."""
    pairs = [
        pair for pair in proof.pairs if deployment in (pair.source, pair.destination) and pair.promised is not None
    ]
    answer = worst(pair.answer for pair in pairs)
    facts = {"pairs": str(len(pairs)), "assumptions": "; ".join(proof.assumptions)}
    if not pairs:
        return Proved("holds", f"nothing is promised of {deployment}, so nothing can break", facts)
    if answer is Answer.HOLDS:
        return Proved("holds", f"the proof holds for all {len(pairs)} pairs with {deployment}", facts)
    first = next(pair for pair in pairs if pair.answer is answer)
    return Proved(answer.value, f"{first.source} → {first.destination} {_reason(first, answer)}", facts)


def _reason(pair: PairProof, answer: Answer) -> str:
    for dimension, verdict in pair.dimensions.items():
        if verdict.answer is answer and (verdict.witness or verdict.missing):
            words = verdict.witness[-1].step if verdict.witness else verdict.missing[0]
            return f"is {answer.value} in {dimension.value}: {words}"
    return f"is {answer.value}"
