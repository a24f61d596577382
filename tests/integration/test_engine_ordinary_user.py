"""Everything as an ordinary user, who has no rights but over a home: needs to be started as root, to become one.

The user may read any file (``CAP_DAC_READ_SEARCH``), since this Python may lie in root's own folders; nothing else is
given, and no privilege can be gained. The programs are copied to where anybody may run them.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from integration.landscapes import write_landscape
from ringfence.engine import Engine

NOBODY = 65534
_LOWERED = (
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
    "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search", "--bounding-set=-all,+dac_read_search",
)  # fmt: skip

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user already: every other test here shows it"),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv (util-linux) to become an ordinary user"),
]


@dataclass(frozen=True)
class Ordinary:
    """A user with a home, a Landscape that is somebody else's, and the variables of the user's shell."""

    folder: Path
    landscape: Path
    variables: dict[str, str]

    def do(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*_LOWERED, sys.executable, "-m", "ringfence", *arguments]
        return subprocess.run(
            command, env=self.variables, cwd=self.folder, capture_output=True, text=True, check=False, timeout=240
        )

    def processes(self) -> list[psutil.Process]:
        found = psutil.process_iter(["cmdline"])
        return [one for one in found if any(word.startswith(f"{self.folder}/") for word in one.info["cmdline"] or ())]


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture
def ordinary(engine: Engine) -> Iterator[Ordinary]:
    folder = Path(tempfile.mkdtemp(prefix="ringfence-ordinary-"))
    write_landscape(folder / "landscape", "plain", {"shop": "{testing: {}}"})
    shutil.copytree(engine.binaries().root, folder / "programs", copy_function=_link_or_copy)
    home = folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    folder.chmod(0o755)
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RINGFENCE_ENGINE_BIN": str(folder / "programs"),
    }
    user = Ordinary(folder, folder / "landscape", variables)
    try:
        yield user
    finally:
        user.do("down", "--all", "--purge")
        shutil.rmtree(folder)


def test_an_ordinary_user_brings_a_landscape_up_delivers_and_takes_it_down(ordinary: Ordinary) -> None:
    for words in (["up"], ["apply"], ["diff"], ["prove"]):
        ended = ordinary.do(*words, str(ordinary.landscape))
        assert ended.returncode == 0, f"{words}: {ended.stdout}{ended.stderr}"
    running = ordinary.processes()
    assert len(running) == 3
    assert {one.uids().effective for one in running} == {NOBODY}
    ended = ordinary.do("status", str(ordinary.landscape), "-o", "json")
    assert [one["state"] for one in json.loads(ended.stdout)["deployments"]] == ["running"]
    ended = ordinary.do("down", str(ordinary.landscape), "--purge")
    assert ended.returncode == 0, ended.stderr
    assert ordinary.processes() == []
    state = ordinary.folder / "home" / ".local" / "state"
    assert [str(path) for path in state.rglob("*") if path.is_file()] == []
