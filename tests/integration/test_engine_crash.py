"""Anything may be killed at any moment: ``up`` brings it back with nothing lost, ``down`` leaves nothing."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from patience import eventually
from ringfence.base.clock import SystemClock
from ringfence.base.errors import StateError
from ringfence.base.paths import Paths
from ringfence.engine import (
    ClusterSpec,
    ClusterState,
    Engine,
    EngineState,
    EnvironmentSpec,
    NodeSpec,
    Role,
)

pytestmark = pytest.mark.engine

_UP = """
import sys
from ringfence.base.paths import Paths
from ringfence.engine import ClusterSpec, Engine, EnvironmentSpec, NodeSpec, Role
clusters = (
    ClusterSpec("killed-management", Role.MANAGEMENT),
    ClusterSpec("killed-1", Role.WORKLOAD, (NodeSpec("apps-1", "apps"),)),
)
engine = Engine(Paths.from_environment())
engine.up("killed", [EnvironmentSpec("killed", clusters)], report=lambda line: print(line, flush=True))
print("done", flush=True)
"""
_KILLED = EnvironmentSpec(
    "killed",
    (
        ClusterSpec("killed-management", Role.MANAGEMENT),
        ClusterSpec("killed-1", Role.WORKLOAD, (NodeSpec("apps-1", "apps"),)),
    ),
)


def small(name: str, nodes: int = 1) -> EnvironmentSpec:
    """An environment of one workload cluster."""
    specs = tuple(NodeSpec(f"apps-{number}", "apps") for number in range(1, nodes + 1))
    return EnvironmentSpec(name, (ClusterSpec(f"{name}-1", Role.WORKLOAD, specs),))


class Home(Protocol):
    """What these tests use of the session's home."""

    @property
    def paths(self) -> Paths: ...

    @property
    def variables(self) -> dict[str, str]: ...


@dataclass(frozen=True)
class Notes:
    """Writes a word into a cluster and reads it again."""

    kubectl: Path
    cluster: ClusterState

    def write(self, word: str) -> None:
        self._run("create", "configmap", word)

    def read(self, word: str) -> bool:
        return f"configmap/{word}" in self._run("get", "configmap", word, "-o", "name")

    def nodes(self) -> list[str]:
        return sorted(line.removeprefix("node/") for line in self._run("get", "nodes", "-o", "name").split())

    def _run(self, *arguments: str) -> str:
        cache = self.cluster.directory.parents[3] / "kubectl"
        command = [str(self.kubectl), f"--kubeconfig={self.cluster.kubeconfig}", f"--cache-dir={cache}"]
        return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture(scope="module")
def kubectl(engine: Engine) -> Path:
    return engine.binaries().folder / "kubectl"


@pytest.fixture(scope="module")
def running(engine: Engine) -> Iterator[EngineState]:
    yield engine.up("killed", [_KILLED])
    engine.down("killed", purge=True)


@pytest.fixture
def alone(engine: Engine, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a landscape for one test, gone after it."""
    name = f"t{zlib.crc32(request.node.name.encode()) % 10**6}"
    yield name
    engine.down(name, purge=True)


def gone(pids: list[int]) -> bool:
    return all(not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in pids)


def kill(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: gone(pids), "the processes are gone", 20, every=0.02)


def numbers(state: EngineState) -> list[int]:
    return [process.pid for process in state.processes if process.pid is not None]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_each_process_comes_back_after_kill_9(running: EngineState, engine: Engine, kubectl: Path, index: int) -> None:
    before = engine.up("killed", [_KILLED])
    notes = [Notes(kubectl, cluster) for cluster in before.clusters]
    for note in notes:
        note.write(f"before-{index}")
    victim = numbers(before)[index]
    kill([victim])
    assert not engine.state("killed").ready
    after = engine.up("killed", [_KILLED])
    assert after.ready
    assert [port.port for port in after.clusters] == [port.port for port in before.clusters]
    untouched = set(numbers(before)) - {victim}
    assert untouched <= set(numbers(after))
    assert all(note.read(f"before-{index}") for note in notes)


def test_all_processes_come_back_after_kill_9(running: EngineState, engine: Engine, kubectl: Path) -> None:
    before = engine.up("killed", [_KILLED])
    notes = [Notes(kubectl, cluster) for cluster in before.clusters]
    for note in notes:
        note.write("before-all")
    kill(numbers(before))
    after = engine.up("killed", [_KILLED])
    assert after.ready
    assert not set(numbers(before)) & set(numbers(after))
    assert all(note.read("before-all") for note in notes)


def test_a_stopped_process_that_does_not_answer_is_replaced(
    running: EngineState, engine: Engine, kubectl: Path
) -> None:
    before = engine.up("killed", [_KILLED])
    cluster = before.cluster("killed-1")
    assert cluster.pid is not None
    Notes(kubectl, cluster).write("before-stop")
    os.kill(cluster.pid, signal.SIGSTOP)
    after = engine.up("killed", [_KILLED])
    assert after.ready
    assert after.cluster("killed-1").pid != cluster.pid
    assert gone([cluster.pid])
    assert Notes(kubectl, cluster).read("before-stop")


def test_up_changes_nothing_when_all_is_there(running: EngineState, engine: Engine) -> None:
    before = engine.up("killed", [_KILLED])
    said: list[str] = []
    after = engine.up("killed", [_KILLED], report=said.append)
    assert after == before
    assert [line for line in said if not line.endswith("is ready")] == []


@pytest.mark.parametrize("moment", [0.0, 0.3, 0.9, 1.8, 3.0, 4.5])
def test_up_can_be_killed_and_made_again(engine: Engine, engine_home: Home, moment: float) -> None:
    """``moment`` is in seconds after the first program was started; at 0 none or some of them may be there."""
    engine.down("killed", purge=True)
    killed = subprocess.Popen([sys.executable, "-c", _UP], env=engine_home.variables, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    with killed:
        killed.stdout.readline()
        SystemClock().sleep(moment)
        killed.kill()
    state = engine.up("killed", [_KILLED])
    assert state.ready
    assert len(set(numbers(state))) == 3
    engine.down("killed")
    assert gone(numbers(state))


def test_down_ends_what_a_killed_up_started(engine: Engine, engine_home: Home) -> None:
    engine.down("killed", purge=True)
    with subprocess.Popen(
        [sys.executable, "-c", _UP], env=engine_home.variables, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        for _ in range(2):
            killed.stdout.readline()
        killed.kill()
    engine.down("killed", purge=True)
    folder = str(engine_home.paths.landscape("killed"))
    left = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(folder in word for word in process.info["cmdline"] or [])
    ]
    assert left == []
    assert not engine_home.paths.landscape("killed").exists()


def test_down_leaves_no_process_and_purge_no_file(engine: Engine, engine_home: Home, alone: str) -> None:
    state = engine.up(alone, [small(alone)])
    pids = numbers(state)
    engine.down(alone)
    assert gone(pids)
    assert not engine.state(alone).running
    assert engine.up(alone, [small(alone)]).ready
    engine.down(alone, purge=True)
    assert not engine_home.paths.landscape(alone).exists()
    engine.down(alone, purge=True)  # again does nothing


def test_a_taken_port_is_left_to_its_owner(engine: Engine, kubectl: Path, alone: str) -> None:
    before = engine.up(alone, [small(alone)]).cluster(f"{alone}-1")
    Notes(kubectl, before).write("before-move")
    engine.down(alone)
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", before.port))
        stranger.listen()
        said: list[str] = []
        after = engine.up(alone, [small(alone)], report=said.append).cluster(f"{alone}-1")
    assert after.port != before.port
    assert any(str(before.port) in line and "taken" in line for line in said)
    assert Notes(kubectl, after).read("before-move")


def test_nodes_and_clusters_come_and_go_with_the_specification(engine: Engine, kubectl: Path, alone: str) -> None:
    first = small(alone)
    more = EnvironmentSpec(alone, (*small(alone, nodes=3).clusters, *small(f"{alone}b").clusters))
    state = engine.up(alone, [first])
    cluster = state.cluster(f"{alone}-1")
    assert Notes(kubectl, cluster).nodes() == ["apps-1"]
    grown = engine.up(alone, [more])
    assert grown.cluster(f"{alone}-1").pid == cluster.pid
    assert Notes(kubectl, cluster).nodes() == ["apps-1", "apps-2", "apps-3"]
    second = grown.cluster(f"{alone}b-1")
    shrunk = engine.up(alone, [first])
    assert Notes(kubectl, cluster).nodes() == ["apps-1"]
    assert [one.name for one in shrunk.clusters] == [f"{alone}-1"]
    assert second.pid is not None
    assert gone([second.pid])
    assert not second.directory.exists()


def test_two_landscapes_do_not_touch_each_other(engine: Engine, kubectl: Path, alone: str) -> None:
    other = f"{alone}x"
    try:
        mine = engine.up(alone, [small("same")]).cluster("same-1")
        theirs = engine.up(other, [small("same")]).cluster("same-1")
        assert mine.port != theirs.port
        Notes(kubectl, mine).write("mine")
        with pytest.raises(subprocess.CalledProcessError):
            Notes(kubectl, theirs).read("mine")
        engine.down(alone, purge=True)
        assert engine.state(other).ready
    finally:
        engine.down(other, purge=True)


@pytest.mark.parametrize(
    "damage",
    [
        "engine.json",
        "{0}/{0}-1/cluster.json",
        "{0}/{0}-1/status.json",
        "{0}/{0}-1/kubeconfig/admin.yaml",
        "{0}/{0}-1/pki/apiserver.crt",
        "{0}/{0}-1/pki/apiserver.key",
    ],
)
def test_a_half_written_file_is_written_again(engine: Engine, kubectl: Path, alone: str, damage: str) -> None:
    before = engine.up(alone, [small(alone)])
    Notes(kubectl, before.clusters[0]).write("before-damage")
    engine.down(alone)
    path = before.directory / damage.format(alone)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    after = engine.up(alone, [small(alone)])
    assert after.ready
    assert Notes(kubectl, after.clusters[0]).read("before-damage")


def test_lost_keys_are_an_error_that_says_so(engine: Engine, alone: str) -> None:
    cluster = engine.up(alone, [small(alone)]).clusters[0]
    engine.down(alone)
    for path in (cluster.directory / "pki").iterdir():
        path.unlink()
    (cluster.directory / "pki").rmdir()
    with pytest.raises(StateError) as error:
        engine.up(alone, [small(alone)])
    assert "pki is gone" in str(error.value)
    assert "--purge" in (error.value.hint or "")


def test_a_stranger_s_process_is_never_ended(engine: Engine, alone: str) -> None:
    """A status file that names another program's process, as it would after the number was given away again."""
    cluster = engine.up(alone, [small(alone)]).clusters[0]
    engine.down(alone)
    with subprocess.Popen(["sleep", "600"]) as stranger, contextlib.ExitStack() as stack:
        stack.callback(stranger.kill)
        status = cluster.directory / "status.json"
        status.write_text(status.read_text().replace('"pid":', f'"pid":{stranger.pid},"was":'))
        assert not engine.state(alone).running
        assert engine.up(alone, [small(alone)]).ready
        engine.down(alone)
        assert stranger.poll() is None
