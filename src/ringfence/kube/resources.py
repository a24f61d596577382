"""Kinds and the paths at which the API serves them.

Discovery answers for any cluster; the table of common kinds saves a request where nothing can differ. Typed models
were rejected: they took fifteen times as long to decode, and a field they do not know is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the API: its group (empty: core), version, plural name, kind, scope, and what can be done."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """As objects write it: ``v1``, ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """As kubectl writes it: ``pods``, ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The path of the collection, or of one object, or of a subresource of it."""
        parts = ["", "apis", self.group, self.version] if self.group else ["", "api", self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


def _core(plural: str, kind: str, *, namespaced: bool = True) -> Resource:
    return Resource("", "v1", plural, kind, namespaced)


def _group(group: str, plural: str, kind: str, *, namespaced: bool = True, version: str = "v1") -> Resource:
    return Resource(group, version, plural, kind, namespaced)


NAMESPACES = _core("namespaces", "Namespace", namespaced=False)
NODES = _core("nodes", "Node", namespaced=False)
PODS = _core("pods", "Pod")
SECRETS = _core("secrets", "Secret")
CONFIG_MAPS = _core("configmaps", "ConfigMap")
SERVICES = _core("services", "Service")
SERVICE_ACCOUNTS = _core("serviceaccounts", "ServiceAccount")
EVENTS = _core("events", "Event")
DEPLOYMENTS = _group("apps", "deployments", "Deployment")
STATEFUL_SETS = _group("apps", "statefulsets", "StatefulSet")
APPLICATIONS = _group("argoproj.io", "applications", "Application", version="v1alpha1")
APP_PROJECTS = _group("argoproj.io", "appprojects", "AppProject", version="v1alpha1")

_COMMON = (
    NAMESPACES, NODES, PODS, SECRETS, CONFIG_MAPS, SERVICES, SERVICE_ACCOUNTS, EVENTS, DEPLOYMENTS, STATEFUL_SETS,
    APPLICATIONS, APP_PROJECTS,
    _core("resourcequotas", "ResourceQuota"),
    _core("limitranges", "LimitRange"),
    _core("persistentvolumeclaims", "PersistentVolumeClaim"),
    _core("endpoints", "Endpoints"),
    _group("apps", "daemonsets", "DaemonSet"),
    _group("apps", "replicasets", "ReplicaSet"),
    _group("batch", "jobs", "Job"),
    _group("batch", "cronjobs", "CronJob"),
    _group("networking.k8s.io", "networkpolicies", "NetworkPolicy"),
    _group("networking.k8s.io", "ingresses", "Ingress"),
    _group("rbac.authorization.k8s.io", "roles", "Role"),
    _group("rbac.authorization.k8s.io", "rolebindings", "RoleBinding"),
    _group("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", namespaced=False),
    _group("rbac.authorization.k8s.io", "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    _group("scheduling.k8s.io", "priorityclasses", "PriorityClass", namespaced=False),
    _group("storage.k8s.io", "storageclasses", "StorageClass", namespaced=False),
    _group("policy", "poddisruptionbudgets", "PodDisruptionBudget"),
    _group("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler", version="v2"),
    _group("admissionregistration.k8s.io", "validatingadmissionpolicies", "ValidatingAdmissionPolicy",
           namespaced=False),
    _group("admissionregistration.k8s.io", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding",
           namespaced=False),
)  # fmt: skip

COMMON: Mapping[tuple[str, str], Resource] = {(one.api_version, one.kind): one for one in _COMMON}


def from_aggregated(document: Json) -> tuple[Resource, ...]:
    """The resources in an ``APIGroupDiscoveryList`` (apidiscovery.k8s.io/v2), one version a group: the preferred."""
    found: list[Resource] = []
    for item in document.get("items", []):
        group = str(item.get("metadata", {}).get("name", ""))
        seen: set[str] = set()
        for version in item.get("versions", []):
            for entry in version.get("resources", []):
                plural = str(entry["resource"])
                kind = entry.get("responseKind", {}).get("kind")
                if plural in seen or not kind:
                    continue
                seen.add(plural)
                verbs = frozenset(str(verb) for verb in entry.get("verbs", []))
                namespaced = entry.get("scope") == "Namespaced"
                found.append(Resource(group, str(version["version"]), plural, str(kind), namespaced, verbs))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What one root of the API serves. ``stale``: groups whose own API server does not answer, so that nobody knows
    what they serve. ``tag`` is the mark (ETag) that the answer had, empty when it had none."""

    resources: tuple[Resource, ...]
    stale: tuple[str, ...]
    tag: str = field(default="", compare=False)


def discovery(document: Json, tag: str = "") -> Discovery:
    """Of an ``APIGroupDiscoveryList``."""
    stale = tuple(
        str(item.get("metadata", {}).get("name", ""))
        for item in document.get("items", [])
        if any(one.get("freshness") == "Stale" and not one.get("resources") for one in item.get("versions", []))
    )
    return Discovery(from_aggregated(document), stale, tag)
