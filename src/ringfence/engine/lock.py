"""Only one command at a time changes a landscape's engine.

The kernel lets go of the lock when its holder dies, so it can never be stale; a pid file could.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import ConflictError, StateError

LOCK_NAME = "engine.lock"
_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.1


@contextlib.contextmanager
def only_one(folder: Path, clock: Clock, patience: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the folder's lock, waiting up to ``patience`` seconds for another command. Raises ConflictError."""
    descriptor = _acquire(folder, clock, patience)
    try:
        yield
    finally:
        os.close(descriptor)


def _acquire(folder: Path, clock: Clock, patience: float) -> int:
    path = folder / LOCK_NAME
    deadline = clock.monotonic() + patience
    while True:
        descriptor = _open(folder, path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if clock.monotonic() >= deadline:
                raise ConflictError(
                    f"{folder}: another command has been changing this landscape for {patience:.0f} seconds",
                    reason="Busy",
                    hint="wait until it is done, then run the same command again",
                ) from None
            clock.sleep(_POLL_SECONDS)
            continue
        if _same_file(descriptor, path):
            return descriptor
        os.close(descriptor)  # a purge removed the file meanwhile


def _open(folder: Path, path: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return _open(folder, path)
    except OSError as error:
        raise StateError(
            f"{path}: cannot be written: {error.strerror or error}",
            reason="CannotWrite",
            hint="give the folder to your user, or set XDG_STATE_HOME to one that is yours",
        ) from error


def _same_file(descriptor: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False
