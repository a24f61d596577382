"""Loops: how long a change takes until it can be observed at a stage, and where that time goes.

A loop begins when the release is made and ends when the cluster runs it, healthy. Percentiles are by nearest rank: a
number that was really measured, not one between two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Any


class Part(StrEnum):
    """Where the time of the last step went. What is left of the whole loop is people and earlier stages."""

    QUEUE = "queue"
    GATES = "gates"
    GIT = "git"
    ARGO_CD = "argo-cd"
    ROLLOUT = "rollout"


@dataclass(frozen=True, slots=True)
class Loop:
    """One measured loop, in seconds: ``whole`` from release to observable, ``parts`` of the step into this stage."""

    stage: str
    whole: float
    parts: dict[Part, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds at the 50th, 90th and 99th percentile."""

    p50: float
    p90: float
    p99: float

    def to_json(self) -> dict[str, float]:
        """The percentiles, to the millisecond."""
        return {"p50": round(self.p50, 3), "p90": round(self.p90, 3), "p99": round(self.p99, 3)}


@dataclass(frozen=True, slots=True)
class StageLoops:
    """The loops of a stage against its target (None: it has none). ``step`` is the sum of the parts."""

    stage: str
    count: int
    whole: Spread
    step: Spread
    parts: dict[Part, Spread]
    target: float | None

    @property
    def within(self) -> bool | None:
        """Whether nine steps of ten are within the target; None without one."""
        return None if self.target is None else self.step.p90 <= self.target

    def to_json(self) -> dict[str, Any]:
        """The loops with the names of their schema."""
        return {
            "stage": self.stage,
            "count": self.count,
            "target": self.target,
            "within": self.within,
            "fromRelease": self.whole.to_json(),
            "step": self.step.to_json(),
            "parts": {part.value: spread.to_json() for part, spread in self.parts.items()},
        }


def percentile(values: Sequence[float], share: float) -> float:
    """The value at ``share`` (0 to 1) by nearest rank. Raises ValueError for no values."""
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def spread(values: Sequence[float]) -> Spread:
    """The percentiles of at least one value."""
    return Spread(percentile(values, 0.5), percentile(values, 0.9), percentile(values, 0.99))


def summarise(loops: Iterable[Loop], stages: Sequence[str], targets: dict[str, float | None]) -> tuple[StageLoops, ...]:
    """The loops of every stage that has some, in ladder order."""
    by_stage: dict[str, list[Loop]] = {}
    for loop in loops:
        by_stage.setdefault(loop.stage, []).append(loop)
    return tuple(
        StageLoops(
            stage,
            len(found),
            spread([loop.whole for loop in found]),
            spread([sum(loop.parts.values()) for loop in found]),
            {part: spread([loop.parts.get(part, 0.0) for loop in found]) for part in Part},
            targets.get(stage),
        )
        for stage in stages
        if (found := by_stage.get(stage))
    )
