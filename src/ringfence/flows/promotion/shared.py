"""The ladder that several machines share: where releases are, holds, queues and taken copies, in one Git reference.

It lies beside the ledger, in the same repository and with the same remote: one commit an event, holding the state after
it, its line of the history, and the contents of releases. Whoever pushes first decides; whoever lost decides again on
what the other did. The journal of each machine is a copy of it that can be made anew. Replaying events on each machine
was rejected: two machines may have different versions of the Landscape, and would then disagree about the past.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.base.errors import StateError
from ringfence.evidence.gitref import GitRef

_BUCKET = 1000
_COPIED = ("state", "history", "versions")
"""Folders whose files every machine copies; releases and analyses are fetched when they are asked for."""


@dataclass(frozen=True, slots=True)
class News:
    """What others wrote: the files that are new or changed, and the commit at which they are so."""

    tip: str
    states: Mapping[str, str]
    history: Mapping[int, Mapping[str, Any]]
    versions: Sequence[Mapping[str, str]]


class SharedLadder:
    """The shared ladder of one landscape."""

    def __init__(self, ref: GitRef) -> None:
        self._ref = ref

    @property
    def name(self) -> str:
        """What errors call it."""
        return self._ref.name

    def synchronise(self) -> str | None:
        """Take over what others pushed; the commit it is at, None before the first. Raises what Git raises."""
        return self._ref.synchronise()

    def tip(self) -> str | None:
        """The commit that this machine knows."""
        return self._ref.local()

    def news(self, since: str | None, tip: str) -> News:
        """What changed between two commits; ``since`` None: everything. Raises StateError for what cannot be read."""
        if since is None:
            rows = self._ref.git("ls-tree", "-r", "-z", "--format=%(objectname) %(path)", tip, *_COPIED).output
            found = [row.decode().split(" ", 1) for row in rows.split(b"\0") if row]
        else:
            rows = self._ref.git(
                "diff-tree", "-r", "-z", "--no-renames", "--diff-filter=AM", since, tip, "--", *_COPIED
            ).output
            fields = [field.decode() for field in rows.split(b"\0") if field]
            found = [[meta.split()[3], path] for meta, path in zip(fields[::2], fields[1::2], strict=True)]
        texts = self._ref.blobs([blob for blob, _ in found])
        files = {path: text for (_, path), text in zip(found, texts, strict=True)}
        try:
            return News(
                tip,
                {_stem(path): text.decode() for path, text in _below(files, "state")},
                {int(_stem(path)): json.loads(text) for path, text in _below(files, "history")},
                [json.loads(text) for _, text in _below(files, "versions")],
            )
        except (ValueError, KeyError) as error:
            raise self.damaged() from error

    def damaged(self) -> StateError:
        """The error for a shared ladder that holds what no version of Ringfence wrote."""
        return StateError(
            f"{self.name}: the shared ladder cannot be read",
            reason="LadderUnreadable",
            hint="it may be of a newer ringfence; the ledger beside it still says what happened",
        )

    def publish(self, parent: str | None, files: Mapping[str, bytes], message: str) -> str | None:
        """Add files on top of ``parent``; the commit when this was first, None when somebody else was."""
        name = self._ref.ref.replace("refs/ringfence/", "refs/ringfence-staged/")
        head = f"commit {name}\nmark :1\ncommitter ringfence <ringfence@localhost> now\n".encode()
        parts = [head, _data(message.encode())]
        if parent is not None:
            parts.append(f"from {parent}\n".encode())
        parts += [f'M 100644 inline "{path}"\n'.encode() + _data(content) for path, content in sorted(files.items())]
        # The mark names the commit, whatever another process stages at the same moment.
        parts.append(b"get-mark :1\ndone\n")
        made = self._ref.git(
            "fast-import", "--quiet", "--force", "--done", "--date-format=now", given=b"".join(parts)
        ).output.decode()
        commit = made.strip()
        return commit if self._ref.publish(commit, parent) else None

    def read(self, path: str) -> bytes | None:
        """A file that is fetched when it is asked for; None when nobody shared it."""
        tip = self.tip()
        blob = self._ref.resolve(f"{tip}:{path}") if tip else None
        return self._ref.blobs([blob])[0] if blob else None

    def files(self, folder: str) -> dict[str, bytes]:
        """The files in a folder, by their names there."""
        tip = self.tip()
        if tip is None:
            return {}
        rows = self._ref.git("ls-tree", "-z", "--format=%(objectname) %(path)", tip, f"{folder}/").output
        found = [row.decode().split(" ", 1) for row in rows.split(b"\0") if row]
        texts = self._ref.blobs([blob for blob, _ in found])
        return {path.rpartition("/")[2]: text for (_, path), text in zip(found, texts, strict=True)}


def state_path(application: str) -> str:
    """Where the state of an application is."""
    return f"state/{application}.json"


def history_path(number: int) -> str:
    """Where the line of the history with that number is, counted from 0."""
    return f"history/{number // _BUCKET:05d}/{number:08d}.json"


def _below(files: Mapping[str, bytes], folder: str) -> Iterator[tuple[str, bytes]]:
    return ((path, text) for path, text in sorted(files.items()) if path.startswith(f"{folder}/"))


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".json")


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
