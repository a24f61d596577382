"""Snapshots from live clusters: everything that may be listed, and what may not as NotListed markers.

A read-only, namespaced kubeconfig is enough to start: what cannot be listed everywhere is asked for namespace by
namespace, and every refusal is written down. Nothing is changed and no watch stays open.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from ringfence.base.errors import ForbiddenError, RingfenceError
from ringfence.kube import Cluster, NotFoundError, Resource, open_cluster
from ringfence.observe.collect import Collector
from ringfence.observe.hashing import HashingKey
from ringfence.prove.catalogue import ENTRIES
from ringfence.prove.kinds import Kind
from ringfence.prove.snapshot import ClusterSnapshot, NotListed

_WORKERS = 6
# Kinds that hold nothing the proof reads, and grow without bound.
_SKIPPED_GROUPS = frozenset({"metrics.k8s.io", "events.k8s.io", "coordination.k8s.io", "authentication.k8s.io"})
ELSEWHERE = ("rolebindings", "pods")
"""What matters in namespaces that nobody asked for too: a refusal everywhere stays a gap."""


def read_live(
    name: str,
    context: str | None,
    key: HashingKey,
    *,
    kubeconfig: Path | None = None,
    namespaces: Sequence[str] = (),
) -> ClusterSnapshot:
    """The objects of the cluster behind a kubeconfig context. ``namespaces`` are asked for one by one where listing
    everywhere is refused. Raises UnreachableError when the API does not answer, ForbiddenError when it lets nobody in.
    """
    with open_cluster(kubeconfig, context) as cluster:
        return read_cluster(name, cluster, key, namespaces=namespaces, shown=context or name)


def read_cluster(
    name: str, cluster: Cluster, key: HashingKey, *, namespaces: Sequence[str] = (), shown: str = ""
) -> ClusterSnapshot:
    """As ``read_live``, over a connection that is open already."""
    collector = Collector(name, key, context=shown)
    collector.add(cluster_facts(cluster))
    wanted = [resource for resource in cluster.resources() if counted(resource)]
    for marker in not_served(cluster.stale_groups()):
        collector.miss(marker)
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        for listed in pool.map(lambda resource: _list(cluster, resource, namespaces), wanted):
            for item in listed:
                if isinstance(item, NotListed):
                    collector.miss(item)
                else:
                    collector.add(item)
    return collector.finish()


def not_served(groups: Iterable[str]) -> tuple[NotListed, ...]:
    """Markers for API groups whose own server does not answer: nobody knows what they would hold."""
    return tuple(
        NotListed(f"*.{group}", None, "the API server behind it does not answer")
        for group in groups
        if group not in _SKIPPED_GROUPS
    )


def counted(resource: Resource) -> bool:
    """Whether a snapshot holds objects of this resource."""
    if "list" not in resource.verbs or resource.group in _SKIPPED_GROUPS or "/" in resource.plural:
        return False
    entry = ENTRIES.get(Kind(resource.group, resource.kind))
    return entry is None or bool(entry.touches)


def _list(cluster: Cluster, resource: Resource, namespaces: Sequence[str]) -> list[dict[str, Any] | NotListed]:
    try:
        return list(cluster.list_raw(resource).items)
    except ForbiddenError as error:
        refused = NotListed(resource.full_name, None, error.reason)
    except NotFoundError:
        return []
    except RingfenceError as error:
        return [NotListed(resource.full_name, None, error.reason)]
    if not resource.namespaced or not namespaces:
        return [refused]
    found: list[dict[str, Any] | NotListed] = []
    for namespace in namespaces:
        try:
            found.extend(cluster.list_raw(resource, namespace).items)
        except RingfenceError as error:
            found.append(NotListed(resource.full_name, namespace, error.reason))
    if resource.plural in ELSEWHERE:
        found.append(refused)
    return found


def cluster_facts(cluster: Cluster) -> dict[str, Any]:
    """Version, issuer and public keys, as far as the cluster shows them."""
    spec: dict[str, Any] = {}
    with suppress(RingfenceError):
        spec["version"] = cluster.version()
    with suppress(RingfenceError):
        spec["issuer"] = cluster.request("GET", "/.well-known/openid-configuration").get("issuer")
        keys = cluster.request("GET", "/openid/v1/jwks").get("keys")
        if isinstance(keys, list):
            spec["signingKeys"] = sorted(_fingerprint(key) for key in keys)
    return {"apiVersion": "ringfence.dev/v1", "kind": "ClusterFacts", "spec": spec}


def _fingerprint(key: Any) -> str:
    public = {name: key.get(name) for name in ("kty", "n", "e", "crv", "x", "y")} if isinstance(key, dict) else key
    return hashlib.sha256(json.dumps(public, sort_keys=True).encode()).hexdigest()[:32]
