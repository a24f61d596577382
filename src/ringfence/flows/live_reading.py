"""The Partition of a Topology with the clusters that it is about, read where they run.

Proving, the separation gate, orders and updates all begin here, so that they assume the same of the same clusters:
when each read them for itself, one of them left an assumption out and kept its gate closed.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ringfence.observe.hashing import HashingKey, new_key
from ringfence.prove.partition import Assumptions, Partition
from ringfence.prove.snapshot import ClusterSnapshot, Snapshot, snapshot_of

if TYPE_CHECKING:
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


def gather_live(
    landscape: "Landscape", topology: "Topology", targets: "Targets", given: Given | None = None
) -> Gathered:
    """Read every cluster of ``topology`` that is not given, several at once.

    What holds of embedded clusters is assumed only when every cluster is one. Raises what reaching a cluster raises:
    StateError when it was never brought up, and the errors of ``ringfence.kube``.
    """
    from ringfence.flows.partition import EMBEDDED, topology_partition
    from ringfence.flows.targets import all_clusters
    from ringfence.observe.live import read_cluster

    given = given or Given()
    names = tuple(given.clusters) or tuple(cluster.name for _, cluster in all_clusters(topology))
    embedded = all(name not in given.clusters and targets.embedded(name) for name in names)
    partition = topology_partition(landscape, topology, EMBEDDED if embedded else Assumptions())
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
