"""A Proof: for each ordered pair of deployments and each dimension a verdict that carries its reasons.

Values only. The JSON names are the contract's (section 5); keys beyond it: ``patch``, ``rules``, ``promised`` null.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.landscape.model import Level
from ringfence.prove.asking.answers import AdmissionAnswer


class Answer(StrEnum):
    """What is known about a claim."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNKNOWN = "unknown"


def worst(answers: Iterable[Answer]) -> Answer:
    """BROKEN before UNKNOWN before HOLDS; HOLDS when there are none."""
    found = set(answers)
    if Answer.BROKEN in found:
        return Answer.BROKEN
    return Answer.UNKNOWN if Answer.UNKNOWN in found else Answer.HOLDS


class Dimension(StrEnum):
    """The six ways in which one deployment can harm another (contract, section 2)."""

    NETWORK = "network"
    ACCESS = "access"
    CREDENTIALS = "credentials"
    PERFORMANCE = "performance"
    PLATFORM = "platform"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain: what becomes possible, the thing that allows it in words (``RoleBinding shop-test/devs``),
    that object's name (``prod:rolebinding/shop-test/devs``), and the name of the rule that was applied. ``answered``
    names who said so in a dry run, where it was not derived from objects."""

    step: str
    by: str
    object: str
    rule: str = ""
    answered: str = ""

    def to_json(self) -> dict[str, Any]:
        """The contract's keys, and ``rule`` and ``answeredBy`` when there are any."""
        document = {"step": self.step, "by": self.by, "object": self.object}
        more = {"rule": self.rule, "answeredBy": self.answered}
        return {**document, **{key: value for key, value in more.items() if value}}


@dataclass(frozen=True, slots=True)
class Mend:
    """The smallest change found that closes a chain: a sentence, and where it can be a manifest or patch to apply."""

    text: str
    patch: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known about one dimension of one ordered pair. ``witness`` is a shortest chain when broken, ``missing``
    what would have to be known when unknown; ``rules`` names the rules that decided."""

    answer: Answer
    witness: tuple[Step, ...] = ()
    missing: tuple[str, ...] = ()
    mend: Mend | None = None
    rules: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The verdict with the contract's keys; empty ones are left out."""
        document: dict[str, Any] = {"verdict": self.answer.value}
        if self.witness:
            document["witness"] = [step.to_json() for step in self.witness]
        if self.mend is not None:
            document["mend"] = self.mend.text
            if self.mend.patch is not None:
                document["patch"] = self.mend.patch
        if self.missing:
            document["missing"] = list(self.missing)
        if self.rules:
            document["rules"] = list(self.rules)
        return document


@dataclass(frozen=True, slots=True)
class PairProof:
    """What A (``source``) can do to B (``destination``). ``holds`` is the highest level that does hold, None when not
    even ``labels`` does; ``answer`` says whether what was promised is kept. ``counted`` are the dimensions that count
    in the whole proof's answer: those promised, production's data always, and all of them where nothing is promised."""

    source: str
    destination: str
    promised: Level | None
    holds: Level | None
    answer: Answer
    dimensions: Mapping[Dimension, Verdict]
    counted: frozenset[Dimension] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """The pair with the contract's keys."""
        return {
            "from": self.source,
            "to": self.destination,
            "promised": self.promised.value if self.promised else None,
            "holds": self.holds.value if self.holds else None,
            "verdict": self.answer.value,
            "dimensions": {dimension.value: verdict.to_json() for dimension, verdict in self.dimensions.items()},
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """The whole answer; ``pairs`` in the Partition's order. ``asked`` is what an API server was asked in dry runs."""

    answer: Answer
    assumptions: tuple[str, ...]
    pairs: tuple[PairProof, ...]
    asked: tuple[AdmissionAnswer, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The proof with the contract's keys, and ``asked`` where anything was."""
        document = {
            "apiVersion": "ringfence.dev/v1",
            "kind": "Proof",
            "verdict": self.answer.value,
            "assumptions": list(self.assumptions),
            "pairs": [pair.to_json() for pair in self.pairs],
        }
        return {**document, "asked": [answer.to_json() for answer in self.asked]} if self.asked else document

    def pair(self, source: str, destination: str) -> PairProof:
        """The answer for one ordered pair. Raises KeyError when it was not asked."""
        for pair in self.pairs:
            if (pair.source, pair.destination) == (source, destination):
                return pair
        raise KeyError((source, destination))
