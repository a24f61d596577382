"""Takes in the objects of a large JSON List: each field as text first, and decoded only if no equal one was.

Whatever is out of the ordinary (another kind, a field or a type that is not known, an object that the API would refuse,
a name that is there already, pods of the control plane) is left to the way that all other files go, which also words
what is wrong; so what is read here is exactly what that way would read. Decoding everything and comparing afterwards
was rejected: it takes three times as long and four times the memory.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from ringfence.observe.intern import Interner, Part
from ringfence.observe.redact import CONTROL_PLANE, Redactor, strip_annotations
from ringfence.observe.rows import Metadata, PodStatus, Row, RowShape, row_decoder, row_shapes
from ringfence.observe.shelf import Shelf
from ringfence.prove import catalogue
from ringfence.prove.kinds import POD, Kind
from ringfence.prove.snapshot import Material
from ringfence.prove.validity import (
    OWNERS,
    POD_PARTS,
    Check,
    InvalidError,
    Naming,
    anything,
    fields_of,
    labels,
    name_problem,
    namespace_problem,
    naming,
)

_MOST_NAMES = 100_000
_FEW_SPECS = 2_000
_UNSET = msgspec.UNSET


class _LeftError(Exception):
    """An object is left to the other way."""


@dataclass(slots=True)
class _Column:
    """One field of a kind, and the values of it that passed, by their text. ``new`` makes a value of a text that was
    not there before; it raises _LeftError or InvalidError when the value does not pass."""

    name: str
    required: bool
    new: Callable[[bytes], Part]
    known: dict[bytes, Part] = field(default_factory=dict)

    def part(self, content: msgspec.Raw) -> Part:
        """The value that all objects with this text share."""
        text = bytes(content)
        part = self.known.get(text)
        if part is None:
            part = self.known[text] = self.new(text)
        return part


@dataclass(slots=True)
class _Specs(_Column):
    """Whole specs of pods, for as long as they repeat: where volumes are named at random no two pods are equal, only
    their parts are, and remembering whole specs would cost the memory of the file once more."""

    taken: int = 0

    def part(self, content: msgspec.Raw) -> Part:
        """The spec that all pods with this text share, or one that shares its parts only."""
        self.taken += 1
        if len(self.known) > _FEW_SPECS and self.taken < 4 * len(self.known):
            return self.new(bytes(content))
        return _Column.part(self, content)


@dataclass(frozen=True, slots=True)
class _Way:
    """How objects of one kind are taken in. ``bare``: fields of the metadata if there are none besides the name and the
    namespace; ``names``: names that passed."""

    shape: RowShape
    namespaced: bool
    bare: int
    columns: tuple[_Column, ...]
    shelf: Shelf
    rule: Naming
    names: dict[str, str]


class BulkReader:
    """Takes in objects of one cluster, putting them on the shelves of their kinds."""

    def __init__(
        self, redactor: Redactor, interner: Interner, shelf: Callable[[Kind], Shelf], materials: list[Material]
    ) -> None:
        self._redactor = redactor
        self._interner = interner
        self._shelf = shelf
        self._materials = materials
        self._owners = _Column("ownerReferences", False, _checked(OWNERS, required=False))
        self._spaces: dict[str, str] = {}
        self._names: dict[Naming, dict[str, str]] = {}
        self._shapes = {shape.row: shape for shape in row_shapes()}
        self._ways: dict[type[Row], _Way] = {}
        self._row = row_decoder().decode
        self._status = msgspec.json.Decoder(PodStatus).decode
        self._fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def take(self, content: msgspec.Raw, source: str) -> bool:
        """Take in one object; False when it has to go the other way.

        Raises orjson.JSONDecodeError for a number that is too large.
        """
        try:
            row = self._row(content)
            way = self._ways.get(row.__class__) or self._way(row.__class__)
            if row.apiVersion != way.shape.api_version:
                return False
            metadata = row.metadata
            place = self._place(metadata, way)
            if len(metadata) > way.bare:
                self._check_rest(metadata)
            document = {"apiVersion": way.shape.api_version, "kind": way.shape.kind.kind, "metadata": metadata}
            material: tuple[Any, ...] = ()
            if way.shape.kind == POD:
                material = self._add_pod(row, document, way)
            else:
                _add_columns(row, document, way)
        except (msgspec.MsgspecError, InvalidError, _LeftError):
            return False
        if way.shelf.by_name.setdefault(place, document) is not document:
            return False
        way.shelf.put(document, source)
        if material:
            self._materials.extend(self._redactor.named(document, material))
        return True

    def _way(self, row: type[Row]) -> _Way:
        shape = self._shapes[row]
        wanted = fields_of(shape.kind)
        columns: list[_Column] = []
        for name in shape.fields:
            if shape.kind != POD:
                new = _checked(wanted.checks.get(name, anything), required=name in wanted.required)
                columns.append(_Column(name, name in wanted.required, new))
        if shape.kind == POD:
            columns.append(_Specs("spec", True, self._new_spec))
        rule = naming(shape.kind)
        names = self._names.setdefault(rule, {})
        namespaced = catalogue.ENTRIES[shape.kind].namespaced
        way = _Way(shape, namespaced, 1 + namespaced, tuple(columns), self._shelf(shape.kind), rule, names)
        self._ways[row] = way
        return way

    def _place(self, metadata: Metadata, way: _Way) -> tuple[str, str]:
        """The namespace and the name of an object, both valid, its metadata put right as for any object."""
        name = metadata["name"]
        known = way.names.get(name)
        if known is None:
            if name_problem(way.rule, name) is not None:
                raise _LeftError
            if len(way.names) < _MOST_NAMES:
                way.names[name] = name
        else:
            metadata["name"] = known
        if not way.namespaced:
            if "namespace" in metadata:
                raise _LeftError
            return ("", name)
        namespace = metadata.get("namespace") or "default"
        space = self._spaces.get(namespace)
        if space is None:
            if namespace_problem(namespace) is not None:
                raise _LeftError
            space = self._spaces[namespace] = namespace
        metadata["namespace"] = space
        return (space, name)

    def _check_rest(self, metadata: Metadata) -> None:
        found = metadata.get("labels")
        if found is not None:
            labels(found)
        annotations = metadata.get("annotations")
        if annotations is not None:
            strip_annotations(annotations)
        if "ownerReferences" in metadata:
            # What is no longer text here has no type of its own.
            metadata["ownerReferences"] = self._owners.part(metadata["ownerReferences"]).value

    def _add_pod(self, row: Any, document: dict[str, Any], way: _Way) -> tuple[Any, ...]:
        if document["metadata"]["namespace"] == CONTROL_PLANE:
            raise _LeftError
        if row.spec is _UNSET:
            raise _LeftError
        spec = way.columns[0].part(row.spec)
        document["spec"] = spec.value
        if row.status is not _UNSET:
            document["status"] = self._status(row.status)
        return spec.material

    def _new_spec(self, content: bytes) -> Part:
        parts: dict[str, Part] = {}
        for name, text in self._fields(content).items():
            part = parts[name] = self._interner.part(name, bytes(text))
            if part.problem is not None:
                raise part.problem
        material = tuple(parts[name].material for name in POD_PARTS if name in parts and parts[name].material)
        return Part({name: part.value for name, part in parts.items()}, material)


def _add_columns(row: Row, document: dict[str, Any], way: _Way) -> None:
    for column in way.columns:
        content = getattr(row, column.name)
        if content is not _UNSET:
            document[column.name] = column.part(content).value
        elif column.required:
            raise _LeftError


def _checked(check: Check, *, required: bool) -> Callable[[bytes], Part]:
    def new(content: bytes) -> Part:
        value = orjson.loads(content)
        if value is not None:
            check(value)
        elif required:
            raise _LeftError
        return Part(value)

    return new
