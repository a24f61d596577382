import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ringfence.base.clock import SetClock, SystemClock
from ringfence.base.errors import ConflictError, StateError
from ringfence.engine.lock import LOCK_NAME, only_one

_HOLD = """
import sys, time
from pathlib import Path
from ringfence.base.clock import SystemClock
from ringfence.engine.lock import only_one
with only_one(Path(sys.argv[1]), SystemClock()):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_command_waits_and_then_says_so(tmp_path: Path) -> None:
    clock = SetClock(datetime(2026, 1, 1, tzinfo=UTC))
    with only_one(tmp_path, SystemClock()), pytest.raises(ConflictError) as error, only_one(tmp_path, clock, 30):
        pass
    assert error.value.reason == "Busy"
    assert clock.monotonic() >= 30


def test_the_lock_of_a_killed_command_is_free(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ConflictError), only_one(tmp_path, SystemClock(), 0.0):
            pass
        holder.kill()
        with only_one(tmp_path, SystemClock(), 10.0):
            pass


def test_a_lock_that_was_purged_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    folder = tmp_path / "landscape"
    with only_one(folder, SystemClock()):
        (folder / LOCK_NAME).unlink()
        with only_one(folder, SystemClock(), 0.0):
            assert (folder / LOCK_NAME).exists()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError) as error, only_one(tmp_path / "file" / "x", SystemClock()):
        pass
    assert error.value.reason == "CannotWrite"
