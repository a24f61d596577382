"""The proof as a use case: Partition and Snapshot from where the user has them, then the proof."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.base.errors import InputError, UsageError
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import HashingKey, new_key
from ringfence.observe.partition import load_partition
from ringfence.prove.partition import Assumptions, Partition
from ringfence.prove.proof import Proof
from ringfence.prove.snapshot import ClusterSnapshot, Snapshot, snapshot_of

if TYPE_CHECKING:
    from ringfence.base.clock import Clock
    from ringfence.base.paths import Paths


@dataclass(frozen=True, slots=True)
class ProveRequest:
    """What the user asked: a Landscape or a Partition, and where the clusters are."""

    landscape: Path | None
    partition: Path | None
    snapshots: Mapping[str, Path]
    contexts: Mapping[str, str]
    kubeconfig: Path | None = None
    key: HashingKey | None = None
    cni: str | None = None


@dataclass(frozen=True, slots=True)
class Proved:
    """The proof with what it was made of."""

    proof: Proof
    partition: Partition
    snapshot: Snapshot


def prove_request(request: ProveRequest, paths: "Paths", clock: "Clock") -> Proved:
    """Read everything and prove it. Raises UsageError when it is not clear what to prove, InputError for bad files."""
    gathered = gather(request, paths, clock)
    return prove_snapshot(gathered.partition, gathered.snapshot)


def prove_snapshot(partition: Partition, snapshot: Snapshot) -> Proved:
    """The proof of what was read."""
    from ringfence.prove.verdicts.pairs import prove

    return Proved(prove(partition, snapshot), partition, snapshot)


@dataclass(frozen=True, slots=True)
class Gathered:
    """A Partition and the Snapshot that it is about."""

    partition: Partition
    snapshot: Snapshot


def gather(request: ProveRequest, paths: "Paths", clock: "Clock") -> Gathered:
    """The Partition and the clusters, read. Clusters of a Landscape that nobody names are its own, live."""
    gathered = _gather(request, paths, clock)
    assume = gathered.partition.assume
    if request.cni is None or assume.cni_name is not None:
        return gathered
    facts = {**assume.facts, "cni": {**assume.cni, "name": request.cni}}
    return Gathered(replace(gathered.partition, assume=Assumptions(facts)), gathered.snapshot)


def _gather(request: ProveRequest, paths: "Paths", clock: "Clock") -> Gathered:
    if request.partition is not None:
        partition = load_partition(request.partition)
        if not request.snapshots and not request.contexts:
            raise UsageError("no cluster is given", hint="add --snapshot NAME=PATH or --context NAME=CONTEXT")
        return Gathered(partition, snapshot_of(_named(request, partition)))
    if request.landscape is None:
        raise UsageError(
            "nothing to prove is given",
            hint="ringfence prove FILE for a Landscape; --partition P --snapshot NAME=PATH for clusters that exist",
        )
    return _landscape(request, request.landscape, paths, clock)


def _named(request: ProveRequest, partition: Partition) -> list[ClusterSnapshot]:
    key = request.key or new_key()
    twice = sorted(set(request.snapshots) & set(request.contexts))
    if twice:
        raise UsageError(f"the cluster {twice[0]!r} is given as a snapshot and as a context")
    found = [read_snapshot(name, path, key) for name, path in request.snapshots.items()]
    if request.contexts:
        from ringfence.observe.live import read_live

        for name, context in request.contexts.items():
            spaces = _namespaces(partition, name)
            found.append(read_live(name, context, key, kubeconfig=request.kubeconfig, namespaces=spaces))
    return found


def _namespaces(partition: Partition, cluster: str) -> Sequence[str]:
    places = (place for item in partition.deployments for place in item.where if place.cluster == cluster)
    return list(dict.fromkeys(name for place in places for name in place.namespaces))


def _landscape(request: ProveRequest, file: Path, paths: "Paths", clock: "Clock") -> Gathered:
    from ringfence.flows.partition import EMBEDDED, topology_partition
    from ringfence.flows.plan import plan
    from ringfence.flows.targets import Targets, all_clusters, find_targets
    from ringfence.landscape.load import load_landscape
    from ringfence.observe.live import read_cluster

    landscape = load_landscape(file)
    topology = plan(landscape)
    targets = find_targets(paths, clock, landscape.name)
    embedded = all(targets.embedded(cluster.name) for _, cluster in all_clusters(topology)) and not request.contexts
    partition = topology_partition(landscape, topology, *((EMBEDDED,) if embedded and not request.snapshots else ()))
    known = [cluster.name for _, cluster in all_clusters(topology)]
    for name in (*request.snapshots, *request.contexts):
        if name not in known:
            raise InputError(f"the Topology has no cluster {name!r}; it has {', '.join(known)}")
    given = {item.name: item for item in _named(request, partition)}
    key = request.key or new_key()

    def read(name: str, targets: Targets) -> ClusterSnapshot:
        if name in given:
            return given[name]
        with targets.open(name) as cluster:
            return read_cluster(name, cluster, key, namespaces=_namespaces(partition, name))

    wanted = list(given) if given else known
    if all(name not in given and targets.embedded(name) for name in wanted) and not partition.assume.facts:
        partition = replace(partition, assume=EMBEDDED)
    with ThreadPoolExecutor(max_workers=4) as pool:
        clusters = list(pool.map(lambda name: read(name, targets), wanted))
    return Gathered(partition, snapshot_of(clusters))
