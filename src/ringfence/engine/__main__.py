"""``python -m ringfence.engine build|where``: compiles the engine's programs, or says where they are.

A command of its own beside ``ringfence``, since the Makefile and the wheel need it before anything else works.
"""

import sys
from typing import TextIO

from ringfence.base.clock import SystemClock
from ringfence.base.errors import ExitCode, RingfenceError
from ringfence.base.paths import Paths
from ringfence.engine.binaries import locate, source_folder
from ringfence.engine.build import Progress, build

_USAGE = "usage: python -m ringfence.engine build|where"


class ProgressLine:
    """Shows a build's progress: one line that is written over on a terminal, a line every half minute in a pipe."""

    def __init__(self, stream: TextIO, every: float = 30.0) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._every = every
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        """Show it, unless it is too early for another line."""
        if progress.seconds < self._next and progress.latest != "done":
            return
        self._next = progress.seconds + (0.2 if self._terminal else self._every)
        minutes, seconds = divmod(int(progress.seconds), 60)
        share = 100 * progress.packages // max(progress.total, 1)
        line = f"engine: {progress.packages} of {progress.total} packages ({share} %), {minutes}:{seconds:02d}"
        if progress.latest == "done":
            line = f"engine: compiled and linked in {minutes}:{seconds:02d}"
        if self._terminal:
            end = "\n" if progress.latest == "done" else ""
            self._stream.write(f"\r\x1b[K{line}  {progress.latest[-40:] if not end else ''}{end}")
        else:
            self._stream.write(line + "\n")
        self._stream.flush()


def main(arguments: list[str]) -> int:
    """Run the command; the exit code."""
    if arguments not in (["build"], ["where"]):
        sys.stderr.write(_USAGE + "\n")
        return ExitCode.FAILED
    paths = Paths.from_environment()
    try:
        if arguments == ["build"] and source_folder() is not None:
            found = build(paths, SystemClock(), ProgressLine(sys.stderr))
        else:
            found = locate(paths)  # an installation without sources carries its programs, or lacks them
    except RingfenceError as error:
        sys.stderr.write(f"error: {error}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; nothing is left behind, what was compiled is kept in Go's cache\n")
        return ExitCode.INTERRUPTED
    sys.stdout.write(f"{found.folder}\n")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
