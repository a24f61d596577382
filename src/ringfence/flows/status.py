"""``status``: the Environments and what runs in them, as they say it themselves, now.

What does not answer is shown as such: one cluster that is down must not hide the others.
"""

import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ringfence.base.errors import RingfenceError
from ringfence.decide.topology import Cluster as TopologyCluster
from ringfence.decide.topology import Environment, Topology
from ringfence.deliver.argocd import Observation, observe
from ringfence.deliver.git import Repository
from ringfence.flows.targets import Targets, all_clusters
from ringfence.kube import APPLICATIONS, NODES
from ringfence.landscape.model import Landscape
from ringfence.render.names import POOL, release_name


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node, the pool it is in (empty: none), and whether it is ready."""

    name: str
    pool: str
    ready: bool


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """One cluster: ``running``, ``stopped`` (embedded, no process) or ``unreachable``, and why."""

    name: str
    environment: str
    role: str
    embedded: bool
    state: str
    version: str
    nodes: tuple[NodeStatus, ...]
    message: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """One deployment: the revision its cluster was found equal to, and the head of its repository.

    ``current`` says whether what runs is what the repository has for it.
    """

    deployment: str
    environment: str
    cluster: str
    namespace: str
    observed: Observation | None
    head: str | None
    current: bool

    @property
    def state(self) -> str:
        """In a word; ``behind``: it runs and is healthy, at an older revision than its repository has."""
        if self.observed is None:
            return "not applied"
        if self.observed.phase.value == "running" and not self.current:
            return "behind"
        return self.observed.phase.value


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """One Environment; ``argocd`` is ``ready``, ``not ready`` or ``unknown`` (on clusters that exist)."""

    name: str
    designation: str
    argocd: str
    clusters: tuple[ClusterStatus, ...]


@dataclass(frozen=True, slots=True)
class LandscapeStatus:
    """Everything at one moment."""

    landscape: str
    environments: tuple[EnvironmentStatus, ...]
    deployments: tuple[DeploymentStatus, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "Status",
            "landscape": self.landscape,
            "environments": [
                {
                    "name": one.name,
                    "designation": one.designation,
                    "argocd": one.argocd,
                    "clusters": [_cluster_json(cluster) for cluster in one.clusters],
                }
                for one in self.environments
            ],
            "deployments": [_deployment_json(one) for one in self.deployments],
        }


def _cluster_json(cluster: ClusterStatus) -> dict[str, Any]:
    return {
        "name": cluster.name,
        "role": cluster.role,
        "embedded": cluster.embedded,
        "state": cluster.state,
        "version": cluster.version,
        "message": cluster.message,
        "nodes": [{"name": node.name, "pool": node.pool, "ready": node.ready} for node in cluster.nodes],
    }


def _deployment_json(one: DeploymentStatus) -> dict[str, Any]:
    seen = one.observed
    return {
        "deployment": one.deployment,
        "environment": one.environment,
        "cluster": one.cluster,
        "namespace": one.namespace,
        "state": one.state,
        "revision": seen.revision if seen else None,
        "head": one.head,
        "current": one.current,
        "sync": seen.sync if seen else None,
        "health": seen.health if seen else None,
        "message": seen.message if seen else "",
    }


def status(landscape: Landscape, topology: Topology, targets: Targets) -> LandscapeStatus:
    """Ask every cluster and every Argo CD. Changes nothing, and raises nothing for what does not answer."""
    clusters = all_clusters(topology)
    with ThreadPoolExecutor(max(1, len(clusters))) as pool:
        asked = list(pool.map(lambda pair: _cluster(targets, *pair), clusters))
        seen = list(pool.map(lambda environment: _applications(targets, environment), topology.environments))
    by_name = {one.name: one for one in asked}
    applications = dict(zip([one.name for one in topology.environments], seen, strict=True))
    return LandscapeStatus(
        landscape.name,
        tuple(
            EnvironmentStatus(
                environment.name,
                environment.designation.value,
                _argocd(targets, environment),
                tuple(by_name[cluster.name] for cluster in environment.clusters),
            )
            for environment in topology.environments
        ),
        tuple(_deployments(topology, targets, applications)),
    )


def _cluster(targets: Targets, environment: Environment, cluster: TopologyCluster) -> ClusterStatus:
    embedded = targets.embedded(cluster.name)

    def answer(state: str, version: str = "", nodes: tuple[NodeStatus, ...] = (), message: str = "") -> ClusterStatus:
        return ClusterStatus(
            cluster.name, environment.name, cluster.role.value, embedded, state, version, nodes, message
        )

    if embedded and not any(one.name == cluster.name and one.running for one in targets.engine.clusters):
        return answer("stopped", message="ringfence up FILE starts it")
    try:
        with targets.open(cluster.name) as connection:
            nodes = tuple(
                NodeStatus(
                    str(item["metadata"]["name"]),
                    str((item["metadata"].get("labels") or {}).get(POOL, "")),
                    any(
                        one.get("type") == "Ready" and one.get("status") == "True"
                        for one in (item.get("status") or {}).get("conditions") or ()
                    ),
                )
                for item in connection.list_raw(NODES).items
            )
            return answer("running", connection.version(), nodes)
    except RingfenceError as error:
        return answer("unreachable", message=error.message)


def _argocd(targets: Targets, environment: Environment) -> str:
    if not targets.embedded(environment.management.name):
        return "unknown"
    found = next((one for one in targets.engine.environments if one.name == environment.name), None)
    return "ready" if found is not None and found.argocd is not None and found.argocd.ready else "not ready"


def _applications(targets: Targets, environment: Environment) -> Mapping[str, Observation]:
    try:
        with targets.open(environment.management.name) as management:
            items = management.list_raw(APPLICATIONS, targets.argocd_namespace(environment.name)).items
    except RingfenceError:
        return {}
    return {str(item["metadata"]["name"]): observe(item) for item in items}


def _deployments(
    topology: Topology, targets: Targets, applications: Mapping[str, Mapping[str, Observation]]
) -> list[DeploymentStatus]:
    repositories = {
        one.name: Repository(path, targets.clock)
        for one in topology.environments
        if ((path := targets.repository_path(one.name)) / "HEAD").is_file()
    }
    for name, repository in repositories.items():
        remote = targets.contexts.repositories.get(name)
        if remote is not None:
            with contextlib.suppress(RingfenceError):  # what this machine knew last is shown instead
                repository.follow(remote)
    heads = {name: repository.head() for name, repository in repositories.items()}
    found = []
    for placement in sorted(topology.placements, key=lambda one: one.deployment):
        seen = applications[placement.environment].get(release_name(placement.deployment))
        head = heads.get(placement.environment)
        folder = f"deployments/{placement.deployment}"
        current = (
            seen is not None
            and seen.revision is not None
            and head is not None
            and repositories[placement.environment].same(folder, seen.revision, head)
        )
        found.append(
            DeploymentStatus(
                placement.deployment,
                placement.environment,
                placement.cluster,
                placement.namespace,
                seen,
                head,
                current,
            )
        )
    return found
