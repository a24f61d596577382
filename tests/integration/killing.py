"""Killing a command in the middle: kill -9 as soon as a number of state changes is reached, seen from outside.

No hooks in the product: what counts is what others can see, files in the state folder and writes in the API servers'
audit logs. There are no sleeps to tune; the number is the moment.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_WRITES = (b'"verb":"create"', b'"verb":"patch"', b'"verb":"update"', b'"verb":"delete"')
_AGENT = b'"userAgent":"python-httpx'
_LIMIT = 180.0


@dataclass(frozen=True)
class Ended:
    """How a command ended: killed at this many changes, or by itself with this code and these words."""

    killed: bool
    code: int
    changes: int
    output: str


def files(folder: Path) -> int:
    """How many files and folders there are below a folder."""
    return sum(len(folders) + len(names) for _, folders, names in os.walk(folder))


def writes(folder: Path) -> int:
    """How many writes of a Ringfence the API servers below a folder saw, plus the files of its Git repositories."""
    count = 0
    for log in folder.glob("*/*/audit/audit.log"):
        for line in log.read_bytes().splitlines():
            count += _AGENT in line and any(verb in line for verb in _WRITES)
    return count + sum(files(repository) for repository in folder.glob("*/git/*.git"))


def ringfence(
    arguments: Sequence[str], variables: Mapping[str, str], progress: Callable[[], int] | None = None, at: int = 0
) -> Ended:
    """Run ``ringfence ARGUMENTS``; with ``progress``, kill it once that has grown by ``at``."""
    start = progress() if progress else 0
    process = subprocess.Popen(
        [sys.executable, "-m", "ringfence", *arguments],
        env=dict(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until = time.monotonic() + _LIMIT
    killed = False
    while progress and process.poll() is None and time.monotonic() < until:
        if progress() - start >= at:
            process.kill()
            killed = True
            break
    output, _ = process.communicate(timeout=_LIMIT)
    return Ended(killed, process.returncode, (progress() - start) if progress else 0, output)
