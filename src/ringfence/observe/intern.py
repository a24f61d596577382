"""Equal parts of objects made one: a hundred thousand pods come from a few hundred templates.

What is equal is checked once, redacted once and kept once; the key is the part's own JSON, which costs a microsecond
to make and nothing where it stands in the file already. Comparing the decoded objects was rejected: it costs as much
as checking them. Parts are shared from here on: nobody may change one in place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ringfence.observe.encode import json_bytes
from ringfence.prove.validity import POD_PARTS, POD_WORDS, Check, InvalidError, anything

_Redact = Callable[[str, Any], tuple[Any, ...]]
_POD_FIELDS: Mapping[str, Check] = {**POD_WORDS, **POD_PARTS}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a pod's spec: the value that all share, what secret material stood in it, what is wrong with it."""

    value: Any
    material: tuple[Any, ...] = ()
    problem: InvalidError | None = None


class Interner:
    """Keeps one value for all equal parts of pod specs."""

    def __init__(self, redact: _Redact) -> None:
        self._redact = redact
        self._parts: dict[str, dict[bytes, Part]] = {}

    def intern(self, spec: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Replace the parts of ``spec`` by the ones that all share; what secret material stood in them.

        Raises InvalidError for a part that the API would refuse.
        """
        found: list[tuple[Any, ...]] = []
        for name, check in POD_PARTS.items():
            value = spec.get(name)
            if value is None:
                continue
            part = self._shared(name, check, value)
            if part.problem is not None:
                raise part.problem.below(name).below("spec")
            spec[name] = part.value
            if part.material:
                found.append(part.material)
        return found

    def part(self, name: str, content: bytes) -> Part:
        """The field ``name`` of a pod's spec that stands in a file as ``content``: shared, checked and redacted.

        Raises orjson.JSONDecodeError for a number that is too large.
        """
        known = self._parts.setdefault(name, {})
        part = known.get(content)
        if part is None:
            value = orjson.loads(content)
            part = known[content] = Part(None) if value is None else self._new(name, _POD_FIELDS.get(name), value)
        return part

    def _shared(self, name: str, check: Check, value: Any) -> Part:
        known = self._parts.setdefault(name, {})
        content = json_bytes(value)
        part = known.get(content)
        if part is None:
            part = known[content] = self._new(name, check, value)
        return part

    def _new(self, name: str, check: Check | None, value: Any) -> Part:
        try:
            (check or anything)(value)
        except InvalidError as error:
            return Part(value, (), error)
        return Part(value, self._redact(name, value))
