"""The Kubernetes kinds that the proof reads, and how their objects are named in answers.

A kind is its API group and its name; versions are not part of it, since every version of one group shows the same
object. Reading kinds by plural resource name was rejected: files hold ``kind``, and only discovery knows plurals.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

Object: TypeAlias = Mapping[str, Any]
"""One Kubernetes object as JSON decodes it. Objects in a Snapshot have passed ``prove.validity``: the fields that the
proof reads have the types that the API gives them."""


class Kind(NamedTuple):
    """An API group (empty for the core group) and a kind in it."""

    group: str
    kind: str

    @classmethod
    def of(cls, document: Object) -> "Kind":
        """The kind of an object that has ``apiVersion`` and ``kind``."""
        group, slash, _ = document["apiVersion"].partition("/")
        return cls(group if slash else "", document["kind"])

    def __str__(self) -> str:
        """``Pod``, ``NetworkPolicy.networking.k8s.io``."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


class ObjectName(NamedTuple):
    """An object's name in one cluster; ``namespace`` is empty for cluster-scoped objects."""

    cluster: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """``CLUSTER:kind/namespace/name`` or ``CLUSTER:kind/name`` (contract, section 5)."""
        middle = f"{self.namespace}/" if self.namespace else ""
        return f"{self.cluster}:{self.kind.lower()}/{middle}{self.name}"


def object_name(cluster: str, document: Object) -> ObjectName:
    """The name by which answers speak of ``document``."""
    metadata = document["metadata"]
    return ObjectName(cluster, document["kind"], metadata.get("namespace") or "", metadata["name"])


POD = Kind("", "Pod")
NAMESPACE = Kind("", "Namespace")
NODE = Kind("", "Node")
SERVICE = Kind("", "Service")
ENDPOINTS = Kind("", "Endpoints")
SECRET = Kind("", "Secret")
CONFIG_MAP = Kind("", "ConfigMap")
SERVICE_ACCOUNT = Kind("", "ServiceAccount")
PERSISTENT_VOLUME = Kind("", "PersistentVolume")
PERSISTENT_VOLUME_CLAIM = Kind("", "PersistentVolumeClaim")
RESOURCE_QUOTA = Kind("", "ResourceQuota")
LIMIT_RANGE = Kind("", "LimitRange")
REPLICATION_CONTROLLER = Kind("", "ReplicationController")
POD_TEMPLATE = Kind("", "PodTemplate")
DEPLOYMENT = Kind("apps", "Deployment")
REPLICA_SET = Kind("apps", "ReplicaSet")
STATEFUL_SET = Kind("apps", "StatefulSet")
DAEMON_SET = Kind("apps", "DaemonSet")
JOB = Kind("batch", "Job")
CRON_JOB = Kind("batch", "CronJob")
ENDPOINT_SLICE = Kind("discovery.k8s.io", "EndpointSlice")
INGRESS = Kind("networking.k8s.io", "Ingress")
NETWORK_POLICY = Kind("networking.k8s.io", "NetworkPolicy")
ADMIN_NETWORK_POLICY = Kind("policy.networking.k8s.io", "AdminNetworkPolicy")
BASELINE_ADMIN_NETWORK_POLICY = Kind("policy.networking.k8s.io", "BaselineAdminNetworkPolicy")
CLUSTER_NETWORK_POLICY = Kind("policy.networking.k8s.io", "ClusterNetworkPolicy")
REFERENCE_GRANT = Kind("gateway.networking.k8s.io", "ReferenceGrant")
ROLE = Kind("rbac.authorization.k8s.io", "Role")
CLUSTER_ROLE = Kind("rbac.authorization.k8s.io", "ClusterRole")
ROLE_BINDING = Kind("rbac.authorization.k8s.io", "RoleBinding")
CLUSTER_ROLE_BINDING = Kind("rbac.authorization.k8s.io", "ClusterRoleBinding")
PRIORITY_CLASS = Kind("scheduling.k8s.io", "PriorityClass")
VOLUME_SNAPSHOT = Kind("snapshot.storage.k8s.io", "VolumeSnapshot")
VOLUME_SNAPSHOT_CONTENT = Kind("snapshot.storage.k8s.io", "VolumeSnapshotContent")
VALIDATING_ADMISSION_POLICY = Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicy")
VALIDATING_ADMISSION_POLICY_BINDING = Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding")
MUTATING_ADMISSION_POLICY = Kind("admissionregistration.k8s.io", "MutatingAdmissionPolicy")
MUTATING_ADMISSION_POLICY_BINDING = Kind("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding")
VALIDATING_WEBHOOK = Kind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration")
MUTATING_WEBHOOK = Kind("admissionregistration.k8s.io", "MutatingWebhookConfiguration")
CUSTOM_RESOURCE_DEFINITION = Kind("apiextensions.k8s.io", "CustomResourceDefinition")
API_SERVICE = Kind("apiregistration.k8s.io", "APIService")
ARGO_APPLICATION = Kind("argoproj.io", "Application")
ARGO_APPLICATION_SET = Kind("argoproj.io", "ApplicationSet")
ARGO_PROJECT = Kind("argoproj.io", "AppProject")
FLUX_KUSTOMIZATION = Kind("kustomize.toolkit.fluxcd.io", "Kustomization")
FLUX_HELM_RELEASE = Kind("helm.toolkit.fluxcd.io", "HelmRelease")
FLUX_SOURCES = tuple(
    Kind("source.toolkit.fluxcd.io", kind)
    for kind in ("GitRepository", "OCIRepository", "Bucket", "HelmRepository", "HelmChart")
)
EXTERNAL_SECRET = Kind("external-secrets.io", "ExternalSecret")
CLUSTER_EXTERNAL_SECRET = Kind("external-secrets.io", "ClusterExternalSecret")
SECRET_STORE = Kind("external-secrets.io", "SecretStore")
CLUSTER_SECRET_STORE = Kind("external-secrets.io", "ClusterSecretStore")

WORKLOADS = frozenset({REPLICATION_CONTROLLER, DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, JOB, CRON_JOB})
"""The kinds whose objects make pods."""
