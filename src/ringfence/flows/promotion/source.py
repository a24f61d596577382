"""An application's source at a Git revision, read without touching anybody's work tree.

The repository is the one that holds the Landscape's folder. Outside Git the files are taken as they are: the release is
then known by its content alone, and says so. Files that differ from the commit are refused inside Git, because a
release that names a revision must be what that revision holds.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import InputError, StateError
from ringfence.base.text import plural
from ringfence.deliver.git import Repository
from ringfence.flows.sources import read_source
from ringfence.landscape.model import Application, Landscape, Source

LARGEST_SOURCE = 5_000_000
"""Bytes of a chart or its manifests; Helm itself refuses charts that do not fit into a Secret of 1 MiB."""


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The files of a source by path below it, and where they are from; outside Git only the files are known."""

    files: Mapping[str, bytes]
    revision: str | None = None
    author: str | None = None


def source_at(
    landscape: Landscape,
    application: Application,
    source: Source,
    clock: Clock,
    *,
    revision: str | None = None,
    dirty: bool = False,
) -> SourceFiles:
    """The files of an application's ``source`` at ``revision`` (None: HEAD).

    Raises InputError when the source or the revision is not there, or when files differ from the commit and ``dirty``
    does not say that this is meant.
    """
    folder = Path(landscape.folder)
    place = folder / source.path
    top = _git(folder, "rev-parse", "--show-toplevel")
    tracked = top is not None and _git(folder, "rev-parse", "--quiet", "--verify", "HEAD^{commit}") is not None
    if top is None or not tracked:
        if revision is not None:
            raise InputError(
                f"{folder}: it is in no Git repository with a commit, so there is no revision {revision}",
                hint="leave --revision out to release the files as they are",
            )
        return SourceFiles(read_source(landscape, application).files)
    if dirty:
        return SourceFiles(read_source(landscape, application).files)
    inside = os.path.relpath(place.resolve(), Path(top).resolve())
    if inside.startswith(".."):
        raise InputError(f"{place}: it is outside the repository {top}", hint="move the source into the repository")
    commit = _git(folder, "rev-parse", "--quiet", "--verify", f"{revision or 'HEAD'}^{{commit}}")
    if commit is None:
        raise InputError(
            f"{revision}: the repository {top} has no such revision",
            reason="NoRevision",
            hint="git log names those that there are; git fetch brings those of others",
        )
    if revision is None:
        _refuse_changes(place, source)
    prefix = "" if inside == "." else f"{inside}/"
    found = Repository(Path(top), clock).files(prefix.rstrip("/"), commit)
    files = {path.removeprefix(prefix): content for path, content in found.items()}
    if not files:
        if revision is None and place.is_dir():
            raise InputError(
                f"{place}: none of its files is in Git",
                reason="NotCommitted",
                hint="commit them, or pass --dirty to release the files as they are",
            )
        raise InputError(
            f"{source.path}: there are no files at {commit[:12]}",
            reason="NoSource",
            hint="--revision names a commit that has them",
        )
    return SourceFiles(_bounded(files, place), commit, _git(folder, "show", "-s", "--format=%ae", commit))


def committer(folder: Path) -> str | None:
    """The address that Git knows for whoever works in ``folder``; None where there is none."""
    return _git(folder, "config", "user.email") or None


def _refuse_changes(place: Path, source: Source) -> None:
    changed = _git(place if place.is_dir() else place.parent, "status", "--porcelain", "--", ".") or ""
    if changed:
        count = plural(len(changed.splitlines()), "file differs", "files differ")
        raise InputError(
            f"{source.path}: {count} from the commit",
            reason="NotCommitted",
            hint="commit them, name a --revision, or pass --dirty to release the files as they are, without a revision",
        )


def _bounded(files: Mapping[str, bytes], place: Path) -> Mapping[str, bytes]:
    total = sum(len(content) for content in files.values())
    if total > LARGEST_SOURCE:
        raise InputError(
            f"{place}: more than {LARGEST_SOURCE // 1_000_000} MB",
            reason="TooLarge",
            hint="is this the right folder?",
        )
    return files


def _git(folder: Path, *arguments: str) -> str | None:
    """What Git answers about the user's repository, None when it says no. The user's own settings count here."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command: Sequence[str] = ("git", "-c", "safe.directory=*", *arguments)
    try:
        done = subprocess.run(
            command, cwd=folder, env={**environment, "LC_ALL": "C"}, capture_output=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder", reason="NoSource") from error
        raise StateError(
            "git: the command is not on PATH", reason="NoGit", hint="install Git (on Debian: apt-get install git)"
        ) from error
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None
