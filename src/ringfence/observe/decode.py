"""Text of files into JSON values: JSON as fast as it can be had, YAML as the Kubernetes tools read it.

YAML here is what ``kubectl`` accepts: no timestamps, no base-60 numbers, a key once. Aliases are expanded with a bound,
since nine lines of them can stand for a billion nodes, and one that refers to itself for infinitely many.
"""

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import yaml

from ringfence.base.errors import InputError, Location

_MOST_NODES = 5_000_000
_DEEPEST = 200
_DEEPEST_TEXT = 1000
_OPENED = re.compile(r"\[(?!\s*\])|\{(?!\s*\})")
_INDENTED = re.compile(r"^[ \t?:-]{1000}", re.MULTILINE)
_HALF = re.compile("[\ud800-\udfff]")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # chosen at run time
    """The safe loader without what Kubernetes' YAML does not have."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:timestamp",)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


def _number(construct: Any) -> Any:
    def read(loader: Any, node: Any) -> Any:
        return node.value if _SEXAGESIMAL.fullmatch(node.value) else construct(loader, node)

    return read


def _mapping(loader: Any, node: Any) -> Any:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            continue
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "keys must be plain words", key.start_mark)
        if key.value in seen:
            raise yaml.constructor.ConstructorError(None, None, "this key is there twice", key.start_mark)
        seen.add(key.value)
    loader.flatten_mapping(node)
    result: dict[str, Any] = {}
    yield result
    for key, value in node.value:
        result[key.value] = loader.construct_object(value)


_Loader.add_constructor("tag:yaml.org,2002:int", _number(yaml.SafeLoader.construct_yaml_int))
_Loader.add_constructor("tag:yaml.org,2002:float", _number(yaml.SafeLoader.construct_yaml_float))
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


@contextmanager
def no_collection() -> Iterator[None]:
    """No garbage collection while a snapshot is read or proved: millions of objects are made that all stay, and it
    would look at each again and again (a third of a proof's time)."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            # What was made stays until the end: the collector need not look at it again.
            gc.freeze()
            gc.enable()


def decode_file(path: Path, shown: str) -> list[Any]:
    """The documents of a file, empty ones left out. ``shown`` is the file's name in errors.

    Raises InputError for what is neither JSON nor YAML, OSError for what cannot be read.
    """
    raw = path.read_bytes()
    with no_collection():
        return decode(raw, shown)


def decode(raw: bytes, shown: str) -> list[Any]:
    """The documents in ``raw``. Raises InputError for what is neither JSON nor YAML in UTF-8."""
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    start = raw[:64].lstrip()[:1]
    if start in (b"{", b"["):
        try:
            return [orjson.loads(raw)]
        except orjson.JSONDecodeError:
            return _several(raw, shown)
    return _yaml(raw, shown)


def _several(raw: bytes, shown: str) -> list[Any]:
    """JSON documents one after another, as ``kubectl get -o json`` of several calls leaves them; else flow YAML."""
    text = _text(raw, shown)
    decoder = json.JSONDecoder()
    documents: list[Any] = []
    place = 0
    halves = "\\ud" in text or "\\uD" in text
    try:
        while place < len(text):
            document, end = decoder.raw_decode(text, place)
            documents.append(_whole(document) if halves else document)
            place = end
            while place < len(text) and text[place].isspace():
                place += 1
    except RecursionError:
        raise InputError("nested too deeply", location=Location(shown), reason="NotReadable") from None
    except ValueError:
        return _yaml(raw, shown)
    return documents


def _whole(value: Any) -> Any:
    """The value with U+FFFD for halves of surrogate pairs, as the API server reads them; no text can hold them."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {_whole(key): _whole(item) for key, item in value.items()} if isinstance(value, dict) else value


def _text(raw: bytes, shown: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(
            "neither JSON nor YAML: not UTF-8 text",
            location=Location(shown, line),
            reason="NotReadable",
            hint=f"unpack it first: gunzip {shown}" if raw.startswith(b"\x1f\x8b") else None,
        ) from None


def _yaml(raw: bytes, shown: str) -> list[Any]:
    text = _text(raw, shown)
    aliased = "*" in text and "&" in text
    try:
        if _too_deep(text):
            raise InputError("nested too deeply", location=Location(shown), reason="NotReadable")
        documents = [document for document in yaml.load_all(text, Loader=_Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Location(shown, mark.line + 1, mark.column + 1) if mark else Location(shown)
        problem = (error.problem or "it cannot be parsed").split("\n")[0]
        hint = "is it a template? Render it first: helm template CHART" if "{{" in text else None
        raise InputError(f"neither JSON nor YAML: {problem}", location=place, reason="NotReadable", hint=hint) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"neither JSON nor YAML: U+{error.character:04X} may not stand in it"
        raise InputError(problem, location=Location(shown, line), reason="NotReadable") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        what = "a number in it is too long" if isinstance(error, ValueError) else type(error).__name__
        raise InputError(f"neither JSON nor YAML: {what}", location=Location(shown), reason="NotReadable") from None
    except RecursionError:
        raise InputError("nested too deeply", location=Location(shown), reason="NotReadable") from None
    return [_Expansion(shown).expand(document, 0) for document in documents] if aliased else documents


def _too_deep(text: str) -> bool:
    """Whether documents are nested so deep that composing them would exhaust the C stack, which nothing catches.

    Only text that could be is looked at twice; parsing into events needs no recursion.
    """
    suspect = sum(1 for _ in islice(_OPENED.finditer(text), _DEEPEST_TEXT)) == _DEEPEST_TEXT
    if not suspect and _INDENTED.search(text) is None:
        return False
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST_TEXT:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False


class _Expansion:
    """Copies what aliases share, so that changing one object in place never changes another."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._left = _MOST_NODES

    def expand(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise InputError(
                "aliases that stand for too much, or for themselves",
                location=Location(self._shown),
                reason="NotReadable",
            )
        if isinstance(value, dict):
            return {key: self.expand(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self.expand(item, depth + 1) for item in value]
        return value
