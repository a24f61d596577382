"""Whether a guard stops something: what an attack has to pass, with the object that decides.

``CLOSED`` only for a guard that is understood as a whole; a guard that cannot be read is ``DOUBTFUL``, whatever its
name promises.
"""

from dataclasses import dataclass
from enum import Enum


class Gate(Enum):
    """What a guard does to an attack."""

    OPEN = "open"
    DOUBTFUL = "doubtful"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard's answer. ``why`` says what decided, ``object`` names it (a missing guard by its namespace)."""

    gate: Gate
    why: str
    by: str = ""
    object: str = ""


def tightest(guards: list[Guard], otherwise: Guard) -> Guard:
    """Of guards that all have to be passed the one that stops most; ``otherwise`` when there are none."""
    order = (Gate.CLOSED, Gate.DOUBTFUL, Gate.OPEN)
    return min(guards, key=lambda guard: order.index(guard.gate), default=otherwise)
