"""Equal parts of pods made one: a hundred thousand pods come from a few hundred templates.

What is equal is checked once, redacted once and kept once; the key is the part's own JSON, which costs a microsecond.
Comparing the decoded objects was rejected: it costs as much as checking them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ringfence.observe.encode import json_bytes
from ringfence.prove.validity import POD_PARTS, InvalidError

_Redact = Callable[[str, Any], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a pod's spec: the value that all share, what secret material stood in it, what is wrong with it."""

    value: Any
    material: tuple[Any, ...]
    problem: InvalidError | None


class Interner:
    """Keeps one value for all equal parts of pod specs."""

    def __init__(self, redact: _Redact) -> None:
        self._redact = redact
        self._parts: dict[tuple[str, bytes], Part] = {}

    def intern(self, spec: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Replace the parts of ``spec`` by the ones that all share; what secret material stood in them.

        Raises InvalidError for a part that the API would refuse.
        """
        found: list[tuple[Any, ...]] = []
        for name, check in POD_PARTS.items():
            value = spec.get(name)
            if value is None:
                continue
            key = (name, json_bytes(value))
            part = self._parts.get(key)
            if part is None:
                part = self._parts[key] = self._new(name, check, value)
            if part.problem is not None:
                raise part.problem.below(name).below("spec")
            spec[name] = part.value
            if part.material:
                found.append(part.material)
        return found

    def _new(self, name: str, check: Callable[[Any], None], value: Any) -> Part:
        try:
            check(value)
        except InvalidError as error:
            return Part(value, (), error)
        return Part(value, self._redact(name, value), None)
