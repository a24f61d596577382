"""One line of the ledger, and the checkpoint that says how many lines there must be.

Each entry names its place, the digest of the entry before it, and the ledger it belongs to; all of that is signed. The
chain shows change, removal and reordering; what a chain cannot show is that its end was cut off, and so a signed
checkpoint is kept beside it (and can be handed to somebody else). The digest is over the payload, not over the
signatures, so that a second person may countersign later.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ringfence.evidence.event import Event, canonical
from ringfence.evidence.signing import PublicKey, SignatureError, Signer, open_envelope, seal, unseal

ENTRY_TYPE = "application/vnd.ringfence.ledger-entry+json"
CHECKPOINT_TYPE = "application/vnd.ringfence.ledger-checkpoint+json"
BEGINNING = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its place: ``sequence`` counts from 1, ``previous`` and ``digest`` are ``sha256:HEX``."""

    ledger: str
    sequence: int
    previous: str
    digest: str
    recorded: datetime
    event: Event
    key_ids: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON values."""
        return {
            "sequence": self.sequence,
            "digest": self.digest,
            "previous": self.previous,
            "recorded": self.recorded.isoformat(),
            "signedBy": list(self.key_ids),
            **self.event.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What somebody signed about a ledger at a moment: how many entries it had, and the digest of the last."""

    ledger: str
    count: int
    head: str
    at: datetime


def compose_entry(ledger: str, after: Entry | None, event: Event, recorded: datetime, signer: Signer) -> bytes:
    """The signed line that follows ``after`` (None: the first), without a line end."""
    payload = {
        "apiVersion": "ringfence.dev/v1",
        "kind": "LedgerEntry",
        "ledger": ledger,
        "sequence": after.sequence + 1 if after else 1,
        "previous": after.digest if after else BEGINNING,
        "recorded": recorded.isoformat(),
        "event": event.to_json(),
    }
    return canonical(seal(canonical(payload), ENTRY_TYPE, signer))


def compose_checkpoint(ledger: str, last: Entry | None, at: datetime, signer: Signer) -> bytes:
    """A signed checkpoint after ``last``."""
    payload = {
        "apiVersion": "ringfence.dev/v1",
        "kind": "LedgerCheckpoint",
        "ledger": ledger,
        "count": last.sequence if last else 0,
        "head": last.digest if last else BEGINNING,
        "at": at.isoformat(),
    }
    return canonical(seal(canonical(payload), CHECKPOINT_TYPE, signer)) + b"\n"


def read_entry(line: bytes, trusted: Sequence[PublicKey] | None) -> Entry:
    """The entry in a line; ``trusted`` None reads without verifying (for showing, never for judging).

    Raises SignatureError for a line that is no entry, was changed, or was signed by nobody who is trusted.
    """
    opened = open_envelope(_envelope(line), ENTRY_TYPE)
    if trusted is not None:
        opened.check(trusted)
    payload = opened.payload
    try:
        value = json.loads(payload)
        if value["kind"] != "LedgerEntry" or not isinstance(value["sequence"], int):
            raise SignatureError("the payload is not a ledger entry")
        return Entry(
            ledger=str(value["ledger"]),
            sequence=value["sequence"],
            previous=str(value["previous"]),
            digest="sha256:" + hashlib.sha256(payload).hexdigest(),
            recorded=datetime.fromisoformat(value["recorded"]),
            event=Event.from_json(value["event"]),
            key_ids=tuple(sorted(opened.signatures)),
        )
    except SignatureError:
        raise
    except Exception as error:  # any shape a stranger may have written
        raise SignatureError("the payload is not a ledger entry") from error


def read_checkpoint(text: bytes, trusted: Sequence[PublicKey]) -> Checkpoint:
    """The checkpoint in ``text``. Raises SignatureError when it is none or nobody trusted signed it."""
    payload = unseal(_envelope(text), CHECKPOINT_TYPE, trusted)
    try:
        value = json.loads(payload)
        count = value["count"]
        if value["kind"] != "LedgerCheckpoint" or not isinstance(count, int) or count < 0:
            raise SignatureError("the payload is not a ledger checkpoint")
        return Checkpoint(str(value["ledger"]), count, str(value["head"]), datetime.fromisoformat(value["at"]))
    except SignatureError:
        raise
    except Exception as error:
        raise SignatureError("the payload is not a ledger checkpoint") from error


def _envelope(line: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SignatureError("this is not JSON") from error
    if not isinstance(value, dict):
        raise SignatureError("this is not a DSSE envelope")
    return value
