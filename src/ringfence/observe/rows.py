"""Objects of a JSON List taken apart without decoding them whole: most of what they hold repeats or is never read.

The shapes are made from one table of kinds and their fields. An object that has any other field, or another type
somewhere in its metadata, fits none of them and is decoded whole. msgspec checks the syntax of all that it passes over,
but for UTF-8 and the size of numbers: whoever calls sees to those.
"""

import codecs
import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Required, TypedDict, cast

import msgspec

from ringfence.prove import kinds
from ringfence.prove.kinds import Kind

_CHUNK = 1 << 22
_BODY = ("spec", "status")
_FIELDS: Mapping[Kind, tuple[str, ...]] = {
    kinds.POD: _BODY,
    kinds.NAMESPACE: _BODY,
    kinds.SERVICE: _BODY,
    kinds.SERVICE_ACCOUNT: ("secrets", "imagePullSecrets", "automountServiceAccountToken"),
    kinds.ENDPOINTS: ("subsets",),
    kinds.ENDPOINT_SLICE: ("addressType", "endpoints", "ports"),
    kinds.PERSISTENT_VOLUME: _BODY,
    kinds.PERSISTENT_VOLUME_CLAIM: _BODY,
    kinds.RESOURCE_QUOTA: _BODY,
    kinds.LIMIT_RANGE: ("spec",),
    kinds.NETWORK_POLICY: _BODY,
    kinds.INGRESS: _BODY,
    kinds.ROLE: ("rules",),
    kinds.CLUSTER_ROLE: ("aggregationRule", "rules"),
    kinds.ROLE_BINDING: ("roleRef", "subjects"),
    kinds.CLUSTER_ROLE_BINDING: ("roleRef", "subjects"),
}
"""The kinds that are read field by field, and all fields that version v1 of them has besides its metadata. None of them
holds secret values but pods, and no two share a name."""


class Metadata(TypedDict, total=False):
    """What stays of an object's metadata."""

    name: Required[str]
    generateName: str
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]
    ownerReferences: msgspec.Raw
    finalizers: list[str]
    deletionTimestamp: str


class PodStatus(TypedDict, total=False):
    """What stays of a pod's status."""

    phase: Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]
    podIP: str
    podIPs: list[dict[str, str]]
    hostIP: str
    qosClass: Literal["Guaranteed", "Burstable", "BestEffort"]


class Row(msgspec.Struct, tag_field="kind", forbid_unknown_fields=True, gc=False):
    """An object in parts; subclasses have a field for each part of their kind, UNSET where the object has none: text,
    but for the status of pods, no two of which are equal."""

    apiVersion: str  # noqa: N815 - the API's name
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class RowShape:
    """The class of a kind's rows, the ``apiVersion`` that they must have, and their fields besides the metadata."""

    row: type[Row]
    kind: Kind
    api_version: str
    fields: tuple[str, ...]


@functools.cache
def row_shapes() -> tuple[RowShape, ...]:
    """The shapes of all kinds that are read field by field."""
    return tuple(_shape(kind, fields) for kind, fields in _FIELDS.items())


def _shape(kind: Kind, fields: tuple[str, ...]) -> RowShape:
    typed: Mapping[tuple[Kind, str], Any] = {(kinds.POD, "status"): PodStatus}
    parts = [(name, typed.get((kind, name), msgspec.Raw) | msgspec.UnsetType, msgspec.UNSET) for name in fields]
    row = msgspec.defstruct(f"{kind.kind}Row", parts, bases=(Row,), tag=kind.kind, gc=False, forbid_unknown_fields=True)
    return RowShape(cast("type[Row]", row), kind, f"{kind.group}/v1" if kind.group else "v1", fields)


@functools.cache
def row_decoder() -> msgspec.json.Decoder[Any]:
    """Decodes one object into a Row. Raises msgspec.MsgspecError for one that has no shape here."""
    union: Any = functools.reduce(operator.or_, (shape.row for shape in row_shapes()))
    return msgspec.json.Decoder(union)


class ObjectList(msgspec.Struct, gc=False):
    """A List of objects that are still text."""

    apiVersion: str  # noqa: N815 - the API's name
    kind: str
    items: list[msgspec.Raw]
    metadata: msgspec.Raw = msgspec.Raw(b"null")


def split(content: bytes) -> ObjectList | None:
    """The objects of a file that is one JSON List, as text. None for any other file: it has to be decoded whole.

    What is not None is well-formed JSON in UTF-8, but that its numbers may be too large to be any.
    """
    try:
        found = msgspec.json.decode(content, type=ObjectList)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    plain = found.kind.endswith("List") and found.apiVersion.count("/") <= 1
    return found if plain and not found.apiVersion.startswith("ringfence.dev/") and _is_utf8(content) else None


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), _CHUNK):
            decoder.decode(content[start : start + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
