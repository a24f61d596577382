"""What is where in a ledger, so that 10,000 entries need not be decoded to find one.

Derived from the ledger and made anew whenever it does not fit: it names the hash of the very lines that it speaks of,
and is signed like them, so that nobody can hide an entry by editing it. Entries after those lines are decoded as
before; a database beside the ledger was rejected, since it would be a second thing to verify.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ringfence.base.errors import RingfenceError
from ringfence.base.paths import write_atomically
from ringfence.evidence.entry import BEGINNING
from ringfence.evidence.event import canonical
from ringfence.evidence.signing import Signer, seal, unseal

INDEX_TYPE = "application/vnd.ringfence.ledger-index+json"
EVERY = 64
"""So many entries may be decoded each time before the index is written anew."""


@dataclass(frozen=True, slots=True)
class Known:
    """The first ``count`` lines, of which the last entry has the digest ``head``; ``once`` maps to sequences."""

    count: int = 0
    head: str = BEGINNING
    once: Mapping[str, int] = field(default_factory=dict)


class LedgerIndex:
    """The index of one ledger in a file."""

    def __init__(self, path: Path, ledger: str, signer: Signer) -> None:
        self._path = path
        self._ledger = ledger
        self._signer = signer

    def load(self, lines: Sequence[bytes]) -> Known:
        """What is known of the beginning of ``lines``; nothing when the file is missing, edited, or of other lines."""
        try:
            value = json.loads(unseal(json.loads(self._path.read_bytes()), INDEX_TYPE, (self._signer.public,)))
            count = int(value["count"])
            if value["ledger"] != self._ledger or count > len(lines) or value["lines"] != _hash(lines[:count]):
                return Known()
            return Known(count, str(value["head"]), dict(value["once"]))
        except (RingfenceError, OSError, ValueError, KeyError, TypeError, AttributeError):
            # Derived data: whatever is wrong with it, the ledger itself is read instead.
            return Known()

    def save(self, known: Known, lines: Sequence[bytes]) -> None:
        """Write down what is known of ``lines``. Raises StateError when the disk is full."""
        value = {
            "apiVersion": "ringfence.dev/v1",
            "kind": "LedgerIndex",
            "ledger": self._ledger,
            "count": known.count,
            "head": known.head,
            "lines": _hash(lines[: known.count]),
            "once": dict(known.once),
        }
        write_atomically(self._path, canonical(seal(canonical(value), INDEX_TYPE, self._signer)), mode=0o600)


def _hash(lines: Sequence[bytes]) -> str:
    return "sha256:" + hashlib.sha256(b"\n".join(lines)).hexdigest()
