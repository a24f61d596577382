"""What rendering gives: the Kubernetes objects of every cluster, in the order in which they are applied.

Values only. Objects are plain JSON, not typed models: they must serialise the same everywhere, and a field that this
version of a client library does not know must not be lost. Reading charts from disk is somebody else's work; their
files come in as bytes, so that rendering stays a function.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ringfence.decide.topology import ClusterRole

KubernetesObject: TypeAlias = Mapping[str, Any]

PLATFORM = "platform"
"""The owner of what belongs to no deployment: policies of a cluster, priority classes."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """Which object: API group (empty: core), kind, namespace (empty: cluster-scoped) and name."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """``Kind namespace/name``, as people read it."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def key_of(document: KubernetesObject) -> ObjectKey:
    """The key of an object as the API has it."""
    version = str(document["apiVersion"])
    metadata = document["metadata"]
    return ObjectKey(
        version.rpartition("/")[0], str(document["kind"]), str(metadata.get("namespace") or ""), str(metadata["name"])
    )


@dataclass(frozen=True, slots=True)
class Rendered:
    """One object and its owner: a deployment's name (``portal/production``) or ``platform``."""

    owner: str
    document: KubernetesObject

    @property
    def key(self) -> ObjectKey:
        """Which object this is."""
        return key_of(self.document)


@dataclass(frozen=True, slots=True)
class NodeTaint:
    """A taint that every node of a pool has."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class NodePool:
    """How the nodes of a pool look, whoever provides them; quantities as Kubernetes prints them."""

    name: str
    nodes: int
    dedicated_to: str | None
    labels: Mapping[str, str]
    taints: tuple[NodeTaint, ...]
    cpu: str
    memory: str


@dataclass(frozen=True, slots=True)
class ClusterManifests:
    """The objects that Ringfence itself applies to one cluster, in order, and the node pools they count on."""

    environment: str
    cluster: str
    role: ClusterRole
    objects: tuple[Rendered, ...]
    pools: tuple[NodePool, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceCredential:
    """A Secret that ``apply`` makes once in the cluster with random values, and that is never written to Git.

    ``literals`` are its values that are no secret, ``generated`` the keys whose values are.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    literals: Mapping[str, str]
    generated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeploymentManifests:
    """How one deployment is delivered: where its chart and values are in its Environment's repository, and as what.

    ``application`` is the name of the Argo CD Application and AppProject, ``release`` that of the Helm release;
    ``path`` is the folder in the repository, ``platform_files`` what Ringfence writes there on every apply (by path in
    the repository) and ``initial_files`` what it writes only when the folder has no release yet.
    """

    deployment: str
    environment: str
    cluster: str
    namespace: str
    application: str
    release: str
    path: str
    values: Mapping[str, Any]
    platform_files: Mapping[str, bytes]
    initial_files: Mapping[str, bytes]
    credentials: tuple[ServiceCredential, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader must know and no object can say: a promise that a level cannot keep, a connection left closed."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Manifests:
    """Everything that one Topology becomes. The same Topology and sources give the same bytes."""

    landscape: str
    clusters: tuple[ClusterManifests, ...]
    deployments: tuple[DeploymentManifests, ...]
    notes: tuple[Note, ...] = ()
    repositories: Mapping[str, str] = field(default_factory=dict)

    def cluster(self, name: str) -> ClusterManifests:
        """The manifests of a cluster. Raises KeyError."""
        for cluster in self.clusters:
            if cluster.cluster == name:
                return cluster
        raise KeyError(name)

    def deployment(self, name: str) -> DeploymentManifests:
        """The delivery of a deployment. Raises KeyError."""
        for deployment in self.deployments:
            if deployment.deployment == name:
                return deployment
        raise KeyError(name)
