"""Brings programs up and waits until each says that it has done what its configuration asks.

A unit is one program on one directory. Nothing is remembered of how far an earlier run came: what runs and what it says
is looked at anew, so a run that was killed anywhere is simply made again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import RingfenceError, StateError, UnreachableError
from ringfence.engine import processes, status
from ringfence.engine.layout import log_of
from ringfence.engine.processes import Running

Report = Callable[[str], None]

_PATIENCE_SECONDS = 240.0
_SILENCE_SECONDS = 30.0
_POLL_SECONDS = 0.03
_QUESTIONS = 3


@dataclass(frozen=True, slots=True)
class Unit:
    """One program on one directory, with its configuration file there; ``reloads``: a SIGHUP makes it read that again.

    ``healthy`` tells whether a program that says it is ready really answers.
    """

    title: str
    program: Path
    directory: Path
    configuration: Path
    environment: Mapping[str, str]
    reloads: bool
    healthy: Callable[[], bool]

    @property
    def log(self) -> Path:
        """Where it logs."""
        return log_of(self.directory)


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A unit that is waited for; ``ours``: this run started its process, and did not find it starting."""

    unit: Unit
    process: Running
    since: float
    ours: bool


def bring_up(units: Sequence[Unit], folder: Path, clock: Clock, report: Report) -> None:
    """Start, reload or replace what has to be, all at once, and return when every unit is ready.

    Raises StateError with the program's own reason when one cannot start, UnreachableError when one is late.
    """
    running = {process.directory: process for process in processes.find(folder)}
    awaited = [_ensure(unit, running.get(unit.directory), clock, report) for unit in units]
    deadline = clock.monotonic() + _PATIENCE_SECONDS
    while awaited:
        still = []
        for one in awaited:
            try:
                ready = _is_ready(one, clock)
            except StateError:
                if one.ours:
                    raise
                # What an earlier run started may fail of what has been mended since: room on the disk, a free port.
                report(f"{one.unit.title}: it failed as it was started earlier; starting it again")
                processes.stop([one.process], clock)
                still.append(_start(one.unit, clock))
                continue
            if ready:
                report(f"{one.unit.title} is ready")
            else:
                still.append(one)
        awaited = still
        if not awaited:
            return
        if clock.monotonic() > deadline:
            raise _late(awaited[0].unit)
        clock.sleep(_POLL_SECONDS)


def _ensure(unit: Unit, running: Running | None, clock: Clock, report: Report) -> _Awaited:
    if running is None:
        report(f"{unit.title}: starting")
        return _start(unit, clock)
    found = _Awaited(unit, running, clock.monotonic(), ours=False)
    wanted = status.generation(unit.configuration)
    said = status.read(unit.directory)
    if running.program != unit.program:
        why = "another version of the program is running; replacing it"
    elif said is None or said.pid != running.pid or said.phase == "starting":
        return found  # it was started a moment ago, by a run that was killed: wait for it
    elif said.phase == "failed":
        why = "it failed earlier; starting it again"
    elif said.generation != wanted and not unit.reloads:
        why = "its configuration changed; starting it again"
    elif said.generation != wanted:
        report(f"{unit.title}: its configuration changed")
        processes.hang_up(running)
        return found
    elif not _answers(unit):
        why = "it does not answer; starting it again"
    else:
        return found
    report(f"{unit.title}: {why}")
    processes.stop([running], clock)
    return _start(unit, clock)


def _answers(unit: Unit) -> bool:
    """Whether it answers, asked a few times: on a busy machine one answer may be late."""
    return any(unit.healthy() for _ in range(_QUESTIONS))


def _start(unit: Unit, clock: Clock) -> _Awaited:
    process = processes.start(unit.program, unit.directory, unit.log, unit.environment)
    return _Awaited(unit, process, clock.monotonic(), ours=True)


def _is_ready(one: _Awaited, clock: Clock) -> bool:
    said = status.read(one.unit.directory)
    ours = said is not None and said.pid == one.process.pid
    if said is not None and ours and said.phase == "failed":
        raise failure(one.unit, said)
    if not processes.alive(one.process):
        # What it said may have been written between the two looks.
        raise failure(one.unit, status.read(one.unit.directory), one.process.pid)
    if said is None or not ours:
        if clock.monotonic() - one.since > _SILENCE_SECONDS:
            raise _late(one.unit)
        return False
    return said.phase == "ready" and said.generation == status.generation(one.unit.configuration) and one.unit.healthy()


def failure(unit: Unit, said: status.Status | None, pid: int | None = None) -> RingfenceError:
    """Why a unit is not there, from what it said and what its log ends with."""
    if status.disk_was_full(unit.log) or (said is not None and said.reason == "NoSpace"):
        return StateError(
            f"{unit.title}: the disk is full",
            reason="NoSpace",
            hint="free some space, then run the same command again; what was acknowledged is not lost",
        )
    spoke = said is not None and said.phase == "failed" and (pid is None or said.pid == pid)
    if said is not None and spoke and said.reason == "PortTaken":
        return StateError(
            f"{unit.title}: {said.message}",
            reason="PortTaken",
            hint="run the same command again: another port is chosen",
        )
    words = said.message if said is not None and spoke else f"it ended\n{status.last_words(unit.log)}"
    return StateError(
        f"{unit.title}: {words}",
        reason="CannotStart",
        hint=f"read {unit.log}; if files are damaged for good, remove the landscape: `ringfence down --purge`",
    )


def _late(unit: Unit) -> UnreachableError:
    return UnreachableError(
        f"{unit.title}: not ready after {_PATIENCE_SECONDS:.0f} seconds",
        reason="NotReady",
        hint=f"read {unit.log}; if the machine is busy, run the same command again: it goes on where this one stopped",
    )
