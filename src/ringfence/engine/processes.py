"""The engine's processes: found in the process table, started detached, ended for good.

There are no pid files: the process table is asked which processes run one of our programs on a given directory, so
nothing can be stale and no stranger's process is ever signalled. A supervisor of our own was rejected: it would be one
more process that can be killed, and ``up`` repairs what died.
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.base.clock import Clock
from ringfence.base.errors import StateError

if TYPE_CHECKING:
    import psutil

PROGRAM_NAMES = frozenset({"ringfence-cluster", "ringfence-argocd"})
_GRACE_SECONDS = 8.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """A process of the engine: its number, the program file, the directory it works on, and when it was started."""

    pid: int
    program: Path
    directory: Path
    created: float


def find(folder: Path) -> tuple[Running, ...]:
    """The engine's processes of this user whose directory is ``folder`` or lies under it."""
    import psutil

    found = []
    for process in psutil.process_iter(["cmdline", "create_time", "status", "uids"]):
        running = _ours(process)
        if running is not None and running.directory.is_relative_to(folder):
            found.append(running)
    return tuple(sorted(found, key=lambda running: (str(running.directory), running.pid)))


def _ours(process: "psutil.Process") -> Running | None:
    import psutil

    values = process.info
    command: list[str] = values.get("cmdline") or []
    if len(command) != 4 or command[1:3] != ["run", "--directory"] or Path(command[0]).name not in PROGRAM_NAMES:
        return None
    if values.get("status") == psutil.STATUS_ZOMBIE:
        reap(process.pid)
        return None
    if values.get("uids") is None or values["uids"].real != os.getuid():
        return None
    return Running(process.pid, Path(command[0]), Path(command[3]), values.get("create_time") or 0.0)


def alive(running: Running) -> bool:
    """Whether it is still the same process, and not only its number."""
    import psutil

    try:
        process = psutil.Process(running.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            reap(running.pid)
            return False
        return bool(process.create_time() == running.created)
    except psutil.NoSuchProcess:
        return False


def reap(pid: int) -> None:
    """Take note of a child's end, if it is ours."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def start(program: Path, directory: Path, log: Path, environment: Mapping[str, str]) -> Running:
    """Start a program on a directory, in a session of its own, writing to ``log``; it outlives this process."""
    import psutil

    with contextlib.suppress(OSError):
        # A log for each run, so that its end says how this run ended; the one before is kept.
        log.replace(log.with_suffix(".1.log"))
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        pid = os.posix_spawn(
            program,
            [str(program), "run", "--directory", str(directory)],
            dict(environment),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
    except OSError as error:
        raise StateError(
            f"{program}: cannot be started: {error.strerror or error}",
            reason="CannotStart",
            hint="check that the file can be executed and that the disk is not full",
        ) from error
    with contextlib.suppress(psutil.NoSuchProcess):
        return Running(pid, program, directory, psutil.Process(pid).create_time())
    return Running(pid, program, directory, 0.0)


def hang_up(running: Running) -> None:
    """Make it read its configuration again."""
    _signal(running, signal.SIGHUP)


def stop(processes: Sequence[Running], clock: Clock) -> None:
    """End them: politely first, then with SIGKILL, with everything they started; returns when they are gone."""
    started = [child for running in processes for child in _descendants(running)]
    for running in processes:
        _signal(running, signal.SIGTERM)
    left = _wait(processes, clock, _GRACE_SECONDS)
    for running in (*left, *started):
        _signal(running, signal.SIGKILL)
    left = _wait([*left, *started], clock, _GRACE_SECONDS)
    if left:
        numbers = ", ".join(str(running.pid) for running in left)
        raise StateError(
            f"processes {numbers} do not end, not even by SIGKILL",
            reason="CannotStop",
            hint="they most likely wait for a disk that does not answer; run the command again when it does",
        )


def _descendants(running: Running) -> list[Running]:
    """What a process of ours has started (git, helm). A process group was rejected: its number outlives its leader."""
    import psutil

    if not alive(running):
        return []
    found: list[Running] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(running.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(Running(child.pid, running.program, running.directory, child.create_time()))
    return found


def _wait(processes: Iterable[Running], clock: Clock, seconds: float) -> list[Running]:
    deadline = clock.monotonic() + seconds
    left = [running for running in processes if alive(running)]
    while left and clock.monotonic() < deadline:
        clock.sleep(_POLL_SECONDS)
        left = [running for running in left if alive(running)]
    return left


def _signal(running: Running, number: signal.Signals) -> None:
    if alive(running):
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, number)
