"""What is wrong with a ledger, entry by entry, and what cannot be known from what is at hand.

Pure. Every line is judged on its own (who signed it, was it changed), then the chain (is each where it says, does each
name the one before), then the end (checkpoints). All findings are reported, not only the first: who investigates wants
to know how far the damage reaches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ringfence.evidence.entry import BEGINNING, Checkpoint, Entry, read_checkpoint, read_entry
from ringfence.evidence.signing import PublicKey, SignatureError
from ringfence.evidence.store import Contents


class Fault(StrEnum):
    """What may have happened to a ledger."""

    CHANGED = "changed"
    FORGED = "forged"
    REMOVED = "removed"
    REORDERED = "reordered"
    REPEATED = "repeated"
    FOREIGN = "foreign"
    TRUNCATED = "truncated"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: ``line`` counts from 1 (None: about the whole), ``detail`` is a sentence."""

    fault: Fault
    line: int | None
    detail: str

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON values."""
        return {"fault": self.fault.value, "line": self.line, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome: how many entries there are, the digest of the last, what is wrong, and what stays unknown.

    ``trusted`` are the entries whose own signatures hold, in the order found.
    """

    ledger: str | None
    entries: int
    head: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    checkpoints: tuple[Checkpoint, ...] = ()
    trusted: tuple[Entry, ...] = field(default=(), repr=False)

    @property
    def intact(self) -> bool:
        """True when nothing was found."""
        return not self.findings

    def to_json(self) -> dict[str, Any]:
        """The value as the ``LedgerVerification`` of the reference."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "LedgerVerification",
            "ledger": self.ledger,
            "intact": self.intact,
            "entries": self.entries,
            "head": self.head,
            "findings": [finding.to_json() for finding in self.findings],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    entry: Entry


def verify_contents(
    contents: Contents, trusted: Sequence[PublicKey], *, ledger: str | None = None, kept: bytes | None = None
) -> Verification:
    """Check ``contents`` against the ``trusted`` keys; ``kept`` is a checkpoint that somebody else kept.

    ``ledger`` is the name it must have; None takes the name of its first entry. Never raises for what is in the ledger.
    """
    findings: list[Finding] = []
    lines = _readable(contents.lines, trusted, findings)
    name = ledger if ledger is not None else (lines[0].entry.ledger if lines else None)
    _check_chain(lines, findings, name)
    notes = _notes(contents, kept)
    checkpoints = _check_end(contents, trusted, kept, findings, lines, name)
    return Verification(
        ledger=name,
        entries=len(contents.lines),
        head=lines[-1].entry.digest if lines else BEGINNING,
        findings=tuple(sorted(findings, key=lambda one: (one.line is None, one.line or 0, one.fault))),
        notes=notes,
        checkpoints=checkpoints,
        trusted=tuple(line.entry for line in lines if line.entry.ledger == name),
    )


def _readable(lines: Sequence[bytes], trusted: Sequence[PublicKey], findings: list[Finding]) -> list[_Line]:
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(_Line(number, read_entry(line, trusted)))
        except SignatureError as error:
            fault = Fault.FORGED if error.unknown_key else Fault.CHANGED
            findings.append(Finding(fault, number, error.message))
    return found


def _check_chain(lines: Sequence[_Line], findings: list[Finding], name: str | None) -> None:
    seen: dict[int, int] = {}
    spoiled = {finding.line for finding in findings}
    before: _Line | None = None
    for line in lines:
        entry, number = line.entry, line.number
        if entry.ledger != name:
            findings.append(Finding(Fault.FOREIGN, number, f"this entry belongs to the ledger {entry.ledger!r}"))
        elif entry.sequence in seen:
            findings.append(
                Finding(Fault.REPEATED, number, f"entry {entry.sequence} stands in line {seen[entry.sequence]} already")
            )
        else:
            seen[entry.sequence] = number
            if number - 1 not in spoiled:
                findings.extend(_link(before, line))
        before = line
    for missing in _missing(seen, spoiled):
        findings.append(Finding(Fault.REMOVED, None, f"entry {missing} is missing"))


def _link(before: _Line | None, line: _Line) -> list[Finding]:
    """What is wrong between two readable lines that follow each other."""
    entry = line.entry
    expected = before.entry.sequence + 1 if before else 1
    if entry.sequence < expected:
        return [Finding(Fault.REORDERED, line.number, f"entry {entry.sequence} stands after entry {expected - 1}")]
    if entry.sequence > expected:
        return []  # either some are missing, which is said once for each, or the ones between stand further down
    digest = before.entry.digest if before else BEGINNING
    if entry.previous != digest:
        return [Finding(Fault.CHANGED, line.number, f"entry {entry.sequence} follows another entry {expected - 1}")]
    return []


def _missing(seen: dict[int, int], spoiled: set[int | None]) -> list[int]:
    """Sequence numbers below the highest that no line has and no spoiled line can have had in its place."""
    absent = set(range(1, max(seen, default=0))) - set(seen)
    return sorted(number for number in absent if number not in spoiled)


def _check_end(
    contents: Contents,
    trusted: Sequence[PublicKey],
    kept: bytes | None,
    findings: list[Finding],
    lines: Sequence[_Line],
    name: str | None,
) -> tuple[Checkpoint, ...]:
    found = []
    sources = [("the ledger's own checkpoint", contents.checkpoint), ("the checkpoint that was kept elsewhere", kept)]
    for source, text in sources:
        if text is None:
            continue
        try:
            checkpoint = read_checkpoint(text, trusted)
        except SignatureError as error:
            findings.append(Finding(Fault.CHECKPOINT, None, f"{source} cannot be believed: {error.message}"))
            continue
        found.append(checkpoint)
        findings.extend(_against(checkpoint, source, len(contents.lines), lines, name))
    if contents.checkpoint is None and kept is None:
        findings.append(
            Finding(Fault.CHECKPOINT, None, "there is no checkpoint: whether the end was cut off cannot be seen")
        )
    return tuple(found)


def _against(
    checkpoint: Checkpoint, source: str, count: int, lines: Sequence[_Line], name: str | None
) -> list[Finding]:
    if name is not None and checkpoint.ledger != name:
        return [Finding(Fault.CHECKPOINT, None, f"{source} is of the ledger {checkpoint.ledger!r}")]
    if checkpoint.count > count:
        missing = checkpoint.count - count
        detail = f"{source} speaks of {checkpoint.count} entries, there are {count}: the last {missing} were cut off"
        return [Finding(Fault.TRUNCATED, None, detail)]
    digests = {line.entry.sequence: line.entry.digest for line in lines}
    digest = digests.get(checkpoint.count, BEGINNING if checkpoint.count == 0 else None)
    if digest is not None and digest != checkpoint.head:
        return [Finding(Fault.CHANGED, checkpoint.count or None, f"{source} knew another entry {checkpoint.count}")]
    return []


def _notes(contents: Contents, kept: bytes | None) -> tuple[str, ...]:
    notes = []
    if contents.rest:
        notes.append(
            f"{len(contents.rest)} bytes after the last line end: a write that was cut short and never acknowledged; "
            "the next entry drops them"
        )
    if kept is None:
        notes.append(
            "checked against the ledger's own checkpoint only: somebody who put back an older copy of the ledger "
            "together with its older checkpoint would not be seen; --checkpoint FILE, kept elsewhere, shows that"
        )
    return tuple(notes)
