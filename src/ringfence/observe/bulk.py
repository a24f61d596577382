"""Takes in the objects of a large JSON List: each field as text first, and decoded only if no equal one was.

Whatever is out of the ordinary (another kind, a field or a type that is not known, an object that the API would refuse,
a name that is there already, pods of the control plane) is left to the way that all other files go, which also words
what is wrong; so what is read here is exactly what that way would read. Decoding everything and comparing afterwards
was rejected: it takes three times as long and four times the memory.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import msgspec
import orjson
from msgspec.structs import astuple

from ringfence.observe.intern import Interner, Part
from ringfence.observe.redact import CONTROL_PLANE, Redactor, strip_annotations
from ringfence.observe.rows import Metadata, Row, RowShape, row_decoder, row_shapes
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
_New: TypeAlias = Callable[[bytes], Any]
_Take: TypeAlias = Callable[[Row], bool]


class _LeftError(Exception):
    """An object is left to the other way."""


class BulkReader:
    """Takes in objects of one cluster, putting them on the shelves of their kinds."""

    def __init__(
        self, redactor: Redactor, interner: Interner, shelf: Callable[[Kind], Shelf], materials: list[Material]
    ) -> None:
        self._redactor = redactor
        self._interner = interner
        self._shelf = shelf
        self._materials = materials
        self._owners = _memo({}, _checked(OWNERS, required=False))
        self._spaces: dict[str, str] = {}
        self._names: dict[Naming, dict[str, str]] = {naming: {} for naming in Naming}
        self._takes: dict[type[Row], _Take] = {}
        self._shapes = {shape.row: shape for shape in row_shapes()}
        self._fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def take(self, contents: Iterable[msgspec.Raw], source: str) -> Iterator[msgspec.Raw]:
        """Take in objects of the file ``source`` in their order; yields each that has to go the other way, then.

        Raises orjson.JSONDecodeError for a number that is too large.
        """
        decode, takes = row_decoder().decode, self._takes
        for shape in self._shapes.values():
            if shape.row in takes:
                self._shelf(shape.kind).start(source)
        for content in contents:
            try:
                row = decode(content)
                take = takes.get(row.__class__) or self._start(row, source)
                if take(row):
                    continue
            except (msgspec.MsgspecError, InvalidError, _LeftError):
                pass
            yield content

    def _start(self, row: Row, source: str) -> _Take:
        """The way to take in objects of a kind that comes for the first time."""
        shape = self._shapes[row.__class__]
        self._shelf(shape.kind).start(source)
        take = self._takes[row.__class__] = self._pods(shape) if shape.kind == POD else self._plain(shape)
        return take

    def _plain(self, shape: RowShape) -> _Take:
        wanted, shelf = fields_of(shape.kind), self._shelf(shape.kind)
        columns = tuple(
            (number, name, _memo({}, _checked(wanted.checks.get(name, anything), required=name in wanted.required)))
            for number, name in enumerate(shape.fields, 2)
        )
        required = frozenset(wanted.required)
        place_of, first, put = self._placing(shape), shelf.by_name.setdefault, shelf.objects.append
        version, word = shape.api_version, shape.kind.kind

        def take(row: Row) -> bool:
            values = astuple(row)
            if values[0] != version:
                return False
            metadata = values[1]
            place = place_of(metadata)
            document = {"apiVersion": version, "kind": word, "metadata": metadata}
            for number, name, value_of in columns:
                content = values[number]
                if content is not _UNSET:
                    document[name] = value_of(content)
                elif name in required:
                    return False
            if first(place, document) is not document:
                return False
            put(document)
            return True

        return take

    def _pods(self, shape: RowShape) -> _Take:
        place_of, spec_of, shelf = self._placing(shape), _Specs(self._new_spec).part, self._shelf(shape.kind)
        first, put = shelf.by_name.setdefault, shelf.objects.append

        def take(row: Row) -> bool:
            api_version, metadata, spec, status = astuple(row)
            if api_version != "v1" or spec is _UNSET:
                return False
            place = place_of(metadata)
            if place[0] == CONTROL_PLANE:
                return False
            part = spec_of(spec)
            document = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": part.value}
            if status is not _UNSET:
                document["status"] = status
            if first(place, document) is not document:
                return False
            put(document)
            if part.material:
                self._materials.extend(self._redactor.named(document, part.material))
            return True

        return take

    def _placing(self, shape: RowShape) -> Callable[[Metadata], tuple[str, str]]:
        """What gives the namespace and the name of an object, both valid, and puts its metadata right."""
        names, spaces, rule = self._names[naming(shape.kind)], self._spaces, naming(shape.kind)
        namespaced = catalogue.ENTRIES[shape.kind].namespaced
        bare = 1 + namespaced

        def place(metadata: Metadata) -> tuple[str, str]:
            name = metadata["name"]
            known = names.get(name)
            if known is None:
                _remember(names, name, name_problem(rule, name))
            else:
                metadata["name"] = name = known
            space = ""
            if namespaced:
                space = metadata.get("namespace") or "default"
                known = spaces.get(space)
                if known is None:
                    _remember(spaces, space, namespace_problem(space))
                else:
                    space = known
                metadata["namespace"] = space
            elif "namespace" in metadata:
                raise _LeftError
            if len(metadata) > bare:
                self._check_rest(metadata)
            return (space, name)

        return place

    def _check_rest(self, metadata: Metadata) -> None:
        found = metadata.get("labels")
        if found is not None:
            labels(found)
        annotations = metadata.get("annotations")
        if annotations is not None:
            strip_annotations(annotations)
        if "ownerReferences" in metadata:
            # What is no longer text here has no type of its own.
            metadata["ownerReferences"] = self._owners(metadata["ownerReferences"])

    def _new_spec(self, content: bytes) -> Part:
        parts: dict[str, Part] = {}
        for name, text in self._fields(content).items():
            part = parts[name] = self._interner.part(name, bytes(text))
            if part.problem is not None:
                raise part.problem
        material = tuple(parts[name].material for name in POD_PARTS if name in parts and parts[name].material)
        return Part({name: part.value for name, part in parts.items()}, material)


class _Specs:
    """Whole specs of pods, for as long as they repeat: where volumes are named at random no two pods are equal, only
    their parts are, and remembering whole specs would cost the memory of the file once more."""

    def __init__(self, new: Callable[[bytes], Part]) -> None:
        self._new = new
        self._known: dict[bytes, Part] = {}
        self._taken = 0

    def part(self, content: msgspec.Raw) -> Part:
        """The spec that all pods with this text share, or one that shares its parts only."""
        self._taken += 1
        text = bytes(content)
        part = self._known.get(text)
        if part is None:
            part = self._new(text)
            if len(self._known) < _FEW_SPECS or self._taken > 4 * len(self._known):
                self._known[text] = part
        return part


def _memo(known: dict[bytes, Any], new: _New) -> Callable[[msgspec.Raw], Any]:
    """What gives the one value of all equal texts; it is made, and checked, of the first."""
    get = known.get

    def value_of(content: msgspec.Raw) -> Any:
        text = bytes(content)
        value = get(text, _UNSET)
        if value is _UNSET:
            value = known[text] = new(text)
        return value

    return value_of


def _checked(check: Check, *, required: bool) -> _New:
    """What makes a value of its text. Raises _LeftError or InvalidError for a value that does not pass."""

    def new(content: bytes) -> Any:
        value = orjson.loads(content)
        if value is not None:
            check(value)
        elif required:
            raise _LeftError
        return value

    return new


def _remember(names: dict[str, str], name: str, problem: InvalidError | None) -> None:
    if problem is not None:
        raise _LeftError
    if len(names) < _MOST_NAMES:
        names[name] = name
