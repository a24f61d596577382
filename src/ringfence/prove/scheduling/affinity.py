"""nodeSelector and required node affinity.

Source: core/v1 NodeSelector types and the scheduler's node affinity helper. Terms are alternatives; the conditions of
a term must all hold; an empty term matches no node. Gt and Lt compare whole numbers of 64 bits, and a label that is
none never matches. matchFields knows metadata.name only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LABEL_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"})
FIELD_OPERATORS = frozenset({"In", "NotIn"})
_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class NodeCondition:
    """One condition on a label, or on the node's name."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Does a node with these labels meet it?"""
        value = labels.get(self.key)
        if self.operator in {"Exists", "DoesNotExist"}:
            return (value is not None) == (self.operator == "Exists")
        if self.operator == "In":
            return value is not None and value in self.values
        if self.operator == "NotIn":
            return value is None or value not in self.values
        return value is not None and self._compares(value)

    def _compares(self, value: str) -> bool:
        its, mine = signed_number(value), signed_number(self.values[0])
        if its is None or mine is None:
            return False
        return its > mine if self.operator == "Gt" else its < mine

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.key} {self.operator}" + (f" ({', '.join(self.values)})" if self.values else "")


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """Conditions that must all hold. ``broken`` is a term that the scheduler cannot read: it matches nothing."""

    labels: tuple[NodeCondition, ...] = ()
    fields: tuple[NodeCondition, ...] = ()
    broken: bool = False

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Does a node match the term? The empty term matches none."""
        if self.broken or not (self.labels or self.fields):
            return False
        named = {"metadata.name": name}
        return all(part.matches(labels) for part in self.labels) and all(part.matches(named) for part in self.fields)


def signed_number(text: str) -> int | None:
    """A whole number of 64 bits with or without a sign, as Go's ParseInt in base 10 reads it; None for others."""
    digits = text[1:] if text[:1] in {"+", "-"} else text
    if not (digits.isascii() and digits.isdigit()) or len(digits.lstrip("0")) > 20:
        return None
    number = -int(digits) if text[0] == "-" else int(digits)
    return number if -_LIMIT <= number < _LIMIT else None
