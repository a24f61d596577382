"""Paths follow XDG, and a write is whole or absent."""

import stat
from pathlib import Path

import pytest

from ringfence.base.errors import StateError
from ringfence.base.paths import Paths, write_atomically


def test_follows_the_base_directories() -> None:
    paths = Paths.from_environment({"HOME": "/home/ada", "XDG_STATE_HOME": "/var/s", "XDG_CACHE_HOME": "relative"})
    assert paths == Paths(
        state=Path("/var/s/ringfence"),
        data=Path("/home/ada/.local/share/ringfence"),
        cache=Path("/home/ada/.cache/ringfence"),
    )


def test_writes_the_whole_with_the_mode_asked(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    write_atomically(target, b"one")
    write_atomically(target, b"two")
    assert target.read_bytes() == b"two"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_says_what_is_wrong_when_the_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    with pytest.raises(StateError, match="cannot be written"):
        write_atomically(tmp_path / "folder" / "file", b"")
