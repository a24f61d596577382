"""``up``: the Topology's clusters come into being, or those that the user has are taken as they are.

Embedded clusters are made by the engine, with nodes in their pools. On clusters that exist nothing is made: Ringfence
finds the Argo CD, looks whether the nodes are in their pools, and says which rights it lacks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import UsageError
from ringfence.base.paths import Paths
from ringfence.base.text import listed
from ringfence.decide.topology import ClusterRole, Topology
from ringfence.deliver.existing import PoolGap, argocd_namespace, destinations, has_default_storage, pool_gaps
from ringfence.deliver.rights import Lacking, lacking, needed
from ringfence.engine import ClusterSpec, Engine, EngineState, EnvironmentSpec, NodeSpec, Role, Taint
from ringfence.flows.targets import (
    Contexts,
    Targets,
    all_clusters,
    check_whole,
    environments_embedded,
    find_targets,
    parse_contexts,
    read_contexts,
    write_contexts,
)
from ringfence.landscape.model import Landscape
from ringfence.render import ClusterManifests, Manifests, render

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Brought:
    """What the user said about clusters that exist; the texts are as typed."""

    contexts: tuple[str, ...] = ()
    kubeconfig: Path | None = None
    argocd: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpResult:
    """What is up. ``lacking`` and ``gaps`` speak of clusters that exist; ``removing`` of what a dry run would end."""

    landscape: str
    engine: EngineState
    existing: tuple[str, ...]
    lacking: tuple[Lacking, ...]
    gaps: tuple[PoolGap, ...]
    starting: tuple[str, ...] = ()
    removing: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "Up",
            "landscape": self.landscape,
            "environments": [
                {
                    "name": environment.name,
                    "ready": environment.ready,
                    "clusters": [
                        {
                            "name": cluster.name,
                            "role": cluster.role.value,
                            "server": cluster.server,
                            "ready": cluster.ready,
                            "nodes": list(cluster.nodes),
                            "kubeconfig": str(cluster.kubeconfig),
                        }
                        for cluster in environment.clusters
                    ],
                }
                for environment in self.engine.environments
            ],
            "existing": list(self.existing),
            "lacking": [str(one) for one in self.lacking],
            "gaps": [str(one) for one in self.gaps],
            "starting": list(self.starting),
            "removing": list(self.removing),
        }


def specifications(topology: Topology, manifests: Manifests, contexts: Contexts) -> tuple[EnvironmentSpec, ...]:
    """What the engine is asked for: the Environments without contexts, their nodes in pools."""
    return tuple(
        EnvironmentSpec(
            environment.name,
            tuple(
                ClusterSpec(cluster.name, Role(cluster.role.value), _nodes(manifests.cluster(cluster.name)))
                for cluster in environment.clusters
            ),
        )
        for environment in environments_embedded(topology, contexts)
    )


def _nodes(cluster: ClusterManifests) -> tuple[NodeSpec, ...]:
    return tuple(
        NodeSpec(
            name=f"{pool.name}-{number}",
            pool=pool.name,
            labels=dict(pool.labels),
            taints=tuple(Taint(taint.key, taint.value, taint.effect) for taint in pool.taints),
            cpu=pool.cpu,
            memory=pool.memory,
        )
        for pool in cluster.pools
        for number in range(1, pool.nodes + 1)
    )


def up(
    landscape: Landscape,
    topology: Topology,
    paths: Paths,
    clock: Clock,
    *,
    brought: Brought | None = None,
    dry_run: bool = False,
    remove: bool = False,
    report: Report = lambda _: None,
) -> UpResult:
    """Bring every Environment of the Topology up, and return once all of it answers.

    ``remove``: clusters that left the Topology are ended with their data; without it that is refused. Raises the
    engine's errors, and InputError for contexts that do not fit.
    """
    folder = paths.landscape(landscape.name)
    contexts = _contexts(topology, read_contexts(folder), brought or Brought())
    engine = Engine(paths, clock)
    before = engine.state(landscape.name)
    manifests = render(landscape, topology)
    wanted = specifications(topology, manifests, contexts)
    names = {cluster.name for environment in wanted for cluster in environment.clusters}
    leaving = tuple(sorted(cluster.name for cluster in before.clusters if cluster.name not in names))
    if leaving and not remove and not dry_run:
        raise UsageError(
            f"{landscape.name}: {listed(leaving)} left the Topology; bringing it up would end them with their data",
            reason="WouldRemove",
            hint="say --remove when that is what you want",
        )
    if dry_run:
        starting = tuple(sorted(name for name in names if not any(c.name == name and c.ready for c in before.clusters)))
        return UpResult(landscape.name, before, tuple(sorted(contexts.clusters)), (), (), starting, leaving)
    if brought is not None and contexts.clusters:
        contexts = _explored(topology, Targets(landscape.name, folder, before, contexts, clock))
        write_contexts(folder, contexts)
    state = engine.up(landscape.name, wanted, report) if wanted or before.environments else before
    targets = find_targets(paths, clock, landscape.name)
    missing, gaps = _look(topology, manifests, targets)
    return UpResult(landscape.name, state, tuple(sorted(contexts.clusters)), missing, gaps)


def _contexts(topology: Topology, kept: Contexts, brought: Brought) -> Contexts:
    """What was said before and what is said now, which wins."""
    known = {cluster.name for _, cluster in all_clusters(topology)}
    clusters = {name: one for name, one in kept.clusters.items() if name in known}
    clusters.update(parse_contexts(brought.contexts, topology, brought.kubeconfig))
    check_whole(topology, clusters)
    environments = [environment.name for environment in topology.environments]
    return Contexts(
        clusters,
        {**kept.argocd, **_pairs("--argocd", brought.argocd, environments)},
        kept.destinations,
        {**kept.repositories, **_pairs("--repository", brought.repositories, environments)},
        kept.claims,
    )


def _pairs(option: str, texts: Sequence[str], environments: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not value or name not in environments:
            raise UsageError(f"{option} {text}: this must be ENVIRONMENT=VALUE, with one of {', '.join(environments)}")
        found[name] = value
    return found


def _explored(topology: Topology, targets: Targets) -> Contexts:
    """The contexts with what the clusters themselves say: their Argo CDs, how those call them, their storage."""
    contexts = targets.contexts
    argocd = dict(contexts.argocd)
    calls = {name: dict(one) for name, one in contexts.destinations.items()}
    claims: list[bool] = []
    for environment in topology.environments:
        if environment.management.name not in contexts.clusters:
            continue
        with targets.open(environment.management.name) as management:
            if environment.name not in argocd:
                argocd[environment.name] = argocd_namespace(management, environment.management.name)
            workloads = {cluster.name: targets.open(cluster.name) for cluster in environment.workloads}
            try:
                calls.update(destinations(management, argocd[environment.name], workloads))
                claims += [has_default_storage(connection) for connection in workloads.values()]
            finally:
                for connection in workloads.values():
                    connection.close()
    return Contexts(contexts.clusters, argocd, calls, contexts.repositories, bool(claims) and all(claims))


def _look(
    topology: Topology, manifests: Manifests, targets: Targets
) -> tuple[tuple[Lacking, ...], tuple[PoolGap, ...]]:
    """The rights that are missing and the pools that are not there, on clusters that exist."""
    missing: list[Lacking] = []
    gaps: list[PoolGap] = []
    for _, cluster in all_clusters(topology):
        if targets.embedded(cluster.name):
            continue
        with targets.open(cluster.name) as connection:
            missing += lacking(connection, cluster.name, needed(manifests, cluster.name))
            if cluster.role is ClusterRole.WORKLOAD:
                gaps += pool_gaps(connection, cluster.name, manifests.cluster(cluster.name).pools)
    return tuple(missing), tuple(gaps)
