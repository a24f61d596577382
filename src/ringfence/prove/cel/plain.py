"""Plain CEL into a tree without the library: names, paths, calls, comparisons, logic, lists, maps, simple literals.

Building the library's parser takes longer than a proof of a small Landscape, and each text a hundred times as long as
here. What this does not know for sure (arithmetic, escapes, numbers that are no plain integers, messages, comments,
reserved words) it gives back, and the library parses it. Source: the grammar of the CEL language definition.
"""

import re
from dataclasses import dataclass

from ringfence.prove.cel.node import Node

_TOKEN = re.compile(
    r"""[ \t\n\f\r]*(?:
      (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>[0-9]+)(?![.\w])
    | (?P<text>'[^'\\\r\n]*'(?!')|"[^"\\\r\n]*"(?!"))
    | (?P<sign>\|\||&&|==|!=|<=|>=|[<>!?:()\[\]{},.])
    )""",
    re.VERBOSE,
)
_RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
     "namespace", "return", "var", "void", "while"}
)  # fmt: skip
_CONSTANTS = {"true": True, "false": False, "null": None}
_RELATIONS = frozenset({"<", "<=", ">", ">=", "==", "!=", "in"})
_MOST_TOKENS = 4000


class _NotPlainError(Exception):
    """The text holds something that is left to the library."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


_END = _Token("end", "")


def parse_plain(text: str) -> Node | None:
    """The tree of an expression; None when the library has to decide. Raises RecursionError for what is too deep."""
    try:
        parser = _Parser(_tokens(text))
        found = parser.expression()
    except _NotPlainError:
        return None
    return found if parser.next is _END else None


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place, text = 0, text.rstrip(" \t\n\f\r")
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None or len(found) > _MOST_TOKENS:
            raise _NotPlainError
        kind, word = match.lastgroup, match[match.lastgroup]
        after = text[match.end() : match.end() + 1]
        if kind == "name" and (word in _RESERVED or after in ("'", '"')):
            raise _NotPlainError
        found.append(_Token("sign" if word == "in" else kind, word))
        place = match.end()
    return found


class _Parser:
    """One pass over the tokens; each method reads one level of precedence."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.place = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.place] if self.place < len(self.tokens) else _END

    def took(self, *signs: str) -> str | None:
        """The sign that comes next, read, when it is one of these."""
        token = self.next
        if token.kind != "sign" or token.text not in signs:
            return None
        self.place += 1
        return token.text

    def need(self, sign: str) -> None:
        if self.took(sign) is None:
            raise _NotPlainError

    def name(self) -> str:
        token = self.next
        if token.kind != "name" or token.text in _CONSTANTS:
            raise _NotPlainError
        self.place += 1
        return token.text

    def expression(self) -> Node:
        condition = self.either()
        if self.took("?") is None:
            return condition
        then = self.either()
        self.need(":")
        return Node("choose", None, (condition, then, self.expression()))

    def either(self) -> Node:
        found = self.both()
        while self.took("||"):
            found = Node("or", None, (found, self.both()))
        return found

    def both(self) -> Node:
        found = self.relation()
        while self.took("&&"):
            found = Node("and", None, (found, self.relation()))
        return found

    def relation(self) -> Node:
        found = self.unary()
        while sign := self.took(*_RELATIONS):
            found = Node("compare", sign, (found, self.unary()))
        return found

    def unary(self) -> Node:
        if self.took("!"):
            return Node("not", None, (self.unary(),))
        return self.member()

    def member(self) -> Node:
        found = self.primary()
        while sign := self.took(".", "[", "{"):
            if sign == "{":
                raise _NotPlainError
            if sign == "[":
                found = Node("index", None, (found, self.expression()))
                self.need("]")
                continue
            name = self.name()
            found = (
                Node("method", name, (found, *self.listed(")"))) if self.took("(") else Node("select", name, (found,))
            )
        return found

    def primary(self) -> Node:
        token = self.next
        if token.kind == "number":
            self.place += 1
            return Node("literal", int(token.text))
        if token.kind == "text":
            self.place += 1
            return Node("literal", token.text[1:-1])
        if token.kind == "name" and token.text in _CONSTANTS:
            self.place += 1
            return Node("literal", _CONSTANTS[token.text])
        if token.kind == "name":
            name = self.name()
            return Node("call", name, self.listed(")")) if self.took("(") else Node("name", name)
        if self.took("("):
            found = self.expression()
            self.need(")")
            return found
        if self.took("["):
            return Node("list", None, self.listed("]"))
        if self.took("{"):
            return Node("map", None, self.entries())
        raise _NotPlainError

    def listed(self, end: str) -> tuple[Node, ...]:
        """Expressions between commas up to ``end``; a comma before the end is left to the library."""
        found: list[Node] = []
        if self.took(end):
            return ()
        found.append(self.expression())
        while self.took(","):
            found.append(self.expression())
        self.need(end)
        return tuple(found)

    def entries(self) -> tuple[Node, ...]:
        """Keys and values of a map, one after the other."""
        found: list[Node] = []
        if self.took("}"):
            return ()
        while True:
            found.append(self.expression())
            self.need(":")
            found.append(self.expression())
            if self.took("}"):
                return tuple(found)
            self.need(",")
