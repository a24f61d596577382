"""Removing what left the Topology, found by its owner's labels.

A namespace goes only when all in it is Ringfence's or came from what Ringfence delivered; otherwise it is kept and said
so, unless told. Order: Applications first, until Argo CD has removed what they delivered, then their projects, then the
rest from the top of the order down, namespaces last: what bounds a deployment must outlive it.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import RingfenceError, StateError
from ringfence.deliver.changes import Action, Change, ChangeSet
from ringfence.deliver.compare import REQUESTS, Live, is_owned
from ringfence.kube import APPLICATIONS, NAMESPACES, Cluster, Json, Resource
from ringfence.render import KubernetesObject, ObjectKey
from ringfence.render.layout import rank
from ringfence.render.names import OWNER

KINDS: tuple[tuple[str, str], ...] = (
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
    ("apps/v1", "StatefulSet"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("v1", "LimitRange"),
    ("v1", "Namespace"),
    ("v1", "ResourceQuota"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
)
"""Every kind that Ringfence may have applied to a workload cluster."""

DELIVERY_KINDS: tuple[tuple[str, str], ...] = (
    ("argoproj.io/v1alpha1", "Application"),
    ("argoproj.io/v1alpha1", "AppProject"),
)
"""Every kind that Ringfence may have applied to a management cluster."""

_TRACKING = "argocd.argoproj.io/tracking-id"
_OF_EVERY_NAMESPACE = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")})
_DERIVED = frozenset({"Endpoints", "EndpointSlice", "Event", "Lease", "PodMetrics"})
_WAIT_SECONDS = 60.0


def find(
    cluster: Cluster,
    where: str,
    wanted: Iterable[ObjectKey],
    live: Live,
    applications: Sequence[str],
    *,
    foreign: bool = False,
) -> ChangeSet:
    """What ``live`` has and ``wanted`` has not, as deletions, in their order. Writes nothing.

    ``applications`` are all Argo CD Applications that Ringfence ever made here; ``foreign``: namespaces go with
    whatever is in them.
    """
    keep = set(wanted)
    gone = {key: document for key, document in live.objects.items() if key not in keep}
    leaving = {key.name for key in gone if key.kind == "Namespace"}
    changes: list[Change] = []
    kept: dict[str, str] = {}
    if not foreign:
        for namespace in sorted(leaving):
            strangers = _strangers(cluster, namespace, live.landscape, applications)
            if strangers:
                kept[namespace] = strangers
    for key, document in sorted(gone.items(), key=lambda item: rank(item[1]), reverse=True):
        if key.namespace in leaving:
            continue
        if (key.kind, key.name) in _OF_EVERY_NAMESPACE:
            continue
        owner = str((document["metadata"].get("labels") or {}).get(OWNER, ""))
        if key.kind == "Namespace" and key.name in kept:
            changes.append(Change(where, key, owner, Action.KEEP, because=kept[key.name]))
        else:
            changes.append(Change(where, key, owner, Action.DELETE))
    return ChangeSet(tuple(changes))


def _strangers(cluster: Cluster, namespace: str, landscape: str, applications: Sequence[str]) -> str:
    """What in a namespace is neither Ringfence's nor of what it delivered; empty when there is nothing."""
    kinds = [one for one in cluster.resources() if one.namespaced and "list" in one.verbs and "/" not in one.plural]

    def one(resource: Resource) -> list[str]:
        try:
            items = cluster.list_raw(resource, namespace).items
        except RingfenceError as error:
            return [f"{resource.full_name} ({error.reason})"]
        return [
            f"{resource.kind} {item['metadata']['name']}"
            for item in items
            if not _known(resource.kind, item, landscape, applications)
        ]

    with ThreadPoolExecutor(REQUESTS) as pool:
        found = sorted({name for names in pool.map(one, kinds) for name in names})
    if not found:
        return ""
    shown = ", ".join(found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"it holds what Ringfence did not make: {shown}{more}; --prune-foreign removes it all the same"


def _known(kind: str, item: Json, landscape: str, applications: Sequence[str]) -> bool:
    metadata: Mapping[str, Any] = item["metadata"]
    if kind in _DERIVED or (kind, metadata["name"]) in _OF_EVERY_NAMESPACE or metadata.get("ownerReferences"):
        return True
    tracking = str((metadata.get("annotations") or {}).get(_TRACKING, ""))
    return is_owned(item, landscape) or tracking.partition(":")[0] in applications


def prune(cluster: Cluster, changes: ChangeSet, live: Live, clock: Clock) -> None:
    """Delete what ``find`` found, each only if it is still the object that was seen."""
    chosen = [change for change in changes.changes if change.action is Action.DELETE]
    for _, group in groupby(chosen, key=lambda change: change.key.kind):
        same_kind = list(group)
        for change in same_kind:
            document = live.objects[change.key]
            resource = cluster.resource_of(str(document["apiVersion"]), str(document["kind"]))
            uid = str(document["metadata"].get("uid", ""))
            cluster.delete(resource, change.key.name, change.key.namespace or None, uid=uid)
        for change in same_kind:
            if change.key.kind in ("Application", "Namespace"):
                _wait_until_gone(cluster, change, clock)


def _wait_until_gone(cluster: Cluster, change: Change, clock: Clock) -> None:
    resource = APPLICATIONS if change.key.kind == "Application" else NAMESPACES
    until = clock.monotonic() + _WAIT_SECONDS
    while (present := cluster.get(resource, change.key.name, change.key.namespace or None)) is not None:
        if clock.monotonic() > until:
            raise StateError(
                f"{change.where}: {change.key} is not gone after {_WAIT_SECONDS:.0f} s: {_reason(present)}",
                reason="StillThere",
                hint="look at its finalizers and conditions, then run the same command again",
            )
        clock.sleep(0.1)


def _reason(document: KubernetesObject) -> str:
    conditions = document.get("status", {}).get("conditions") or []
    words = [str(one.get("message", "")) for one in conditions if one.get("status") != "False" and one.get("message")]
    finalizers = ", ".join(document["metadata"].get("finalizers") or ())
    return "; ".join(words) or f"its finalizers are {finalizers or 'none'}"
