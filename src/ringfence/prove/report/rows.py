"""A proof as rows for people: worst first, one row a pair, within 100 columns; then the broken chains."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ringfence.base.text import plural, printable
from ringfence.landscape.model import Level
from ringfence.prove.proof import Answer, Dimension, PairProof, Proof, Verdict

HEADERS = ("from", "to", "asked", "holds", "net", "acc", "cred", "perf", "plat", "data", "verdict")
_SHORT = {Answer.HOLDS: "ok", Answer.BROKEN: "NO", Answer.UNKNOWN: "?"}
_LEVELS = {
    Level.LABELS: "label", Level.NAMESPACE: "ns", Level.NODE: "node", Level.NODE_NAMESPACE: "n+ns",
    Level.CLUSTER: "clust", Level.ENVIRONMENT: "env",
}  # fmt: skip
LEGEND = "ok holds, NO broken, ? unknown; in brackets: not promised. acc access, cred credentials"
_ORDER = (Answer.BROKEN, Answer.UNKNOWN, Answer.HOLDS)
_NAME = 19
_NAMED = 3


def worst_first(proof: Proof) -> list[PairProof]:
    """The pairs: broken promises first, then unknown ones; in the order of the Partition within each."""
    return sorted(proof.pairs, key=lambda pair: (_ORDER.index(pair.answer), pair.promised is None))


def rows(proof: Proof, most: int | None = None) -> tuple[tuple[str, ...], ...]:
    """One row a pair under ``HEADERS``. What is not promised stands in brackets: it is reported, not broken.

    Where there are more than ``most`` pairs, those that hold in the very same way share a row that counts them.
    """
    every = _every_row(proof)
    if most is None or len(every) <= most:
        return every
    alike = Counter(row[2:] for row in every)
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for pair, row in zip(worst_first(proof), every, strict=True):
        if pair.answer is not Answer.HOLDS or alike[row[2:]] == 1:
            found[row] = row
        else:
            found.setdefault(row[2:], (f"{alike[row[2:]]} pairs", "alike", *row[2:]))
    return tuple(found.values())


def _every_row(proof: Proof) -> tuple[tuple[str, ...], ...]:
    from ringfence.prove.verdicts.pairs import PROMISES

    found = []
    for pair in worst_first(proof):
        wanted = PROMISES[pair.promised] if pair.promised is not None else frozenset()
        cells = tuple(_cell(pair.dimensions[dimension], dimension in wanted) for dimension in Dimension)
        promised = _LEVELS[pair.promised] if pair.promised else "-"
        holds = _LEVELS[pair.holds] if pair.holds else "none"
        found.append((_cut(pair.source), _cut(pair.destination), promised, holds, *cells, _word(pair)))
    return tuple(found)


def _word(pair: PairProof) -> str:
    return "kept" if pair.answer is Answer.HOLDS and pair.promised is not None else pair.answer.value


def _cell(verdict: Verdict, wanted: bool) -> str:
    word = _SHORT[verdict.answer]
    return word if wanted else f"({word.lower()})"


def _cut(name: str) -> str:
    """A name of at most 19 characters; what is cut is in the middle, since names differ at their ends."""
    shown = printable(name)
    return shown if len(shown) <= _NAME else f"{shown[:8]}…{shown[-(_NAME - 9) :]}"


@dataclass(slots=True)
class Finding:
    """One chain, or one list of what is missing, with every pair and dimension that it decides."""

    verdict: Verdict
    pairs: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def heading(self) -> str:
        """``a -> b: access, data broken``; further pairs are counted, and named up to three."""
        (source, destination), dimensions = next(iter(self.pairs.items()))
        line = f"{printable(source)} -> {printable(destination)}: {', '.join(dimensions)} {self.verdict.answer.value}"
        others = [f"{printable(one)} -> {printable(other)}" for one, other in list(self.pairs)[1:]]
        if not others:
            return line
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        return f"{line}; so {plural(len(others), 'pair')} more: {', '.join(others[:_NAMED])}{more}"


def findings(proof: Proof) -> list[Finding]:
    """What breaks promises or leaves them unknown, worst first; the same chain of many pairs is one finding."""
    from ringfence.prove.verdicts.pairs import PROMISES

    found: dict[tuple[object, ...], Finding] = {}
    for pair in worst_first(proof):
        if pair.answer is Answer.HOLDS:
            continue
        wanted = PROMISES[pair.promised] if pair.promised is not None else frozenset({Dimension.DATA})
        for dimension in Dimension:
            verdict = pair.dimensions[dimension]
            if dimension in wanted and verdict.answer is not Answer.HOLDS:
                key = (verdict.answer, verdict.witness, verdict.missing, verdict.mend)
                finding = found.setdefault(key, Finding(verdict))
                finding.pairs.setdefault((pair.source, pair.destination), []).append(dimension.value)
    return sorted(found.values(), key=lambda one: _ORDER.index(one.verdict.answer))


def chains(proof: Proof, most: int = 10) -> Iterator[str]:
    """The chains that break promises, and what is missing where a promise is unknown, as lines; each chain once."""
    every = findings(proof)
    for finding in every[:most]:
        yield finding.heading()
        yield from verdict_lines(finding.verdict)
    if len(every) > most:
        (source, destination), dimensions = next(iter(every[most].pairs.items()))
        yield f"... and {len(every) - most} more (-o wide shows all, and so does one at a time:"
        yield f"    ringfence prove --explain '{source} {destination}' {dimensions[0]})"


def verdict_lines(verdict: Verdict, most: int = 8) -> Iterator[str]:
    """The chain, the mend and what is missing of one verdict, indented; at most so many missing facts."""
    for number, step in enumerate(verdict.witness, 1):
        yield f"  {number}. {printable(step.step)}"
        yield f"     by {printable(step.by)} ({printable(step.object)})"
    for text in verdict.missing[:most]:
        yield f"  missing: {printable(text)}"
    if len(verdict.missing) > most:
        yield f"  missing: and {plural(len(verdict.missing) - most, 'more fact')}"
    if verdict.mend is not None:
        yield f"  mend: {printable(verdict.mend.text)}"
