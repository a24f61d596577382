"""Evaluation with sets of possible values.

Source: the CEL language definition: ``&&`` and ``||`` are commutative and absorb errors, ``has`` looks without failing,
equality of different types is false. Whatever is not written here evaluates to anything.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from ringfence.prove.cel.node import Node
from ringfence.prove.cel.values import (
    ANY_TRUTH,
    ANYTHING,
    BOTH,
    ERROR,
    FALSE,
    MOST_ALTERNATIVES,
    TRUE,
    Atom,
    Items,
    Mark,
    Shape,
    Value,
    joined,
    same,
    truth_value,
    truths,
)

DEEPEST = 80
_MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_TEXT_METHODS: Mapping[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Names and what they may be; ``variables`` are what ``variables.NAME`` may be, anything where it is not said."""

    names: Mapping[str, Value]
    variables: Mapping[str, Value] = field(default_factory=dict)
    depth: int = 0

    def deeper(self, **names: Value) -> "Scope":
        """The scope one level down, with more names."""
        return replace(self, names={**self.names, **names}, depth=self.depth + 1)


def evaluate(node: Node, scope: Scope) -> Value:
    """What an expression may come to. Never raises for what it is given."""
    step = _STEPS.get(node.kind)
    if step is None or scope.depth > DEEPEST:
        return ANYTHING
    return step(node, scope)


def _literal(node: Node, _scope: Scope) -> Value:
    return (node.word,)


def _name(node: Node, scope: Scope) -> Value:
    return scope.names.get(node.word, ANYTHING)


def _choose(node: Node, scope: Scope) -> Value:
    condition, then, otherwise = node.below
    outcomes = truths(evaluate(condition, scope))
    found: list[Value] = []
    if True in outcomes:
        found.append(evaluate(then, scope))
    if False in outcomes:
        found.append(evaluate(otherwise, scope))
    if Mark.ERROR in outcomes:
        found.append(ERROR)
    return joined(found)


def _both(node: Node, scope: Scope) -> Value:
    return _logical(node, scope, absorbing=False)


def _either(node: Node, scope: Scope) -> Value:
    return _logical(node, scope, absorbing=True)


def _logical(node: Node, scope: Scope, *, absorbing: bool) -> Value:
    first = truths(evaluate(node.below[0], scope))
    if first == {absorbing}:
        return TRUE if absorbing else FALSE
    second = truths(evaluate(node.below[1], scope))
    return _fold(first, second, absorbing=absorbing)


def _not(node: Node, scope: Scope) -> Value:
    outcomes = truths(evaluate(node.below[0], scope))
    return truth_value(outcome if isinstance(outcome, Mark) else not outcome for outcome in outcomes)


def _select(node: Node, scope: Scope) -> Value:
    target = node.below[0]
    if target.kind == "name" and target.word == "variables" and "variables" not in scope.names:
        return scope.variables.get(str(node.word), ANYTHING)
    return joined(_field(atom, str(node.word)) for atom in evaluate(target, scope))


def _field(atom: Atom, name: str) -> Value:
    if atom is Mark.ANYTHING:
        return ANYTHING
    if not isinstance(atom, Shape):
        return ERROR
    if name in atom.fields:
        return atom.fields[name]
    if name in atom.maybe:
        return joined((atom.maybe[name], ERROR))
    return ANYTHING if atom.may_have(name) else ERROR


def _presence(atom: Atom, name: str) -> Value:
    if atom is Mark.ANYTHING:
        return ANY_TRUTH
    if not isinstance(atom, Shape):
        return ERROR
    if name in atom.fields:
        return TRUE
    return BOTH if atom.may_have(name) else FALSE


def _index(node: Node, scope: Scope) -> Value:
    target, key = evaluate(node.below[0], scope), evaluate(node.below[1], scope)
    return joined(_at(atom, wanted) for atom, wanted in product(target, key))


def _at(atom: Atom, key: Atom) -> Value:
    if Mark.ERROR in (atom, key):
        return ERROR
    if isinstance(atom, Shape) and isinstance(key, str):
        return _field(atom, key)
    if isinstance(atom, Items) and atom.exact and isinstance(key, int) and not isinstance(key, bool):
        return atom.items[key] if 0 <= key < len(atom.items) else ERROR
    return ANYTHING


def _compare(node: Node, scope: Scope) -> Value:
    left, right = (evaluate(child, scope) for child in node.below)
    if len(left) * len(right) > MOST_ALTERNATIVES * 4:
        return ANY_TRUTH
    return joined(_relation(str(node.word), one, other) for one, other in product(left, right))


def _relation(symbol: str, one: Atom, other: Atom) -> Value:
    if Mark.ERROR in (one, other):
        return ERROR
    if symbol == "in":
        return _contains(other, one)
    if symbol in {"==", "!="}:
        found = _equal(one, other)
        return found if symbol == "==" else tuple(not atom if isinstance(atom, bool) else atom for atom in found)
    if _ordered(one) and type(one) is type(other):
        return (_ORDER[symbol](one, other),)
    return ANY_TRUTH


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def _ordered(atom: Atom) -> bool:
    return isinstance(atom, (str, int)) and not isinstance(atom, bool)


def _equal(one: Atom, other: Atom) -> Value:
    if Mark.ANYTHING in (one, other):
        return BOTH
    if isinstance(one, Items) and isinstance(other, Items) and one.exact and other.exact:
        if len(one.items) != len(other.items):
            return FALSE
        found = [joined(_equal(a, b) for a, b in product(x, y)) for x, y in zip(one.items, other.items, strict=True)]
        return FALSE if FALSE in found else TRUE if all(value == TRUE for value in found) else BOTH
    if isinstance(one, (Items, Shape)) or isinstance(other, (Items, Shape)):
        return BOTH if type(one) is type(other) else FALSE
    return (same(one, other),)


def _contains(container: Atom, wanted: Atom) -> Value:
    if Mark.ANYTHING in (container, wanted):
        return ANY_TRUTH
    if isinstance(container, Shape):
        return _presence(container, wanted) if isinstance(wanted, str) else FALSE
    if isinstance(container, Items) and container.exact:
        outcomes = [joined(_equal(atom, wanted) for atom in item) for item in container.items]
        return TRUE if TRUE in outcomes else FALSE if all(value == FALSE for value in outcomes) else BOTH
    return BOTH if isinstance(container, Items) else ERROR


def _list(node: Node, scope: Scope) -> Value:
    items = tuple(evaluate(child, scope) for child in node.below)
    return _written_out(Items(items), items)


def _map(node: Node, scope: Scope) -> Value:
    keys, values = node.below[::2], node.below[1::2]
    if not all(key.kind == "literal" and isinstance(key.word, str) for key in keys):
        return ANYTHING
    found = {key.word: evaluate(value, scope) for key, value in zip(keys, values, strict=True)}
    return _written_out(Shape(found), found.values())


def _written_out(whole: Atom, parts: Collection[Value]) -> Value:
    """A list or map of the expression itself: an error as soon as one of its parts is one."""
    if ERROR in parts:
        return ERROR
    unsure = any(Mark.ERROR in part or Mark.ANYTHING in part for part in parts)
    return (whole, Mark.ERROR) if unsure else (whole,)


def _call(node: Node, scope: Scope) -> Value:
    if node.word == "has" and len(node.below) == 1 and node.below[0].kind == "select":
        target = evaluate(node.below[0].below[0], scope)
        return joined(_presence(atom, str(node.below[0].word)) for atom in target)
    if node.word == "size" and len(node.below) == 1:
        return joined(_size(atom) for atom in evaluate(node.below[0], scope))
    return ANYTHING


def _size(atom: Atom) -> Value:
    if isinstance(atom, str):
        return (len(atom),)
    if isinstance(atom, Items) and atom.exact:
        return (len(atom.items),)
    if isinstance(atom, Shape) and not atom.open and not atom.maybe:
        return (len(atom.fields),)
    return ERROR if atom is Mark.ERROR else ANYTHING


def _method(node: Node, scope: Scope) -> Value:
    name, target = str(node.word), evaluate(node.below[0], scope)
    arguments = node.below[1:]
    if name in _MACROS and len(arguments) == 2 and arguments[0].kind == "name":
        return joined(_macro(name, atom, arguments[0].word, arguments[1], scope) for atom in target)
    if name == "size" and not arguments:
        return joined(_size(atom) for atom in target)
    test = _TEXT_METHODS.get(name)
    if test is None or len(arguments) != 1:
        return ANYTHING
    wanted = evaluate(arguments[0], scope)
    return joined(_text_test(test, atom, other) for atom, other in product(target, wanted))


def _text_test(test: Callable[[str, str], bool], atom: Atom, other: Atom) -> Value:
    if isinstance(atom, str) and isinstance(other, str):
        return (test(atom, other),)
    return ANY_TRUTH if Mark.ANYTHING in (atom, other) else ERROR


def _macro(name: str, atom: Atom, variable: str, body: Node, scope: Scope) -> Value:
    if name not in {"all", "exists"}:
        return ERROR if atom is Mark.ERROR else ANYTHING
    if isinstance(atom, Shape) and not atom.open and not atom.maybe:
        atom = Items(tuple((key,) for key in atom.fields))
    if not isinstance(atom, Items):
        return ERROR if atom is Mark.ERROR or not isinstance(atom, (Mark, Shape)) else ANY_TRUTH
    stop = name == "exists"
    if atom.exact:
        found: Value = (not stop,)
        for item in atom.items:
            outcomes = truths(evaluate(body, scope.deeper(**{variable: item})))
            found = _fold(truths(found), outcomes, absorbing=stop)
        return found
    possible: set[bool | Mark] = set(truths(ANY_TRUTH))
    for need in atom.needs:
        outcomes = frozenset(
            outcome for value in need for outcome in truths(evaluate(body, scope.deeper(**{variable: value})))
        )
        if outcomes == {stop}:
            return (stop,)
        if (not stop) not in outcomes:
            possible.discard(not stop)
    return truth_value(possible)


def _fold(first: frozenset[bool | Mark], second: frozenset[bool | Mark], *, absorbing: bool) -> Value:
    found: set[bool | Mark] = set()
    for one, other in product(first, second):
        if one is absorbing or other is absorbing:
            found.add(absorbing)
        else:
            found.add(Mark.ERROR if Mark.ERROR in {one, other} else not absorbing)
    return truth_value(found)


_STEPS: Mapping[str, Callable[[Node, Scope], Value]] = {
    "literal": _literal,
    "name": _name,
    "choose": _choose,
    "and": _both,
    "or": _either,
    "not": _not,
    "select": _select,
    "index": _index,
    "compare": _compare,
    "list": _list,
    "map": _map,
    "call": _call,
    "method": _method,
}
