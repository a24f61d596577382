"""Snapshots from files: a file, or a folder with all of its YAML and JSON files, read in a fixed order."""

from collections.abc import Iterator
from pathlib import Path

from ringfence.base.errors import InputError, Location
from ringfence.observe.collect import Collector
from ringfence.observe.decode import decode_file, no_collection
from ringfence.observe.hashing import HashingKey
from ringfence.prove.snapshot import ClusterSnapshot

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def read_snapshot(name: str, path: Path, key: HashingKey) -> ClusterSnapshot:
    """The objects of cluster ``name`` from ``path``, with secret values hashed under ``key``.

    Raises InputError for a path that is not there, a folder without YAML or JSON, and a file that is neither.
    """
    collector = Collector(name, key, context=str(path))
    with no_collection():
        for file in snapshot_files(path):
            documents = decode_file(file, str(file))
            if file == path and documents and all(isinstance(one, str | int | float) for one in documents):
                raise InputError(
                    "this is plain text, and no Kubernetes object",
                    location=Location(str(path)),
                    hint="--snapshot NAME=PATH takes a folder or file of Kubernetes objects, in YAML or JSON",
                )
            for document in documents:
                collector.add(document, str(file))
        return collector.finish()


def snapshot_files(path: Path) -> tuple[Path, ...]:
    """The files of a snapshot in the order they are read. Hidden files and folders do not count.

    Raises InputError when there are none.
    """
    if not path.exists():
        raise InputError(
            "there is no such file or folder",
            location=Location(str(path)),
            reason="NotFound",
            hint="--snapshot NAME=PATH takes a folder or file of Kubernetes objects",
        )
    if not path.is_dir():
        return (path,)
    files = tuple(_below(path))
    if not files:
        raise InputError("the folder holds no YAML or JSON file", location=Location(str(path)), reason="NotFound")
    return files


def _below(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if not entry.is_symlink():
                yield from _below(entry)
        elif entry.suffix.lower() in _SUFFIXES:
            yield entry
