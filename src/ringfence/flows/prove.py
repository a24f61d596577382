"""The proof as a use case: Partition and Snapshot from where the user has them, then the proof."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.base.errors import UsageError
from ringfence.flows.live_reading import Gathered, Given, gather_live, locate, namespaces_of, partition_of
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import HashingKey, new_key
from ringfence.observe.partition import load_partition
from ringfence.prove.partition import Assumptions, Partition
from ringfence.prove.proof import Proof
from ringfence.prove.snapshot import ClusterSnapshot, Snapshot, snapshot_of

if TYPE_CHECKING:
    from ringfence.base.clock import Clock
    from ringfence.base.paths import Paths
    from ringfence.kube import Cluster


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
    ask: bool = True
    ask_engine: bool = False


@dataclass(frozen=True, slots=True)
class Proved:
    """The proof with what it was made of. ``asking`` says in lines what API servers were asked in dry runs."""

    proof: Proof
    partition: Partition
    snapshot: Snapshot
    asking: tuple[str, ...] = ()


def _silent(_sentence: str) -> None:
    """Report nothing."""


def prove_request(
    request: ProveRequest, paths: "Paths", clock: "Clock", report: Callable[[str], None] = _silent
) -> Proved:
    """Read everything and prove it. Raises UsageError when it is not clear what to prove, InputError for bad files."""
    gathered = gather(request, paths, clock)
    if request.ask_engine:
        return _ask_engine(request, gathered, paths, clock, report)
    if request.ask and gathered.live:
        from ringfence.flows.asking import prove_asking, summary

        asked = prove_asking(gathered.partition, gathered.snapshot, gathered.live)
        return Proved(asked.proof, gathered.partition, asked.snapshot, summary(asked))
    return prove_snapshot(gathered.partition, gathered.snapshot)


def _ask_engine(
    request: ProveRequest, gathered: Gathered, paths: "Paths", clock: "Clock", report: Callable[[str], None]
) -> Proved:
    """Live clusters answer for themselves; the embedded engine answers for those that came from files."""
    from ringfence.flows.asking import prove_asking, summary
    from ringfence.flows.engine_asking import stand_ins

    live = gathered.live if request.ask else {}
    filed = snapshot_of(one for name, one in gathered.snapshot.clusters.items() if name not in gathered.live)
    with stand_ins(filed, paths, clock, report) as found:
        open_to = {**live, **found.open_to}
        asked = prove_asking(gathered.partition, gathered.snapshot, open_to, found.open_to)
    asked = replace(asked, gaps=(*asked.gaps, *found.gaps))
    if found.open_to:
        names = ", ".join(found.open_to)
        text = f"{names}: its API server admits what the embedded one ({found.version}) does, but for webhooks"
        proof = replace(asked.proof, assumptions=(*asked.proof.assumptions, text))
        asked = replace(asked, proof=proof)
    return Proved(asked.proof, gathered.partition, asked.snapshot, summary(asked))


def prove_snapshot(partition: Partition, snapshot: Snapshot) -> Proved:
    """The proof of what was read."""
    from ringfence.observe.decode import no_collection
    from ringfence.prove.verdicts.pairs import prove

    with no_collection():
        return Proved(prove(partition, snapshot), partition, snapshot)


def gather(request: ProveRequest, paths: "Paths", clock: "Clock") -> Gathered:
    """The Partition and the clusters, read. Clusters of a Landscape that nobody names are its own, live."""
    gathered = _gather(request, paths, clock)
    return replace(gathered, partition=with_cni(gathered.partition, request))


def with_cni(partition: Partition, request: ProveRequest) -> Partition:
    """The Partition with the network plugin that the request names, where it assumes none."""
    assume = partition.assume
    if request.cni is None or assume.cni_name is not None:
        return partition
    facts = {**assume.facts, "cni": {**assume.cni, "name": request.cni}}
    return replace(partition, assume=Assumptions(facts))


def _gather(request: ProveRequest, paths: "Paths", clock: "Clock") -> Gathered:
    if request.partition is not None:
        partition = load_partition(request.partition)
        if not request.snapshots and not request.contexts:
            raise UsageError("no cluster is given", hint="add --snapshot NAME=PATH or --context NAME=CONTEXT")
        return Gathered(partition, snapshot_of(_named(request, partition)), live_of(request))
    if request.landscape is None:
        raise UsageError(
            "nothing to prove is given",
            hint="ringfence prove FILE for a Landscape; --partition P --snapshot NAME=PATH for clusters that exist",
        )
    return _landscape(request, request.landscape, paths, clock)


def _named(request: ProveRequest, partition: Partition) -> list[ClusterSnapshot]:
    key = request.key or new_key()
    found = read_files(request, key)
    if request.contexts:
        from ringfence.observe.live import read_live

        for name, context in request.contexts.items():
            spaces = namespaces_of(partition, name)
            found.append(read_live(name, context, key, kubeconfig=request.kubeconfig, namespaces=spaces))
    return found


def read_files(request: ProveRequest, key: HashingKey) -> list[ClusterSnapshot]:
    """The clusters that were given as files. Raises UsageError for one that is given by its context as well."""
    twice = sorted(set(request.snapshots) & set(request.contexts))
    if twice:
        raise UsageError(
            f"the cluster {twice[0]!r} is given as a snapshot and as a context",
            hint="leave --snapshot or --context out for it",
        )
    return [read_snapshot(name, path, key) for name, path in request.snapshots.items()]


def live_of(request: ProveRequest) -> dict[str, Callable[[], "Cluster"]]:
    """What opens each cluster that was named by its context."""
    if not request.contexts:
        return {}
    from ringfence.kube import open_cluster

    return {name: partial(open_cluster, request.kubeconfig, context) for name, context in request.contexts.items()}


def _landscape(request: ProveRequest, file: Path, paths: "Paths", clock: "Clock") -> Gathered:
    located = locate(file, (*request.snapshots, *request.contexts), paths, clock)
    given = _named(request, partition_of(located))
    gathered = gather_live(located, Given({one.name: one for one in given}, request.key))
    return replace(gathered, live={**gathered.live, **live_of(request)})
