"""CEL expressions of admission policies: evaluated against one object, and read for what they require of every one.

Evaluation answers for the objects that are tried. What an expression requires of all objects is read off its top-level
conjunction (``a && b``), atom by atom; anything more clever is left unread, and then proves nothing. The evaluator is
loaded when the first policy is met: most clusters have none.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

_LONGEST = 10_000


class Outcome(Enum):
    """What an expression says of an object. ``FAILED``: it cannot be evaluated; Kubernetes then asks failurePolicy."""

    TRUE = "true"
    FALSE = "false"
    FAILED = "failed"
    UNREAD = "unread"


@dataclass(slots=True)
class Activation:
    """The variables of an evaluation: the object, the request, the namespace, and the policy's own ``variables``."""

    values: Mapping[str, Any]
    variables: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def _program(expression: str) -> Any:
    import celpy

    environment = celpy.Environment()
    return environment.program(environment.compile(expression))


def evaluate(expression: str, activation: Activation) -> Outcome:
    """The value of a boolean expression. UNREAD for what this evaluator does not know; never raises."""
    value = value_of(expression, activation)
    if isinstance(value, Outcome):
        return value
    if value is None:
        return Outcome.FAILED
    return Outcome.TRUE if bool(value) else Outcome.FALSE


def value_of(expression: str, activation: Activation) -> Any:
    """The value of an expression, or FAILED or UNREAD; never raises."""
    if len(expression) > _LONGEST or "authorizer" in expression:
        return Outcome.UNREAD
    from celpy.adapter import json_to_cel
    from celpy.celtypes import MapType, StringType
    from celpy.celparser import CELParseError
    from celpy.evaluation import CELEvalError

    try:
        program = _program(expression)
        context: dict[str, Any] = {name: json_to_cel(value) for name, value in activation.values.items()}
        context["variables"] = MapType({StringType(name): value for name, value in activation.variables.items()})
        return program.evaluate(context)
    except CELParseError:
        return Outcome.UNREAD
    except CELEvalError as error:
        # A function that this evaluator lacks is not a failure of the policy.
        text = str(error.args[0]) if error.args else ""
        return Outcome.UNREAD if "unbound function" in text or "not implemented" in text else Outcome.FAILED
    except Exception:
        # Whatever an evaluator of other people's expressions throws: it did not understand, so nothing is known.
        return Outcome.UNREAD


def conjuncts(expression: str) -> Iterator[str]:
    """The atoms of ``a && b && c``, outer parentheses removed, nested conjunctions opened."""
    plain = unwrapped(expression)
    parts = split_top(plain, "&&")
    if len(parts) == 1:
        yield plain
        return
    for part in parts:
        yield from conjuncts(part)


def disjuncts(expression: str) -> list[str]:
    """The atoms of ``a || b``; a conjunction is one atom."""
    plain = unwrapped(expression)
    return [unwrapped(part) for part in split_top(plain, "||")]


def unwrapped(expression: str) -> str:
    """Without surrounding white space and parentheses that hold the whole."""
    plain = expression.strip()
    while plain.startswith("(") and plain.endswith(")") and _closing(plain, 0) == len(plain) - 1:
        plain = plain[1:-1].strip()
    return plain


def _closing(text: str, start: int) -> int:
    """The place of the bracket that closes the one at ``start``; -1 when none does."""
    depth = 0
    for place, character in _outside_quotes(text):
        if place < start:
            continue
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return place
    return -1


def _outside_quotes(text: str) -> Iterator[tuple[int, str]]:
    quote = ""
    place = 0
    while place < len(text):
        character = text[place]
        if quote:
            if character == "\\":
                place += 1
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        else:
            yield place, character
        place += 1


def split_top(text: str, operator: str) -> list[str]:
    """``text`` cut at an operator outside quotes and brackets. A conditional at the top binds looser: it is not cut."""
    depth = 0
    cuts: list[int] = []
    for place, character in _outside_quotes(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif depth == 0 and character == "?":
            return [text]
        elif depth == 0 and text.startswith(operator, place) and (not cuts or place >= cuts[-1] + len(operator)):
            cuts.append(place)
    parts: list[str] = []
    start = 0
    for cut in cuts:
        parts.append(text[start:cut])
        start = cut + len(operator)
    return [*parts, text[start:]]


_TEXT = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")


def literal(expression: str) -> str | None:
    """The string that a plain literal stands for, None for anything else."""
    match = _TEXT.fullmatch(unwrapped(expression))
    return None if match is None else match[1] if match[1] is not None else match[2]


def literals_in_list(expression: str) -> tuple[str, ...] | None:
    """The strings of ``['a', 'b']``, None for anything else."""
    plain = unwrapped(expression)
    if not (plain.startswith("[") and plain.endswith("]")):
        return None
    found = [literal(part) for part in split_top(plain[1:-1], ",")] if plain[1:-1].strip() else []
    return None if any(item is None for item in found) else tuple(item for item in found if item is not None)


def results(expression: str, variables: Mapping[str, str], depth: int = 8) -> frozenset[str] | None:
    """Every string that an expression of literals, conditionals and variables can come to; None when it is other."""
    plain = unwrapped(expression)
    text = literal(plain)
    if text is not None:
        return frozenset({text})
    if depth == 0:
        return None
    if plain.startswith("variables.") and plain[len("variables.") :] in variables:
        return results(variables[plain[len("variables.") :]], variables, depth - 1)
    parts = _conditional(plain)
    if parts is None:
        return None
    then, otherwise = (results(part, variables, depth - 1) for part in parts)
    return None if then is None or otherwise is None else then | otherwise


def _conditional(text: str) -> tuple[str, str] | None:
    """The two results of ``condition ? one : other`` at the top."""
    depth = nested = 0
    question = -1
    for place, character in _outside_quotes(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif depth == 0 and character == "?":
            nested += 1
            if question < 0:
                question = place
        elif depth == 0 and character == ":" and nested:
            nested -= 1
            if nested == 0:
                return text[question + 1 : place], text[place + 1 :]
    return None
