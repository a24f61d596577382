import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from patience import eventually
from ringfence.base.clock import Clock, SystemClock
from ringfence.engine import processes, status
from ringfence.engine.bringup import Unit, bring_up, failure
from ringfence.engine.status import Status


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    (tmp_path / "log").mkdir()
    return Unit("cluster c", tmp_path / "p", tmp_path, tmp_path / "cluster.json", {}, True, lambda: True)


def said(reason: str, message: str, pid: int = 7) -> Status:
    return Status(pid, "failed", reason, message, "", "v1")


def test_a_full_disk_is_recognised_by_what_the_store_logged(unit: Unit) -> None:
    unit.log.write_text("panic: write wal: no space left on device\ngoroutine 1\n")
    assert failure(unit, None).reason == "NoSpace"


def test_a_taken_port_is_passed_on(unit: Unit) -> None:
    assert failure(unit, said("PortTaken", "127.0.0.1:1: the port is taken"), 7).reason == "PortTaken"


def test_what_the_program_said_counts_only_from_itself(unit: Unit) -> None:
    unit.log.write_text("first\n\nsecond\nthird\nfourth\n")
    assert "because" in str(failure(unit, said("Failed", "because"), 7))
    older = failure(unit, said("Failed", "because", pid=6), 7)
    assert "because" not in str(older)
    assert "second\nthird\nfourth" in str(older)
    assert str(unit.log) in (older.hint or "")


@pytest.mark.parametrize("content", ["", "{", '{"pid": "x"}', "[]", "null"])
def test_a_status_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)
    assert status.read(tmp_path) is None


def test_nobody_answers_where_nobody_listens(tmp_path: Path) -> None:
    assert not status.answers(1, tmp_path / "ca.crt")


_STORY = """
say() {{ echo "{{\\"pid\\": $$, \\"phase\\": \\"$1\\", \\"reason\\": \\"\\", \\"message\\": \\"\\", \\"generation\\": \\"{generation}\\", \\"version\\": \\"\\"}}" > s; mv s c/status.json; }}
if [ ! -e room ]; then say starting; while [ ! -e room ]; do sleep 0.05; done; exit 1; fi
say ready
while :; do sleep 0.1; done
"""  # noqa: E501 - a script's line


@dataclass
class _RoomIsMade(Clock):
    """The system's time; whoever waits makes room meanwhile."""

    room: Path

    def now(self) -> datetime:
        return SystemClock().now()

    def monotonic(self) -> float:
        return SystemClock().monotonic()

    def sleep(self, seconds: float) -> None:
        self.room.touch()
        SystemClock().sleep(seconds)


def test_what_an_earlier_run_started_may_fail_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was out of room; there is some now, and nobody should have to say so twice."""
    monkeypatch.chdir(tmp_path)
    program, directory = tmp_path / "ringfence-cluster", tmp_path / "c"
    program.symlink_to("/bin/sh")
    directory.mkdir()
    (directory / "cluster.json").write_text("{}")
    generation = status.generation(directory / "cluster.json")
    (tmp_path / "run").write_text(_STORY.format(generation=generation))
    environment = {"PATH": os.environ["PATH"]}
    unit = Unit("cluster c", program, directory, directory / "cluster.json", environment, True, lambda: True)
    earlier = processes.start(program, directory, unit.log, environment)
    eventually(lambda: status.read(directory) is not None, "it has begun", 10.0)
    words: list[str] = []
    try:
        bring_up([unit], tmp_path, _RoomIsMade(tmp_path / "room"), words.append)
        assert words == [
            "cluster c: it failed as it was started earlier; starting it again",
            "cluster c is ready",
        ]
        assert not processes.alive(earlier)
    finally:
        processes.stop(processes.find(tmp_path), SystemClock())
