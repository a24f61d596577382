"""The flags that a platform bundle gives the components of one environment's clusters.

One file for the environment, to which each cluster's ``flags.json`` is a link: its replacement is the one moment at
which the flags change, for all of them. A file for each cluster was rejected: who is killed in between leaves an
environment whose clusters come up with different flags.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ringfence.base.errors import StateError
from ringfence.base.paths import write_atomically
from ringfence.engine.record import write_if_changed

FLAGS_FILE = "flags.json"
"""What a cluster's process reads at its start, in its directory."""


def write(environment: Path, clusters: Iterable[Path], flags: Mapping[str, Sequence[str]]) -> None:
    """Give the clusters in these directories the flags, by program. No process of theirs may be running.

    Raises StateError when the disk is full or a folder is not this user's.
    """
    link(environment, clusters)
    document = {program: list(values) for program, values in sorted(flags.items())}
    write_if_changed(environment / FLAGS_FILE, document)


def link(environment: Path, clusters: Iterable[Path]) -> None:
    """Let each cluster's process read its environment's flags; done again it does nothing, and it changes no flag."""
    for directory in clusters:
        own = directory / FLAGS_FILE
        shared = environment / FLAGS_FILE
        if own.is_symlink():
            continue
        try:
            if own.is_file() and not shared.exists():
                write_atomically(shared, own.read_bytes())  # as an earlier version of Ringfence left it
            _replace_by_link(own, Path(os.pardir) / FLAGS_FILE)
        except OSError as error:
            raise StateError(
                f"{own}: cannot be written: {error.strerror or error}",
                reason="CannotWrite",
                hint="free some disk space or give the folder to your user, then run the same command again",
            ) from error


def _replace_by_link(path: Path, target: Path) -> None:
    temporary = path.with_name(f".{path.name}.link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
