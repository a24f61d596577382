"""Real clusters for integration tests: started once a session, in a home of their own, and gone afterwards.

What a test run that was killed left behind is found by the number in its folder's name and ended by the next run.
"""

import atexit
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths
from ringfence.engine import (
    ClusterSpec,
    ClusterState,
    Engine,
    EnvironmentSpec,
    EnvironmentState,
    NodeSpec,
    Role,
    Taint,
)

_PREFIX = "ringfence-test-"
POOL_LABEL = "node-restriction.kubernetes.io/pool"


@dataclass(frozen=True)
class EngineHome:
    """A place for the session's own state; ``variables`` are for commands that are run as processes."""

    folder: Path
    paths: Paths
    variables: dict[str, str]

    def engine(self) -> Engine:
        """An engine that keeps its state here; its programs come from the build cache."""
        return Engine(self.paths, SystemClock(), environment=self.variables)

    def clear(self) -> None:
        """End every process and remove every file."""
        engine = self.engine()
        landscapes = {path.name for path in self.paths.state.glob("*") if path.is_dir()}
        for landscape in sorted(landscapes):
            engine.down(landscape, purge=True)
        for path in sorted(self.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        if self.folder.exists():
            self.folder.rmdir()


def home_at(folder: Path) -> EngineHome:
    """The home in that folder, with the build cache of the user, where the programs are."""
    cache = Paths.from_environment().cache.parent
    variables = {
        **os.environ,
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CACHE_HOME": str(cache),
    }
    return EngineHome(folder, Paths.from_environment(variables), variables)


def _clear_what_dead_runs_left() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        number = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdigit() and not psutil.pid_exists(int(number)) and folder.stat().st_uid == os.getuid():
            home_at(folder).clear()


@pytest.fixture(scope="session")
def engine_home() -> Iterator[EngineHome]:
    """A home for the session's clusters; removed with every process when the session ends, however it ends."""
    _clear_what_dead_runs_left()
    home = home_at(Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")))
    atexit.register(home.clear)
    try:
        yield home
    finally:
        home.clear()
        atexit.unregister(home.clear)


@pytest.fixture(scope="session")
def engine(engine_home: EngineHome) -> Engine:
    """The engine of the session's home."""
    return engine_home.engine()


def pool(name: str, nodes: int, *, dedicated: bool = False) -> tuple[NodeSpec, ...]:
    """Nodes of one pool, labelled with its name; a dedicated pool is tainted as well."""
    taints = (Taint("ringfence.dev/pool", name),) if dedicated else ()
    return tuple(NodeSpec(f"{name}-{number}", name, {POOL_LABEL: name}, taints) for number in range(1, nodes + 1))


ONE = EnvironmentSpec(
    "one", (ClusterSpec("one-1", Role.WORKLOAD, (*pool("apps", 2), *pool("postgresql", 1, dedicated=True))),)
)
"""What ``one_cluster`` is: a test that ends its process brings it up again with this."""


@pytest.fixture(scope="session")
def one_cluster(engine: Engine) -> Iterator[ClusterState]:
    """A running workload cluster, ``one-1``: two nodes in the pool ``apps``, one in the dedicated ``postgresql``."""
    state = engine.up("one", [ONE])
    yield state.cluster("one-1")
    engine.down("one", purge=True)


def trial(engine: Engine, landscape: str) -> Iterator[EnvironmentState]:
    """A running Environment ``trial`` of a landscape: ``trial-management`` with Argo CD, and the workload cluster
    ``trial-1``; taken down with all its data afterwards."""
    clusters = (
        ClusterSpec("trial-management", Role.MANAGEMENT, pool("platform", 1)),
        ClusterSpec("trial-1", Role.WORKLOAD, (*pool("apps", 2), *pool("postgresql", 1, dedicated=True))),
    )
    state = engine.up(landscape, [EnvironmentSpec("trial", clusters)])
    yield state.environment("trial")
    engine.down(landscape, purge=True)


@pytest.fixture(scope="session")
def environment(engine: Engine) -> Iterator[EnvironmentState]:
    """The Environment that tests share."""
    yield from trial(engine, "trial")
