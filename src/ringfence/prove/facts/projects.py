"""What AppProjects of Argo CD allow: destinations, kinds, and the accounts that syncs act as.

Source: pkg/apis/application/v1alpha1/app_project_types.go and util/settings/impersonation.go of Argo CD 3.6. A pattern
with ``!`` matches what the rest of it does not, and refuses the destinations that it names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.rbac.powers import Power

IN_CLUSTER = "https://kubernetes.default.svc"
_ANOTHER = "\0another"
_BRACES = re.compile(r"^(.*?)\{([^{}]*)\}(.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Tie:
    """How an Argo CD calls a cluster; empty: it is not known how. ``doubt``: what would have to be known to say that
    it is this cluster."""

    name: str
    server: str
    doubt: str | None = None


def ties(
    cluster: ClusterFacts, home: ClusterFacts, destination: Mapping[str, Any], known: Mapping[str, object]
) -> Iterator[Tie]:
    """How the Argo CD of ``home`` calls a cluster that a destination may mean; none: it means another. An empty
    destination is anybody's choice. ``known``: the clusters by name."""
    name, server = str(destination.get("name") or ""), str(destination.get("server") or "")
    itself = Tie("in-cluster", IN_CLUSTER)
    if not name and not server:
        yield itself if cluster is home else Tie(cluster.name, "")
        return
    if name == "in-cluster" or server.startswith(IN_CLUSTER):
        if cluster is home:
            yield itself
        return
    if name:
        if name == cluster.name:
            yield Tie(name, "")
        elif name not in known and cluster is not home:
            yield Tie(name, "", f"whether {name} is the cluster {cluster.name}")
        return
    if cluster is not home:
        yield Tie("", server, f"whether {server} is the cluster {cluster.name}")


def permits(project: Mapping[str, Any], tie: Tie, namespace: str | None) -> bool | None:
    """Whether a project's destinations hold a namespace of a cluster (None: anything of it); None where that depends
    on what the cluster is called."""
    destinations = [item for item in project.get("destinations") or () if isinstance(item, Mapping)]
    servers = [tie.server] if tie.server else _callings(destinations, "server")
    names = [tie.name] if tie.name else _callings(destinations, "name")
    found = {_matched(destinations, name, server, namespace) for name, server in product(names, servers)}
    return found.pop() if len(found) == 1 else None


def _callings(destinations: list[Mapping[str, Any]], key: str) -> list[str]:
    """Words that tell apart what a project may make of a name that is not known."""
    words = {str(item.get(key) or "").removeprefix("!").replace("*", "x") for item in destinations} - {""}
    return [_ANOTHER, *sorted(words)]


def _matched(destinations: list[Mapping[str, Any]], name: str, server: str, namespace: str | None) -> bool:
    found = False
    for item in destinations:
        wanted = {key: str(item.get(key) or "") for key in ("name", "server", "namespace")}
        named = _glob(wanted["name"], name)
        served = _glob(wanted["server"], server)
        inside = namespace is None or _glob(wanted["namespace"], namespace)
        if (named or served) and inside:
            found = True
            continue
        shut = any(wanted[key][:1] == "!" for key, met in (("name", named), ("server", served)) if not met)
        if shut if inside else served and wanted["namespace"][:1] == "!":
            return False
    return found


def _glob(pattern: str, text: str) -> bool:
    if pattern.startswith("!"):
        return not _glob(pattern[1:], text)
    braces = _BRACES.match(pattern)
    if braces is not None:
        before, choices, after = braces.groups()
        return any(_glob(f"{before}{choice}{after}", text) for choice in choices.split(","))
    return fnmatchcase(text, pattern)


@dataclass(frozen=True, slots=True)
class Wide:
    """What creating objects outside namespaces gives: a power over objects of these names (none: over all), or, with
    ``power`` None, everything. ``custom`` names another resource whose meaning is in no snapshot."""

    power: Power | None
    names: tuple[str, ...] = ()
    custom: str = ""


_RBAC, _ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
_ABOVE: Mapping[tuple[str, str], tuple[Power, ...]] = {
    (_ADMISSION, "MutatingWebhookConfiguration"): (Power.WRITE_MUTATING_WEBHOOKS,),
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): (Power.WRITE_MUTATING_WEBHOOKS,),
    (_ADMISSION, "ValidatingWebhookConfiguration"): (Power.WRITE_VALIDATING_WEBHOOKS, Power.REMOVE_WEBHOOKS),
    (_ADMISSION, "ValidatingAdmissionPolicy"): (Power.WRITE_ADMISSION_POLICIES,),
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): (Power.WRITE_ADMISSION_POLICIES,),
    ("", "Namespace"): (Power.RELABEL_NAMESPACES, Power.DELETE_NAMESPACES, Power.CREATE_NAMESPACES),
    ("", "Node"): (Power.WRITE_NODES,),
    ("", "PersistentVolume"): (Power.WRITE_VOLUMES, Power.CHANGE_VOLUMES),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (Power.WRITE_CRDS,),
    ("apiregistration.k8s.io", "APIService"): (Power.WRITE_API_SERVICES,),
    ("scheduling.k8s.io", "PriorityClass"): (Power.WRITE_PRIORITIES,),
    ("storage.k8s.io", "StorageClass"): (Power.WRITE_STORAGE,),
    ("storage.k8s.io", "CSIDriver"): (Power.WRITE_STORAGE,),
    ("networking.k8s.io", "IngressClass"): (Power.WRITE_TRAFFIC_CLASSES,),
    ("gateway.networking.k8s.io", "GatewayClass"): (Power.WRITE_TRAFFIC_CLASSES,),
    ("policy.networking.k8s.io", "AdminNetworkPolicy"): (Power.WRITE_ADMIN_POLICIES,),
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"): (Power.WRITE_ADMIN_POLICIES,),
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"): (Power.WRITE_ADMIN_POLICIES,),
    ("snapshot.storage.k8s.io", "VolumeSnapshotContent"): (Power.WRITE_SNAPSHOT_CONTENTS,),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): (Power.WRITE_FAIRNESS,),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): (Power.WRITE_FAIRNESS,),
    ("external-secrets.io", "ClusterSecretStore"): (Power.WRITE_SHARED_STORES,),
    ("external-secrets.io", "ClusterExternalSecret"): (Power.WRITE_SHARED_STORES,),
    ("security.openshift.io", "SecurityContextConstraints"): (Power.WRITE_CONSTRAINTS,),
}
_RIGHTS = ((_RBAC, "ClusterRoleBinding"), (_RBAC, "ClusterRole"), ("user.openshift.io", "Group"))
# Only what exists by a name can be changed or deleted.
_EXISTING = frozenset({Power.RELABEL_NAMESPACES, Power.DELETE_NAMESPACES, Power.WRITE_NODES, Power.CHANGE_VOLUMES})
_BUILT_IN = frozenset(group for group, _ in _ABOVE if group.endswith(".k8s.io")) | {"", _RBAC, "certificates.k8s.io"}


def above_namespaces(project: Mapping[str, Any], facts: ClusterFacts) -> list[Wide]:
    """What a project's Applications may create outside namespaces, as what it gives."""
    allowed = [item for item in project.get("clusterResourceWhitelist") or () if isinstance(item, Mapping)]
    refused = [item for item in project.get("clusterResourceBlacklist") or () if isinstance(item, Mapping)]
    found: list[Wide] = []
    for kind in _RIGHTS:
        if any(not item.get("name") or kind[1] == "ClusterRoleBinding" for item in _allowing(allowed, refused, kind)):
            return [Wide(None)]
    for kind, powers in _ABOVE.items():
        listed = _allowing(allowed, refused, kind)
        if not listed:
            continue
        names = _names(facts, kind, listed)
        for power in powers:
            if names is None or names or power not in _EXISTING:
                found.append(Wide(power, names or () if power in _EXISTING else ()))
    for item in allowed:
        group, kind_name = str(item.get("group") or ""), str(item.get("kind") or "")
        if group not in _BUILT_IN and (group, kind_name) not in _ABOVE and not _shut(refused, (group, kind_name)):
            found.append(Wide(None, (), f"{kind_name.lower()}s.{group}"))
    return found


def _allowing(
    allowed: list[Mapping[str, Any]], refused: list[Mapping[str, Any]], kind: tuple[str, str]
) -> list[Mapping[str, Any]]:
    return [] if _shut(refused, kind) else [item for item in allowed if is_kind(item, kind)]


def _shut(refused: list[Mapping[str, Any]], kind: tuple[str, str]) -> bool:
    return any(is_kind(item, kind) and not item.get("name") for item in refused)


def _names(facts: ClusterFacts, kind: tuple[str, str], listed: list[Mapping[str, Any]]) -> tuple[str, ...] | None:
    """The names of objects that are there and allowed; None: every name is."""
    patterns = [str(item.get("name") or "") for item in listed]
    if "" in patterns:
        return None
    there = facts.every_namespace() if kind == ("", "Namespace") else _there(facts, kind)
    return tuple(sorted(name for name in there if any(fnmatchcase(name, pattern) for pattern in patterns)))


def _there(facts: ClusterFacts, kind: tuple[str, str]) -> list[str]:
    return [item["metadata"]["name"] for item in facts.snapshot.of(kinds.Kind(*kind))]


def is_kind(item: Mapping[str, Any], kind: tuple[str, str]) -> bool:
    """Whether an item of a project's list speaks of a kind."""
    return fnmatchcase(kind[0], item.get("group") or "") and fnmatchcase(kind[1], item.get("kind") or "")


def impersonates(home: ClusterFacts, namespace: str) -> bool:
    """Whether the Argo CD in a namespace syncs as the accounts that its projects name, and not as itself."""
    settings = home.document(kinds.CONFIG_MAP, namespace, "argocd-cm")
    data = (settings or {}).get("data") or {}
    enforced = data.get("application.sync.impersonation.enforced") != "false"
    return bool(enforced and data.get("application.sync.impersonation.enabled") == "true")


def accounts(project: Mapping[str, Any], tie: Tie, namespace: str | None) -> Iterator[tuple[str, str]]:
    """Namespace and name of the accounts that syncs to a destination act as; ``namespace`` None: to any."""
    for item in project.get("destinationServiceAccounts") or ():
        server, pattern = str(item.get("server") or ""), str(item.get("namespace") or "")
        account = str(item.get("defaultServiceAccount") or "").strip()
        if not account or (tie.server and not _glob(server, tie.server)):
            continue
        if namespace is not None and not _glob(pattern, namespace):
            continue
        place, colon, name = account.partition(":")
        if colon:
            yield place, name
        elif namespace is not None or not set(pattern) & set("*?[{!"):
            yield namespace or pattern, account
        if namespace is not None:
            return
