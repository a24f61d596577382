"""The command on the streams that it finds: another encoding, a closed stream, a reader that goes away, a full disk."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LANDSCAPE = """\
apiVersion: ringfence.dev/v1
kind: Landscape
metadata: {name: x}
spec:
  applications: [{name: a, deployments: {testing: {}, production: {}}}]
  separate: [{between: {stage: testing}, and: {stage: production}, level: cluster, because: "größe 🧀"}]
"""


@pytest.fixture
def landscape(tmp_path: Path) -> Path:
    path = tmp_path / "ringfence.yaml"
    path.write_text(LANDSCAPE, encoding="utf-8")
    return path


def shell(script: str, landscape: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a shell script in which ``ringfence`` is this checkout's command."""
    function = f'ringfence() {{ "{sys.executable}" -m ringfence "$@"; }}\n'
    state = {"XDG_STATE_HOME": str(landscape.parent), "XDG_DATA_HOME": str(landscape.parent)}
    return subprocess.run(
        ["bash", "-c", function + script],
        cwd=landscape.parent, env=os.environ | state | environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_a_terminal_without_utf8_gets_plain_signs(landscape: Path) -> None:
    done = shell("ringfence plan", landscape, **C_LOCALE)
    assert done.returncode == 0
    assert b"`- production-" in done.stdout
    assert done.stdout.isascii()


def test_data_keeps_its_letters_without_utf8(landscape: Path) -> None:
    plain = json.loads(shell("ringfence plan -o json", landscape).stdout)
    for encoding in ("ascii", "latin-1"):
        done = shell("ringfence plan -o json", landscape, **C_LOCALE, PYTHONIOENCODING=encoding)
        assert json.loads(done.stdout.decode(encoding)) == plain


def test_closed_streams_do_no_harm(landscape: Path) -> None:
    assert shell("ringfence plan >&-", landscape).returncode == 0
    assert shell("ringfence plan nowhere.yaml 2>&-", landscape).returncode == 2


def test_a_reader_that_goes_away_is_no_finding(landscape: Path) -> None:
    done = shell("ringfence plan --explain | true; exit ${PIPESTATUS[0]}", landscape)
    assert done.stderr == b""
    assert done.returncode == 0


INTERRUPTED_WHILE_READ = """
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder())
from ringfence.__main__ import main
main()
"""


def test_an_interrupt_while_the_command_line_is_read_is_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_WHILE_READ], capture_output=True, timeout=60, check=False)
    assert done.stderr == b"ringfence: interrupted\n"
    assert done.returncode == 130


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_is_said(landscape: Path) -> None:
    done = shell("ringfence plan > /dev/full", landscape)
    assert done.returncode == 2
    assert done.stderr == b"ringfence: standard output: No space left on device\n"
