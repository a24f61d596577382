"""The proof over those Environments of a Topology that are there: what orders and updates ask of running clusters.

``prove`` asks for every cluster of a Landscape; an order is delivered before its neighbours are, and whoever updates
non-production cannot even see production. What is not there cannot share anything.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ringfence.base.clock import Clock
from ringfence.base.paths import Paths
from ringfence.decide.topology import Topology
from ringfence.landscape.model import Landscape
from ringfence.prove.proof import Proof


def restricted(topology: Topology, names: frozenset[str]) -> Topology:
    """The Topology with these Environments only, and the placements and pairs that lie in them."""
    placements = tuple(one for one in topology.placements if one.environment in names)
    here = {one.deployment for one in placements}
    return replace(
        topology,
        environments=tuple(one for one in topology.environments if one.name in names),
        placements=placements,
        pairs=tuple(pair for pair in topology.pairs if pair.a in here and pair.b in here),
    )


def present(landscape: Landscape, topology: Topology, paths: Paths, clock: Clock) -> frozenset[str]:
    """The Environments that the engine runs, or whose clusters the user named."""
    from ringfence.flows.targets import find_targets

    targets = find_targets(paths, clock, landscape.name)
    running = {one.name for one in targets.engine.environments}
    named = {
        one.name
        for one in topology.environments
        if all(cluster.name in targets.contexts.clusters for cluster in one.clusters)
    }
    return frozenset(running | named)


def prove_live(landscape: Landscape, topology: Topology, paths: Paths, clock: Clock) -> Proof:
    """Read every cluster of ``topology`` and prove what it promises. Raises what reaching a cluster raises."""
    from ringfence.flows.partition import EMBEDDED, topology_partition
    from ringfence.flows.prove import prove_snapshot
    from ringfence.flows.targets import all_clusters, find_targets
    from ringfence.observe.hashing import new_key
    from ringfence.observe.live import read_cluster
    from ringfence.prove.snapshot import ClusterSnapshot, snapshot_of

    targets = find_targets(paths, clock, landscape.name)
    names = [cluster.name for _, cluster in all_clusters(topology)]
    embedded = all(targets.embedded(name) for name in names)
    partition = topology_partition(landscape, topology, *((EMBEDDED,) if embedded else ()))
    spaces = {
        name: tuple(
            dict.fromkeys(
                space
                for item in partition.deployments
                for place in item.where
                if place.cluster == name
                for space in place.namespaces
            )
        )
        for name in names
    }
    key = new_key()

    def read(name: str) -> ClusterSnapshot:
        with targets.open(name) as cluster:
            return read_cluster(name, cluster, key, namespaces=spaces[name])

    with ThreadPoolExecutor(max_workers=4) as pool:
        return prove_snapshot(partition, snapshot_of(list(pool.map(read, names)))).proof
