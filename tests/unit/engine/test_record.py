import contextlib
import json
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.engine import ClusterSpec, EnvironmentSpec, NodeSpec, Role, record
from ringfence.engine.record import ClusterRecord, EngineRecord


def environment(*names: str) -> EnvironmentSpec:
    return EnvironmentSpec("e", tuple(ClusterSpec(name, Role.WORKLOAD, (NodeSpec("n", "p"),)) for name in names))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = EngineRecord(("e",), (ClusterRecord("e", "c", Role.MANAGEMENT, 20000, ("n",)),))
    record.write(tmp_path, written)
    assert record.read(tmp_path) == written


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"clusters": 3}', '{"clusters": [{}], "environments": []}']
)
def test_a_damaged_record_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / record.RECORD_NAME).write_text(content)
    assert record.read(tmp_path) == EngineRecord()


def test_ports_are_kept_and_never_shared(tmp_path: Path) -> None:
    first = record.plan("l", tmp_path, [environment("a", "b")])
    record.write(tmp_path, first)
    second = record.plan("l", tmp_path, [environment("c", "b", "a")])
    assert {one.port for one in first.clusters} < {one.port for one in second.clusters}
    assert len({one.port for one in second.clusters}) == 3
    assert second.port("a") == first.port("a")


def test_a_port_is_found_in_the_cluster_s_own_file_when_the_record_is_lost(tmp_path: Path) -> None:
    (tmp_path / "e" / "a").mkdir(parents=True)
    (tmp_path / "e" / "a" / record.CLUSTER_FILE).write_text(json.dumps({"port": 17171}))
    assert record.plan("l", tmp_path, [environment("a")]).port("a") == 17171


@given(st.text(max_size=20))
def test_a_free_port_is_below_the_ports_of_outgoing_connections(name: str) -> None:
    port = record.free_port(name, ())
    assert 16000 <= port < 32000


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    port = record.free_port("x", ())
    with contextlib.closing(socket.create_server(("127.0.0.1", port))):
        assert not record.is_free(port)
        assert record.free_port("x", ()) != port
    assert record.free_port("x", {port}) != port


def test_a_file_is_written_only_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert record.write_if_changed(path, {"a": 1})
    before = path.stat()
    assert not record.write_if_changed(path, {"a": 1})
    assert path.stat().st_ino == before.st_ino
    assert record.write_if_changed(path, {"a": 2})
