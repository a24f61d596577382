"""YAML and JSON text with the line and column of every value, for everything that people write.

Nodes, not Python objects: an error about a value must be able to point at it, and a number must keep its spelling
(``0.1`` is exact until somebody asks for a float). Reading straight into models was rejected for that reason.
The reader refuses what makes one text mean two things: duplicate keys, tabs for indentation, several documents.

The events come from libyaml: it is fifty times faster than a parser in Python, imports in a tenth of the time of
ruamel.yaml, and its parser keeps its own stack, so that no nesting can exhaust Python's. Aliases become the same node
again and are counted with what they stand for, so that a small text cannot grow into a large one. Plain scalars mean
what YAML 1.2's core schema says: ``no``, ``on`` and ``12:30`` are text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ringfence.base.errors import InputError, Location

LARGEST_FILE = 8 * 1024 * 1024
"""Bytes. A Landscape of a thousand deployments has some 200 KB; ten times that many still fit."""

DEEPEST = 64
"""Levels of nesting; no document of Ringfence's has more than ten."""

MOST_NODES = 1_000_000
"""Values in a document once every alias is written out."""

_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_COLLECTION_TAGS = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string, number, boolean or null; ``text`` is its spelling, ``plain`` False when it was quoted."""

    text: str
    plain: bool
    location: Location

    @property
    def null(self) -> bool:
        """True when nothing was written, or a plain null of YAML 1.2's core schema."""
        return self.plain and self.text in {"", "~", "null", "Null", "NULL"}

    @property
    def boolean(self) -> bool | None:
        """The value of a plain boolean of YAML 1.2's core schema, None for anything else."""
        if not self.plain or self.text not in _BOOLEANS:
            return None
        return self.text.casefold() == "true"


_BOOLEANS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value."""

    key: Scalar
    value: "Node"


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping, in the order written."""

    entries: Mapping[str, Entry]
    location: Location


Node: TypeAlias = Scalar | Sequence | Block


def read_document(path: Path, *, hint: str = "name a file that exists") -> Node:
    """The one document in a file; ``hint`` is what to do where there is none.

    Raises InputError with a location for anything that is not one YAML document.
    """
    name = str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InputError(
            f"{name}: cannot be read: {error.strerror or error}",
            reason="CannotRead",
            hint="give your user the right to read it" if isinstance(error, PermissionError) else hint,
        ) from error
    return parse_document(decode(content, name), name)


def decode(content: bytes, file: str) -> str:
    """The text of a UTF-8 file, without a byte order mark. Raises InputError where it is not UTF-8 or too large."""
    if len(content) > LARGEST_FILE:
        raise InputError(
            f"{file}: larger than {LARGEST_FILE // 1024 // 1024} MiB, which no file that Ringfence reads has to be",
            reason="TooLarge",
            hint="is this the right file? Split a very large Landscape by organisation",
        )
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line_start = before.rfind(b"\n") + 1
        place = Location(file, before.count(b"\n") + 1, len(before[line_start:].decode("utf-8", "replace")) + 1)
        raise InputError(
            f"byte 0x{content[error.start]:02x} is not UTF-8", location=place, hint="save the file as UTF-8"
        ) from error


def parse_document(text: str, file: str) -> Node:
    """The one document in ``text``; ``file`` is the name that errors show."""
    import yaml

    builder = _Builder(file)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, file) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        raise InputError(
            "a control character, which YAML does not allow", location=Location(file, line, column)
        ) from error
    if builder.root is None:
        raise InputError("the file is empty", location=Location(file, 1, 1), hint="`ringfence init` writes an example")
    return builder.root


def _events(text: str) -> Iterator[Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    events: Iterator[Any] = yaml.parse(text, Loader=loader)
    return events


def _syntax_error(error: Any, text: str, file: str) -> InputError:
    mark = error.problem_mark or error.context_mark
    place = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
    problem = error.problem or error.context or "not YAML"
    hint = None
    if mark and (lines := text.splitlines()) and mark.line < len(lines) and "\t" in lines[mark.line][: mark.column + 1]:
        problem, hint = "a tab indents this line", "YAML indents with spaces only"
    return InputError(f"not YAML: {problem}", location=place, reason="NotYaml", hint=hint)


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read; ``key`` is the key whose value comes next."""

    location: Location
    anchor: str | None
    mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    merged: list[Node] = field(default_factory=list)
    key: Scalar | None = None
    size: int = 1


@dataclass(slots=True)
class _Anchored:
    node: Node | None
    size: int


class _Builder:
    """Turns parser events into nodes, with a stack of its own."""

    def __init__(self, file: str) -> None:
        self.root: Node | None = None
        self._file = file
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._documents = 0
        import yaml

        self._handlers: dict[type, Any] = {
            yaml.ScalarEvent: self._scalar,
            yaml.SequenceStartEvent: lambda event: self._start(event, mapping=False),
            yaml.MappingStartEvent: lambda event: self._start(event, mapping=True),
            yaml.SequenceEndEvent: lambda _: self._end(),
            yaml.MappingEndEvent: lambda _: self._end(),
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: Any) -> None:
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _place(self, event: Any) -> Location:
        mark = event.start_mark
        return Location(self._file, mark.line + 1, mark.column + 1)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise InputError(
                "a second document starts here; one file holds one document",
                location=self._place(event),
                hint="remove the line `---`, or keep the second document in a file of its own",
            )

    def _scalar(self, event: Any) -> None:
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            raise self._tag_error(event)
        node = Scalar(event.value, event.implicit[0] and event.tag is None, self._place(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, 1)
        self._add(node, 1)

    def _tag_error(self, event: Any) -> InputError:
        return InputError(f"the tag {event.tag[:60]!r} is not understood; write the value plainly",
                          location=self._place(event))  # fmt: skip

    def _start(self, event: Any, *, mapping: bool) -> None:
        place = self._place(event)
        if event.tag not in _COLLECTION_TAGS:
            raise self._tag_error(event)
        if len(self._stack) >= DEEPEST:
            raise InputError(f"nested more than {DEEPEST} levels deep", location=place, reason="TooDeep")
        if self._stack and self._stack[-1].mapping and self._stack[-1].key is None:
            raise InputError("a key must be a word, not a list or a mapping", location=place)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(None, 0)
        self._stack.append(_Open(place, event.anchor, mapping))

    def _end(self) -> None:
        done = self._stack.pop()
        node: Node
        if done.mapping:
            node = Block(_with_merged(done), done.location)
        else:
            node = Sequence(tuple(done.items), done.location)
        if done.anchor is not None:
            self._anchors[done.anchor] = _Anchored(node, done.size)
        self._add(node, done.size)

    def _alias(self, event: Any) -> None:
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise InputError(f"the alias *{event.anchor} has no anchor before it", location=self._place(event))
        if anchored.node is None:
            raise InputError(f"the alias *{event.anchor} stands inside what it names", location=self._place(event))
        if self._stack and self._stack[-1].mapping and self._stack[-1].key is None:
            raise InputError("a key must be written out, not named by an alias", location=self._place(event))
        self._add(anchored.node, anchored.size)

    def _add(self, node: Node, size: int) -> None:
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        parent.size += size
        if parent.size > MOST_NODES:
            raise InputError(
                f"more than {MOST_NODES:,} values once aliases are written out",
                location=parent.location,
                reason="TooLarge",
            )
        if not parent.mapping:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = self._key(node, parent)
        else:
            self._entry(parent, parent.key, node)
            parent.key = None

    def _key(self, node: Node, parent: _Open) -> Scalar:
        assert isinstance(node, Scalar)
        first = parent.entries.get(node.text)
        if first is not None:
            raise InputError(
                f"the key {node.text[:60]!r} is written twice; the first is on line {first.key.location.line}",
                location=node.location,
                reason="DuplicateKey",
                hint="keep one of the two",
            )
        return node

    def _entry(self, parent: _Open, key: Scalar, value: Node) -> None:
        if key.text != _MERGE or not key.plain:
            parent.entries[key.text] = Entry(key, value)
            return
        sources = value.items if isinstance(value, Sequence) else (value,)
        for source in sources:
            if not isinstance(source, Block):
                raise InputError("`<<` merges mappings only", location=value.location)
            parent.merged.append(source)


def _with_merged(done: _Open) -> dict[str, Entry]:
    """The entries of a mapping and, after them, those that ``<<`` brings and the mapping does not have itself."""
    entries = done.entries
    for source in done.merged:
        assert isinstance(source, Block)
        for name, entry in source.entries.items():
            entries.setdefault(name, entry)
    return entries
