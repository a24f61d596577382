"""The journal's tables in a SQLite file: states, the history, steps of moves, versions; reading, and single writes."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ringfence.base.errors import StateError
from ringfence.flows.promotion.codec import decode, encode
from ringfence.promote.state import LadderState

_FORMAT = 2
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


class Tables:
    """A landscape's journal in a file, before anybody decides what may be written to it."""

    def __init__(self, path: Path) -> None:
        """Open the file, made when there is none. Raises StateError when it is damaged, newer or not writable."""
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

    def digest_of(self, application: str, version: str) -> str | None:
        """The digest of a version, None when there was never one of that name."""
        rows = self._read("SELECT digest FROM version WHERE application = ? AND version = ?", application, version)
        return str(rows[0][0]) if rows else None

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
            entry.at.isoformat(), entry.application, entry.event, entry.place, entry.release, text_of(dict(entry.body)),
            shared,
        )  # fmt: skip
        self._database.execute(
            "INSERT OR IGNORE INTO entry (at, application, event, place, release, body, shared)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            values,
        )


def text_of(value: Any) -> str:
    """JSON in one line."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def entry_text(entry: Entry) -> bytes:
    """An entry as the shared history keeps it: without its number here."""
    return text_of({key: value for key, value in encode(entry).items() if key != "sequence"}).encode()
