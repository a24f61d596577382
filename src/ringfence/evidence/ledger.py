"""The ledger: append, read, verify.

It keeps nothing in memory between calls: several processes write to one ledger, and the store alone knows its end. An
index beside it, derived and signed, saves decoding what was decoded before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import ConflictError, StateError
from ringfence.evidence.entry import (
    BEGINNING,
    Checkpoint,
    Entry,
    compose_checkpoint,
    compose_entry,
    read_checkpoint,
    read_entry,
)
from ringfence.evidence.event import Event
from ringfence.evidence.index import EVERY, Known, LedgerIndex
from ringfence.evidence.signing import PublicKey, SignatureError, Signer
from ringfence.evidence.store import Addition, Store, Tail
from ringfence.evidence.verify import Verification, verify_contents


class Ledger:
    """A named, append-only, signed chain of events in a store."""

    def __init__(
        self,
        name: str,
        store: Store,
        signer: Signer,
        clock: Clock,
        trusted: Sequence[PublicKey] = (),
        index: Path | None = None,
    ) -> None:
        """``trusted`` are keys accepted besides the signer's own, such as those of colleagues' machines; ``index`` is
        a file for what can be derived (None: everything is decoded each time)."""
        self.name = name
        self._store = store
        self._signer = signer
        self._clock = clock
        self._trusted = (signer.public, *trusted)
        self._index = None if index is None else LedgerIndex(index, name, signer)

    def append(self, event: Event) -> Entry:
        """Write ``event`` down; when this returns it is on the disk (or in the shared repository).

        An event whose ``once`` is in the ledger already is not written again: its entry is returned. Raises StateError
        when the end of the ledger is not what its checkpoint says: nothing is added to a ledger that was cut.
        """
        written: list[Entry] = []

        def compose(tail: Tail) -> Addition:
            last = self._last(tail)
            repeated = self._already(event)
            if repeated is not None:
                written[:] = [repeated]
                return Addition(None, compose_checkpoint(self.name, last, self._clock.now(), self._signer))
            line = compose_entry(self.name, last, event, self._clock.now(), self._signer)
            entry = read_entry(line, None)
            written[:] = [entry]
            return Addition(line, compose_checkpoint(self.name, entry, self._clock.now(), self._signer))

        self._begin()
        self._store.append(compose)
        return written[0]

    def entries(self) -> tuple[Entry, ...]:
        """All entries in order, without verifying them. Raises StateError at a line that cannot be read."""
        return tuple(self._decoded(self._store.read().lines))

    def latest(self, count: int) -> tuple[Entry, ...]:
        """The last ``count`` entries in order, without verifying them. Raises StateError at a line not to be read."""
        lines = self._store.read().lines
        first = max(0, len(lines) - count)
        return tuple(self._decoded(lines[first:], first))

    def stream(self, prefix: str) -> tuple[Event, ...]:
        """The events whose ``once`` is ``prefix`` and a number, in order: what a long process is replayed from.

        Raises StateError for a ledger that is not whole.
        """
        found: list[Event] = []
        for event in self.believed(prefix):
            if event.once == f"{prefix}{len(found)}":
                found.append(event)
        return tuple(found)

    def believed(self, prefix: str) -> tuple[Event, ...]:
        """Every event whose ``once`` begins with ``prefix``, in order, from a ledger that can be believed.

        The last entry's signature is checked, and every entry names the digest of the one before. Raises StateError for
        a ledger that is not whole.
        """
        contents = self._store.read()
        if not contents.lines and contents.checkpoint is None:
            return ()
        self._last(Tail(contents.lines[-1] if contents.lines else None, contents.checkpoint))
        known = self._known(contents.lines)
        wanted = sorted(sequence for once, sequence in known.once.items() if once.startswith(prefix))
        return tuple(
            entry.event
            for sequence in wanted
            for entry in self._decoded(contents.lines[sequence - 1 : sequence], sequence - 1)
        )

    def follow(self, prefix: str, place: int, event: Event) -> Entry:
        """Append ``event`` as number ``place`` of a stream. Raises ConflictError when another one has that number."""
        entry = self.append(replace(event, once=f"{prefix}{place}"))
        if entry.event != replace(event, once=f"{prefix}{place}"):
            raise ConflictError(
                f"somebody else decided first: {entry.event.actor}, {entry.event.kind} of {entry.event.subject}",
                reason="DecidedMeanwhile",
                hint="look again at what was decided, then run the command again if it still applies",
            )
        return entry

    def checkpoint(self) -> bytes:
        """A signed checkpoint of this moment, to be kept where whoever holds the ledger cannot change it."""
        latest = self.latest(1)
        return compose_checkpoint(self.name, latest[-1] if latest else None, self._clock.now(), self._signer)

    def verify(self, checkpoint: bytes | None = None) -> Verification:
        """Check every line, the chain and the checkpoints; ``checkpoint`` is one that was kept elsewhere."""
        return verify_contents(self._store.read(), self._trusted, ledger=self.name, kept=checkpoint)

    def _decoded(self, lines: Sequence[bytes], before: int = 0) -> Iterator[Entry]:
        """The entries in ``lines``, of which ``before`` others come first."""
        for number, line in enumerate(lines, start=before + 1):
            try:
                yield read_entry(line, None)
            except SignatureError as error:
                raise StateError(
                    f"{self._store.name}:{number}: {error.message}",
                    reason="LedgerUnreadable",
                    hint="ringfence evidence verify names everything that was changed",
                ) from error

    def _known(self, lines: Sequence[bytes], *, save: bool = False) -> Known:
        """What is where in ``lines``, each of which must follow the one before. Raises StateError when one does not."""
        start = Known() if self._index is None else self._index.load(lines)
        once, previous = dict(start.once), start.head
        for entry in self._decoded(lines[start.count :], start.count):
            if entry.previous != previous:
                raise self._broken(f"entry {entry.sequence} does not follow the one before it")
            previous = entry.digest
            if entry.event.once is not None:
                once.setdefault(entry.event.once, entry.sequence)
        known = Known(len(lines), previous, once)
        if save and self._index is not None and known.count - start.count >= EVERY:
            self._index.save(known, lines)
        return known

    def _already(self, event: Event) -> Entry | None:
        if event.once is None:
            return None
        lines = self._store.read().lines
        sequence = self._known(lines, save=True).once.get(event.once)
        return None if sequence is None else next(self._decoded(lines[sequence - 1 : sequence], sequence - 1))

    def _begin(self) -> None:
        """Promise zero entries before the first one is written, so that a missing checkpoint is always a finding."""

        def compose(tail: Tail) -> Addition:
            if tail.checkpoint is not None:
                return Addition(None, tail.checkpoint)
            if tail.line is not None:
                raise self._broken("its checkpoint is missing")
            return Addition(None, compose_checkpoint(self.name, None, self._clock.now(), self._signer))

        contents = self._store.read()
        if contents.checkpoint is None and not contents.lines:
            self._store.append(compose)

    def _last(self, tail: Tail) -> Entry | None:
        """The last entry, known to be ours and to be where the checkpoint says."""
        promised = self._promised(tail)
        try:
            last = None if tail.line is None else read_entry(tail.line, self._trusted)
        except SignatureError as error:
            raise self._broken(f"its last entry was not written by anybody trusted ({error.message})") from error
        count, head = (last.sequence, last.digest) if last else (0, BEGINNING)
        if count < promised.count or (count == promised.count and head != promised.head):
            raise self._broken(f"its checkpoint speaks of {promised.count} entries, its end is at {count}")
        if last is not None and last.ledger != self.name:
            raise self._broken(f"it is the ledger of {last.ledger!r}, not of {self.name!r}")
        return last

    def _promised(self, tail: Tail) -> Checkpoint:
        if tail.checkpoint is None:
            raise self._broken("its checkpoint is missing")
        try:
            return read_checkpoint(tail.checkpoint, self._trusted)
        except SignatureError as error:
            raise self._broken(f"its checkpoint cannot be believed ({error.message})") from error

    def _broken(self, because: str) -> StateError:
        return StateError(
            f"{self._store.name}: the ledger is not whole: {because}; nothing was added",
            reason="LedgerBroken",
            hint="ringfence evidence verify says what is wrong; restore the ledger from a copy before going on",
        )
