"""The tree of an expression, as this program has it, whichever way the text was parsed."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """A node: what it does, a word or literal where it has one, and the nodes below it."""

    kind: str
    word: Any = None
    below: tuple["Node", ...] = ()


UNKNOWN = Node("unknown")


def literals(node: Node) -> set[str]:
    """Every string that an expression mentions."""
    found = {node.word} if node.kind == "literal" and isinstance(node.word, str) else set()
    for child in node.below:
        found |= literals(child)
    return found
