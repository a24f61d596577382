"""The verbs that build: bad input and missing things end in a sentence that says what to do, exit 2, no traceback."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from ringfence.cli.main import run
from topologies import CLINIC


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    for name, part in (("XDG_STATE_HOME", "state"), ("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(name, str(folder / part))
    return folder


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CLINIC.parent, tmp_path / "clinic")) / "ringfence.yaml"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command says that ends with exit 2."""
    code = run(list(arguments))
    captured = capsys.readouterr()
    assert code == 2, captured
    assert "Traceback" not in captured.err
    assert captured.err.startswith("ringfence: ")
    return captured.err


def test_render_writes_one_folder_for_each_environment_and_cluster(clinic: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(["render", str(clinic), "-o", str(out)]) == 0
    clusters = {path.relative_to(out).as_posix() for path in out.glob("environments/*/clusters/*")}
    assert "environments/production/clusters/production-management" in clusters
    for path in out.rglob("*.yaml"):
        if "/chart/" not in path.as_posix():
            list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert run(["render", str(clinic), "-o", str(out)]) == 0
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_render_replaces_nothing_that_it_did_not_write(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("all of it", encoding="utf-8")
    assert "not replaced" in refused(capsys, "render", str(clinic), "-o", str(mine))
    assert (mine / "thesis.txt").read_text(encoding="utf-8") == "all of it"


def test_render_to_stdout_is_yaml(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", str(clinic)]) == 0
    kinds = {one["kind"] for one in yaml.safe_load_all(capsys.readouterr().out) if one}
    assert {"Namespace", "NetworkPolicy", "ValidatingAdmissionPolicy", "Application"} <= kinds


@pytest.mark.parametrize("verb", ["render", "apply", "diff"])
def test_a_chart_that_is_not_there_is_named_with_its_place(
    clinic: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(clinic.parent / "charts" / "portal")
    said = refused(capsys, verb, str(clinic))
    assert "charts/portal" in said
    assert "ringfence.yaml:" in said


def test_a_folder_that_is_no_chart(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (clinic.parent / "charts" / "portal" / "Chart.yaml").unlink()
    assert "Chart.yaml" in refused(capsys, "render", str(clinic))


def test_a_chart_that_leads_out_of_itself(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (clinic.parent / "charts" / "portal" / "passwd").symlink_to("/etc/passwd")
    assert "leads out" in refused(capsys, "render", str(clinic))


@pytest.mark.parametrize("verb", ["diff", "apply"])
def test_nothing_is_up(clinic: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ringfence up" in refused(capsys, verb, str(clinic))


def test_kubeconfig_without_clusters(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ringfence up" in refused(capsys, "kubeconfig", str(clinic))


def test_a_landscape_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("up", "apply", "diff", "render", "status"):
        refused(capsys, verb, str(tmp_path / "nowhere.yaml"))


def test_the_state_folder_is_a_file(clinic: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    (home / "state").write_text("", encoding="utf-8")
    refused(capsys, "up", str(clinic))


def test_contexts_that_were_half_written(clinic: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / "state" / "ringfence" / "clinic"
    folder.mkdir(parents=True)
    (folder / "contexts.json").write_text('{"clusters":', encoding="utf-8")
    assert "contexts.json" in refused(capsys, "status", str(clinic))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--context", "production-1"],
        ["--context", "production-9=x"],
        ["--context", "production-1=x"],
        ["--argocd", "nowhere=argocd"],
        ["--repository", "production"],
    ],
)
def test_contexts_that_do_not_fit(clinic: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, "up", str(clinic), *arguments)


def test_status_shows_what_is_not_up(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", str(clinic), "-o", "json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert {cluster["state"] for one in seen["environments"] for cluster in one["clusters"]} == {"stopped"}
    assert {one["state"] for one in seen["deployments"]} == {"not applied"}


def test_down_of_what_never_was_is_done(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["down", str(clinic), "--purge"]) == 0
    assert run(["down", "clinic", "--purge"]) == 0


def test_dry_run_of_up_says_what_would_start(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["up", str(clinic), "--dry-run"]) == 0
    assert "would start production-1" in capsys.readouterr().err


def test_info_shows_every_path_as_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "-o", "json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert seen["kind"] == "Info"
    assert seen["paths"]["state"] == str(home / "state" / "ringfence")
    assert {"name", "path", "version"} == set(seen["tools"][0])


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="a small disk needs root on Linux")
def test_a_full_disk_is_said_and_the_folder_is_as_before(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import subprocess

    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("no right to mount")
    try:
        said = refused(capsys, "render", str(clinic), "-o", str(small / "out"))
        assert "No space left" in said
        assert "free some" in said
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
