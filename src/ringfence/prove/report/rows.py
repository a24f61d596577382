"""A proof as rows for people: worst first, one row a pair, within 100 columns; then the broken chains."""

from collections.abc import Iterator

from ringfence.base.text import printable
from ringfence.landscape.model import Level
from ringfence.prove.proof import Answer, Dimension, PairProof, Proof, Verdict

HEADERS = ("from", "to", "asked", "holds", "net", "acc", "cred", "perf", "plat", "data", "verdict")
_SHORT = {Answer.HOLDS: "ok", Answer.BROKEN: "NO", Answer.UNKNOWN: "?"}
_LEVELS = {
    Level.LABELS: "label", Level.NAMESPACE: "ns", Level.NODE: "node", Level.NODE_NAMESPACE: "n+ns",
    Level.CLUSTER: "clust", Level.ENVIRONMENT: "env",
}  # fmt: skip
LEGEND = "ok holds, NO broken, ? unknown; in brackets: not promised. acc access, cred credentials, perf performance"
_ORDER = (Answer.BROKEN, Answer.UNKNOWN, Answer.HOLDS)
_NAME = 19


def worst_first(proof: Proof) -> list[PairProof]:
    """The pairs: broken promises first, then unknown ones; in the order of the Partition within each."""
    return sorted(proof.pairs, key=lambda pair: (_ORDER.index(pair.answer), pair.promised is None))


def rows(proof: Proof) -> tuple[tuple[str, ...], ...]:
    """One row a pair under ``HEADERS``. What is not promised stands in brackets: it is reported, not broken."""
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


def chains(proof: Proof, most: int = 10) -> Iterator[str]:
    """The chains that break promises, and what is missing where a promise is unknown, as lines."""
    from ringfence.prove.verdicts.pairs import PROMISES

    told = 0
    for pair in worst_first(proof):
        if pair.answer is Answer.HOLDS:
            continue
        wanted = PROMISES[pair.promised] if pair.promised is not None else frozenset({Dimension.DATA})
        for dimension in Dimension:
            verdict = pair.dimensions[dimension]
            if dimension not in wanted or verdict.answer is Answer.HOLDS:
                continue
            if told == most:
                yield f"... and more: ringfence prove --explain '{pair.source} {pair.destination}' {dimension.value}"
                return
            told += 1
            yield f"{printable(pair.source)} -> {printable(pair.destination)}: {dimension.value} {verdict.answer.value}"
            yield from verdict_lines(verdict)


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """The chain, the mend and what is missing of one verdict, indented."""
    for number, step in enumerate(verdict.witness, 1):
        yield f"  {number}. {printable(step.step)}"
        yield f"     by {printable(step.by)} ({printable(step.object)})"
    for text in verdict.missing[:8]:
        yield f"  missing: {printable(text)}"
    if len(verdict.missing) > 8:
        yield f"  missing: and {len(verdict.missing) - 8} more facts"
    if verdict.mend is not None:
        yield f"  mend: {printable(verdict.mend.text)}"
