"""Where the ledger's lines are kept: a file of JSON lines, with the checkpoint in a file beside it.

Appending is one call that hands the store a function: the store knows the end of the ledger only once nobody else can
write (a file: under a lock; Git: when the push went through), and so the line has to be composed inside. Handing the
store a finished line was rejected: it would name a place that somebody else may have taken.

Order of writing: the line, fsync, then the checkpoint. A crash between leaves a checkpoint that is one behind, which
is still true; the other order could leave one that promises a line which never came.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ringfence.base.errors import StateError
from ringfence.base.paths import write_atomically


@dataclass(frozen=True, slots=True)
class Contents:
    """All that is stored: complete lines, bytes after the last line end (a write cut short), the checkpoint."""

    lines: tuple[bytes, ...]
    rest: bytes
    checkpoint: bytes | None


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of the ledger: its last complete line (None: it is empty) and the checkpoint (None: missing)."""

    line: bytes | None
    checkpoint: bytes | None


@dataclass(frozen=True, slots=True)
class Addition:
    """What to store next: one line without a line end (None: only the checkpoint), and the checkpoint after it."""

    line: bytes | None
    checkpoint: bytes


class Store(Protocol):
    """Keeps lines in order, one writer at a time."""

    @property
    def name(self) -> str:
        """What errors call it: a path or a repository."""
        ...

    def read(self) -> Contents:
        """All of it, as one moment had it."""
        ...

    def append(self, compose: Callable[[Tail], Addition]) -> None:
        """Store what ``compose`` makes of the present end; it may be called again when another writer was faster."""
        ...


class FileStore:
    """Lines in a file. One writer at a time by a lock on a file beside it; readers need no lock."""

    def __init__(self, path: Path) -> None:
        """``path`` is the ledger's file; ``PATH.checkpoint`` and ``PATH.lock`` stand beside it."""
        self.path = path
        self.checkpoint_path = path.with_name(path.name + ".checkpoint")

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def read(self) -> Contents:
        """All lines. The checkpoint is read first: a writer in between can only make the ledger longer than it says."""
        checkpoint = _read(self.checkpoint_path)
        text = _read(self.path) or b""
        *lines, rest = text.split(b"\n")
        return Contents(tuple(lines), rest, checkpoint)

    def append(self, compose: Callable[[Tail], Addition]) -> None:
        """Add a line under the lock. Bytes that a crash left after the last line end are dropped first."""
        with exclusive(self.path.with_name(self.path.name + ".lock")):
            tail = Tail(self._last_line(), _read(self.checkpoint_path))
            addition = compose(tail)
            if addition.line is not None:
                append_line(self.path, addition.line)
            write_atomically(self.checkpoint_path, addition.checkpoint, mode=0o600)

    def _last_line(self) -> bytes | None:
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            end = _complete_length(descriptor)
            if end == 0:
                return None
            start = _after_last_line_end(descriptor, end - 1)
            return os.pread(descriptor, end - 1 - start, start)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock on the file at ``path``, made when missing; the system lets go of it when the process dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def append_line(path: Path, line: bytes) -> None:
    """Add ``line`` and a line end to a file and fsync it; what a crash left after the last line end goes first.

    The caller holds the lock. Raises StateError when the disk is full or the file cannot be written.
    """
    created = not path.exists()
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            complete = _complete_length(descriptor)
            os.ftruncate(descriptor, complete)
            os.lseek(descriptor, complete, os.SEEK_SET)
            view = memoryview(line + b"\n")
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if created:
            _sync_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> StateError:
    return StateError(
        f"{path}: it cannot be written: {error.strerror or error}",
        reason="CannotWrite",
        hint="free some disk space or give the folder to your user, then run the same command again",
    )


_BLOCK = 65536


def _complete_length(descriptor: int) -> int:
    """Where the last complete line ends."""
    return _after_last_line_end(descriptor, os.fstat(descriptor).st_size)


def _after_last_line_end(descriptor: int, before: int) -> int:
    """The position after the last line end in the first ``before`` bytes, 0 when there is none."""
    while before > 0:
        start = max(0, before - _BLOCK)
        found = os.pread(descriptor, before - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        before = start
    return 0


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
