"""Where in its file an object is: looked for only when a report needs it, since keeping lines of all costs too much.

A file is parsed again into events, which know their lines, once for all objects that are looked for in it. Searching
the text for the name was rejected: in a List every second object is called alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from ringfence.base.errors import Location
from ringfence.prove.snapshot import Snapshot

_LARGEST = 30_000_000
"""Bytes of a file in which lines are still looked for: a few seconds' work."""


@dataclass(frozen=True, slots=True)
class _Written:
    """An object as a file names it; the namespace empty where it is not written."""

    kind: str
    namespace: str
    name: str


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being read: the key whose value comes next, and the words that name an object."""

    mapping: bool
    key: str | None = None
    at_key: bool = True
    words: dict[str, str] = field(default_factory=dict)
    line: int = 0
    inner: "_Frame | None" = None
    """The mapping under ``metadata``."""


def locate(snapshot: Snapshot, name: str) -> Location | None:
    """The file of the object that a proof calls ``name``, with the line of its name when it is found in the text."""
    cluster = name.partition(":")[0]
    found = snapshot.clusters.get(cluster)
    if found is None:
        return None
    last = name.rpartition("/")[2]
    for key, source in found.sources.items():
        if key.name == last and str(key) == name:
            lines = _lines(source)
            line = lines.get(_Written(key.kind.lower(), key.namespace, key.name))
            return Location(source, line or lines.get(_Written(key.kind.lower(), "", key.name)))
    return None


@lru_cache(maxsize=64)
def _lines(file: str) -> Mapping[_Written, int]:
    """The line of the name of every object in a file, the first where one is there twice; none when it is too large."""
    path = Path(file)
    try:
        if path.stat().st_size > _LARGEST:
            return {}
        text = path.read_text("utf-8-sig", errors="replace")
        return _read(text)
    except (OSError, yaml.YAMLError):
        return {}


def _read(text: str) -> dict[_Written, int]:
    found: dict[_Written, int] = {}
    stack: list[_Frame] = []
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            stack.append(_Frame(isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = stack.pop()
            _note(found, frame)
            if stack:
                _value(stack[-1], frame)
        elif isinstance(event, yaml.ScalarEvent) and stack:
            _scalar(stack[-1], event)
        elif isinstance(event, yaml.AliasEvent) and stack:
            _value(stack[-1], None)
    return found


def _scalar(frame: _Frame, event: Any) -> None:
    if frame.mapping and frame.at_key:
        frame.key, frame.at_key = event.value, False
        return
    if frame.mapping and frame.key in ("kind", "name", "namespace"):
        frame.words[frame.key] = event.value
        if frame.key == "name":
            frame.line = event.start_mark.line + 1
    _value(frame, None)


def _value(frame: _Frame, inner: _Frame | None) -> None:
    """A value of ``frame`` was read whole."""
    if frame.mapping:
        if frame.at_key:
            # A key that is no word: what comes next is its value.
            frame.key, frame.at_key = None, False
            return
        if frame.key == "metadata" and inner is not None and inner.mapping:
            frame.inner = inner
        frame.at_key = True


def _note(found: dict[_Written, int], frame: _Frame) -> None:
    kind, inner = frame.words.get("kind"), frame.inner
    if kind and inner is not None and "name" in inner.words:
        place = inner.words.get("namespace", "")
        found.setdefault(_Written(kind.lower(), place, inner.words["name"]), inner.line)
