"""The journal: where each application's releases are, what happened, and how far a move that is under way has come.

One SQLite file a landscape. A transaction of it holds the event, the state after it and the history's entry together,
so that a process killed at any moment leaves all of them or none; two processes take turns; and a page of the history
is read by its index, however long the history is. JSON files that are renamed were rejected: three files that must
agree need a journal again.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ringfence.base.errors import ConflictError, StateError
from ringfence.flows.promotion.codec import decode, encode
from ringfence.promote.events import Event
from ringfence.promote.ladder import Ladder
from ringfence.promote.machine import advance
from ringfence.promote.state import LadderState

_FORMAT = 1
_BUSY_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (application TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
    sequence INTEGER PRIMARY KEY, at TEXT NOT NULL, application TEXT NOT NULL, event TEXT NOT NULL,
    place TEXT, release TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS entry_application ON entry (application, sequence);
CREATE INDEX IF NOT EXISTS entry_event ON entry (event, sequence);
CREATE TABLE IF NOT EXISTS progress (
    move TEXT NOT NULL, step TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (move, step));
CREATE TABLE IF NOT EXISTS version (
    application TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (application, version));
"""


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

    def __init__(self, path: Path) -> None:
        """Open the journal, made when there is none. Raises StateError when it is damaged, newer or not writable."""
        self.path = path
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
            for statement in _SCHEMA.split(";"):
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
        self, ladder: Ladder, event: Event, entry: Entry | None = None, *, seen: LadderState | None = None
    ) -> LadderState:
        """Let an event happen: the state after it and its entry in the history, in one transaction.

        ``seen`` is the state that the caller decided on. Raises ConflictError when it is not the state any more, or
        when the event may not happen in it.
        """
        with self._transaction():
            state = self.state(ladder.application)
            if seen is not None and seen.version != state.version:
                raise ConflictError(
                    f"{ladder.application}: somebody else moved a release at the same time",
                    reason="Raced",
                    hint="nothing was lost; run the same command again",
                )
            following = advance(ladder, state, event)
            body = json.dumps(encode(following), separators=(",", ":"), ensure_ascii=False)
            self._database.execute(
                "INSERT INTO state VALUES (?, ?, ?) ON CONFLICT (application) DO UPDATE SET version = ?2, body = ?3",
                (ladder.application, following.version, body),
            )
            if entry is not None:
                self._insert(entry)
        return following

    def write(self, entry: Entry) -> None:
        """Add an entry that changes no state, such as a refusal."""
        with self._transaction():
            self._insert(entry)

    def _insert(self, entry: Entry) -> None:
        body = json.dumps(dict(entry.body), separators=(",", ":"), ensure_ascii=False)
        values = (entry.at.isoformat(), entry.application, entry.event, entry.place, entry.release, body)
        self._database.execute(
            "INSERT INTO entry (at, application, event, place, release, body) VALUES (?, ?, ?, ?, ?, ?)", values
        )

    def entries(
        self, application: str | None = None, *, event: str | None = None, place: str | None = None, limit: int = 20
    ) -> tuple[Entry, ...]:
        """The newest entries, newest first; never more than ``limit`` are read."""
        rows = self._read(
            "SELECT sequence, at, application, event, place, release, body FROM entry WHERE "
            "(?1 IS NULL OR application = ?1) AND (?2 IS NULL OR event = ?2) AND (?3 IS NULL OR place = ?3) "
            "ORDER BY sequence DESC LIMIT ?4",
            application,
            event,
            place,
            limit,
        )
        return tuple(
            Entry(datetime.fromisoformat(at), name, what, json.loads(body), place, release, sequence)
            for sequence, at, name, what, place, release, body in rows
        )

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
        with self._transaction():
            self._database.execute("INSERT OR IGNORE INTO version VALUES (?, ?, ?)", (application, version, digest))
            rows = self._read("SELECT digest FROM version WHERE application = ? AND version = ?", application, version)
        return str(rows[0][0])

    def digest_of(self, application: str, version: str) -> str | None:
        """The digest of a version, None when there was never one of that name."""
        rows = self._read("SELECT digest FROM version WHERE application = ? AND version = ?", application, version)
        return str(rows[0][0]) if rows else None
