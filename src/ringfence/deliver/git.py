"""A bare Git repository that is written without a work tree.

A commit is made whole by ``git fast-import`` on a reference of its own and then put on the branch by one
compare-and-swap: a crash leaves the branch where it was or at the finished commit, and of two writers one starts again
from what the other wrote. A checkout with ``git add`` and ``git commit`` was rejected: it can be left half done.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import ConflictError, InputError, StateError
from ringfence.base.text import printable

BRANCH = "main"
_REFERENCE = f"refs/heads/{BRANCH}"
_ATTEMPTS = 20
_STALE_SECONDS = 10.0
_SETTINGS: Mapping[str, str] = {
    "core.fsync": "all",
    "core.filesRefLockTimeout": "2000",
    "fastimport.unpackLimit": "20",
    "gc.auto": "0",
    "receive.denyNonFastForwards": "true",
}

Edit = Callable[[str | None], Mapping[str, bytes | None]]
"""Given the head (None: no commit yet), the files to write, and to remove (None; a folder's path removes all in it)."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who a commit is by."""

    name: str
    email: str

    def __str__(self) -> str:
        """As Git writes it, without what would break its format."""
        clean = str.maketrans("", "", "<>\n\r\0")
        return f"{self.name.translate(clean)} <{self.email.translate(clean)}>"


RINGFENCE = Person("Ringfence", "ringfence@localhost")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit on the branch; ``made`` is False when the files were already so and it was there before."""

    sha: str
    made: bool


class Repository:
    """A bare repository, its branch ``main``."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock

    @property
    def url(self) -> str:
        """The URL at which processes on this machine read it."""
        return self.path.resolve().as_uri()

    @classmethod
    def open(cls, path: Path, clock: Clock) -> "Repository":
        """The repository at ``path``, made when there is none. Raises StateError when Git is missing or disk is full.

        It is made under another name and renamed, so that a half-made one is never found.
        """
        repository = cls(path, clock)
        if (path / "HEAD").is_file():
            return repository
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        except OSError as error:
            raise StateError(
                f"{path}: cannot be made: {error.strerror}",
                reason="CannotWrite",
                hint="free some disk space or give the folder to your user, then run the same command again",
            ) from error
        try:
            _git(made, "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", ".")
            for key, value in _SETTINGS.items():
                _git(made, "config", key, value)
            with contextlib.suppress(OSError):
                # Somebody else made it in the meantime: theirs is as good.
                made.rename(path)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return repository

    def head(self) -> str | None:
        """The commit that the branch is at, None before the first."""
        return (
            _git(self.path, "rev-parse", "--quiet", "--verify", f"{_REFERENCE}^{{commit}}", fail=False).decode().strip()
            or None
        )

    def contains(self, ancestor: str, descendant: str) -> bool:
        """Whether ``descendant`` is ``ancestor`` or comes after it."""
        if ancestor == descendant:
            return True
        return _code(self.path, "merge-base", "--is-ancestor", ancestor, descendant) == 0

    def read(self, file: str, revision: str | None = None) -> bytes | None:
        """The content of a file at a revision (None: the head), None when it is not there."""
        at = revision or self.head()
        if at is None or _code(self.path, "cat-file", "-e", f"{at}:{file}") != 0:
            return None
        return _git(self.path, "cat-file", "blob", f"{at}:{file}")

    def files(self, folder: str = "", revision: str | None = None) -> dict[str, bytes]:
        """Every file below a folder at a revision (None: the head), by its path in the repository."""
        at = revision or self.head()
        if at is None:
            return {}
        listing = _git(
            self.path, "ls-tree", "-r", "-z", "--full-tree", at, *([f"{folder.rstrip('/')}/"] if folder else [])
        )
        entries = [entry.split("\t", 1) for entry in listing.decode("utf-8", "surrogateescape").split("\0") if entry]
        names = [(meta.split()[2], path) for meta, path in entries if meta.split()[1] == "blob"]
        wanted = "".join(f"{blob}\n" for blob, _ in names).encode()
        answer = _git(self.path, "cat-file", "--batch", content=wanted)
        found: dict[str, bytes] = {}
        position = 0
        for _, path in names:
            header_end = answer.index(b"\n", position)
            size = int(answer[position:header_end].split()[2])
            found[path] = answer[header_end + 1 : header_end + 1 + size]
            position = header_end + 1 + size + 1
        return found

    def same(self, path: str, one: str, other: str) -> bool:
        """Whether a file or folder is the same at two revisions; False when either is not known here."""
        return one == other or _code(self.path, "diff", "--quiet", one, other, "--", path) == 0

    def commit(self, changes: Mapping[str, bytes | None], message: str, *, author: Person = RINGFENCE) -> Commit:
        """Write and remove files in one commit on the branch; None removes. Nothing to change makes no commit."""
        return self.update(lambda _: changes, message, author=author)

    def update(self, edit: Edit, message: str, *, author: Person = RINGFENCE) -> Commit:
        """As ``commit``, with changes that depend on the head: ``edit`` is asked again when another writer was first.

        Raises InputError when there would be no commit at all, ConflictError when others were first too often.
        """
        for _ in range(_ATTEMPTS):
            head = self.head()
            changes = edit(head)
            made = self._import(head, changes, message, author)
            if made is None:
                if head is None:
                    raise InputError(f"{self.path}: a first commit needs a file")
                return Commit(head, made=False)
            with self._locked():
                result = _run(self.path, ("update-ref", _REFERENCE, made, head or "0" * 40), None)
                if result.returncode == 0:
                    return Commit(made, made=True)
                if self.head() == head and b".lock" not in result.stderr:
                    raise _failure(self.path, "update-ref", result)
        raise ConflictError(
            f"{self.path}: others kept writing first", reason="GitRace", hint="run the same command again"
        )

    def follow(self, remote: str) -> None:
        """Put the branch where another repository has it, with the user's own Git settings and credentials.

        That one is the truth: a commit that was never pushed there happened nowhere, and whoever made it makes it
        again. A remote without the branch changes nothing. Raises StateError when it cannot be read.
        """
        name = f"refs/ringfence/{os.getpid()}-{time.monotonic_ns()}"
        result = _run(self.path, ("fetch", "--quiet", remote, f"+{_REFERENCE}:{name}"), None, own=True)
        if result.returncode:
            if b"find remote ref" in result.stderr:
                return
            raise _failure(self.path, "fetch", result)
        with self._locked():
            _git(self.path, "update-ref", _REFERENCE, name)
            _git(self.path, "update-ref", "-d", name)

    def push(self, remote: str) -> None:
        """Bring the branch to another repository, with the user's own Git settings and credentials.

        Raises ConflictError when somebody else wrote there: nothing is overwritten.
        """
        result = _run(self.path, ("push", "--quiet", remote, f"{_REFERENCE}:{_REFERENCE}"), None, own=True)
        if result.returncode:
            if b"rejected" in result.stderr or b"cannot lock ref" in result.stderr:
                raise ConflictError(
                    f"the remote repository: somebody else wrote to its branch {BRANCH} at the same time",
                    reason="GitRejected",
                    hint="run the same command again; give Ringfence a repository of its own for each Environment",
                )
            raise _failure(self.path, "push", result)

    def share(self, remote: str | None, edit: Edit, message: str, *, author: Person = RINGFENCE) -> Commit:
        """As ``update``, on top of what ``remote`` (None: nobody) has, and pushed there; again when others were first.

        Raises ConflictError when others were first too often.
        """
        if remote is None:
            return self.update(edit, message, author=author)
        for left in reversed(range(_ATTEMPTS)):
            self.follow(remote)
            made = self.update(edit, message, author=author)
            try:
                self.push(remote)
            except ConflictError:
                if left == 0:
                    raise
                continue
            return made
        raise AssertionError("unreachable")  # pragma: no cover

    def _import(
        self, head: str | None, changes: Mapping[str, bytes | None], message: str, author: Person
    ) -> str | None:
        """The commit of ``changes`` on top of ``head``, on no branch yet; None when it would change nothing."""
        if not changes:
            return None
        seconds = int(self._clock.now().timestamp())
        name = f"refs/ringfence/{os.getpid()}-{time.monotonic_ns()}"
        text = message.encode()
        parts = [
            f"commit {name}\nauthor {author} {seconds} +0000\ncommitter {RINGFENCE} {seconds} +0000\n".encode(),
            b"data %d\n%s\n" % (len(text), text),
        ]
        if head:
            parts.append(f"from {head}\n".encode())
        for path, content in sorted(changes.items(), key=lambda item: (item[1] is not None, item[0])):
            quoted = _quoted(path)
            if content is None:
                parts.append(b"D %s\n" % quoted)
            else:
                parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (quoted, len(content), content))
        parts.append(b"done\n")
        try:
            _git(self.path, "fast-import", "--quiet", "--done", content=b"".join(parts))
            made = _git(self.path, "rev-parse", name).decode().strip()
            same = head is not None and self._tree(made) == self._tree(head)
        finally:
            _code(self.path, "update-ref", "-d", name)
        return None if same else made

    def _tree(self, commit: str) -> bytes:
        return _git(self.path, "rev-parse", f"{commit}^{{tree}}")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer of Ringfence at a time; a lock that a killed one left on the branch is taken away."""
        with (self.path / "ringfence.lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            left = self.path / f"{_REFERENCE}.lock"
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                    left.unlink()
            yield


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode("utf-8", "surrogateescape")


def _environment() -> dict[str, str]:
    """Git must not read the user's configuration, hooks or the repository that the caller happens to be in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _run(
    folder: Path, arguments: Sequence[str], content: bytes | None, *, own: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a repository; ``own``: with the settings of the user whose command this is."""
    try:
        return subprocess.run(
            ["git", "-c", "safe.directory=*", *arguments],
            cwd=folder,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"} if own else _environment(),
            input=content,
            stdin=subprocess.DEVNULL if content is None else None,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise StateError(
                f"{folder}: the Git repository is not there",
                reason="NoRepository",
                hint="ringfence apply FILE makes it",
            ) from error
        raise StateError(
            "git: the command is not on PATH",
            reason="NoGit",
            hint="install Git (on Debian: apt-get install git), then run the same command again",
        ) from error


def _code(folder: Path, *arguments: str) -> int:
    return _run(folder, arguments, None).returncode


def _git(folder: Path, *arguments: str, content: bytes | None = None, fail: bool = True) -> bytes:
    result = _run(folder, arguments, content)
    if result.returncode and fail:
        raise _failure(folder, arguments[0], result)
    return result.stdout


def _failure(folder: Path, command: str, result: subprocess.CompletedProcess[bytes]) -> StateError:
    # A remote's URL may hold a password.
    words = re.sub(
        r"://[^/@\s]*@", "://", printable(result.stderr.decode("utf-8", "replace").strip().partition("\n")[0])
    )
    full = "No space left on device" in words
    return StateError(
        f"{folder}: git {command} failed: {words or 'it says nothing'}",
        reason="NoSpace" if full else "GitFailed",
        hint="free some disk space, then run the same command again" if full else None,
    )
