"""Possible values: a value is a tuple of alternatives, and what is not known at all is ``ANYTHING``.

``ERROR`` stands for a runtime error (a missing key, a type that does not fit), which CEL's logical operators absorb.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

MOST_ALTERNATIVES = 48


class Mark(Enum):
    """Alternatives that are no values."""

    ERROR = "error"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """An object: ``fields`` that are there, ``maybe`` those that may be, and whether there may be others (``open``),
    of which those that are ``gone`` are not."""

    fields: Mapping[str, "Value"] = field(default_factory=dict)
    maybe: Mapping[str, "Value"] = field(default_factory=dict)
    open: bool = False
    gone: frozenset[str] = frozenset()

    def may_have(self, name: str) -> bool:
        """May a field be there that is not among ``fields``?"""
        return name in self.maybe or (self.open and name not in self.gone)


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """A list. ``exact``: just these items. Otherwise any list that has, for each of ``needs``, one of its values."""

    items: tuple["Value", ...] = ()
    exact: bool = True
    needs: tuple[tuple["Value", ...], ...] = ()


Atom: TypeAlias = "str | int | float | bool | Mark | Shape | Items | None"
Value: TypeAlias = tuple[Atom, ...]
ERROR: Value = (Mark.ERROR,)
ANYTHING: Value = (Mark.ANYTHING,)
TRUE: Value = (True,)
FALSE: Value = (False,)
BOTH: Value = (True, False)
ANY_TRUTH: Value = (True, False, Mark.ERROR)


def joined(values: Iterable[Value]) -> Value:
    """Every alternative of several values; too many become anything."""
    found: list[Atom] = []
    for value in values:
        for atom in value:
            if not any(same(atom, other) for other in found):
                found.append(atom)
    if Mark.ANYTHING in found or len(found) > MOST_ALTERNATIVES:
        return ANYTHING
    return tuple(found)


def same(one: Atom, other: Atom) -> bool:
    """Are two alternatives one and the same? ``True`` is not 1."""
    if isinstance(one, (Shape, Items, Mark)) or isinstance(other, (Shape, Items, Mark)):
        return one is other
    return type(one) is type(other) and one == other


def known(raw: Any) -> Value:
    """A value that is known as a whole, from JSON. A null field counts as absent, as it does for the API."""
    if isinstance(raw, Mapping):
        return (Shape({str(key): known(value) for key, value in raw.items() if value is not None}),)
    if isinstance(raw, (list, tuple)):
        return (Items(tuple(known(value) for value in raw)),)
    if raw is None or isinstance(raw, (str, int, float, bool)):
        return (raw,)
    return ANYTHING


def truths(value: Value) -> frozenset[bool | Mark]:
    """What a value can be as a condition: true, false, or an error for anything that is no boolean."""
    found: set[bool | Mark] = set()
    for atom in value:
        if isinstance(atom, bool):
            found.add(atom)
        elif atom is Mark.ANYTHING:
            found |= {True, False, Mark.ERROR}
        else:
            found.add(Mark.ERROR)
    return frozenset(found)


def truth_value(found: Iterable[bool | Mark]) -> Value:
    """A condition's possible outcomes as a value, in a fixed order."""
    outcomes = set(found)
    return tuple(atom for atom in ANY_TRUTH if any(same(atom, other) for other in outcomes))
