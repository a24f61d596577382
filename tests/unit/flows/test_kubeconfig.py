"""Contexts of embedded clusters in a kubeconfig that has others: the user's own are never replaced."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ringfence.base.errors import ConflictError, InputError, StateError
from ringfence.engine import ClusterState, EngineState, EnvironmentState, Role
from ringfence.engine.state import ProcessState
from ringfence.flows.kubeconfig import kubeconfig, read_existing

MINE = {"name": "production-1", "context": {"cluster": "theirs", "user": "me"}}


def state(folder: Path, landscape: str = "clinic", secret: str = "key") -> EngineState:
    clusters = []
    for name in ("production-1", "production-2"):
        directory = folder / landscape / name
        (directory / "kubeconfig").mkdir(parents=True, exist_ok=True)
        document = {
            "clusters": [{"name": name, "cluster": {"server": f"https://127.0.0.1/{name}"}}],
            "users": [{"name": "admin", "user": {"client-key-data": secret}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "admin"}}],
        }
        (directory / "kubeconfig" / "admin.yaml").write_text(yaml.safe_dump(document))
        process = ProcessState(name, None, directory / "log")
        clusters.append(
            ClusterState(name, "production", Role.WORKLOAD, directory, "https://x", 1, "", process, False, ())
        )
    return EngineState(landscape, folder, (EnvironmentState("production", folder, tuple(clusters), None),))


def read(text: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def test_every_cluster_has_a_context_of_its_name(tmp_path: Path) -> None:
    found = read(kubeconfig(state(tmp_path)))
    assert found["current-context"] == "production-1"
    for one in found["contexts"]:
        assert one["context"]["cluster"] == one["context"]["user"] == one["name"]
    assert [one["name"] for one in found["contexts"]] == ["production-1", "production-2"]
    assert [one["name"] for one in read(kubeconfig(state(tmp_path), "production-2"))["contexts"]] == ["production-2"]


def test_merging_keeps_what_is_there_and_brings_its_own_up_to_date(tmp_path: Path) -> None:
    mine = {**MINE, "name": "mine"}
    first = read(kubeconfig(state(tmp_path), None, {"contexts": [mine], "current-context": "mine", "preferences": {}}))
    again = read(kubeconfig(state(tmp_path, secret="renewed"), None, first))
    assert again["current-context"] == "mine"
    assert again["contexts"][0] == mine
    assert len(again["contexts"]) == 3
    assert [one["user"]["client-key-data"] for one in again["users"]] == ["renewed", "renewed"]


@pytest.mark.parametrize("part", ["clusters", "users", "contexts"])
def test_an_entry_of_the_user_s_own_is_not_replaced(tmp_path: Path, part: str) -> None:
    with pytest.raises(ConflictError, match=f"{part} called production-1"):
        kubeconfig(state(tmp_path), None, {part: [{"name": "production-1", part.removesuffix("s"): {"a": "b"}}]})


def test_another_landscape_s_entry_is_not_replaced(tmp_path: Path) -> None:
    other = read(kubeconfig(state(tmp_path, "other")))
    with pytest.raises(ConflictError, match="not those of clinic"):
        kubeconfig(state(tmp_path), None, other)


def test_what_is_no_kubeconfig_is_said(tmp_path: Path) -> None:
    path = tmp_path / "config"
    assert read_existing(path) == {}
    for content in ("{", "[]", "kind: Pod"):
        path.write_text(content)
        with pytest.raises(InputError, match="not a kubeconfig"):
            read_existing(path)
    with pytest.raises(StateError, match="no embedded cluster"):
        kubeconfig(EngineState("clinic", tmp_path, ()))
    with pytest.raises(InputError, match="production-2"):
        kubeconfig(state(tmp_path), "production-3")
