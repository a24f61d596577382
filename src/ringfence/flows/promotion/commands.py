"""Running a command of the user's, with a limit, and without leaving anything of it behind."""

import os
import signal
import subprocess
from dataclasses import dataclass

from ringfence.base.errors import StateError

_LAST_LINE = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; ``exit_code`` None: it took too long and was stopped with everything it started."""

    exit_code: int | None
    last_line: str


def run_command(command: tuple[str, ...], *, folder: str, seconds: float, environment: dict[str, str]) -> Ended:
    """Run a user's command with a limit. Raises StateError when it cannot be started."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise StateError(
            f"{command[0]}: cannot be run: {error.strerror}", reason="CannotRun", hint="is it there, and executable?"
        ) from error
    try:
        output, _ = process.communicate(timeout=seconds)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        code = None
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return Ended(code, lines[-1][:_LAST_LINE] if lines else "")
