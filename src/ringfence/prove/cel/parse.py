"""CEL text into a tree of this program's own: plain text directly, the rest by way of the one library that parses CEL.

Everything that is not understood becomes an ``Unknown`` node: it evaluates to anything, so it can never close a guard.
"""

from functools import lru_cache
from typing import Any

from ringfence.prove.cel.node import UNKNOWN, Node
from ringfence.prove.cel.plain import parse_plain

LONGEST = 20_000


_PASS_THROUGH = frozenset({"conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary"})
_RELATIONS = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
    "relation_ne": "!=",
    "relation_in": "in",
}
_ARITHMETIC = {
    "addition_add": "+",
    "addition_sub": "-",
    "multiplication_mul": "*",
    "multiplication_div": "/",
    "multiplication_mod": "%",
}


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """The tree of an expression; ``UNKNOWN`` for what cannot be parsed."""
    if len(text) > LONGEST:
        return UNKNOWN
    try:
        plain = parse_plain(text)
        return plain if plain is not None else parse_with_library(text)
    except RecursionError:
        return UNKNOWN


def parse_with_library(text: str) -> Node:
    """The tree by the library alone. Raises RecursionError for what is too deep."""
    from celpy.celparser import CELParseError, CELParser

    try:
        return _convert(CELParser().parse(text))
    except CELParseError:
        return UNKNOWN


def _convert(tree: Any) -> Node:
    kind, children = str(tree.data), list(tree.children)
    if kind == "expr":
        below = [_convert(child) for child in children]
        return below[0] if len(below) == 1 else Node("choose", None, tuple(below))
    if kind in _PASS_THROUGH:
        return _convert_operator(kind, children)
    if kind == "member" or kind == "primary" or kind == "paren_expr":
        return _convert(children[0])
    converter = _MEMBERS.get(kind)
    return converter(children) if converter else UNKNOWN


def _convert_operator(kind: str, children: list[Any]) -> Node:
    if len(children) == 1:
        return _convert(children[0])
    first, last = children[0], children[-1]
    if kind == "conditionalor":
        return Node("or", None, (_convert(first), _convert(last)))
    if kind == "conditionaland":
        return Node("and", None, (_convert(first), _convert(last)))
    if kind == "unary":
        return Node("not" if str(first.data) == "unary_not" else "minus", None, (_convert(last),))
    symbol = _RELATIONS.get(str(first.data)) or _ARITHMETIC.get(str(first.data))
    if symbol is None:
        return UNKNOWN
    return Node("compare" if kind == "relation" else "calculate", symbol, (_convert(first.children[0]), _convert(last)))


def _arguments(children: list[Any]) -> tuple[Node, ...]:
    return tuple(_convert(child) for entry in children if entry is not None for child in entry.children)


def _dot(children: list[Any]) -> Node:
    return Node("select", str(children[1]), (_convert(children[0]),))


def _method(children: list[Any]) -> Node:
    return Node("method", str(children[1]), (_convert(children[0]), *_arguments(children[2:])))


def _index(children: list[Any]) -> Node:
    return Node("index", None, (_convert(children[0]), _convert(children[1])))


def _call(children: list[Any]) -> Node:
    return Node("call", str(children[0]), _arguments(children[1:]))


def _map(children: list[Any]) -> Node:
    return Node("map", None, _arguments(children))


def _list(children: list[Any]) -> Node:
    return Node("list", None, _arguments(children))


def _ident(children: list[Any]) -> Node:
    return Node("name", str(children[0]))


def _literal(children: list[Any]) -> Node:
    kind, text = str(children[0].type), str(children[0])
    if kind == "BOOL_LIT":
        return Node("literal", text == "true")
    if kind == "NULL_LIT":
        return Node("literal", None)
    if kind == "INT_LIT":
        return Node("literal", int(text, 16 if "x" in text else 10))
    if kind == "STRING_LIT" and "\\" not in text and text[0] in "\"'":
        return Node("literal", text[1:-1])
    return UNKNOWN


_MEMBERS = {
    "member_dot": _dot,
    "member_dot_arg": _method,
    "member_index": _index,
    "ident_arg": _call,
    "ident": _ident,
    "literal": _literal,
    "list_lit": _list,
    "map_lit": _map,
}
