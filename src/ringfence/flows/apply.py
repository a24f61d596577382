"""``diff`` and ``apply``: one preparation, then nothing or everything.

The order of applying: what is wanted goes to Git; boundaries go to the workload clusters; projects and Applications to
the management clusters; Argo CD delivers, and is waited for; last, what left the Topology is removed. Every step can be
killed at any point: the same command finds what is left to do by comparing, never by remembering.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import StateError
from ringfence.base.text import plural
from ringfence.decide.topology import ClusterRole, Environment, Topology
from ringfence.deliver import credentials, prune, reach
from ringfence.deliver.apply import apply as write
from ringfence.deliver.argocd import Arrived, await_revisions, observe, refresh, unfinished
from ringfence.deliver.changes import ChangeSet, joined
from ringfence.deliver.compare import Live, compare, read_live
from ringfence.deliver.git import Commit, Repository
from ringfence.deliver.reach import Reach
from ringfence.deliver.repository import as_changes, file_changes
from ringfence.flows.plan import feasible
from ringfence.flows.sources import read_sources
from ringfence.flows.targets import Targets
from ringfence.kube import APPLICATIONS, Cluster
from ringfence.landscape.model import Landscape
from ringfence.render import ClusterManifests, DeploymentManifests, Manifests, ObjectKey, render

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _ClusterPlan:
    """One cluster: what is there, what differs, what is to be made once, what goes."""

    manifests: ClusterManifests
    connection: Cluster
    live: Live
    objects: ChangeSet
    credentials: ChangeSet
    gone: ChangeSet


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that applying would do; nothing is done yet."""

    manifests: Manifests
    topology: Topology
    clusters: tuple[_ClusterPlan, ...]
    reaches: Mapping[str, tuple[Reach, ...]]
    files: Mapping[str, Mapping[str, bytes | None]]
    file_changes: ChangeSet

    @property
    def changes(self) -> ChangeSet:
        """All of it as one ChangeSet."""
        parts = [part for one in self.clusters for part in (one.objects, one.credentials)]
        parts += [reach.changes(cluster, reaches) for cluster, reaches in self.reaches.items()]
        gone = [one.gone for one in self.clusters]
        return joined([self.file_changes, *parts, *gone])


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What was done: the changes, each Environment's revision, and each deployment's arrival (by deployment)."""

    manifests: Manifests
    changes: ChangeSet
    revisions: Mapping[str, str]
    arrived: Mapping[str, Arrived]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "Applied",
            "landscape": self.manifests.landscape,
            "changes": [change.to_json() for change in self.changes.changes],
            "revisions": dict(self.revisions),
            "deployments": [
                {
                    "deployment": name,
                    "revision": one.revision,
                    "seconds": {"sync": round(one.synced, 3), "healthy": round(one.healthy, 3)},
                }
                for name, one in self.arrived.items()
            ],
            "notes": [{"subject": note.subject, "text": note.text} for note in self.manifests.notes],
        }


@contextmanager
def prepared(
    landscape: Landscape, topology: Topology, targets: Targets, *, foreign: bool = False
) -> Iterator[Prepared]:
    """Render, look at every cluster and repository, and say what differs; the connections close at the end."""
    manifests = render(landscape, feasible(topology), read_sources(landscape), targets.options(topology))
    with ExitStack() as stack:
        connections = {one.cluster: stack.enter_context(targets.open(one.cluster)) for one in manifests.clusters}
        with ThreadPoolExecutor(max(1, len(connections))) as pool:
            lives = list(pool.map(lambda one: _read(manifests, one, connections[one.cluster]), manifests.clusters))
            names = {deployment.application for deployment in manifests.deployments}
            names.update(key.name for live in lives for key in live.objects if key.kind == "Application")
            plans = list(
                pool.map(
                    lambda pair: _plan_cluster(
                        manifests, pair[0], connections[pair[0].cluster], pair[1], sorted(names), foreign=foreign
                    ),
                    zip(manifests.clusters, lives, strict=True),
                )
            )
        files: dict[str, Mapping[str, bytes | None]] = {}
        changes: list[ChangeSet] = []
        for environment in topology.environments:
            path = targets.repository_path(environment.name)
            repository = Repository(path, targets.clock) if (path / "HEAD").is_file() else None
            differing = file_changes(repository, manifests, environment.name)
            files[environment.name] = differing
            present = repository.files() if repository is not None and differing else {}
            changes.append(as_changes(environment.name, differing, present))
        reaches = _reaches(manifests, topology, targets, connections)
        yield Prepared(manifests, topology, tuple(plans), reaches, files, joined(changes))


def _read(manifests: Manifests, cluster: ClusterManifests, connection: Cluster) -> Live:
    management = cluster.role is ClusterRole.MANAGEMENT
    return read_live(connection, manifests.landscape, prune.DELIVERY_KINDS if management else prune.KINDS)


def _plan_cluster(
    manifests: Manifests,
    cluster: ClusterManifests,
    connection: Cluster,
    live: Live,
    applications: Sequence[str],
    *,
    foreign: bool,
) -> _ClusterPlan:
    management = cluster.role is ClusterRole.MANAGEMENT
    objects = compare(connection, cluster.cluster, cluster.objects, live)
    here = [] if management else [one for one in manifests.deployments if one.cluster == cluster.cluster]
    wanted = [rendered.key for rendered in cluster.objects]
    wanted += [
        ObjectKey("", "Secret", one.namespace, one.name) for deployment in here for one in deployment.credentials
    ]
    secrets = _missing_credentials(connection, cluster.cluster, here, objects)
    gone = prune.find(connection, cluster.cluster, wanted, live, applications, foreign=foreign)
    return _ClusterPlan(cluster, connection, live, objects, secrets, gone)


def _reaches(
    manifests: Manifests, topology: Topology, targets: Targets, connections: Mapping[str, Cluster]
) -> Mapping[str, tuple[Reach, ...]]:
    """What the embedded Argo CDs are told to look into, by their management clusters."""
    return {
        management: reach.find(
            connections[management],
            targets.argocd_namespace(environment.name),
            [cluster.name for cluster in environment.workloads],
            manifests.deployments,
        )
        for environment in topology.environments
        if targets.embedded(management := environment.management.name)
    }


def _missing_credentials(
    connection: Cluster, where: str, deployments: list[DeploymentManifests], objects: ChangeSet
) -> ChangeSet:
    """Secrets to make; none can be there in a namespace that is not."""
    new = {change.key.name for change in objects.changes if change.key.kind == "Namespace" and not change.fields}
    return joined(
        credentials.missing(connection, where, [deployment], deployment.namespace in new) for deployment in deployments
    )


def apply(ready: Prepared, targets: Targets, *, timeout: float = 300.0, report: Report = lambda _: None) -> ApplyResult:
    """Do what was prepared, and return once every deployment runs its revision and is healthy at it.

    ``timeout`` is in seconds and bounds the waiting for Argo CD. Raises StateError (``NotHealthy``) when it passes;
    everything that was done stays, and the same command goes on from there.
    """
    revisions = {
        environment.name: _commit(ready, targets, environment, report).sha
        for environment in ready.topology.environments
    }
    by_role = {
        role: [one for one in ready.clusters if one.manifests.role is role]
        for role in (ClusterRole.WORKLOAD, ClusterRole.MANAGEMENT)
    }
    for role in (ClusterRole.WORKLOAD, ClusterRole.MANAGEMENT):
        for one in by_role[role]:
            reach.widen(one.connection, ready.reaches.get(one.manifests.cluster, ()))
        with ThreadPoolExecutor(max(1, len(by_role[role]))) as pool:
            list(pool.map(lambda one: _write_cluster(ready, one, report), by_role[role]))
    connections = {one.manifests.cluster: one.connection for one in ready.clusters}
    with ThreadPoolExecutor(max(1, len(ready.topology.environments))) as pool:
        waits = list(
            pool.map(
                lambda environment: _await_environment(
                    ready, targets, environment, revisions[environment.name], connections, timeout, report
                ),
                ready.topology.environments,
            )
        )
    for one in [*by_role[ClusterRole.MANAGEMENT], *by_role[ClusterRole.WORKLOAD]]:
        prune.prune(one.connection, one.gone, one.live, targets.clock)
        reach.narrow(one.connection, ready.reaches.get(one.manifests.cluster, ()))
    arrived = {name: one for wait in waits for name, one in wait.items()}
    return ApplyResult(ready.manifests, ready.changes, revisions, arrived)


def _commit(ready: Prepared, targets: Targets, environment: Environment, report: Report) -> Commit:
    repository = targets.repository(environment.name)

    def edit(_: str | None) -> Mapping[str, bytes | None]:
        # Compared again at each try: a promotion may have written in the meantime, and what it wrote stays.
        return file_changes(repository, ready.manifests, environment.name)

    remote = targets.contexts.repositories.get(environment.name)
    commit = repository.share(remote, edit, f"Apply {ready.manifests.landscape} to {environment.name}")
    if commit.made:
        report(f"{environment.name}: committed {commit.sha[:12]}")
    return commit


def _write_cluster(ready: Prepared, one: _ClusterPlan, report: Report) -> None:
    count = len(one.objects.changes) + len(one.credentials.changes)
    if not count:
        return
    # Secrets need their namespace, StatefulSets start without them and wait: namespaces come first in the order.
    write(one.connection, one.manifests.objects, one.objects, one.live)
    here = [deployment for deployment in ready.manifests.deployments if deployment.cluster == one.manifests.cluster]
    credentials.create(one.connection, here, one.credentials)
    report(f"{one.manifests.cluster}: {plural(count, 'object')} applied")


def _await_environment(
    ready: Prepared,
    targets: Targets,
    environment: Environment,
    revision: str,
    connections: Mapping[str, Cluster],
    timeout: float,
    report: Report,
) -> Mapping[str, Arrived]:
    """Wait for the deployments of an Environment; their arrivals by deployment."""
    deployments = [one for one in ready.manifests.deployments if one.environment == environment.name]
    if not deployments:
        return {}
    repository = targets.repository(environment.name)
    management = connections[environment.management.name]
    namespace = targets.argocd_namespace(environment.name)
    wanted = {one.application: revision for one in deployments}
    seen = {str(item["metadata"]["name"]): item for item in management.list_raw(APPLICATIONS, namespace).items}
    behind = [name for name in wanted if name not in seen or observe(seen[name]).revision != revision]
    for name in behind:
        refresh(management, namespace, name)
    if behind:
        report(f"{environment.name}: waiting for Argo CD to deliver {plural(len(wanted), 'deployment')}")
    arrived = await_revisions(
        management,
        namespace,
        wanted,
        lambda want, have: repository.contains(want, have),
        targets.clock,
        timeout=timeout,
        report=report if behind else lambda _: None,
    )
    for one in deployments:
        _await_rollout(connections[one.cluster], one, targets.clock, timeout)
    return {one.deployment: arrived[one.application] for one in deployments}


def _await_rollout(workload: Cluster, deployment: DeploymentManifests, clock: Clock, timeout: float) -> None:
    until = clock.monotonic() + timeout
    while unready := unfinished(workload, deployment.namespace, deployment.release):
        if clock.monotonic() > until:
            raise StateError(
                f"{deployment.deployment}: {unready} still has pods of an older version, or too few",
                reason="NotHealthy",
                hint=f"kubectl -n {deployment.namespace} get pods,events shows why",
            )
        clock.sleep(0.1)
