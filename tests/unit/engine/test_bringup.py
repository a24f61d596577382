from pathlib import Path

import pytest

from ringfence.engine import status
from ringfence.engine.bringup import Unit, failure
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
