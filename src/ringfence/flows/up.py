"""``up``: the Topology's clusters come into being, or those that the user has are taken as they are.

Embedded clusters are made by the engine, with nodes in their pools. On clusters that exist nothing is made: Ringfence
finds the Argo CD, looks whether the nodes are in their pools, and says which rights it lacks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import UsageError
from ringfence.base.paths import Paths
from ringfence.base.text import listed
from ringfence.decide.topology import ClusterRole, Topology
from ringfence.deliver.existing import PoolGap, pool_gaps
from ringfence.deliver.rights import Lacking, lacking, needed
from ringfence.engine import ClusterSpec, Engine, EngineState, EnvironmentSpec, NodeSpec, Role, Taint
from ringfence.flows.brought import Brought, take
from ringfence.flows.plan import feasible
from ringfence.flows.targets import Contexts, Targets, all_clusters, environments_embedded, find_targets
from ringfence.landscape.model import Landscape
from ringfence.render import ClusterManifests, Manifests, render

Report = Callable[[str], None]


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
    engine's errors, InputError for contexts that do not fit, and StateError when no Topology is possible.
    """
    feasible(topology)
    targets = take(landscape.name, topology, paths, clock, brought or Brought(), remember=not dry_run)
    existing = tuple(sorted(targets.contexts.clusters))
    before = targets.engine
    manifests = render(landscape, topology, None, targets.options(topology))
    wanted = specifications(topology, manifests, targets.contexts)
    names = {cluster.name for environment in wanted for cluster in environment.clusters}
    leaving = tuple(sorted(cluster.name for cluster in before.clusters if cluster.name not in names))
    if dry_run:
        ready = {cluster.name for cluster in before.clusters if cluster.ready}
        return UpResult(landscape.name, before, existing, (), (), tuple(sorted(names - ready)), leaving)
    if leaving and not remove:
        raise UsageError(
            f"{landscape.name}: {listed(leaving)} left the Topology; bringing it up would end them with their data",
            reason="WouldRemove",
            hint="say --remove when that is what you want",
        )
    state = Engine(paths, clock).up(landscape.name, wanted, report) if wanted or before.environments else before
    missing, gaps = _look(topology, manifests, find_targets(paths, clock, landscape.name))
    return UpResult(landscape.name, state, existing, missing, gaps)


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
