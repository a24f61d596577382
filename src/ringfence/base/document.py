"""YAML and JSON text with the line and column of every value, for everything that people write.

Nodes, not Python objects: an error about a value must be able to point at it, and a number must keep its spelling
(``0.1`` is exact until somebody asks for a float). Reading straight into models was rejected for that reason.
The reader refuses what makes one text mean two things: duplicate keys, tabs for indentation, several documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ringfence.base.errors import Location


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string, number, boolean or null; ``text`` is its spelling, ``plain`` False when it was quoted."""

    text: str
    plain: bool
    location: Location


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value."""

    key: Scalar
    value: "Node"


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping, in the order written."""

    entries: Mapping[str, Entry]
    location: Location


Node: TypeAlias = Scalar | Sequence | Block


def read_document(path: Path) -> Node:
    """The one document in a file. Raises InputError with a location for anything that is not one YAML document."""
    raise NotImplementedError(path)


def parse_document(text: str, file: str) -> Node:
    """The one document in ``text``; ``file`` is the name that errors show."""
    raise NotImplementedError(text, file)
