from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.base.errors import StateError
from ringfence.base.paths import Paths
from ringfence.engine import binaries
from ringfence.engine.binaries import CRDS, PROGRAMS, Binaries, cache_root, locate, source_hash


def install(root: Path) -> Binaries:
    found = Binaries(root)
    found.folder.mkdir(parents=True)
    found.crds.mkdir(parents=True)
    for name in PROGRAMS:
        (found.folder / name).write_text("#!/bin/sh\n")
        (found.folder / name).chmod(0o755)
    for name in CRDS:
        (found.crds / name).write_text("kind: CustomResourceDefinition\n")
    return found


@pytest.fixture
def home(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state", tmp_path / "data", tmp_path / "cache")


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "go.mod").write_text("module x\n")
    monkeypatch.setattr(binaries, "_SOURCES", folder)
    return folder


def test_the_build_cache_is_found(home: Paths, sources: Path) -> None:
    installed = install(cache_root(home, sources))
    assert locate(home, {}) == installed


def test_a_changed_source_is_another_program(home: Paths, sources: Path) -> None:
    install(cache_root(home, sources))
    (sources / "main.go").write_text("package main\n")
    with pytest.raises(StateError):
        locate(home, {})


def test_what_is_missing_is_said_place_by_place(home: Paths, sources: Path, tmp_path: Path) -> None:
    installed = install(cache_root(home, sources))
    installed.helm.unlink()
    with pytest.raises(StateError) as error:
        locate(home, {})
    assert error.value.reason == "EngineMissing"
    assert "lacks bin/helm" in str(error.value)
    assert str(cache_root(home, sources)) in str(error.value)
    assert "$RINGFENCE_ENGINE_BIN: not set" in str(error.value)
    assert "python -m ringfence.engine build" in (error.value.hint or "")


@pytest.mark.parametrize("named", ["", "bin"])
def test_the_folder_that_the_user_names_is_the_only_one_that_counts(
    home: Paths, sources: Path, tmp_path: Path, named: str
) -> None:
    install(cache_root(home, sources))
    other = install(tmp_path / "other")
    assert locate(home, {"RINGFENCE_ENGINE_BIN": str(tmp_path / "other" / named)}) == other
    with pytest.raises(StateError) as error:
        locate(home, {"RINGFENCE_ENGINE_BIN": str(tmp_path / "nowhere")})
    assert str(tmp_path / "nowhere") in str(error.value)


def test_a_program_that_cannot_be_executed_is_missing(tmp_path: Path) -> None:
    installed = install(tmp_path)
    installed.cluster.chmod(0o644)
    assert installed.missing() == (installed.cluster,)


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,3}\.go", fullmatch=True), st.binary(max_size=20), min_size=1, max_size=4)
)
def test_the_hash_names_content_wherever_it_is(files: dict[str, bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        for name in files:
            (Path(one) / name).write_bytes(files[name])
        for name in reversed(files):
            (Path(other) / name).write_bytes(files[name])
        (Path(other) / "notes.txt").write_text("not a source")
        assert source_hash(Path(one)) == source_hash(Path(other))
        changed = Path(other) / next(iter(files))
        changed.write_bytes(changed.read_bytes() + b"x")
        assert source_hash(Path(one)) != source_hash(Path(other))
