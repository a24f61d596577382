"""Reading typed fields out of a document's nodes, with errors that point at the value and say what would be right.

One reader per mapping: it hands out the keys it is asked for, and ``close`` refuses what nobody asked for, with the
nearest right spelling. Schema libraries were rejected: they lose line numbers or take longer to import than to plan.
"""

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from ringfence.base.document import Block, Entry, Node, Scalar, Sequence
from ringfence.base.errors import InputError, Location
from ringfence.base.quantity import parse_quantity
from ringfence.base.text import nearest, suggestion

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,12})?")
_WHOLE = re.compile(r"[0-9]{1,9}")
LONGEST_NAME = 63
"""Characters of a DNS label (RFC 1123), the names of namespaces."""

_LARGEST_QUANTITY = Fraction(2**63 - 1)
_FINEST = Fraction(1, 10**9)

_E = TypeVar("_E", bound=StrEnum)
_T = TypeVar("_T")
_D = TypeVar("_D")

API_VERSION = "ringfence.dev/v1"


def short(text: str) -> str:
    """``text`` quoted and cut to what fits in a message."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def describe(node: Node) -> str:
    """What a node is, in a word, for an error."""
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Block):
        return "a mapping"
    return "nothing" if node.null else short(node.text)


def wrong(node: Node, path: str, expected: str, hint: str | None = None) -> InputError:
    """The error that ``path`` should hold ``expected`` but holds something else."""
    return InputError(f"{path} must be {expected}, not {describe(node)}", location=node.location, hint=hint)


def text(node: Node, path: str) -> str:
    """A non-empty string; a plain number keeps its spelling."""
    if not isinstance(node, Scalar) or node.null or node.text.strip() == "":
        raise wrong(node, path, "a text")
    if node.boolean is not None:
        raise wrong(node, path, "a text", f'write "{node.text}" in quotes if that is the text')
    return node.text


def name(node: Node, path: str) -> str:
    """A DNS label (RFC 1123): what Kubernetes allows as the name of a namespace."""
    value = text(node, path)
    if len(value) > LONGEST_NAME:
        raise InputError(
            f"{path} has {len(value)} characters; names have {LONGEST_NAME} at most", location=node.location
        )
    if not _NAME.fullmatch(value):
        better = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
        raise InputError(
            f"{path} is {short(value)}; names have lower-case letters, digits and dashes, and begin and end with a "
            "letter or digit",
            location=node.location,
            hint=f"write {better!r}" if better else None,
        )
    return value


def boolean(node: Node, path: str) -> bool:
    """``true`` or ``false`` (YAML 1.2 core)."""
    value = node.boolean if isinstance(node, Scalar) else None
    if value is None:
        raise wrong(node, path, "true or false")
    return value


def whole(node: Node, path: str, *, least: int, most: int) -> int:
    """A whole number within bounds, both included."""
    value = node.text if isinstance(node, Scalar) else ""
    if not _WHOLE.fullmatch(value) or not least <= int(value) <= most:
        raise wrong(node, path, f"a whole number from {least} to {most}")
    return int(value)


def number(node: Node, path: str, *, what: str = "a number, 0 or more, such as 110 or 99.50") -> Fraction:
    """An exact decimal, not negative."""
    value = node.text.replace("_", "") if isinstance(node, Scalar) else ""
    if not _NUMBER.fullmatch(value):
        raise wrong(node, path, what)
    return Fraction(value)


def quantity(node: Node, path: str, *, positive: bool = False) -> Fraction:
    """A Kubernetes quantity, not negative; finer than a billionth is rounded up, as the API server does."""
    if not isinstance(node, Scalar) or node.null:
        raise wrong(node, path, "a Kubernetes quantity such as 500m, 2 or 4Gi")
    try:
        value = parse_quantity(node.text)
    except ValueError as error:
        raise InputError(f"{path}: {error}", location=node.location) from error
    if value < 0 or (positive and value == 0) or value > _LARGEST_QUANTITY:
        bound = "more than 0" if positive else "0 or more"
        raise InputError(f"{path} must be {bound} and below 2^63, not {short(node.text)}", location=node.location)
    if (value / _FINEST).denominator != 1:
        value = -(-value // _FINEST) * _FINEST
    return value


def choice(node: Node, path: str, kind: type[_E]) -> _E:
    """One of the words of an enumeration."""
    options = [member.value for member in kind]
    value = node.text if isinstance(node, Scalar) else ""
    if value not in options:
        near = nearest(value, options)
        raise wrong(node, path, f"one of {', '.join(options)}", f"did you mean {near!r}?" if near else None)
    return kind(value)


def items(node: Node, path: str, read: Callable[[Node, str], _T]) -> tuple[_T, ...]:
    """A list, each item read with its own path; nothing written is an empty list."""
    if isinstance(node, Scalar) and node.null:
        return ()
    if not isinstance(node, Sequence):
        raise wrong(node, path, "a list", "write it as [a, b] or with a dash before each item")
    return tuple(read(item, f"{path}[{index}]") for index, item in enumerate(node.items))


def one_or_more(node: Node, path: str, read: Callable[[Node, str], _T]) -> tuple[_T, ...]:
    """A value or a list of values."""
    if isinstance(node, Sequence):
        if not node.items:
            raise wrong(node, path, "a value or a list of values", "an empty list selects nothing; leave the key out")
        return items(node, path, read)
    return (read(node, path),)


class Fields:
    """The keys of one mapping, handed out one by one."""

    def __init__(self, node: Node, path: str) -> None:
        if isinstance(node, Scalar) and node.null:
            node = Block({}, node.location)
        if not isinstance(node, Block):
            raise wrong(node, path or "the document", "a mapping of keys to values")
        self.location: Location = node.location
        self.path = path
        self._entries = dict(node.entries)
        self._known: list[str] = []

    def at(self, key: str) -> str:
        """The path of a key, for messages."""
        return f"{self.path}.{key}" if self.path else key

    def get(self, key: str) -> Node | None:
        """The value of an optional key; None when it is not written."""
        self._known.append(key)
        entry = self._entries.pop(key, None)
        return None if entry is None else entry.value

    def need(self, key: str, like: str) -> Node:
        """The value of a key that must be there; ``like`` shows what to write."""
        node = self.get(key)
        if node is None:
            near = suggestion(key, self._entries) if self._entries else ""
            near = near if near.startswith("did you mean") else ""
            found = near.removeprefix("did you mean ").rstrip("?")
            raise InputError(
                f"{self.at(key)} is missing" + (f"; {found} stands there instead" if near else ""),
                location=self._entries[found.strip("'")].key.location if near else self.location,
                hint=f"write {like}",
            )
        return node

    def read(self, key: str, read: Callable[[Node, str], _T], default: _D) -> _T | _D:
        """The value of an optional key, read; ``default`` when it is not written."""
        node = self.get(key)
        return default if node is None else read(node, self.at(key))

    def rest(self) -> Iterable[Entry]:
        """Every key not asked for yet, for mappings whose keys are the user's names."""
        entries = list(self._entries.values())
        self._entries.clear()
        return entries

    def close(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key, entry in self._entries.items():
            raise InputError(
                f"{self.path or 'the document'} has no key {short(key)}",
                location=entry.key.location,
                reason="UnknownKey",
                hint=suggestion(key, self._known) or None,
            )


def expect(document: Fields, kind: str) -> None:
    """Refuse a document of another kind or version."""
    for key, expected in (("apiVersion", API_VERSION), ("kind", kind)):
        node = document.need(key, f"{key}: {expected}")
        found = text(node, key)
        if found != expected:
            hint = f"write {key}: {expected}" + (", if that is what this file is" if key == "kind" else "")
            raise InputError(f"{key} is {short(found)}, not {expected}", location=node.location, hint=hint)
