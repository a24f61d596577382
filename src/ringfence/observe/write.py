"""A snapshot as a file: the objects as they are in memory, without secret values, and the hashes beside them.

One JSON List, which every tool reads; what is Ringfence's own in it are objects of ``ringfence.dev/v1``.
"""

from collections.abc import Iterator
from typing import Any

from ringfence.observe.encode import json_bytes
from ringfence.prove.catalogue import ENTRIES
from ringfence.prove.snapshot import ClusterSnapshot

_API = "ringfence.dev/v1"


def snapshot_bytes(snapshot: ClusterSnapshot) -> bytes:
    """The file's content: objects in a fixed order, then what could not be seen, then the hashed material."""
    items = [*_facts(snapshot), *_objects(snapshot), *_gaps(snapshot), *_materials(snapshot)]
    return json_bytes({"apiVersion": "v1", "kind": "List", "items": items}, indent=True) + b"\n"


def _facts(snapshot: ClusterSnapshot) -> Iterator[dict[str, Any]]:
    spec = {"version": snapshot.version, "issuer": snapshot.issuer, "signingKeys": list(snapshot.signing_keys)}
    known = {key: value for key, value in spec.items() if value}
    if known:
        yield {"apiVersion": _API, "kind": "ClusterFacts", "spec": known}


def _objects(snapshot: ClusterSnapshot) -> Iterator[Any]:
    for kind in sorted(snapshot.objects):
        yield from sorted(
            snapshot.objects[kind],
            key=lambda item: (item["metadata"].get("namespace") or "", item["metadata"]["name"]),
        )


def _gaps(snapshot: ClusterSnapshot) -> Iterator[dict[str, Any]]:
    for marker in snapshot.not_listed:
        spec = {"resource": marker.resource, "reason": marker.reason}
        if marker.namespace is not None:
            spec["namespace"] = marker.namespace
        yield {"apiVersion": _API, "kind": "NotListed", "spec": spec}
    for defect in snapshot.defects:
        entry = ENTRIES.get(defect.kind)
        yield {
            "apiVersion": _API,
            "kind": "Defect",
            "spec": {
                "group": defect.kind.group,
                "kind": defect.kind.kind,
                "namespace": defect.namespace,
                "name": defect.name,
                "problem": defect.problem,
                "known": entry is not None,
            },
        }


def _materials(snapshot: ClusterSnapshot) -> Iterator[dict[str, Any]]:
    by_key: dict[str, list[dict[str, Any]]] = {}
    for item in snapshot.materials:
        row = {
            "kind": item.owner.kind,
            "namespace": item.owner.namespace,
            "name": item.owner.name,
            "place": item.place,
            "digest": item.digest,
            "type": item.kind.value,
            "bits": item.bits,
        }
        by_key.setdefault(item.key, []).append({**row, **({"about": dict(item.about)} if item.about else {})})
    for key, rows in by_key.items():
        yield {"apiVersion": _API, "kind": "Materials", "spec": {"key": key, "materials": rows}}
