"""What a gate says: open, closed or waiting, why, and until when.

Three states and not two: a closed gate needs somebody to do something, a waiting one only time or another person.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class GateState(StrEnum):
    """Whether a release may pass."""

    OPEN = "open"
    CLOSED = "closed"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """One gate's answer for one move. ``facts`` is what it was judged on, for the ledger; it never holds a secret.

    ``until`` is when it is worth asking again, where that is known. ``overridden`` says that an emergency let the
    release pass although the gate was not open; the state stays what it was.
    """

    name: str
    state: GateState
    because: str
    until: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    overridden: bool = False

    @property
    def passable(self) -> bool:
        """True when a release may pass: the gate is open, or an emergency overrode it."""
        return self.state is GateState.OPEN or self.overridden


def overall(verdicts: Iterable[GateVerdict]) -> GateState:
    """CLOSED when one is closed, else WAITING when one waits, else OPEN; overridden gates count as open."""
    states = {verdict.state for verdict in verdicts if not verdict.passable}
    if GateState.CLOSED in states:
        return GateState.CLOSED
    return GateState.WAITING if states else GateState.OPEN
