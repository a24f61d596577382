"""Ladders and releases for tests of promotion."""

from datetime import UTC, datetime

from ringfence.promote.gates.question import Proved
from ringfence.promote.ladder import Ladder, Rung
from ringfence.promote.state import ReleaseRecord

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def ladder(application: str = "portal", copies: int = 3, gates: dict[str, tuple[str, ...]] | None = None) -> Ladder:
    """local, development, testing with copies, staging, production."""
    wanted = gates or {}

    def rung(stage: str, *names: str, taken: bool = False, production: bool = False, placed: bool = True) -> Rung:
        return Rung(stage, tuple(f"{application}/{n}" for n in names), taken, production, placed, wanted.get(stage, ()))

    return Ladder(
        application,
        (
            rung("local", "local", placed=False),
            rung("development", "development"),
            rung("testing", *(f"testing-{n}" for n in range(1, copies + 1)), taken=True),
            rung("staging", "staging"),
            rung("production", "production", production=True),
        ),
    )


def record(number: int, by: str = "alice") -> ReleaseRecord:
    """The release of that number, with a digest of its own."""
    return ReleaseRecord(f"sha256:{number:064x}", f"1.{number}", None, "alice", by, START)


def proof_that(answer: str) -> Proved:
    """A proof that holds, is broken, or is unknown in one dimension."""
    return Proved(
        "the proof holds",
        {"access": "alice can read a Secret"} if answer == "broken" else {},
        {"network": "the CNI is not known"} if answer == "unknown" else {},
    )
