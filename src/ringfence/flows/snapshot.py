"""Writes what a cluster holds, secret values hashed, to one file."""

from dataclasses import dataclass
from pathlib import Path

from ringfence.base.errors import InputError, Location
from ringfence.base.paths import write_atomically
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import HashingKey, key_from, new_key
from ringfence.observe.write import snapshot_bytes
from ringfence.prove.snapshot import ClusterSnapshot


@dataclass(frozen=True, slots=True)
class Taken:
    """What was written: how many objects, and what could not be listed."""

    objects: int
    not_listed: tuple[str, ...]
    defects: int
    content: bytes


def read_key(path: Path | None) -> HashingKey:
    """The hashing key in a file, or one for this run only. Raises InputError when the file holds no key."""
    if path is None:
        return new_key()
    try:
        return key_from(path.read_bytes())
    except FileNotFoundError:
        raise InputError(
            "there is no such key file",
            location=Location(str(path)),
            hint=f"head -c 32 /dev/urandom > {path}; chmod 600 {path}",
        ) from None


def take_live(context: str | None, kubeconfig: Path | None, namespaces: tuple[str, ...], key: HashingKey) -> Taken:
    """The objects of a live cluster as a snapshot file's content."""
    from ringfence.observe.live import read_live

    name = context or "cluster"
    return _taken(read_live(name, context, key, kubeconfig=kubeconfig, namespaces=namespaces))


def take_files(path: Path, key: HashingKey) -> Taken:
    """Objects from files as a snapshot file's content: so that they may be given away without their secrets."""
    return _taken(read_snapshot("cluster", path, key))


def _taken(snapshot: ClusterSnapshot) -> Taken:
    count = sum(len(items) for items in snapshot.objects.values())
    gaps = tuple(str(marker) for marker in snapshot.not_listed)
    return Taken(count, gaps, len(snapshot.defects), snapshot_bytes(snapshot))


def write_snapshot(path: Path, taken: Taken) -> None:
    """Write the file as a whole or not at all, readable by its owner alone."""
    write_atomically(path, taken.content, mode=0o600)
