"""The journal: where each application's releases are, what happened, and how far a move that is under way has come.

One SQLite file a landscape. A transaction of it holds the event, the state after it and the history's entry together,
so that a process killed at any moment leaves all of them or none; two processes take turns; and a page of the history
is read by its index, however long the history is. JSON files that are renamed were rejected: three files that must
agree need a journal again.

Where machines share a ladder, an event has happened when its commit is the end of the shared reference; this file then
follows, and a process killed in between finds the event there when it comes back.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ringfence.base.errors import ConflictError, StateError, UnreachableError
from ringfence.flows.promotion.codec import decode, encode
from ringfence.flows.promotion.shared import News, SharedLadder, history_path, state_path
from ringfence.flows.promotion.tables import Entry, Tables, entry_text, text_of
from ringfence.promote.events import Event
from ringfence.promote.ladder import Ladder
from ringfence.promote.machine import advance
from ringfence.promote.state import LadderState

_TRIES = 20
_SYNCED = "synced"

__all__ = ["Entry", "Journal"]


class Journal(Tables):
    """A landscape's journal in a file."""

    def __init__(
        self,
        path: Path,
        shared: SharedLadder | None = None,
        contents: Callable[[], Mapping[str, bytes]] = dict,
    ) -> None:
        """Open the journal, made when there is none. Raises StateError when it is damaged, newer or not writable.

        ``shared`` is the ladder that this one is a copy of; ``stale`` then says why it may be behind, None: it is not.
        ``contents`` are the releases that this machine has, for when it is the first to share.
        """
        self.shared = shared
        self._contents = contents
        self.stale: str | None = None
        super().__init__(path)

    def record(
        self,
        ladder: Ladder,
        event: Event,
        entry: Entry | None = None,
        *,
        seen: LadderState | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> LadderState:
        """Let an event happen: the state after it and its entry in the history, in one transaction.

        ``seen`` is the state that the caller decided on; ``files`` go with the event where the ladder is shared. Raises
        ConflictError when it is not the state any more, or when the event may not happen in it.
        """
        application = ladder.application

        def following() -> LadderState:
            state = self.state(application)
            if seen is not None and seen.version != state.version:
                raise ConflictError(
                    f"{application}: somebody else moved a release at the same time",
                    reason="Raced",
                    hint="nothing was lost; run the same command again",
                )
            return advance(ladder, state, event)

        if self.shared is None:
            with self._transaction():
                state = following()
                self._put_state(application, state.version, text_of(encode(state)))
                if entry is not None:
                    self._insert(entry)
            return state
        made: list[LadderState] = []

        def compose() -> Mapping[str, bytes]:
            made[:] = [following()]
            body = {state_path(application): text_of(encode(made[0])).encode(), **(files or {})}
            return body if entry is None else {**body, history_path(self._next()): entry_text(entry)}

        self._publish(self.shared, compose, type(event).__name__)
        return made[0]

    def write(self, entry: Entry) -> None:
        """Add an entry that changes no state, such as a refusal."""
        if self.shared is not None:
            self._publish(self.shared, lambda: {history_path(self._next()): entry_text(entry)}, entry.event)
            return
        self.write_here(entry)

    def write_here(self, entry: Entry) -> None:
        """Add an entry that concerns this machine alone, such as a loop on a cluster of one's own."""
        with self._transaction():
            self._insert(entry)

    def share(self, files: Mapping[str, bytes]) -> None:
        """Share files with the other machines; nothing happens where the ladder is not shared."""
        if self.shared is not None:
            self._publish(self.shared, lambda: files, "Files")

    def refresh(self) -> None:
        """Take over what other machines did. A remote that does not answer is no error here: see ``stale``."""
        if self.shared is None:
            return
        self.stale = None
        try:
            tip = self.shared.synchronise()
        except UnreachableError as error:
            self.stale, tip = error.message, self.shared.tip()
        self._take_over(self.shared, tip)

    def _publish(self, shared: SharedLadder, compose: Callable[[], Mapping[str, bytes]], message: str) -> None:
        """Add to the shared ladder, again for as long as others were faster; then follow it."""
        for _ in range(_TRIES):
            tip = shared.synchronise()
            self._take_over(shared, tip)
            before = self._everything() if tip is None else {}
            files = {**before, **compose()}
            commit = shared.publish(tip, files, message)
            if commit is not None:
                self._take_over(shared, commit)
                return
        raise ConflictError(
            f"{shared.name}: others kept writing faster, {_TRIES} times",
            reason="LadderBusy",
            hint="run the same command again",
        )

    def _take_over(self, shared: SharedLadder, tip: str | None) -> None:
        since = self._fact(_SYNCED)
        if tip is None or tip == since:
            return
        if since is None:
            self._refuse_another(shared)
        news = shared.news(since, tip)
        with self._transaction():
            if self._fact(_SYNCED) != since:
                return  # another process of this machine was here first
            try:
                self._copy(news)
            except (KeyError, TypeError, ValueError) as error:
                raise shared.damaged() from error
            self._database.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (_SYNCED, tip))

    def _refuse_another(self, shared: SharedLadder) -> None:
        """A ladder that this machine had before must be the one that is shared: it was the first to share it."""
        if not self._read("SELECT 1 FROM state LIMIT 1"):
            return
        mine = next((entry_text(entry) for _, entry in self._entries("WHERE shared = 0")), None)
        if mine is not None and shared.read(history_path(0)) == mine:
            return
        raise StateError(
            f"{self.path}: this machine has a ladder of its own, and {shared.name} has another",
            reason="TwoLadders",
            hint="move this file away to follow the shared ladder; what it promoted stays in Git and in the ledger",
        )

    def _copy(self, news: News) -> None:
        for application, body in news.states.items():
            self._put_state(application, decode(LadderState, json.loads(body)).version, body)
        for number, value in news.history.items():
            self._insert(decode(Entry, dict(value)), number)
        for claim in news.versions:
            values = (claim["application"], claim["version"], claim["digest"])
            self._database.execute("INSERT OR REPLACE INTO version VALUES (?, ?, ?)", values)

    def _everything(self) -> dict[str, bytes]:
        """What this machine had before the ladder was shared."""
        found = {
            state_path(name): str(body).encode() for name, body in self._read("SELECT application, body FROM state")
        }
        if not found:
            return {}
        with self._transaction():
            rows = self._read("SELECT sequence FROM entry WHERE event <> 'applied-locally' ORDER BY sequence")
            for number, (sequence,) in enumerate(rows):
                self._database.execute("UPDATE entry SET shared = ? WHERE sequence = ?", (number, sequence))
        for number, entry in self._entries("WHERE shared IS NOT NULL"):
            found[history_path(number)] = entry_text(entry)
        for name, version, digest in self._read("SELECT application, version, digest FROM version"):
            found.update(_claim(name, version, digest))
        return {**found, **self._contents()}

    def claim_version(self, application: str, version: str, digest: str) -> str:
        """The digest that a version of an application has: ``digest`` when the version is new."""
        if self.shared is not None:
            self._publish(self.shared, lambda: self._new_claim(application, version, digest), f"Version {version}")
        else:
            with self._transaction():
                self._database.execute("INSERT OR IGNORE INTO version VALUES (?, ?, ?)", (application, version, digest))
        return self.digest_of(application, version) or digest

    def _new_claim(self, application: str, version: str, digest: str) -> Mapping[str, bytes]:
        return _claim(application, version, self.digest_of(application, version) or digest)


def _claim(application: str, version: str, digest: str) -> dict[str, bytes]:
    """A version's file: under a hash of its name, since a version may be what no file can be called."""
    name = hashlib.sha256(version.encode()).hexdigest()[:32]
    value = {"application": application, "version": version, "digest": digest}
    return {f"versions/{application}/{name}.json": text_of(value).encode()}
