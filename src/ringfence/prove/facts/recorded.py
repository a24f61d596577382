"""One cluster's facts over many snapshots of it: every look at them is noted, so that a change undoes what saw it.

The facts are worked out anew from each snapshot, which is quick, and held against those before; what is read off them
is reached through one ``ClusterFacts`` that stays the same. What is no table (version, flags, what could not be listed)
changes rarely and is read everywhere: then nothing is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ringfence.prove.facts.cluster import ClusterFacts, cluster_facts
from ringfence.prove.kinds import Object
from ringfence.prove.memory import Ledger, RecordedMapping, RecordedSequence, same
from ringfence.prove.partition import Assumptions
from ringfence.prove.snapshot import ClusterSnapshot

_TABLES = (
    "namespaces", "spaces", "pods_in", "pods_on", "pod_named", "accounts_in", "secrets_in", "nodes", "materials_of"
)  # fmt: skip
_RBAC = ("grants", "roles", "accounts")
_PLAIN = ("name", "not_listed", "defects", "version", "issuer", "signing_keys", "answers")


@dataclass(slots=True)
class RecordedCluster:
    """A cluster whose snapshots follow each other. ``facts`` are always those of the last one taken, ``given`` is that
    one as it was given, ``snapshot`` it with the objects of earlier ones where they are no different."""

    facts: ClusterFacts
    given: ClusterSnapshot
    snapshot: ClusterSnapshot
    _tables: Mapping[str, RecordedMapping[Any, Any]]
    _lists: Mapping[str, RecordedSequence[Any]]

    def follows(self, snapshot: ClusterSnapshot, assume: Assumptions) -> ClusterFacts | None:
        """The facts of the next snapshot, when this can go on with it; None when nothing can be kept."""
        if not all(same(getattr(self.snapshot, name), getattr(snapshot, name)) for name in _PLAIN):
            return None
        found = cluster_facts(_with_known(snapshot, self.snapshot), assume)
        kept = same(found.flags, self.facts.flags) and found.minors == self.facts.minors
        return found if kept else None

    def take(self, found: ClusterFacts, given: ClusterSnapshot) -> None:
        """Go on with facts that follow; their differences are noted in the ledger's revision."""
        self.given, self.snapshot = given, found.snapshot
        self._tables["objects"].update(found.snapshot.objects)
        self._lists["materials"].update(found.snapshot.materials)
        self._lists["pods"].update(found.pods)
        for name in _TABLES:
            self._tables[name].update(getattr(found, name))
        for name in _RBAC:
            self._tables[name].update(getattr(found.rbac, name))


def recorded(snapshot: ClusterSnapshot, assume: Assumptions, ledger: Ledger) -> RecordedCluster:
    """The first snapshot of a cluster, its facts noted in ``ledger``."""
    found = cluster_facts(snapshot, assume)
    tables: dict[str, RecordedMapping[Any, Any]] = {
        name: RecordedMapping(ledger, ("fact", snapshot.name, name)) for name in ("objects", *_TABLES, *_RBAC)
    }
    lists: dict[str, RecordedSequence[Any]] = {
        name: RecordedSequence(ledger, ("fact", snapshot.name, name)) for name in ("materials", "pods")
    }
    # A recorded list is no tuple, and is read as one: nothing asks a snapshot's materials for more than their sequence.
    shown = replace(snapshot, objects=tables["objects"], materials=lists["materials"], sources={})  # type: ignore[arg-type]
    rbac: dict[str, Any] = {name: tables[name] for name in _RBAC}
    shown_facts: dict[str, Any] = {name: tables[name] for name in _TABLES}
    shown_facts |= {"snapshot": shown, "rbac": replace(found.rbac, **rbac), "pods": lists["pods"], "memory": ledger}
    facts = replace(found, **shown_facts)
    cluster = RecordedCluster(facts, snapshot, snapshot, tables, lists)
    cluster.take(found, snapshot)
    return cluster


def _with_known(snapshot: ClusterSnapshot, earlier: ClusterSnapshot) -> ClusterSnapshot:
    """The snapshot with the earlier one's objects wherever its own are no different, so that they compare at once."""
    objects = {kind: _known(items, earlier.of(kind)) for kind, items in snapshot.objects.items()}
    materials = earlier.materials if same(snapshot.materials, earlier.materials) else snapshot.materials
    return replace(snapshot, objects=objects, materials=materials)


def _known(items: tuple[Object, ...], earlier: tuple[Object, ...]) -> tuple[Object, ...]:
    if items is earlier:
        return earlier
    old = {_name(item): item for item in earlier}
    found = tuple(_one(item, old.get(_name(item))) for item in items)
    unchanged = len(found) == len(earlier) and all(one is other for one, other in zip(found, earlier, strict=True))
    return earlier if unchanged else found


def _one(item: Object, earlier: Object | None) -> Object:
    return earlier if earlier is not None and same(item, earlier) else item


def _name(item: Object) -> tuple[Any, Any]:
    metadata = item["metadata"]
    return (metadata.get("namespace"), metadata["name"])
