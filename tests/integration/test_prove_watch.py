"""``prove --watch`` beside a real API server: what breaks is told, what is mended too, and a server that dies."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.conftest import ONE, EngineHome
from ringfence.engine import ClusterState, Engine
from ringfence.kube import NAMESPACES, Cluster, Resource, open_cluster
from unit.prove.proof_worlds import base, grant, rule

pytestmark = pytest.mark.engine

WATCHED = "watched"
SPACES = {"shop-test": "watch-test", "shop": "watch-prod"}
ROLES = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role", namespaced=True)
BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", namespaced=True)
CODES = {"holds": 0, "broken": 1, "unknown": 3}


@dataclass
class Watching:
    """A ``prove --watch -o json`` that runs; ``seen`` are its lines, in the order they came."""

    process: subprocess.Popen[str]
    lines: "queue.Queue[str]" = field(default_factory=queue.Queue)
    seen: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 60.0) -> dict[str, Any]:
        """The next line that is wanted."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self.lines.get(timeout=left)
            except queue.Empty:
                break
            document: dict[str, Any] = json.loads(line)
            self.seen.append(document)
            if wanted(document):
                return document
        raise AssertionError(f"it never came; seen: {json.dumps(self.seen)[-2000:]}")

    def end(self) -> int:
        """Ctrl-C, and the exit code."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)
        return self.process.returncode


def _here(document: dict[str, Any]) -> dict[str, Any]:
    """An object of the small world, in this test's namespaces."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    metadata = found["metadata"]
    if found["kind"] == "Namespace":
        metadata["name"] = SPACES[metadata["name"]]
        metadata["labels"].pop("kubernetes.io/metadata.name")
    elif "namespace" in metadata:
        metadata["namespace"] = SPACES[metadata["namespace"]]
    return found


@pytest.fixture(scope="module")
def one_cluster(engine: Engine) -> Iterator[ClusterState]:
    """One of its own: definitions of custom resources that other tests leave would count in the proof."""
    state = engine.up(WATCHED, [ONE])
    yield state.cluster("one-1")
    engine.down(WATCHED, purge=True)


@pytest.fixture(scope="module")
def cluster(one_cluster: ClusterState) -> Iterator[Cluster]:
    with open_cluster(one_cluster.kubeconfig) as connection:
        for document in base():
            if document["kind"] not in ("Node", "Pod"):
                connection.create(_here(document))
        yield connection
        for name in SPACES.values():
            connection.delete(NAMESPACES, name)


@pytest.fixture
def watching(
    cluster: Cluster, one_cluster: ClusterState, engine_home: EngineHome, tmp_path: Path
) -> Iterator[Watching]:
    document = {
        "apiVersion": "ringfence.dev/v1",
        "kind": "Partition",
        "spec": {
            "deployments": [
                {"name": "shop/testing", "where": [{"cluster": "one", "namespaces": ["watch-test"]}],
                 "people": [{"users": ["alice"]}]},
                {"name": "shop/production", "where": [{"cluster": "one", "namespaces": ["watch-prod"]}],
                 "people": [{"groups": ["shop-admins"]}]},
            ],
            "promises": [{"between": ["shop/testing", "shop/production"], "level": "namespace"}],
            "assume": {"cni": {"name": "calico"}},
        },
    }  # fmt: skip
    partition = tmp_path / "partition.yaml"
    partition.write_text(yaml.safe_dump(document), encoding="utf-8")
    context = yaml.safe_load(one_cluster.kubeconfig.read_text(encoding="utf-8"))["current-context"]
    arguments = ["--partition", str(partition), "--context", f"one={context}", "--kubeconfig"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ringfence", "prove", "--watch", "-o", "json", *arguments, str(one_cluster.kubeconfig)],
        env=engine_home.variables,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = Watching(process)
    yield found
    if process.poll() is None:
        process.kill()
    process.communicate()


def _access(after: str) -> Callable[[dict[str, Any]], bool]:
    def wanted(line: dict[str, Any]) -> bool:
        return any(
            (one["from"], one["dimension"], one["after"]) == ("shop/testing", "access", after)
            for one in line.get("changes", ())
        )

    return wanted


def _break(cluster: Cluster) -> None:
    for document in grant("user:alice", [rule("get list", "secrets")], "shop", "leak"):
        cluster.create(_here(document))


def _mend(cluster: Cluster) -> None:
    for resource in (BINDINGS, ROLES):
        cluster.delete(resource, "leak", "watch-prod")


def test_what_breaks_and_what_is_mended_is_told(watching: Watching, cluster: Cluster) -> None:
    first = watching.until(lambda line: line["current"])
    assert {pair["from"]: pair["dimensions"]["access"]["verdict"] for pair in first["proof"]["pairs"]} == {
        "shop/testing": "holds",
        "shop/production": "holds",
    }
    _break(cluster)
    told = watching.until(_access("broken"))
    change = next(one for one in told["changes"] if one["dimension"] == "access")
    assert (change["before"], change["after"]) == ("holds", "broken")
    assert "alice can" in json.dumps(change["verdict"]["witness"])
    assert told["verdict"] == "broken"
    _mend(cluster)
    told = watching.until(_access("holds"))
    assert watching.end() == CODES[told["verdict"]]


def test_a_server_that_dies_leaves_nothing_current(
    watching: Watching, cluster: Cluster, one_cluster: ClusterState, engine: Engine
) -> None:
    watching.until(lambda line: line["current"])
    pid = engine.state(WATCHED).cluster("one-1").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    try:
        gone = watching.until(lambda line: not line["current"], seconds=20)
        assert "verdict" not in gone
        assert gone["because"].keys() == {"one"}
    finally:
        engine.up(WATCHED, [ONE])
    back = watching.until(lambda line: line["current"])
    assert back["verdict"] == back["proof"]["verdict"]
    _break(cluster)
    try:
        watching.until(_access("broken"))
    finally:
        _mend(cluster)
    told = watching.until(_access("holds"))
    assert watching.end() == CODES[told["verdict"]]
