"""How long the ledger takes at a size: appending, replaying, verifying.

``python benchmarks/evidence.py [ENTRIES]`` writes that many entries (10,000) into a folder of its own and prints
seconds as JSON. Every append is synced to the disk, so its figure is that of the disk as much as ours. ``append once``
is one more promotion, which must not be there already.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ringfence.base.clock import SystemClock
from ringfence.evidence.event import Event
from ringfence.evidence.ledger import Ledger
from ringfence.evidence.signing import file_signer
from ringfence.evidence.store import FileStore


def event(number: int, *, once: bool = False) -> Event:
    """A promotion as the ledger gets it."""
    return Event(
        kind="promotion.done",
        actor="ada@clinic.example",
        subject="portal/staging",
        because="ready",
        at=datetime(2026, 11, 23, tzinfo=UTC),
        facts={"number": number, "revision": f"{number:040x}", "gates": ["separation", "health"]},
        clauses=("mdr Annex VI 6.5.2",),
        once=f"move {number:016x}" if once else None,
    )


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes."""
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 4)


def measure(entries: int, folder: Path) -> dict[str, float | int]:
    """The figures for a ledger of ``entries``."""
    signer, store = file_signer(folder / "key.pem"), FileStore(folder / "ledger.jsonl")
    ledger = Ledger("bench", store, signer, SystemClock(), index=folder / "index.json")
    filling = seconds(lambda: [ledger.append(event(number)) for number in range(entries)])
    verification = ledger.verify()
    assert verification.intact
    assert verification.entries == entries
    return {
        "entries": entries,
        "append": round(filling / entries, 5),
        "verify": seconds(ledger.verify),
        "append once, without an index": seconds(lambda: ledger.append(event(entries, once=True))),
        "append once": seconds(lambda: ledger.append(event(entries + 1, once=True))),
        "replay a stream": seconds(lambda: ledger.stream("move ")),
        "the last 20": seconds(lambda: ledger.latest(20)),
        "bytes": (folder / "ledger.jsonl").stat().st_size,
    }


def main() -> None:
    """Measure and print."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(entries, Path(folder)), indent=2))


if __name__ == "__main__":
    main()
