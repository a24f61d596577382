"""On real processes: a small program that is called as the engine's programs are."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from patience import eventually
from ringfence.base.clock import SystemClock
from ringfence.base.errors import StateError
from ringfence.engine import processes
from ringfence.engine.processes import Running


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Python under the name of the cluster program: it sleeps until it is ended."""
    return _program(tmp_path, "")


def _program(folder: Path, first: str) -> Path:
    # A script's command line begins with its interpreter; a link to the shell keeps the program's own name in front.
    path = folder / "ringfence-cluster"
    path.symlink_to("/bin/sh")
    (folder / "run").write_text(f"{first}\nwhile :; do sleep 0.1; done\n")
    return path


@pytest.fixture
def started(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.chdir(tmp_path)
    running = processes.start(
        program, tmp_path / "state" / "c", tmp_path / "log" / "c.log", {"PATH": os.environ["PATH"]}
    )
    yield running
    processes.stop([running], SystemClock())


def test_a_process_is_found_by_its_directory_and_under_it_only(started: Running, tmp_path: Path) -> None:
    assert processes.find(tmp_path / "state") == (started,)
    assert processes.find(tmp_path / "state" / "c") == (started,)
    assert processes.find(tmp_path / "state" / "c2") == ()
    assert processes.find(tmp_path / "sta") == ()


def test_stopped_is_gone(started: Running, tmp_path: Path) -> None:
    assert processes.alive(started)
    processes.stop([started], SystemClock())
    assert not processes.alive(started)
    assert processes.find(tmp_path) == ()
    processes.stop([started], SystemClock())  # again does nothing


def test_the_number_alone_is_not_the_process(started: Running) -> None:
    assert not processes.alive(Running(started.pid, started.program, started.directory, started.created + 1))
    assert not processes.alive(Running(os.getpid(), started.program, started.directory, started.created))


def test_who_ignores_sigterm_is_killed_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_GRACE_SECONDS", 0.3)
    monkeypatch.chdir(tmp_path)
    child = tmp_path / "child"
    program = _program(tmp_path, f"trap '' TERM; sleep 600 & echo $! > {child}")
    running = processes.start(program, tmp_path / "c", tmp_path / "log", {"PATH": os.environ["PATH"]})
    eventually(lambda: child.exists() and child.read_text().strip(), "the child has said its number", every=0.01)
    processes.stop([running], SystemClock())
    assert not processes.alive(running)
    number = int(child.read_text())
    stat = Path(f"/proc/{number}/stat")
    eventually(lambda: not stat.exists() or "Z" in stat.read_text().split()[2], "the child is gone", 5, every=0.02)


def test_a_log_is_private_and_begins_anew_with_each_run(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "logs" / "c.log"
    log.parent.mkdir()
    log.write_text("x" * 20)
    running = processes.start(program, tmp_path / "c", log, {"PATH": os.environ["PATH"]})
    processes.stop([running], SystemClock())
    assert (tmp_path / "logs" / "c.1.log").read_text() == "x" * 20
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StateError) as error:
        processes.start(tmp_path / "nothing", tmp_path / "c", tmp_path / "log", {})
    assert error.value.reason == "CannotStart"
