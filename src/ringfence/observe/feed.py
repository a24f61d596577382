"""One resource of a cluster as a list and what came after it: the objects as a snapshot has them, kept up to date.

What did not change keeps its identity, down to the tuple of all objects of a kind, so that a proof that is made again
can see at once where there is nothing to do. Changes that no proof reads (heartbeats, counters) are no changes.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.kube import Event, Resource
from ringfence.observe.collect import Collector
from ringfence.observe.encode import json_bytes
from ringfence.observe.hashing import HashingKey
from ringfence.prove.kinds import Kind, Object
from ringfence.prove.snapshot import ClusterSnapshot, Defect, Material, NotListed

_READ_OF_STATUS: Mapping[str, frozenset[str]] = {
    "pods": frozenset({"phase", "podIP", "podIPs", "hostIP", "hostIPs"}),
    "nodes": frozenset({"addresses", "nodeInfo", "capacity", "allocatable"}),
}
"""What of the status counts, for the resources whose status changes all the time."""
_NOISE = frozenset({"resourceVersion", "managedFields", "generation"})


@dataclass(frozen=True, slots=True)
class _Part:
    """One object as the Collector took it, and a digest of what it was."""

    digest: bytes
    objects: tuple[tuple[Kind, Object], ...]
    defects: tuple[Defect, ...]
    materials: tuple[Material, ...]
    missed: tuple[NotListed, ...]


@dataclass(slots=True)
class Feed:
    """The objects of ``resource`` in ``namespace`` (None: everywhere) of the cluster called ``cluster``."""

    cluster: str
    resource: Resource
    namespace: str | None
    key: HashingKey
    version: str = ""
    _parts: dict[tuple[str, str], _Part] = field(default_factory=dict)
    _whole: ClusterSnapshot | None = None
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def renewed(self) -> "Feed":
        """A feed that knows the same and shares nothing that changes with this one."""
        return Feed(
            self.cluster,
            self.resource,
            self.namespace,
            self.key,
            self.version,
            dict(self._parts),
            self._whole,
            self._salt,
        )

    def fill(self, items: Iterable[dict[str, Any]], version: str) -> bool:
        """Take a whole list; True when it differs from what was known."""
        before = self._parts
        self._parts = {}
        changed = False
        for item in items:
            name = _name(item)
            digest = self._digest(item)
            known = before.get(name)
            if known is not None and known.digest == digest:
                self._parts[name] = known
            else:
                self._parts[name] = self._part(item, digest)
                changed = True
        self.version = version
        if changed or len(before) != len(self._parts):
            self._whole = None
            return True
        return False

    def apply(self, event: Event) -> bool:
        """Take one change; True when it matters."""
        self.version = str(event.object.get("metadata", {}).get("resourceVersion") or self.version)
        name = _name(event.object)
        if event.type == "DELETED":
            if self._parts.pop(name, None) is None:
                return False
        elif event.type in ("ADDED", "MODIFIED"):
            document = {
                **event.object,
                "apiVersion": event.object.get("apiVersion") or self.resource.api_version,
                "kind": event.object.get("kind") or self.resource.kind,
            }
            digest = self._digest(document)
            known = self._parts.get(name)
            if known is not None and known.digest == digest:
                return False
            self._parts[name] = self._part(document, digest)
        else:
            return False
        self._whole = None
        return True

    def whole(self) -> ClusterSnapshot:
        """Everything of this resource as a snapshot; the very same one until something changes."""
        if self._whole is None:
            objects: dict[Kind, list[Object]] = {}
            for part in self._parts.values():
                for kind, item in part.objects:
                    objects.setdefault(kind, []).append(item)
            self._whole = ClusterSnapshot(
                self.cluster,
                {kind: tuple(items) for kind, items in objects.items()},
                tuple(item for part in self._parts.values() for item in part.missed),
                tuple(item for part in self._parts.values() for item in part.defects),
                tuple(item for part in self._parts.values() for item in part.materials),
            )
        return self._whole

    def _part(self, document: dict[str, Any], digest: bytes) -> _Part:
        collector = Collector(self.cluster, self.key)
        collector.add(document)
        found = collector.finish()
        objects = tuple((kind, item) for kind, items in found.objects.items() for item in items)
        return _Part(digest, objects, found.defects, found.materials, found.not_listed)

    def _digest(self, document: Mapping[str, Any]) -> bytes:
        """Of what a proof may read. Keyed, since the object may be a Secret."""
        metadata = {key: value for key, value in (document.get("metadata") or {}).items() if key not in _NOISE}
        shown = {**document, "metadata": metadata}
        counts = _READ_OF_STATUS.get(self.resource.plural)
        if counts is not None and isinstance(document.get("status"), dict):
            shown["status"] = {key: value for key, value in document["status"].items() if key in counts}
        content = json_bytes(shown, sort=True)
        return hashlib.blake2b(content, key=self._salt, digest_size=16).digest()


def _name(document: Mapping[str, Any]) -> tuple[str, str]:
    metadata = document.get("metadata") or {}
    return (str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))


def joined(name: str, facts: ClusterSnapshot, feeds: Iterable[Feed], missed: Iterable[NotListed]) -> ClusterSnapshot:
    """The cluster that feeds come to; ``facts`` has its version, issuer and keys. A kind that one feed alone holds
    keeps the feed's tuple."""
    objects: dict[Kind, tuple[Object, ...]] = {}
    not_listed: dict[NotListed, None] = dict.fromkeys(missed)
    defects: dict[Defect, None] = {}
    materials: list[Material] = []
    for feed in feeds:
        whole = feed.whole()
        for kind, items in whole.objects.items():
            objects[kind] = (*objects[kind], *items) if kind in objects else items
        not_listed.update(dict.fromkeys(whole.not_listed))
        defects.update(dict.fromkeys(whole.defects))
        materials.extend(whole.materials)
    return ClusterSnapshot(
        name,
        objects,
        tuple(not_listed),
        tuple(defects),
        tuple(materials),
        facts.context,
        facts.version,
        facts.issuer,
        facts.signing_keys,
    )
