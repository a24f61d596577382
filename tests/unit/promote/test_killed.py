"""Killed with -9 at every step of promote, demote and rollback, then run again: nothing is lost, nothing done twice.

A point is every SQL statement of the journal, every process that is started (Git), every file that is opened, renamed
or removed, and every call into the code that has effects. Each run starts from the same copy of the world, in a process
of its own.
"""

import os
import shutil
import signal
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from promotion_world import HeadDelivery, Site, make_site
from ringfence.evidence.place import open_ledger
from ringfence.flows.demote import demote
from ringfence.flows.promote import promote
from ringfence.flows.promotion.asking import Request
from ringfence.flows.rollback import rollback

_EFFECTS = tuple(f"/ringfence/{part}" for part in ("flows/promotion/", "deliver/git", "evidence/", "base/paths"))
_EVENTS = {"subprocess.Popen", "open", "os.rename", "os.remove", "os.link", "fcntl.flock"}
Command = Callable[[Site], str]


def run_promote(site: Site) -> str:
    workspace = site.workspace()
    _trace(workspace.journal._database)
    return promote(workspace, site.world(workspace), Request("portal/testing-1", "staging")).outcome


def run_demote(site: Site) -> str:
    workspace = site.workspace()
    _trace(workspace.journal._database)
    return demote(workspace, site.world(workspace), "portal/staging", "slow").outcome


def run_rollback(site: Site) -> str:
    workspace = site.workspace()
    _trace(workspace.journal._database)
    return rollback(workspace, site.world(workspace), "portal", "errors").outcome


_count = 0
_limit = 0


def _point() -> None:
    global _count
    _count += 1
    if _count == _limit:
        os.kill(os.getpid(), signal.SIGKILL)


def _profile(frame: types.FrameType, event: str, _: object) -> None:
    if event == "call" and any(part in frame.f_code.co_filename for part in _EFFECTS):
        _point()


def _trace(database: object) -> None:
    if _limit:
        database.set_trace_callback(lambda _: _point())  # type: ignore[attr-defined]


def in_child(command: Command, site: Site, limit: int) -> int | None:
    """Run a command in a process of its own, killed at point ``limit`` (0: never). None when it was killed."""
    global _limit
    child = os.fork()
    if child == 0:
        code = 70
        try:
            _limit = limit
            if limit:
                folder = str(site.folder)
                sys.addaudithook(
                    lambda name, arguments: (
                        _point()
                        if name in _EVENTS and (name != "open" or str(arguments[0]).startswith(folder))
                        else None
                    )
                )
                sys.setprofile(_profile)
            code = 0 if command(site) == "done" else 1
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


@dataclass(frozen=True)
class Scene:
    """Where a command starts, and what must be true when it is done."""

    name: str
    command: Command
    event: str
    stages: tuple[str, ...]
    ends: dict[str, str]
    stands: dict[str, str]


SCENES = [
    Scene(
        "promote", run_promote, "promoted", ("development", "testing"),
        {"staging": "2.0.0"}, {"2.0.0": "portal/staging"},
    ),
    Scene(
        "demote", run_demote, "demoted", ("development", "testing", "staging"),
        {"staging": "1.0.0", "testing-1": "2.0.0"}, {"2.0.0": "portal/testing-1"},
    ),
    Scene(
        "rollback", run_rollback, "rolled-back", ("development", "testing", "staging", "production"),
        {"production": "1.0.0"}, {"2.0.0": "portal/staging"},
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """1.0.0 in production, 2.0.0 released."""
    site = make_site(tmp_path_factory.mktemp("origin"))
    site.release("1.0.0")
    site.climb("portal/local", "development", "testing", "staging", "production")
    site.release("2.0.0")
    return site


def _copied(site: Site, folder: Path) -> Site:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(site.folder, folder)
    return replace(site, folder=folder)


def _commits(site: Site) -> int:
    workspace = site.workspace()
    delivery = site.world(workspace).delivery
    assert isinstance(delivery, HeadDelivery)
    import subprocess

    total = 0
    for place in ("portal/staging", "portal/production"):
        repository = delivery.repository(place)
        words = ["git", "rev-list", "--count", "main"]
        total += int(subprocess.check_output(words, cwd=repository.path))
    workspace.journal.close()
    return total


def _check(scene: Scene, site: Site, commits: int, point: int) -> None:
    workspace = site.workspace()
    state = workspace.state("portal")
    delivery = site.world(workspace).delivery
    assert isinstance(delivery, HeadDelivery)
    for deployment, version in scene.ends.items():
        assert f"Welcome to {version}" in delivery.chart(f"portal/{deployment}"), point
    for version, place in scene.stands.items():
        digest = workspace.digest("portal", version)
        assert state.positions[digest].deployment == place, point
        assert (digest in state.holds) == (scene.event != "promoted"), point
    assert state.moves == {}, point
    happened = workspace.journal.entries("portal", event=scene.event, limit=100)
    expected = len(scene.stages) + 1 if scene.event == "promoted" else 1
    assert len([entry for entry in happened if entry.body["version"] == "2.0.0"]) == expected, point
    ledger = open_ledger(site.paths, "clinic", site.clock)
    assert ledger.verify().intact, point
    moves = [str(entry.event.facts.get("move")) for entry in ledger.entries() if entry.event.kind.endswith(".done")]
    assert len(moves) == len(set(moves)), point
    assert _commits(site) == commits, point
    workspace.journal.close()


def _run(scene: Scene, origin: Site, folder: Path, step: int) -> int:
    start = _copied(origin, folder / "start")
    start.climb("portal/local", *scene.stages)
    reference = _copied(start, folder / "reference")
    assert in_child(scene.command, reference, 0) == 0
    commits = _commits(reference)
    _check(scene, reference, commits, 0)
    point, killed = 1, 0
    while True:
        site = _copied(start, folder / "run")
        if in_child(scene.command, site, point) is not None:
            return killed
        killed += 1
        assert in_child(scene.command, site, 0) == 0, point
        _check(scene, site, commits, point)
        point += step


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_killed_command_is_simply_run_again(scene: Scene, origin: Site, tmp_path: Path) -> None:
    assert _run(scene, origin, tmp_path, step=397) >= 5


@pytest.mark.soak
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_killed_at_hundreds_of_points(scene: Scene, origin: Site, tmp_path: Path) -> None:
    assert _run(scene, origin, tmp_path, step=7) >= 300
