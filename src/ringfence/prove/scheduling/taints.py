"""Taints and tolerations.

Source: core/v1 Toleration and Taint types and the scheduler's TaintToleration and NodeUnschedulable plugins. ``Gt``
and ``Lt`` hang on the feature gate TaintTolerationComparisonOperators (alpha and off from 1.35): whether it is on is
asked where it decides.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ringfence.prove.answer import Choices, Question

NO_SCHEDULE, PREFER_NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "PreferNoSchedule", "NoExecute"
EFFECTS = frozenset({NO_SCHEDULE, PREFER_NO_SCHEDULE, NO_EXECUTE})
OPERATORS = frozenset({"Equal", "Exists", "Gt", "Lt"})
COMPARE = Question(
    "TaintTolerationComparisonOperators",
    ("off", "on"),
    "whether the feature gate TaintTolerationComparisonOperators is on",
)
_DECIMAL = re.compile(r"0|-?[1-9][0-9]*")
_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class Taint:
    """A node's taint."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        """As kubectl writes it: ``key=value:effect``."""
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


@dataclass(frozen=True, slots=True)
class Toleration:
    """A pod's toleration: empty ``effect`` is every effect, empty ``key`` with Exists every taint."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    @property
    def compares(self) -> bool:
        """Is this one of the operators behind the feature gate?"""
        return self.operator in {"Gt", "Lt"}

    def tolerates(self, taint: Taint, choices: Choices) -> bool:
        """Does it tolerate a taint in this run?"""
        if (self.effect and self.effect != taint.effect) or (self.key and self.key != taint.key):
            return False
        if self.operator == "Exists":
            return True
        if self.operator == "Equal":
            return self.value == taint.value
        return self._compares(taint) and choices.ask(COMPARE) == "on"

    def _compares(self, taint: Taint) -> bool:
        mine, its = whole_number(self.value), whole_number(taint.value)
        if mine is None or its is None:
            return False
        return its > mine if self.operator == "Gt" else its < mine


def whole_number(text: str) -> int | None:
    """A decimal integer in its canonical form within 64 bits, as the API asks of Gt and Lt; None for others."""
    if not _DECIMAL.fullmatch(text):
        return None
    number = int(text) if len(text) <= 20 else _LIMIT
    return number if -_LIMIT <= number < _LIMIT else None


def untolerated(
    taints: Iterable[Taint], tolerations: Iterable[Toleration], effects: frozenset[str], choices: Choices
) -> Taint | None:
    """The first taint of these effects that nothing tolerates, or None."""
    known = list(tolerations)
    for taint in taints:
        if taint.effect in effects and not any(toleration.tolerates(taint, choices) for toleration in known):
            return taint
    return None


UNSCHEDULABLE = Taint("node.kubernetes.io/unschedulable", "", NO_SCHEDULE)
DAEMON_TOLERATIONS = (
    Toleration("node.kubernetes.io/not-ready", "Exists", "", NO_EXECUTE),
    Toleration("node.kubernetes.io/unreachable", "Exists", "", NO_EXECUTE),
    Toleration("node.kubernetes.io/disk-pressure", "Exists", "", NO_SCHEDULE),
    Toleration("node.kubernetes.io/memory-pressure", "Exists", "", NO_SCHEDULE),
    Toleration("node.kubernetes.io/pid-pressure", "Exists", "", NO_SCHEDULE),
    Toleration("node.kubernetes.io/unschedulable", "Exists", "", NO_SCHEDULE),
)
DAEMON_HOST_NETWORK = Toleration("node.kubernetes.io/network-unavailable", "Exists", "", NO_SCHEDULE)
