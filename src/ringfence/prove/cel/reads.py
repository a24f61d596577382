"""Which fields of the object an expression can read: two objects that agree on them get the same answer from it.

Worked out from the tree, before any evaluation, and never too small: what is not a plain path counts as reading all of
what it starts from. Watching an evaluation instead was rejected: it reads less for one object than for the next.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias

from ringfence.prove.cel.node import Node
from ringfence.prove.cel.values import Shape, Value

Path: TypeAlias = tuple[str, ...]
DEEPEST_PATH = 2
"""Pods differ in fields of ``spec`` and ``metadata``; what is below those is compared as a whole."""


@dataclass(frozen=True, slots=True)
class Reads:
    """The paths below ``object`` that an expression can read (``()`` is all of it), and the variables it can use."""

    paths: tuple[Path, ...]
    variables: tuple[str, ...]


def reads_of(node: Node) -> Reads:
    """What an expression itself can read; what its variables read is theirs."""
    paths: set[Path] = set()
    variables: set[str] = set()
    _collect(node, paths, variables)
    return Reads(((),) if () in paths else tuple(sorted(paths)), tuple(sorted(variables)))


def _collect(node: Node, paths: set[Path], variables: set[str]) -> None:
    names: list[str] = []
    root = node
    while root.kind == "select":
        names.append(str(root.word))
        root = root.below[0]
    if root.kind == "name":
        if root.word == "object":
            paths.add(tuple(reversed(names))[:DEEPEST_PATH])
        elif root.word == "variables":
            variables.update(names[-1:])
        return
    for child in root.below:
        _collect(child, paths, variables)


def projection(value: Value, paths: tuple[Path, ...]) -> Hashable:
    """What ``value`` has at these paths, so that equal answers mean equal evaluation; shapes count as themselves."""
    return tuple(_at(value, path) for path in paths)


def _at(value: Value, path: Path) -> Hashable:
    for depth, name in enumerate(path):
        shape = value[0] if len(value) == 1 else None
        if not isinstance(shape, Shape):
            return (depth, told_apart(value))
        if name in shape.fields:
            value = shape.fields[name]
        elif name in shape.maybe:
            return (depth, "maybe", told_apart(shape.maybe[name]), shape.open)
        else:
            return (depth, "may be there" if shape.may_have(name) else "absent")
    return (len(path), told_apart(value))


def told_apart(value: Value) -> Hashable:
    """The alternatives with their types, since ``True`` is not 1. Shapes and lists are equal to themselves alone."""
    return tuple((type(atom), atom) for atom in value)
