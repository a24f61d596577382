"""The ledger in a Git repository: a ref of its own, one commit an entry, shared by pushing.

A file that grows in one blob was rejected: 10,000 appends would store half a terabyte before packing. Each entry is a
blob of its own in folders of a thousand, so that an append writes one blob and two small trees. Nothing touches the
work tree or the index. With a remote, the push of the new commit is the decision who was first: only when it went
through does the local ref follow, and whoever lost composes the entry again on top of the other's.
"""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.errors import ConflictError, StateError, UnreachableError
from ringfence.evidence.store import Addition, Contents, Tail, exclusive

_BUCKET = 1000
_TRIES = 20
_SECONDS = 60
_CHECKPOINT = "checkpoint.json"
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
class _Answer:
    code: int
    output: bytes
    message: str


class GitStore:
    """Lines as blobs under ``refs/ringfence/ledger/NAME``."""

    def __init__(self, repository: Path, ledger: str, remote: str | None = None) -> None:
        """``repository`` is an existing one, bare or not; ``remote`` a name or address to share with, None: alone."""
        self.repository = repository
        self.ref = f"refs/ringfence/ledger/{ledger}"
        self.remote = remote

    @property
    def name(self) -> str:
        """The repository and the ref."""
        return f"{self.repository}:{self.ref}"

    def read(self) -> Contents:
        """All entries of the local ref, in the order of their file names."""
        commit = self._local()
        if commit is None:
            return Contents((), b"", None)
        names = self._git("ls-tree", "-r", "-z", "--format=%(objectname) %(path)", commit).output
        rows = [row.decode().split(" ", 1) for row in names.split(b"\0") if row]
        entries = [blob for blob, path in rows if path.startswith("entries/")]
        checkpoint = next((blob for blob, path in rows if path == _CHECKPOINT), None)
        texts = self._blobs([*entries, *([checkpoint] if checkpoint else [])])
        if checkpoint is None:
            return Contents(tuple(texts), b"", None)
        return Contents(tuple(texts[:-1]), b"", texts[-1])

    def synchronise(self) -> None:
        """Take over what others pushed. Raises StateError when the remote's ledger does not continue the local one."""
        if self.remote is None:
            return
        answer = self._git("fetch", "--quiet", self.remote, f"+{self.ref}:{self._tracking}", check=False)
        if answer.code and "couldn't find remote ref" not in answer.message.lower():
            raise UnreachableError(
                f"{self.remote}: the ledger's remote did not answer", reason="RemoteUnreachable", hint=_first(answer)
            )
        fetched = None if answer.code else self._resolve(self._tracking)
        local = self._local()
        if fetched is None or fetched == local:
            return
        if local is not None and self._git("merge-base", "--is-ancestor", local, fetched, check=False).code:
            if not self._git("merge-base", "--is-ancestor", fetched, local, check=False).code:
                return  # the local ref is ahead: the next push brings it along
            raise StateError(
                f"{self.name}: the ledger at {self.remote} is not a continuation of this one",
                reason="LedgerRewritten",
                hint="somebody rewrote or cut one of the two; compare both with ringfence evidence verify",
            )
        self._git("update-ref", self.ref, fetched, local or "0" * 40)

    def append(self, compose: Callable[[Tail], Addition]) -> None:
        """Commit what ``compose`` makes of the end, again for as long as others were faster (at most 20 times)."""
        with exclusive(self._folder() / "ringfence-ledger.lock"):
            for _ in range(_TRIES):
                self.synchronise()
                parent = self._local()
                tail = self._tail(parent)
                addition = compose(tail)
                if addition.line is None and addition.checkpoint == tail.checkpoint:
                    return
                if self._publish(self._commit(parent, addition), parent):
                    return
        raise ConflictError(
            f"{self.name}: others kept writing to the ledger faster, {_TRIES} times",
            reason="LedgerBusy",
            hint="run the same command again",
        )

    @property
    def _tracking(self) -> str:
        return self.ref.replace("refs/ringfence/", "refs/ringfence-remote/")

    def _folder(self) -> Path:
        return Path(self._git("rev-parse", "--absolute-git-dir").output.decode().strip())

    def _publish(self, commit: str, parent: str | None) -> bool:
        """Make ``commit`` the end of the ledger, unless another one follows ``parent`` already."""
        if self.remote is not None and not self._push(commit, self.remote):
            return False
        moved = self._git("update-ref", self.ref, commit, parent or "0" * 40, check=False).code == 0
        # Once pushed the entry counts: a local ref that another process moved on meanwhile contains it.
        return moved or self.remote is not None

    def _push(self, commit: str, remote: str) -> bool:
        answer = self._git("push", "--quiet", remote, f"{commit}:{self.ref}", check=False)
        if not answer.code:
            return True
        if "hook declined" not in answer.message and any(word in answer.message for word in _LOST_RACE):
            return False
        raise UnreachableError(f"{remote}: the entry could not be pushed", reason="CannotPush", hint=_first(answer))

    def _commit(self, parent: str | None, addition: Addition) -> str:
        base = f"{parent}^{{tree}}" if parent else None
        entries = self._resolve(f"{parent}:entries") if parent else None
        if addition.line is not None:
            entries = self._with_entry(entries, addition.line)
        rows = [row for row in self._rows(base) if not row.endswith((f"\t{_CHECKPOINT}", "\tentries"))]
        rows.append(f"100644 blob {self._store(addition.checkpoint)}\t{_CHECKPOINT}")
        if entries is not None:
            rows.append(f"040000 tree {entries}\tentries")
        parents = ["-p", parent] if parent else []
        return self._git("commit-tree", self._tree(rows), *parents, "-m", "Add to the ledger").output.decode().strip()

    def _with_entry(self, entries: str | None, line: bytes) -> str:
        buckets = self._rows(entries)
        last = buckets[-1] if buckets else None
        bucket_rows = self._rows(last.split("\t")[0].split(" ")[2]) if last else []
        number = (int(last.split("\t")[1]) if last else 0) * _BUCKET + len(bucket_rows)
        if len(bucket_rows) >= _BUCKET:
            bucket_rows, last = [], None
        bucket_rows.append(f"100644 blob {self._store(line)}\t{number:08d}.json")
        kept = buckets if last is None else buckets[:-1]
        return self._tree([*kept, f"040000 tree {self._tree(bucket_rows)}\t{number // _BUCKET:05d}"])

    def _tail(self, commit: str | None) -> Tail:
        if commit is None:
            return Tail(None, None)
        buckets = self._rows(self._resolve(f"{commit}:entries"))
        blobs = self._rows(buckets[-1].split("\t")[0].split(" ")[2]) if buckets else []
        wanted = [blobs[-1].split("\t")[0].split(" ")[2]] if blobs else []
        checkpoint = self._resolve(f"{commit}:{_CHECKPOINT}")
        texts = self._blobs([*wanted, *([checkpoint] if checkpoint else [])])
        return Tail(texts[0] if wanted else None, texts[-1] if checkpoint else None)

    def _rows(self, tree: str | None) -> list[str]:
        """The rows of a tree as ``git mktree`` reads them."""
        if tree is None:
            return []
        return self._git("ls-tree", tree).output.decode().splitlines()

    def _tree(self, rows: Sequence[str]) -> str:
        return self._git("mktree", given="".join(f"{row}\n" for row in rows).encode()).output.decode().strip()

    def _store(self, text: bytes) -> str:
        return self._git("hash-object", "-w", "--stdin", given=text).output.decode().strip()

    def _blobs(self, names: Sequence[str]) -> list[bytes]:
        if not names:
            return []
        output = self._git("cat-file", "--batch", given="".join(f"{name}\n" for name in names).encode()).output
        texts, position = [], 0
        for _ in names:
            end = output.index(b"\n", position)
            size = int(output[position:end].split(b" ")[2])
            texts.append(output[end + 1 : end + 1 + size])
            position = end + 1 + size + 1
        return texts

    def _local(self) -> str | None:
        return self._resolve(self.ref)

    def _resolve(self, name: str) -> str | None:
        answer = self._git("rev-parse", "--verify", "--quiet", name, check=False)
        return answer.output.decode().strip() or None

    def _git(self, *arguments: str, given: bytes = b"", check: bool = True) -> _Answer:
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
        answer = _Answer(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
        if check and answer.code:
            raise StateError(
                f"{self.name}: git {arguments[0]} failed: {_first(answer)}", reason="GitFailed", hint="git status"
            )
        return answer


def _first(answer: _Answer) -> str:
    return next((line for line in answer.message.splitlines() if line.strip()), "no message")
