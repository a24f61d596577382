"""External secret stores: what reads which entry of which store, and who may use a store.

Source: the external-secrets.io API, v1. Two objects with the same provider are one store, apart from how it is logged
in to. Two that read different properties of one entry hold different values.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.kinds import Object, ObjectName, object_name
from ringfence.prove.network.selectors import UnreadableError, parse_selector


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a store that an object reads. ``key`` None: those that a search finds; ``part`` None: all of it;
    ``seen``: the store itself is in the snapshot, else ``store`` is only what the object calls it."""

    store: str
    seen: bool
    key: str | None
    part: str | None
    owner: ObjectName

    def is_also(self, other: "Entry") -> bool | None:
        """Whether the two read one value; None where that depends on what a search finds, or on what a store is."""
        if self.key is None or other.key is None:
            return None if self.store == other.store else False
        same = self.key == other.key and (None in (self.part, other.part) or self.part == other.part)
        if not same or (self.store != other.store and self.seen and other.seen):
            return False
        return True if self.store == other.store else None


def entries_of(owned: Territory, facts: ClusterFacts) -> Iterator[Entry]:
    """The entries that a deployment's ExternalSecrets read, and those that are made in its namespaces for it."""
    if not facts.snapshot.of(kinds.EXTERNAL_SECRET) and not facts.snapshot.of(kinds.CLUSTER_EXTERNAL_SECRET):
        return
    stores = _stores(facts)
    for document in facts.snapshot.of(kinds.EXTERNAL_SECRET):
        metadata = document["metadata"]
        if owned.owns(facts.name, metadata["namespace"], metadata.get("labels") or {}):
            place, spec = metadata["namespace"], document.get("spec") or {}
            yield from _entries(facts, stores, spec, place, object_name(facts.name, document))
    for document in facts.snapshot.of(kinds.CLUSTER_EXTERNAL_SECRET):
        spec = document.get("spec") or {}
        for namespace in sorted(owned.whole(facts.name)):
            if _made_in(facts, spec, namespace):
                inner = spec.get("externalSecretSpec") or {}
                yield from _entries(facts, stores, inner, namespace, object_name(facts.name, document))
                break


def _entries(
    facts: ClusterFacts, stores: Mapping[tuple[str, str, str], str], spec: Object, place: str, owner: ObjectName
) -> Iterator[Entry]:
    usual = spec.get("secretStoreRef") or {}
    for item in spec.get("data") or ():
        remote = item.get("remoteRef") or {}
        if remote.get("key"):
            reference = (item.get("sourceRef") or {}).get("storeRef") or usual
            yield _entry(facts, stores, reference, place, owner, str(remote["key"]), remote.get("property"))
    for item in spec.get("dataFrom") or ():
        reference = (item.get("sourceRef") or {}).get("storeRef") or usual
        extract = item.get("extract") or {}
        if extract.get("key"):
            yield _entry(facts, stores, reference, place, owner, str(extract["key"]), extract.get("property"))
        elif item.get("find"):
            yield _entry(facts, stores, reference, place, owner, None, None)


def _entry(
    facts: ClusterFacts,
    stores: Mapping[tuple[str, str, str], str],
    reference: Object,
    place: str,
    owner: ObjectName,
    key: str | None,
    part: object,
) -> Entry:
    kind, name = reference.get("kind") or "SecretStore", reference.get("name") or ""
    where = place if kind == "SecretStore" else ""
    provider = stores.get((kind, where, name))
    called = f"{facts.name}/{kind}/{where}/{name}"
    return Entry(provider or called, provider is not None, key, str(part) if part else None, owner)


def _made_in(facts: ClusterFacts, spec: Object, namespace: str) -> bool:
    selectors = [*(spec.get("namespaceSelectors") or ()), spec.get("namespaceSelector")]
    listed = namespace in (spec.get("namespaces") or ())
    return listed or any(selector is not None and _selected(facts, selector, namespace) for selector in selectors)


def _selected(facts: ClusterFacts, selector: object, namespace: str) -> bool:
    try:
        return parse_selector(selector).matches(facts.namespaces.get(namespace) or {})
    except UnreadableError:
        return False


def _stores(facts: ClusterFacts) -> Mapping[tuple[str, str, str], str]:
    """What each store is, by its kind, namespace and name."""

    def found() -> dict[tuple[str, str, str], str]:
        return {
            (kind.kind, item["metadata"].get("namespace") or "", item["metadata"]["name"]): provider_key(
                (item.get("spec") or {}).get("provider") or {}
            )
            for kind in (kinds.SECRET_STORE, kinds.CLUSTER_SECRET_STORE)
            for item in facts.snapshot.of(kind)
        }

    return facts.memory.once(("secret stores", facts.name), found)


def provider_key(provider: Mapping[str, Any]) -> str:
    """A store's identity: its provider without the authentication block."""
    plain = {
        name: {key: value for key, value in body.items() if key != "auth"} if isinstance(body, dict) else body
        for name, body in provider.items()
    }
    return json.dumps(plain, sort_keys=True, default=str)


def usable(facts: ClusterFacts, store: Object, namespace: str, *, relabelled: bool = False) -> bool:
    """Whether a namespace may use a ClusterSecretStore: it has no conditions, or meets one; ``relabelled``: the
    namespace's labels can be changed first."""
    conditions = (store.get("spec") or {}).get("conditions") or ()
    return not conditions or any(_meets(facts, condition, namespace, relabelled=relabelled) for condition in conditions)


def _meets(facts: ClusterFacts, condition: Object, namespace: str, *, relabelled: bool) -> bool:
    selector = condition.get("namespaceSelector")
    if selector is not None and (relabelled or _selected(facts, selector, namespace)):
        return True
    return namespace in (condition.get("namespaces") or ()) or any(
        _found_by(str(pattern), namespace) for pattern in condition.get("namespaceRegexes") or ()
    )


def _found_by(pattern: str, namespace: str) -> bool:
    """Whether a regular expression is found in a name; one that Python does not read counts as found."""
    try:
        return re.search(pattern, namespace) is not None
    except re.error:
        return True
