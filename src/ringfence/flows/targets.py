"""Which cluster of a Topology is which real one: an embedded cluster, or a context that the user named.

The user's contexts are remembered in the landscape's state folder, so that they are said once, with ``up``; the next
commands find them there. Writing them into the Landscape was rejected: that file is shared, contexts are personal.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import InputError, StateError
from ringfence.base.paths import Paths, write_atomically
from ringfence.base.text import suggestion
from ringfence.decide.topology import Cluster as TopologyCluster
from ringfence.decide.topology import Environment, Topology
from ringfence.deliver.git import Repository
from ringfence.engine import Engine, EngineState
from ringfence.kube import Cluster, open_cluster
from ringfence.render import Options

_CONTEXTS = "contexts.json"
_ARGOCD = "argocd"


@dataclass(frozen=True, slots=True)
class ContextOf:
    """The context that a cluster of the Topology is, and the kubeconfig that has it."""

    context: str
    kubeconfig: Path


@dataclass(frozen=True, slots=True)
class Contexts:
    """Every cluster that the user brought, by its name in the Topology, and what is known of their Argo CDs.

    ``argocd`` maps an Environment to the namespace of its Argo CD, ``destinations`` a cluster to how that Argo CD calls
    it, ``repositories`` an Environment to the URL of a Git repository that Argo CD can read.
    """

    clusters: Mapping[str, ContextOf] = field(default_factory=dict)
    argocd: Mapping[str, str] = field(default_factory=dict)
    destinations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    repositories: Mapping[str, str] = field(default_factory=dict)
    claims: bool = False


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the clusters and repositories of a landscape are."""

    landscape: str
    folder: Path
    engine: EngineState
    contexts: Contexts
    clock: Clock

    def embedded(self, cluster: str) -> bool:
        """Whether the embedded engine provides this cluster."""
        return cluster not in self.contexts.clusters

    def open(self, cluster: str) -> Cluster:
        """A connection to a cluster of the Topology. Raises StateError when it was never brought up."""
        mine = self.contexts.clusters.get(cluster)
        if mine is not None:
            return open_cluster(mine.kubeconfig, mine.context)
        try:
            state = self.engine.cluster(cluster)
        except KeyError:
            raise StateError(
                f"{cluster}: this cluster is not there",
                reason="NotUp",
                hint="ringfence up FILE brings it up; --context CLUSTER=CONTEXT names one that you have",
            ) from None
        return open_cluster(state.kubeconfig)

    def repository(self, environment: str) -> Repository:
        """The Git repository of an Environment, made when it is not there yet."""
        return Repository.open(self.repository_path(environment), self.clock)

    def repository_path(self, environment: str) -> Path:
        """Where the Git repository of an Environment is."""
        return self.folder / environment / "git" / f"{self.landscape}.git"

    def options(self, topology: Topology) -> Options:
        """What rendering must know of these clusters."""
        repositories = {
            one.name: self.contexts.repositories.get(one.name) or self.repository_path(one.name).resolve().as_uri()
            for one in topology.environments
        }
        return Options(
            repositories=repositories,
            destinations=self.contexts.destinations,
            argocd_namespaces={one.name: self.argocd_namespace(one.name) for one in topology.environments},
            claims=self.contexts.claims,
            existing=frozenset(self.contexts.clusters),
        )

    def argocd_namespace(self, environment: str) -> str:
        """The namespace of an Environment's Argo CD."""
        return self.contexts.argocd.get(environment, _ARGOCD)


def find_targets(paths: Paths, clock: Clock, landscape: str) -> Targets:
    """The targets of a landscape as they are now; changes nothing."""
    engine = Engine(paths, clock)
    folder = paths.landscape(landscape)
    return Targets(landscape, folder, engine.state(landscape), read_contexts(folder), clock)


def read_contexts(folder: Path) -> Contexts:
    """The contexts that the user named for a landscape; none when there is no record."""
    path = folder / _CONTEXTS
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Contexts(
            clusters={
                str(name): ContextOf(str(one["context"]), Path(one["kubeconfig"]))
                for name, one in document["clusters"].items()
            },
            argocd={str(key): str(value) for key, value in document["argocd"].items()},
            destinations={str(key): dict(value) for key, value in document["destinations"].items()},
            repositories={str(key): str(value) for key, value in document["repositories"].items()},
            claims=bool(document["claims"]),
        )
    except FileNotFoundError:
        return Contexts()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(
            f"{path}: cannot be read ({type(error).__name__})",
            reason="BadState",
            hint="remove the file and name the contexts again: ringfence up FILE --context CLUSTER=CONTEXT",
        ) from error


def write_contexts(folder: Path, contexts: Contexts) -> None:
    """Remember the user's contexts."""
    document: dict[str, Any] = {
        "clusters": {
            name: {"context": one.context, "kubeconfig": str(one.kubeconfig)}
            for name, one in sorted(contexts.clusters.items())
        },
        "argocd": dict(sorted(contexts.argocd.items())),
        "destinations": {name: dict(one) for name, one in sorted(contexts.destinations.items())},
        "repositories": dict(sorted(contexts.repositories.items())),
        "claims": contexts.claims,
    }
    write_atomically(folder / _CONTEXTS, (json.dumps(document, indent=2) + "\n").encode())


def parse_contexts(texts: Sequence[str], topology: Topology, kubeconfig: Path | None) -> Mapping[str, ContextOf]:
    """``--context CLUSTER=CONTEXT`` as values. Raises InputError for a cluster that the Topology does not have."""
    from ringfence.kube.connection import default_kubeconfig

    known = [cluster.name for environment in topology.environments for cluster in environment.clusters]
    found: dict[str, ContextOf] = {}
    for text in texts:
        name, separator, context = text.partition("=")
        if not separator or not name or not context:
            raise InputError(
                f"--context {text}: this must be CLUSTER=CONTEXT, such as production-1=my-context", reason="BadContext"
            )
        if name not in known:
            raise InputError(
                f"--context {text}: the Topology has no cluster {name!r}; {suggestion(name, known)}".rstrip("; "),
                reason="NoSuchCluster",
                hint="ringfence plan FILE names the clusters",
            )
        found[name] = ContextOf(context, (kubeconfig or default_kubeconfig()).absolute())
    return found


def environments_embedded(topology: Topology, contexts: Contexts) -> tuple[Environment, ...]:
    """The Environments that the embedded engine provides."""
    return tuple(
        environment
        for environment in topology.environments
        if all(cluster.name not in contexts.clusters for cluster in environment.clusters)
    )


def all_clusters(topology: Topology) -> tuple[tuple[Environment, TopologyCluster], ...]:
    """Every cluster of a Topology with its Environment."""
    return tuple((environment, cluster) for environment in topology.environments for cluster in environment.clusters)
