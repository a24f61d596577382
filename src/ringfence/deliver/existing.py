"""What there is on clusters that Ringfence did not make: their Argo CD, how it calls them, their storage, their nodes.

Everything is found, nothing is installed. What may not be looked at is left at what is usual, and said.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ringfence.base.errors import ForbiddenError, StateError
from ringfence.kube import CONFIG_MAPS, NODES, SECRETS, Cluster, NotFoundError
from ringfence.render import NodePool

_CONFIG = "argocd-cm"
_USUAL = "argocd"
_IN_CLUSTER = "https://kubernetes.default.svc"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def argocd_namespace(management: Cluster, name: str) -> str:
    """The namespace of the Argo CD on a management cluster. Raises StateError when there is none, or several."""
    try:
        found = management.list_raw(CONFIG_MAPS, field_selector=f"metadata.name={_CONFIG}").items
    except ForbiddenError:
        return _USUAL
    namespaces = sorted(item["metadata"]["namespace"] for item in found)
    if not namespaces:
        raise StateError(
            f"{name}: there is no Argo CD on this cluster",
            reason="NoArgoCD",
            hint="install Argo CD there first; Ringfence uses the one that is there and installs none",
        )
    if len(namespaces) > 1:
        raise StateError(
            f"{name}: there are several Argo CDs: in {', '.join(namespaces)}",
            reason="SeveralArgoCDs",
            hint="say which with --argocd ENVIRONMENT=NAMESPACE",
        )
    return str(namespaces[0])


def destinations(management: Cluster, namespace: str, workloads: Mapping[str, Cluster]) -> dict[str, dict[str, str]]:
    """How an Argo CD calls each workload cluster: by the name or the address under which it is registered there."""
    try:
        registered = management.list_raw(
            SECRETS, namespace, label_selector="argocd.argoproj.io/secret-type=cluster"
        ).items
    except ForbiddenError:
        registered = []
    names: dict[str, str] = {}
    for item in registered:
        data = item.get("data") or {}
        server, name = (base64.b64decode(data.get(key, "")).decode("utf-8", "replace") for key in ("server", "name"))
        names[server.rstrip("/")] = name
    found: dict[str, dict[str, str]] = {}
    for cluster, connection in workloads.items():
        server = connection.server.rstrip("/")
        if server in names:
            found[cluster] = {"name": names[server]}
        elif server == management.server.rstrip("/"):
            found[cluster] = {"server": _IN_CLUSTER}
    return found


def has_default_storage(workload: Cluster) -> bool:
    """Whether a cluster gives out volumes without being told how."""
    try:
        classes = workload.list_raw(workload.resource_of("storage.k8s.io/v1", "StorageClass")).items
    except (ForbiddenError, NotFoundError):
        return False
    return any((item["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true" for item in classes)


@dataclass(frozen=True, slots=True)
class PoolGap:
    """A pool that has fewer nodes with its label and taint than it needs."""

    cluster: str
    pool: str
    wanted: int
    found: int
    untainted: tuple[str, ...]

    def __str__(self) -> str:
        """In a sentence."""
        if self.untainted:
            return f"{self.cluster}: pool {self.pool}: without its taint: {', '.join(self.untainted)}"
        return f"{self.cluster}: pool {self.pool}: {self.found} of {self.wanted} nodes have its label"


def pool_gaps(workload: Cluster, name: str, pools: Sequence[NodePool]) -> tuple[PoolGap, ...]:
    """The pools whose nodes are not (all) there yet. Nodes that may not be looked at give none."""
    try:
        nodes = workload.list_raw(NODES).items
    except ForbiddenError:
        return ()
    gaps: list[PoolGap] = []
    for pool in pools:
        mine = [
            node
            for node in nodes
            if all((node["metadata"].get("labels") or {}).get(key) == value for key, value in pool.labels.items())
        ]
        untainted = tuple(
            sorted(
                str(node["metadata"]["name"])
                for node in mine
                if not all(
                    any(
                        one.get("key") == taint.key
                        and one.get("value") == taint.value
                        and one.get("effect") == taint.effect
                        for one in (node.get("spec") or {}).get("taints") or ()
                    )
                    for taint in pool.taints
                )
            )
        )
        if len(mine) < pool.nodes or untainted:
            gaps.append(PoolGap(name, pool.name, pool.nodes, len(mine), untainted))
    return tuple(gaps)
