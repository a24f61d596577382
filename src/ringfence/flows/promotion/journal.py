"""The journal: where each application's releases are, what happened, and how far a move that is under way has come.

One SQLite file a landscape. A transaction of it holds the event, the state after it and the history's entry together,
so that a process killed at any moment leaves all of them or none; two processes take turns; and a page of the history
is read by its index, however long the history is. JSON files that are renamed were rejected: three files that must
agree need a journal again.

Where machines share a ladder, an event has happened when its commit is the end of the shared reference; this file then
follows, and a process killed in between finds the event there when it comes back.
"""

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ringfence.base.errors import ConflictError, StateError, UnreachableError
from ringfence.flows.promotion.codec import decode, encode
from ringfence.flows.promotion.shared import News, SharedLadder, history_path, state_path
from ringfence.promote.events import Event
from ringfence.promote.ladder import Ladder
from ringfence.promote.machine import advance
from ringfence.promote.state import LadderState

_FORMAT = 2
_TRIES = 20
_BUSY_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (application TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
    sequence INTEGER PRIMARY KEY, at TEXT NOT NULL, application TEXT NOT NULL, event TEXT NOT NULL,
    place TEXT, release TEXT, body TEXT NOT NULL, shared INTEGER);
CREATE INDEX IF NOT EXISTS entry_application ON entry (application, sequence);
CREATE INDEX IF NOT EXISTS entry_event ON entry (event, sequence);
CREATE TABLE IF NOT EXISTS progress (
    move TEXT NOT NULL, step TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (move, step));
CREATE TABLE IF NOT EXISTS version (
    application TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (application, version));
CREATE UNIQUE INDEX IF NOT EXISTS entry_shared ON entry (shared);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_FROM_1 = "ALTER TABLE entry ADD COLUMN shared INTEGER"
_SYNCED = "synced"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the history. ``place`` is the deployment it is about, ``body`` what happened as JSON values."""

    at: datetime
    application: str
    event: str
    body: Mapping[str, Any]
    place: str | None = None
    release: str | None = None
    sequence: int = 0

    def to_json(self) -> dict[str, Any]:
        """The entry with the names of the history's schema."""
        known = {"sequence": self.sequence, "at": self.at.isoformat(), "event": self.event}
        return {**known, "application": self.application, "release": self.release, **self.body}


class Journal:
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
        self.path = path
        self.shared = shared
        self._contents = contents
        self.stale: str | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    def _prepare(self) -> None:
        # A write-ahead log needs one synchronisation a transaction instead of three, and readers do not wait.
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        found = int(self._database.execute("PRAGMA user_version").fetchone()[0])
        if found == _FORMAT:
            return
        if found > _FORMAT:
            raise StateError(
                f"{self.path}: written by a newer ringfence (format {found}; this one reads {_FORMAT})",
                reason="NewerFormat",
                hint="use the newer ringfence",
            )
        with self._transaction():
            for statement in (*([_FROM_1] if found == 1 else []), *_SCHEMA.split(";")):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA user_version={_FORMAT}")

    def _unusable(self, error: Exception) -> StateError:
        return StateError(
            f"{self.path}: the journal of promotions cannot be used: {error}",
            reason="JournalUnusable",
            hint="free some disk space or give the file to your user; a damaged one is restored from a copy",
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; errors of the database leave as StateError."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def state(self, application: str) -> LadderState:
        """Where the releases of an application are; an empty ladder before the first."""
        rows = self._read("SELECT body FROM state WHERE application = ?", application)
        if not rows:
            return LadderState(application)
        try:
            return decode(LadderState, json.loads(rows[0][0]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._unusable(error) from error

    def applications(self) -> tuple[str, ...]:
        """The applications that have releases, by name."""
        return tuple(row[0] for row in self._read("SELECT application FROM state ORDER BY application"))

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
                self._put_state(application, state.version, _text(encode(state)))
                if entry is not None:
                    self._insert(entry)
            return state
        made: list[LadderState] = []

        def compose() -> Mapping[str, bytes]:
            made[:] = [following()]
            body = {state_path(application): _text(encode(made[0])).encode(), **(files or {})}
            return body if entry is None else {**body, history_path(self._next()): _entry_text(entry)}

        self._publish(self.shared, compose, type(event).__name__)
        return made[0]

    def write(self, entry: Entry) -> None:
        """Add an entry that changes no state, such as a refusal."""
        if self.shared is not None:
            self._publish(self.shared, lambda: {history_path(self._next()): _entry_text(entry)}, entry.event)
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
        mine = next((_entry_text(entry) for _, entry in self._entries("WHERE shared = 0")), None)
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
            found[history_path(number)] = _entry_text(entry)
        for name, version, digest in self._read("SELECT application, version, digest FROM version"):
            found.update(_claim(name, version, digest))
        return {**found, **self._contents()}

    def _next(self) -> int:
        return int(self._read("SELECT COALESCE(MAX(shared), -1) + 1 FROM entry")[0][0])

    def _fact(self, name: str) -> str | None:
        rows = self._read("SELECT value FROM fact WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    def _put_state(self, application: str, version: int, body: str) -> None:
        self._database.execute(
            "INSERT INTO state VALUES (?, ?, ?) ON CONFLICT (application) DO UPDATE SET version = ?2, body = ?3",
            (application, version, body),
        )

    def _insert(self, entry: Entry, shared: int | None = None) -> None:
        values = (
            entry.at.isoformat(), entry.application, entry.event, entry.place, entry.release, _text(dict(entry.body)),
            shared,
        )  # fmt: skip
        self._database.execute(
            "INSERT OR IGNORE INTO entry (at, application, event, place, release, body, shared)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            values,
        )

    def entries(
        self, application: str | None = None, *, event: str | None = None, place: str | None = None, limit: int = 20
    ) -> tuple[Entry, ...]:
        """The newest entries, newest first; never more than ``limit`` are read."""
        rows = self._entries(
            "WHERE (?1 IS NULL OR application = ?1) AND (?2 IS NULL OR event = ?2) AND (?3 IS NULL OR place = ?3) "
            "ORDER BY sequence DESC LIMIT ?4",
            application,
            event,
            place,
            limit,
        )
        return tuple(entry for _, entry in rows)

    def _entries(self, which: str, *values: Any) -> Iterator[tuple[int, Entry]]:
        """Entries with their number in the shared history (-1: none)."""
        rows = self._read(
            f"SELECT shared, sequence, at, application, event, place, release, body FROM entry {which}",  # noqa: S608
            *values,
        )
        for shared, sequence, at, name, what, place, release, body in rows:
            entry = Entry(datetime.fromisoformat(at), name, what, json.loads(body), place, release, sequence)
            yield (-1 if shared is None else int(shared)), entry

    def count(self) -> int:
        """How many entries the history has."""
        return int(self._read("SELECT COALESCE(MAX(sequence), 0) FROM entry")[0][0])

    def progress(self, move: str) -> dict[str, str]:
        """What was written down about a move that is under way."""
        rows = self._read("SELECT step, value FROM progress WHERE move = ?", move)
        return {str(step): str(value) for step, value in rows}

    def reached(self, move: str, step: str, value: str) -> None:
        """Write down that a move has come to a step; a second time changes nothing."""
        with self._transaction():
            self._database.execute("INSERT OR IGNORE INTO progress VALUES (?, ?, ?)", (move, step, value))

    def forget(self, move: str) -> None:
        """Remove what was written down about a finished move."""
        with self._transaction():
            self._database.execute("DELETE FROM progress WHERE move = ?", (move,))

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

    def digest_of(self, application: str, version: str) -> str | None:
        """The digest of a version, None when there was never one of that name."""
        rows = self._read("SELECT digest FROM version WHERE application = ? AND version = ?", application, version)
        return str(rows[0][0]) if rows else None


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _entry_text(entry: Entry) -> bytes:
    return _text({key: value for key, value in encode(entry).items() if key != "sequence"}).encode()


def _claim(application: str, version: str, digest: str) -> dict[str, bytes]:
    """A version's file: under a hash of its name, since a version may be what no file can be called."""
    name = hashlib.sha256(version.encode()).hexdigest()[:32]
    value = {"application": application, "version": version, "digest": digest}
    return {f"versions/{application}/{name}.json": _text(value).encode()}
