"""``ringfence local``: the loop of one developer, on a cluster outside every Environment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.conftest import EngineHome
from integration.landscapes import write_landscape
from ringfence.base.clock import SystemClock
from ringfence.flows.local import Applied, engine_name, stop, turns
from ringfence.flows.loops import loops
from ringfence.flows.promotion.workspace import Workspace, open_workspace
from ringfence.kube import open_cluster

pytestmark = pytest.mark.engine


@pytest.fixture
def workspace(engine_home: EngineHome, tmp_path: Path) -> Iterator[Workspace]:
    write_landscape(tmp_path, "bench", {"shop": "{local: {}, development: {}}"}, "needs: [postgresql]")
    opened = open_workspace(tmp_path, engine_home.paths, SystemClock(), "ada")
    yield opened
    engine_home.engine().down(engine_name("bench"), purge=True)
    engine_home.engine().down("bench", purge=True)


def _config(turn: Applied) -> dict[str, str]:
    with open_cluster(turn.kubeconfig) as connection:
        kind = connection.resource_of("v1", "ConfigMap")
        found = [
            item for item in connection.list_raw(kind, "shop-local").items if "greeting" in (item.get("data") or {})
        ]
    return dict(found[0]["data"]) if found else {}


def test_a_saved_file_is_applied_again(
    workspace: Workspace, tmp_path: Path, engine_home: EngineHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in engine_home.variables.items():
        monkeypatch.setenv(name, value)
    chart = tmp_path / "charts" / "shop"
    said: list[str] = []
    broken = chart / "templates" / "broken.yaml"

    def report(text: str) -> None:
        said.append(text)
        if text.startswith("not applied"):
            broken.unlink()

    going = turns(workspace, "shop", once=False, report=report)
    first = next(going)
    assert first.written >= 3
    assert _config(first)["greeting"] == "Welcome"
    values = chart / "values.yaml"
    values.write_text(values.read_text().replace("greeting: Welcome", "greeting: Good morning"))
    second = next(going)
    assert _config(second)["greeting"] == "Good morning"
    assert second.healthy < 15
    broken.write_text("{{ .Values.nothing.there }}")
    third = next(going)
    assert any("broken.yaml" in text for text in said if text.startswith("not applied"))
    assert third.removed == 0
    (chart / "templates" / "service.yaml").unlink()
    fourth = next(going)
    assert fourth.removed == 1
    measured = loops(workspace, "shop").stages
    assert [stage.stage for stage in measured] == ["local"]
    assert not engine_home.engine().state("bench").clusters, "local stands outside every Environment"
    stop(workspace)
    assert not engine_home.engine().state(engine_name("bench")).running
