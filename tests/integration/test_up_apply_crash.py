"""``ringfence`` killed with -9 at many points of ``up`` and ``apply``, then run again; two landscapes side by side."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from integration.conftest import EngineHome
from integration.killing import files, ringfence, writes
from integration.landscapes import write_landscape

pytestmark = pytest.mark.engine

_UP_POINTS = (1, 3, 7, 15, 25)
_APPLY_POINTS = (1, 3, 8, 20, 35, 50, 70)


@pytest.fixture(scope="module")
def landscape(engine_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("crash")
    write_landscape(folder, "crash", {"shop": "{testing: {}, staging: {}}"})
    yield folder
    for name in ("crash", "beside"):
        engine_home.engine().down(name, purge=True)


def test_up_is_resumed_wherever_it_is_killed(engine_home: EngineHome, landscape: Path) -> None:
    state = engine_home.paths.landscape("crash")
    killed = 0
    for point in _UP_POINTS:
        ended = ringfence(["up", str(landscape)], engine_home.variables, partial(files, state), point)
        killed += ended.killed
        assert ended.killed or ended.code == 0, ended.output
    assert killed >= 3
    ended = ringfence(["up", str(landscape), "-o", "json"], engine_home.variables)
    assert ended.code == 0, ended.output
    assert engine_home.engine().state("crash").ready


def test_apply_is_resumed_wherever_it_is_killed(engine_home: EngineHome, landscape: Path) -> None:
    assert ringfence(["up", str(landscape)], engine_home.variables).code == 0
    state = engine_home.paths.landscape("crash")
    killed = 0
    for point in _APPLY_POINTS:
        ended = ringfence(["apply", str(landscape)], engine_home.variables, partial(writes, state), point)
        killed += ended.killed
        assert ended.killed or ended.code == 0, ended.output
    assert killed >= 4
    ended = ringfence(["apply", str(landscape), "--timeout", "90"], engine_home.variables)
    assert ended.code == 0, ended.output
    _settled(engine_home, landscape)


def test_two_landscapes_stand_side_by_side(
    engine_home: EngineHome, landscape: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same applications under another name: nothing of one is seen or touched by the other."""
    other = tmp_path_factory.mktemp("beside")
    write_landscape(other, "beside", {"shop": "{testing: {}, staging: {}}"})
    for command in (["up"], ["apply", "--timeout", "90"]):
        ended = ringfence([command[0], str(other), *command[1:]], engine_home.variables)
        assert ended.code == 0, ended.output
    _settled(engine_home, landscape)
    _settled(engine_home, other)
    one, two = (engine_home.engine().state(name) for name in ("crash", "beside"))
    assert not {cluster.port for cluster in one.clusters} & {cluster.port for cluster in two.clusters}
    assert not {process.pid for process in one.processes} & {process.pid for process in two.processes}
    assert ringfence(["down", str(other), "--purge"], engine_home.variables).code == 0
    assert not engine_home.paths.landscape("beside").exists()
    _settled(engine_home, landscape)


def test_a_chart_edited_by_hand_reaches_no_stage(engine_home: EngineHome, landscape: Path) -> None:
    values = landscape / "charts" / "shop" / "values.yaml"
    text = values.read_text(encoding="utf-8")
    values.write_text(text.replace("greeting: Welcome", "greeting: Past every gate"), encoding="utf-8")
    try:
        _settled(engine_home, landscape)
    finally:
        values.write_text(text, encoding="utf-8")


def _settled(engine_home: EngineHome, folder: Path) -> None:
    """Nothing differs, and everything runs what its repository has."""
    ended = ringfence(["diff", str(folder)], engine_home.variables)
    assert ended.code == 0, ended.output
    ended = ringfence(["status", str(folder), "-o", "json"], engine_home.variables)
    seen = json.loads(ended.output)
    assert {one["state"] for one in seen["deployments"]} == {"running"}
    assert all(one["revision"] == one["head"] for one in seen["deployments"])
