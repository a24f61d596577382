"""The Partition of a Topology with the clusters that it is about, read where they run.

Proving, the separation gate, orders and updates all begin here, so that they assume the same of the same clusters:
when each read them for itself, one of them left an assumption out and kept its gate closed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.base.errors import InputError
from ringfence.observe.hashing import HashingKey, new_key
from ringfence.prove.partition import Assumptions, Partition
from ringfence.prove.snapshot import ClusterSnapshot, Snapshot, snapshot_of

if TYPE_CHECKING:
    from ringfence.base.clock import Clock
    from ringfence.base.paths import Paths
    from ringfence.decide.topology import Topology
    from ringfence.flows.targets import Targets
    from ringfence.kube import Cluster
    from ringfence.landscape.model import Landscape

_READERS = 4


@dataclass(frozen=True, slots=True)
class Gathered:
    """A Partition and the Snapshot that it is about; ``live`` opens those of its clusters that were read live."""

    partition: Partition
    snapshot: Snapshot
    live: Mapping[str, Callable[[], "Cluster"]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """Clusters that were read already, by name; when there is any, no other cluster is read."""

    clusters: Mapping[str, ClusterSnapshot] = field(default_factory=dict)
    key: HashingKey | None = None


def namespaces_of(partition: Partition, cluster: str) -> tuple[str, ...]:
    """The namespaces of a cluster that deployments of the Partition have, each once."""
    places = (place for item in partition.deployments for place in item.where if place.cluster == cluster)
    return tuple(dict.fromkeys(name for place in places for name in place.namespaces))


@dataclass(frozen=True, slots=True)
class Located:
    """A Landscape as a file has it, its Topology, and where its clusters are."""

    landscape: "Landscape"
    topology: "Topology"
    targets: "Targets"

    @property
    def clusters(self) -> tuple[str, ...]:
        """The names of all its clusters."""
        from ringfence.flows.targets import all_clusters

        return tuple(cluster.name for _, cluster in all_clusters(self.topology))


def locate(file: Path, named: Iterable[str], paths: "Paths", clock: "Clock") -> Located:
    """Read and plan the Landscape in ``file``; ``named`` are clusters that the user named.

    Raises InputError for a name that the Topology does not have, and what reading a Landscape raises.
    """
    from ringfence.flows.plan import plan
    from ringfence.flows.targets import find_targets
    from ringfence.landscape.load import load_landscape

    landscape = load_landscape(file)
    located = Located(landscape, plan(landscape), find_targets(paths, clock, landscape.name))
    for name in named:
        if name not in located.clusters:
            raise InputError(
                f"the Topology has no cluster {name!r}; it has {', '.join(located.clusters)}",
                reason="NoSuchCluster",
                hint="NAME in --snapshot NAME=PATH and --context NAME=CONTEXT is the cluster's name in the plan",
            )
    return located


def partition_of(located: Located, given: Collection[str] = ()) -> Partition:
    """The Partition of a Topology; ``given`` are clusters that are read from elsewhere, and then no other is.

    What holds of embedded clusters is assumed only when every cluster is one and none is given. Raises StateError when
    no Topology is possible: nothing would be promised of nothing.
    """
    from ringfence.flows.partition import EMBEDDED, topology_partition
    from ringfence.flows.plan import feasible

    feasible(located.topology)
    embedded = not given and all(map(located.targets.embedded, located.clusters))
    return topology_partition(located.landscape, located.topology, EMBEDDED if embedded else Assumptions())


def gather_live(located: Located, given: Given | None = None) -> Gathered:
    """Read every cluster of a Topology that is not given, several at once.

    Raises what reaching a cluster raises: StateError when it was never brought up, and the errors of
    ``ringfence.kube``.
    """
    from ringfence.observe.live import read_cluster

    given = given or Given()
    targets = located.targets
    names = tuple(given.clusters) or located.clusters
    partition = partition_of(located, given.clusters)
    key = given.key or new_key()

    def read(name: str) -> ClusterSnapshot:
        if name in given.clusters:
            return given.clusters[name]
        with targets.open(name) as cluster:
            return read_cluster(name, cluster, key, namespaces=namespaces_of(partition, name))

    with ThreadPoolExecutor(_READERS) as pool:
        snapshot = snapshot_of(list(pool.map(read, names)))
    live = {name: partial(targets.open, name) for name in names if name not in given.clusters}
    return Gathered(partition, snapshot, live)
