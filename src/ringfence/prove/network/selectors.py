"""Label selectors, compiled once and matched often.

Source: LabelSelector in the API's meta/v1 types. ``NotIn`` and ``DoesNotExist`` match when the key is absent. The
empty selector matches everything; a selector that is missing is decided by its owner, so ``None`` is not one here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})
_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII
)
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_SELECTOR_FIELDS = frozenset({"matchLabels", "matchExpressions"})
_EXPRESSION_FIELDS = frozenset({"key", "operator", "values"})


class UnreadableError(ValueError):
    """An object that the API server would refuse; the message says what is wrong, without values of secrets."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label key; ``values`` is empty for Exists and DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Does a set of labels meet the condition?"""
        present = self.key in labels
        if self.operator == "In":
            return present and labels[self.key] in self.values
        if self.operator == "NotIn":
            return not present or labels[self.key] not in self.values
        return present if self.operator == "Exists" else not present

    def __str__(self) -> str:
        """As people write it: ``tier In (db, web)``."""
        return f"{self.key} {self.operator}" + (f" ({', '.join(sorted(self.values))})" if self.values else "")


@dataclass(frozen=True, slots=True)
class Selector:
    """All of these requirements must hold; none at all matches everything."""

    requirements: frozenset[Requirement]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Does a set of labels meet every requirement?"""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def satisfiable(self) -> bool:
        """Is there any set of labels at all that this selector matches?"""
        by_key: dict[str, list[Requirement]] = {}
        for requirement in self.requirements:
            by_key.setdefault(requirement.key, []).append(requirement)
        return all(_satisfiable(requirements) for requirements in by_key.values())

    @property
    def keys(self) -> frozenset[str]:
        """The label keys that decide."""
        return frozenset(requirement.key for requirement in self.requirements)

    def __str__(self) -> str:
        """As people write it, in a fixed order."""
        return ", ".join(sorted(str(requirement) for requirement in self.requirements)) or "everything"


EVERYTHING = Selector(frozenset())


def _satisfiable(requirements: list[Requirement]) -> bool:
    """Can one key meet all these requirements: by being absent, by a listed value, or by a value nobody lists?"""
    listed = {value for requirement in requirements for value in requirement.values}
    key = requirements[0].key
    candidates: list[dict[str, str]] = [{}, {key: "\0"}, *({key: value} for value in listed)]
    return any(all(requirement.matches(labels) for requirement in requirements) for labels in candidates)


def parse_selector(raw: object) -> Selector:
    """A selector from its JSON form; ``None`` and ``{}`` both match everything.

    Raises UnreadableError for what the API server would refuse: unknown operators, values where there may be none,
    fields that it does not have (dropping ``app: web`` beside ``matchLabels`` would match everything).
    """
    body = _mapping(raw, "a label selector")
    only(body, _SELECTOR_FIELDS, "a label selector")
    found: set[Requirement] = set()
    for key, value in parse_labels(body.get("matchLabels"), "matchLabels").items():
        _check_label(key, value)
        found.add(Requirement(key, "In", frozenset({value})))
    for expression in parse_list(body.get("matchExpressions"), "matchExpressions"):
        found.add(_parse_expression(_mapping(expression, "a match expression")))
    return Selector(frozenset(found))


def _parse_expression(body: Mapping[str, Any]) -> Requirement:
    only(body, _EXPRESSION_FIELDS, "a match expression")
    key, operator = body.get("key"), body.get("operator")
    values = parse_list(body.get("values"), "values")
    if not isinstance(key, str) or not key:
        raise UnreadableError("a match expression needs a key")
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise UnreadableError(f"the operator {operator!r} is not one of {', '.join(sorted(OPERATORS))}")
    if not all(isinstance(value, str) for value in values):
        raise UnreadableError(f"the values of {key} must be strings")
    _check_label(key, *values)
    if bool(values) != (operator in {"In", "NotIn"}):
        raise UnreadableError(f"{operator} on {key} {'needs values' if not values else 'takes no values'}")
    return Requirement(key, str(operator), frozenset(values))


def parse_labels(raw: object, what: str = "labels") -> Mapping[str, str]:
    """Labels from their JSON form, not copied. Raises UnreadableError where a key or value is no string."""
    body = _mapping(raw, what)
    for key, value in body.items():
        if type(key) is not str or type(value) is not str:
            raise UnreadableError(f"{what} must be strings")
    return body


def _check_label(key: str, *values: str) -> None:
    if not _KEY.fullmatch(key) or not all(_VALUE.fullmatch(value) for value in values):
        raise UnreadableError(f"a selector on {key[:64]!r} asks for what no label can be")


def only(body: Mapping[Any, Any], fields: frozenset[str], what: str) -> None:
    """Raises UnreadableError for a field that the API does not have: what was meant by it nobody knows."""
    if not fields.issuperset(body):
        strange = next(key for key in body if key not in fields)
        raise UnreadableError(f"{what} has no field {str(strange)[:64]!r}")


def parse_list(raw: object, what: str) -> list[Any]:
    """A list that may be missing. Raises UnreadableError for anything else."""
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise UnreadableError(f"{what} must be a list")
    return raw


def _mapping(raw: object, what: str) -> Mapping[Any, Any]:
    if type(raw) is dict:
        return raw
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise UnreadableError(f"{what} must be an object")
    return raw


parse_mapping = _mapping
