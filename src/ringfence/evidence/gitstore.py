"""The ledger in a Git repository: a ref of its own, one commit an entry, shared by pushing.

A file that grows in one blob was rejected: 10,000 appends would store half a terabyte before packing. Each entry is a
blob of its own in folders of a thousand, so that an append writes one blob and two small trees. Nothing touches the
work tree or the index.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from ringfence.base.errors import ConflictError
from ringfence.evidence.gitref import GitRef
from ringfence.evidence.store import Addition, Contents, Tail, exclusive

_BUCKET = 1000
_TRIES = 20
_CHECKPOINT = "checkpoint.json"


class GitStore:
    """Lines as blobs under ``refs/ringfence/ledger/NAME``."""

    def __init__(self, repository: Path, ledger: str, remote: str | None = None) -> None:
        """``repository`` is an existing one, bare or not; ``remote`` a name or address to share with, None: alone."""
        self._ref = GitRef(repository, f"ledger/{ledger}", "the ledger", remote)

    @property
    def name(self) -> str:
        """The repository and the ref."""
        return self._ref.name

    def synchronise(self) -> None:
        """Take over what others pushed. Raises StateError when the remote's ledger does not continue the local one."""
        self._ref.synchronise()

    def read(self) -> Contents:
        """All entries of the local ref, in the order of their file names."""
        commit = self._ref.local()
        if commit is None:
            return Contents((), b"", None)
        names = self._ref.git("ls-tree", "-r", "-z", "--format=%(objectname) %(path)", commit).output
        rows = [row.decode().split(" ", 1) for row in names.split(b"\0") if row]
        entries = [blob for blob, path in rows if path.startswith("entries/")]
        checkpoint = next((blob for blob, path in rows if path == _CHECKPOINT), None)
        texts = self._ref.blobs([*entries, *([checkpoint] if checkpoint else [])])
        if checkpoint is None:
            return Contents(tuple(texts), b"", None)
        return Contents(tuple(texts[:-1]), b"", texts[-1])

    def append(self, compose: Callable[[Tail], Addition]) -> None:
        """Commit what ``compose`` makes of the end, again for as long as others were faster (at most 20 times)."""
        with exclusive(self._ref.folder() / "ringfence-ledger.lock"):
            for _ in range(_TRIES):
                parent = self._ref.synchronise()
                tail = self._tail(parent)
                addition = compose(tail)
                if addition.line is None and addition.checkpoint == tail.checkpoint:
                    return
                if self._ref.publish(self._commit(parent, addition), parent):
                    return
        raise ConflictError(
            f"{self.name}: others kept writing to the ledger faster, {_TRIES} times",
            reason="LedgerBusy",
            hint="run the same command again",
        )

    def _commit(self, parent: str | None, addition: Addition) -> str:
        base = f"{parent}^{{tree}}" if parent else None
        entries = self._ref.resolve(f"{parent}:entries") if parent else None
        if addition.line is not None:
            entries = self._with_entry(entries, addition.line)
        rows = [row for row in self._rows(base) if not row.endswith((f"\t{_CHECKPOINT}", "\tentries"))]
        rows.append(f"100644 blob {self._store(addition.checkpoint)}\t{_CHECKPOINT}")
        if entries is not None:
            rows.append(f"040000 tree {entries}\tentries")
        parents = ["-p", parent] if parent else []
        return (
            self._ref.git("commit-tree", self._tree(rows), *parents, "-m", "Add to the ledger").output.decode().strip()
        )

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
        buckets = self._rows(self._ref.resolve(f"{commit}:entries"))
        blobs = self._rows(buckets[-1].split("\t")[0].split(" ")[2]) if buckets else []
        wanted = [blobs[-1].split("\t")[0].split(" ")[2]] if blobs else []
        checkpoint = self._ref.resolve(f"{commit}:{_CHECKPOINT}")
        texts = self._ref.blobs([*wanted, *([checkpoint] if checkpoint else [])])
        return Tail(texts[0] if wanted else None, texts[-1] if checkpoint else None)

    def _rows(self, tree: str | None) -> list[str]:
        """The rows of a tree as ``git mktree`` reads them."""
        if tree is None:
            return []
        return self._ref.git("ls-tree", tree).output.decode().splitlines()

    def _tree(self, rows: Sequence[str]) -> str:
        return self._ref.git("mktree", given="".join(f"{row}\n" for row in rows).encode()).output.decode().strip()

    def _store(self, text: bytes) -> str:
        return self._ref.git("hash-object", "-w", "--stdin", given=text).output.decode().strip()
