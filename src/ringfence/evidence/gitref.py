"""A reference of its own in a Git repository, shared by pushing: who was first is decided by the push.

The ledger and the ladder are kept so. Only when a push went through does the local reference follow; whoever lost
composes again on top of the other's commit. Nothing touches a work tree, an index or a branch.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.errors import StateError, UnreachableError

_SECONDS = 60
_LOST_RACE = ("rejected", "failed to update ref", "cannot lock ref", "fetch first")
_IDENTITY = {
    "GIT_AUTHOR_NAME": "ringfence",
    "GIT_AUTHOR_EMAIL": "ringfence@localhost",
    "GIT_COMMITTER_NAME": "ringfence",
    "GIT_COMMITTER_EMAIL": "ringfence@localhost",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """What a git command answered: its exit code, its output, and what it said on standard error."""

    code: int
    output: bytes
    message: str

    @property
    def first(self) -> str:
        """The first line of what it said."""
        return next((line for line in self.message.splitlines() if line.strip()), "no message")


class GitRef:
    """One reference below ``refs/ringfence/``; ``what`` is how errors call what is kept there."""

    def __init__(self, repository: Path, name: str, what: str, remote: str | None = None) -> None:
        """``repository`` is an existing one, bare or not; ``remote`` a name or address to share with, None: alone."""
        self.repository = repository
        self.ref = f"refs/ringfence/{name}"
        self.what = what
        self.remote = remote

    @property
    def name(self) -> str:
        """The repository and the reference."""
        return f"{self.repository}:{self.ref}"

    def local(self) -> str | None:
        """The commit that the reference is at here; None before the first."""
        return self.resolve(self.ref)

    def resolve(self, name: str) -> str | None:
        """The object of a name; None when there is none."""
        return self.git("rev-parse", "--verify", "--quiet", name, check=False).output.decode().strip() or None

    def folder(self) -> Path:
        """The folder of the repository's own files."""
        return Path(self.git("rev-parse", "--absolute-git-dir").output.decode().strip())

    def synchronise(self) -> str | None:
        """Take over what others pushed; the commit that the reference is at then.

        Raises UnreachableError when the remote does not answer, StateError when what it has is no continuation.
        """
        if self.remote is None:
            return self.local()
        answer = self.git("fetch", "--quiet", self.remote, f"+{self.ref}:{self._tracking}", check=False)
        if answer.code and "couldn't find remote ref" not in answer.message.lower():
            raise UnreachableError(
                f"{self.remote}: {self.what}'s remote did not answer", reason="RemoteUnreachable", hint=answer.first
            )
        fetched = None if answer.code else self.resolve(self._tracking)
        local = self.local()
        if fetched is None or fetched == local:
            return local
        if local is not None and self.git("merge-base", "--is-ancestor", local, fetched, check=False).code:
            if not self.git("merge-base", "--is-ancestor", fetched, local, check=False).code:
                return local  # the local reference is ahead: the next push brings it along
            raise StateError(
                f"{self.name}: {self.what} at {self.remote} is not a continuation of this one",
                reason="LedgerRewritten",
                hint="somebody rewrote or cut one of the two; compare both with ringfence evidence verify",
            )
        self.git("update-ref", self.ref, fetched, local or "0" * 40)
        return fetched

    def publish(self, commit: str, parent: str | None) -> bool:
        """Make ``commit`` the end, unless another one follows ``parent`` already."""
        if self.remote is not None and not self._push(commit, self.remote):
            return False
        moved = self.git("update-ref", self.ref, commit, parent or "0" * 40, check=False).code == 0
        # Once pushed it counts: a local reference that another process moved on meanwhile contains it.
        return moved or self.remote is not None

    def blobs(self, names: Sequence[str]) -> list[bytes]:
        """The contents of blobs, in order."""
        if not names:
            return []
        output = self.git("cat-file", "--batch", given="".join(f"{name}\n" for name in names).encode()).output
        texts, position = [], 0
        for _ in names:
            end = output.index(b"\n", position)
            size = int(output[position:end].split(b" ")[2])
            texts.append(output[end + 1 : end + 1 + size])
            position = end + 1 + size + 1
        return texts

    def git(self, *arguments: str, given: bytes = b"", check: bool = True) -> GitAnswer:
        """Run git in the repository. Raises StateError when it fails and ``check`` says that it must not."""
        try:
            done = subprocess.run(
                ["git", "-C", str(self.repository), *arguments],
                input=given,
                capture_output=True,
                check=False,
                timeout=_SECONDS,
                env={**os.environ, **_IDENTITY},
            )
        except FileNotFoundError as error:
            raise StateError(f"{self.name}: git is not on the PATH", reason="NoGit", hint="install git") from error
        except subprocess.TimeoutExpired as error:
            raise UnreachableError(
                f"{self.name}: git {arguments[0]} did not end in {_SECONDS} s", reason="GitSlow"
            ) from error
        answer = GitAnswer(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
        if check and answer.code:
            raise StateError(
                f"{self.name}: git {arguments[0]} failed: {answer.first}", reason="GitFailed", hint="git status"
            )
        return answer

    @property
    def _tracking(self) -> str:
        return self.ref.replace("refs/ringfence/", "refs/ringfence-remote/")

    def _push(self, commit: str, remote: str) -> bool:
        answer = self.git("push", "--quiet", remote, f"{commit}:{self.ref}", check=False)
        if not answer.code:
            return True
        if "hook declined" not in answer.message and any(word in answer.message for word in _LOST_RACE):
            return False
        raise UnreachableError(f"{remote}: the entry could not be pushed", reason="CannotPush", hint=answer.first)
