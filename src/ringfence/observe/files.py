"""Snapshots from files: a file, or a folder with all of its YAML and JSON files, read in a fixed order."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ringfence.base.errors import InputError, Location
from ringfence.observe.collect import Collector
from ringfence.observe.decode import decode, no_collection
from ringfence.observe.hashing import HashingKey
from ringfence.prove.kinds import Kind
from ringfence.prove.snapshot import ClusterSnapshot, Defect

if TYPE_CHECKING:
    from ringfence.observe.rows import ObjectList

BULKY = 1 << 18
"""Bytes from which on a JSON List is read field by field: below, decoding it whole takes less than an import."""
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_PACKED = frozenset({".gz", ".bz2", ".xz", ".zst", ".age", ".gpg", ".j2", ".tmpl", ".gotmpl", ".tpl"})
_PIPE = Path("-")


def read_snapshot(name: str, path: Path, key: HashingKey) -> ClusterSnapshot:
    """The objects of cluster ``name`` from ``path`` (``-``: standard input), with secret values hashed under ``key``.

    Raises InputError for a path that is not there, a folder without YAML or JSON, and a file that is neither.
    """
    piped = sys.stdin.buffer.read() if path == _PIPE else None
    with no_collection():
        try:
            return _read(name, path, key, piped, bulk=True)
        except orjson.JSONDecodeError:
            # A number that is too large for one decoder, found when its object was taken apart: the other way takes it.
            return _read(name, path, key, piped, bulk=False)


def _read(name: str, path: Path, key: HashingKey, piped: bytes | None, *, bulk: bool) -> ClusterSnapshot:
    collector = Collector(name, key, context=str(path))
    if piped is not None:
        _take_piped(collector, piped, bulk=bulk)
        return collector.finish()
    for file in snapshot_files(path):
        documents = _take(collector, file.read_bytes(), str(file), str(file), bulk=bulk)
        if file == path:
            _check_plain(documents, str(path))
    for left in _left_out(path):
        collector.doubt(left)
    return collector.finish()


def _take(collector: Collector, content: bytes, shown: str, source: str, *, bulk: bool) -> Sequence[Any]:
    """Take in what a file holds. The documents in it, but for a List that was read field by field: its parts."""
    listed = _listed(content) if bulk else None
    if listed is not None:
        collector.add_list(listed, source)
        return listed.items or (listed,)
    documents = decode(content, shown)
    for document in documents:
        collector.add(document, source)
    return documents


def _listed(content: bytes) -> "ObjectList | None":
    """The file as a List of text when it is a JSON List that is large enough for that to pay."""
    if len(content) < BULKY or content[:64].lstrip()[:1] != b"{":
        return None
    from ringfence.observe.rows import split

    return split(content)


def _take_piped(collector: Collector, content: bytes, *, bulk: bool) -> None:
    """Take in standard input. Nothing at all is an error: most often the command before the pipe failed."""
    documents = _take(collector, content, "standard input", "", bulk=bulk)
    if not documents:
        raise InputError("there is nothing in it", location=Location("standard input"), reason="NotFound")
    _check_plain(documents, "standard input")


def _check_plain(documents: Sequence[Any], shown: str) -> None:
    if documents and all(isinstance(one, str | int | float) for one in documents):
        raise InputError(
            "this is plain text, and no Kubernetes object",
            location=Location(shown),
            hint="--snapshot NAME=PATH takes a folder or file of Kubernetes objects, in YAML or JSON",
        )


def snapshot_files(path: Path) -> tuple[Path, ...]:
    """The files of a snapshot in the order they are read. Hidden files and folders do not count.

    Raises InputError when there are none.
    """
    if not path.exists():
        raise InputError(
            "there is no such file or folder",
            location=Location(str(path)),
            reason="NotFound",
            hint="--snapshot NAME=PATH takes a folder or file of Kubernetes objects, or - for standard input",
        )
    if not path.is_dir():
        return (path,)
    files = tuple(_below(path))
    if not files:
        raise InputError("the folder holds no YAML or JSON file", location=Location(str(path)), reason="NotFound")
    return files


def _left_out(path: Path) -> Iterator[Defect]:
    """What below a folder may hold objects and was not read: packed files, templates, and folders behind links.

    Links are not followed: one in a stranger's repository may lead anywhere, or round in a circle.
    """
    if not path.is_dir():
        return
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if entry.is_symlink():
                yield Defect(
                    Kind("", ""), "", str(entry), "a link to a folder, which is not followed: copy what it leads to"
                )
            else:
                yield from _left_out(entry)
        elif entry.suffix.lower() in _PACKED and Path(entry.stem).suffix.lower() in _SUFFIXES:
            yield Defect(Kind("", ""), "", str(entry), "packed or a template, and so not read")


def _below(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if not entry.is_symlink():
                yield from _below(entry)
        elif entry.suffix.lower() in _SUFFIXES:
            yield entry
