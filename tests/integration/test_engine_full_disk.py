"""The state's disk runs full: a clear error each time, and nothing that was acknowledged is lost once there is room."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from integration.landscapes import write_landscape

pytestmark = pytest.mark.engine

_NAMESPACE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--mount")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What happened, step by step."""
    folder = tmp_path_factory.mktemp("full")
    (folder / "state").mkdir()
    try:
        probe = [*_NAMESPACE, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder / "state")]
        able = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        able = False
    if not able:
        pytest.skip("this machine lets nobody mount a disk of one's own, which is filled here")
    write_landscape(folder / "landscape", "full", {"shop": "{testing: {}}"})
    ended = subprocess.run(
        [*_NAMESPACE, sys.executable, "-m", "integration.full_disk", str(folder), str(folder / "landscape")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        timeout=400,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def of(story: list[dict[str, Any]], step: str) -> list[dict[str, Any]]:
    return [one for one in story if one["step"] == step]


def test_up_says_that_the_disk_is_full_and_what_to_do(story: list[dict[str, Any]]) -> None:
    first, full, on_the_way, again = of(story, "up")
    assert first["code"] == 0, first["words"]
    for one, words in ((full, "the engine needs 300 MB"), (on_the_way, "the disk is full")):
        assert one["code"] == 2, one["words"]
        assert words in one["words"]
        assert "free some space" in one["words"]
        assert "Traceback" not in one["words"]
    assert again["code"] == 0, again["words"]


def test_what_was_acknowledged_is_there_when_there_is_room_again(story: list[dict[str, Any]]) -> None:
    ((written,), (read,), (applied,)) = of(story, "written"), of(story, "read"), of(story, "apply")
    assert written["names"], "nothing was written before the disk was full"
    assert len(written["names"]) < 200, "the disk never ran full"
    assert set(written["names"]) <= set(read["names"])
    assert applied["code"] == 0, applied["words"]


def test_purging_leaves_no_file(story: list[dict[str, Any]]) -> None:
    (left,) = of(story, "left")
    assert left["names"] == []
