"""Documents into a ClusterSnapshot: lists are opened, names made unique, and what cannot count becomes a Defect."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from ringfence.observe.hashing import HashingKey
from ringfence.observe.intern import Interner
from ringfence.observe.redact import CONTROL_PLANE, Redactor, strip
from ringfence.observe.shelf import Filed, Shelf, Sources
from ringfence.prove import catalogue, kinds
from ringfence.prove.kinds import Kind, ObjectName
from ringfence.prove.snapshot import UNKNOWN_KIND, ClusterSnapshot, Defect, Material, MaterialKind, NotListed
from ringfence.prove.validity import InvalidError, check_object

if TYPE_CHECKING:
    from ringfence.observe.bulk import BulkReader
    from ringfence.observe.rows import ObjectList

_OWN = "ringfence.dev/v1"
# Groups whose only served version is v1 in every supported Kubernetes (deprecation guide of the API, 1.33).
_V1_ONLY = frozenset({"", "apps", "batch", "rbac.authorization.k8s.io"})
_NO_OBJECTS = frozenset({"kustomize.config.k8s.io", "client.authentication.k8s.io", "kubectl.config.k8s.io"})
_DEEPEST_LIST = 8


class Collector:
    """Gathers the objects of one cluster from documents; ``finish`` gives the snapshot."""

    def __init__(self, name: str, key: HashingKey, context: str = "", version: str | None = None) -> None:
        self._name = name
        self._context = context
        self._version = version
        self._issuer: str | None = None
        self._signing_keys: tuple[str, ...] = ()
        self._redactor = Redactor(name, key)
        self._interner = Interner(self._redactor.redact_part)
        self._shelves: dict[Kind, Shelf] = {}
        self._not_listed: list[NotListed] = []
        self._defects: list[Defect] = []
        self._materials: list[Material] = []
        self._bulk: BulkReader | None = None

    def add(self, document: Any, source: str = "") -> None:
        """Take in one document: an object, a list of them, or a marker of this program."""
        self._add(document, source, 0)

    def add_list(self, found: "ObjectList", source: str) -> None:
        """Take in a List whose objects are still text; to the same effect as ``add`` of the whole List.

        Raises orjson.JSONDecodeError for a number that is too large: whatever was added before, this Collector is of
        no more use then.
        """
        if self._bulk is None:
            from ringfence.observe.bulk import BulkReader

            self._bulk = BulkReader(self._redactor, self._interner, self._shelf, self._materials)
        inner = found.kind.removesuffix("List")
        if inner:
            self._cut_off(orjson.loads(bytes(found.metadata)), found.apiVersion, inner)
        for content in self._bulk.take(found.items, source):
            self._add_item(orjson.loads(bytes(content)), found.apiVersion, inner, source, 0)

    def miss(self, marker: NotListed) -> None:
        """Remember that something could not be listed."""
        self._not_listed.append(marker)

    def doubt(self, defect: Defect) -> None:
        """Remember something that may hold objects and was not read."""
        self._defects.append(defect)

    def finish(self) -> ClusterSnapshot:
        """The snapshot of everything that was added. The Collector holds no objects afterwards."""
        filed = {
            kind: Filed(tuple(shelf.objects), tuple(shelf.runs))
            for kind, shelf in self._shelves.items()
            if shelf.objects
        }
        self._shelves, self._bulk = {}, None
        return ClusterSnapshot(
            name=self._name,
            objects={kind: one.objects for kind, one in filed.items()},
            not_listed=tuple(dict.fromkeys(self._not_listed)),
            defects=tuple(dict.fromkeys(self._defects)),
            materials=tuple(self._materials),
            context=self._context,
            version=self._version,
            issuer=self._issuer,
            signing_keys=self._signing_keys,
            sources=Sources(self._name, tuple(filed.values())),
        )

    def _add(self, document: Any, source: str, depth: int) -> None:
        if isinstance(document, list) and depth < _DEEPEST_LIST:
            for item in document:
                self._add(item, source, depth + 1)
            return
        if not isinstance(document, dict):
            self._defect(Kind("", ""), "", source, "not a Kubernetes object")
            return
        version, word = document.get("apiVersion"), document.get("kind")
        if not isinstance(version, str) or not isinstance(word, str) or not word or version.count("/") > 1:
            self._defect(
                Kind("", str(word or "")[:80]), "", source, "not a Kubernetes object: apiVersion and kind needed"
            )
            return
        if version == _OWN and self._own(document, word, source):
            return
        if word.endswith("List") and isinstance(document.get("items"), list):
            self._add_list(document, version, word, source, depth)
        elif word == "Status" and version == "v1":
            self._add_status(document)
        else:
            self._add_object(document, source)

    def _add_list(self, document: dict[str, Any], version: str, word: str, source: str, depth: int) -> None:
        inner = word.removesuffix("List")
        if depth >= _DEEPEST_LIST:
            self._defect(Kind("", word), "", source, "lists nested too deeply")
            return
        if inner:
            self._cut_off(document.get("metadata"), version, inner)
        for item in document["items"]:
            self._add_item(item, version, inner, source, depth)

    def _cut_off(self, metadata: Any, version: str, inner: str) -> None:
        if isinstance(metadata, dict) and metadata.get("continue"):
            entry = catalogue.ENTRIES.get(Kind.of({"apiVersion": version, "kind": inner}))
            self.miss(NotListed(entry.resource if entry else inner.lower() + "s", None, "the list was cut off"))

    def _add_item(self, item: Any, version: str, inner: str, source: str, depth: int) -> None:
        if inner and isinstance(item, dict):
            item.setdefault("apiVersion", version)
            item.setdefault("kind", inner)
        self._add(item, source, depth + 1)

    def _add_status(self, document: Mapping[str, Any]) -> None:
        """An API server's refusal that was written where objects should be."""
        details = document.get("details")
        resource = details.get("kind") if isinstance(details, dict) else None
        reason = document.get("reason")
        self.miss(NotListed(str(resource or "*"), None, str(reason or "the API server answered with a failure")))

    def _own(self, document: Mapping[str, Any], word: str, source: str) -> bool:
        """Take in an object of Ringfence's own; False when it is one that nobody knows."""
        spec = document.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        if word == "NotListed":
            namespace = spec.get("namespace")
            self.miss(
                NotListed(
                    str(spec.get("resource") or "*"),
                    namespace if isinstance(namespace, str) and namespace else None,
                    str(spec.get("reason") or "not listed"),
                )
            )
        elif word == "Defect":
            kind = Kind(str(spec.get("group") or ""), str(spec.get("kind") or ""))
            self._defect(kind, str(spec.get("namespace") or ""), str(spec.get("name") or ""), str(spec.get("problem")))
        elif word == "Materials":
            self._own_materials(spec, source)
        elif word == "ClusterFacts":
            self._own_facts(spec)
        else:
            return word in ("Partition", "Landscape", "Topology", "Proof", "NodePools")
        return True

    def _own_facts(self, spec: Mapping[str, Any]) -> None:
        """What ``ringfence snapshot`` learned of the cluster besides its objects."""
        version, issuer, keys = spec.get("version"), spec.get("issuer"), spec.get("signingKeys")
        self._version = version if isinstance(version, str) and version else self._version
        self._issuer = issuer if isinstance(issuer, str) and issuer else self._issuer
        if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
            self._signing_keys = tuple(keys)

    def _own_materials(self, spec: Mapping[str, Any], source: str) -> None:
        key = str(spec.get("key") or "")
        rows = spec.get("materials") or []
        for row in rows if isinstance(rows, list) else [rows]:
            try:
                owner = ObjectName(self._name, str(row["kind"]), str(row.get("namespace") or ""), str(row["name"]))
                about = {str(name): str(value) for name, value in (row.get("about") or {}).items()}
                material = Material(
                    owner,
                    str(row["place"]),
                    str(row["digest"]),
                    MaterialKind(row["type"]),
                    int(row["bits"]),
                    about,
                    key,
                )
            except (KeyError, TypeError, ValueError, AttributeError):
                self._defect(kinds.SECRET, "", source, "a row of Materials that cannot be read")
                continue
            self._materials.append(material)

    def _add_object(self, document: dict[str, Any], source: str) -> None:
        kind = Kind.of(document)
        metadata = document.get("metadata")
        if kind.group in _NO_OBJECTS:
            return
        if not isinstance(metadata, dict):
            self._defect(kind, "", source, "metadata must be an object")
            return
        entry = catalogue.ENTRIES.get(kind)
        namespace = metadata.get("namespace")
        name = metadata.get("name")
        label = (namespace if isinstance(namespace, str) else "", name if isinstance(name, str) else source)
        if entry is None:
            self._defect(kind, *label, UNKNOWN_KIND)
            return
        if kind.group in _V1_ONLY and document["apiVersion"] not in ("v1", f"{kind.group}/v1"):
            self._defect(kind, *label, f"the API has no version {document['apiVersion']}")
            return
        if entry.namespaced and namespace in (None, ""):
            metadata["namespace"] = "default"
        elif not entry.namespaced and namespace:
            metadata.pop("namespace")
        try:
            # The control plane's own pods are few, and their command lines must stay.
            shared = kind == kinds.POD and type(document.get("spec")) is dict and namespace != CONTROL_PLANE
            parts = self._interner.intern(document["spec"]) if shared else []
            check_object(kind, document, parts_checked=shared)
            # Compared before values are taken out: two Secrets of one name that differ are two answers.
            if not self._first(kind, document):
                return
            if shared:
                strip(kind, document)
                self._materials.extend(self._redactor.named(document, parts))
            else:
                self._materials.extend(self._redactor.redact(kind, document))
        except InvalidError as error:
            self._defect(kind, *label, f"the API would refuse it: {error}")
            return
        self._shelf(kind).put(document, source)

    def _shelf(self, kind: Kind) -> Shelf:
        found = self._shelves.get(kind)
        if found is None:
            found = self._shelves[kind] = Shelf()
        return found

    def _first(self, kind: Kind, document: Mapping[str, Any]) -> bool:
        metadata = document["metadata"]
        place = (metadata.get("namespace") or "", metadata["name"])
        earlier = self._shelf(kind).by_name.setdefault(place, document)
        if earlier is document:
            return True
        if not _same(earlier, document):
            self._defect(kind, *place, "there twice, and the two differ")
        return False

    def _defect(self, kind: Kind, namespace: str, name: str, problem: str) -> None:
        self._defects.append(Defect(kind, namespace, name, problem))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Equal but for values that were taken out of the first (then only keys are compared)."""
    ignored = ("metadata", "status", "data", "stringData", "binaryData")
    plain = all(one.get(key) == other.get(key) for key in {*one, *other} if key not in ignored)
    labels = (one["metadata"].get("labels") or {}) == (other["metadata"].get("labels") or {})
    held = all(_keys(one.get(key)) == _keys(other.get(key)) for key in ("data", "stringData", "binaryData"))
    return plain and labels and held


def _keys(held: Any) -> Any:
    return set(held) if isinstance(held, dict) else held or set()
