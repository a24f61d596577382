"""The proof over those Environments of a Topology that are there: what orders and updates ask of running clusters.

``prove`` asks for every cluster of a Landscape; an order is delivered before its neighbours are, and whoever updates
non-production cannot even see production. What is not there cannot share anything.
"""

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
    from ringfence.flows.live_reading import Located, gather_live
    from ringfence.flows.prove import prove_snapshot
    from ringfence.flows.targets import find_targets

    gathered = gather_live(Located(landscape, topology, find_targets(paths, clock, landscape.name)))
    return prove_snapshot(gathered.partition, gathered.snapshot).proof
