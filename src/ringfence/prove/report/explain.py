"""The whole argument for one dimension of one pair: what was assumed, what counts, which rules were applied."""

from collections.abc import Iterator

from ringfence.base.text import printable
from ringfence.prove.proof import Answer, Dimension, PairProof, Proof
from ringfence.prove.report.rows import verdict_lines
from ringfence.prove.rules.registry import RULES

_CLAIMS = {
    Dimension.NETWORK: "no pod of {a}, present or to be created, connects to {b} but as declared",
    Dimension.ACCESS: "nobody of {a}, and nothing they can become, reads, runs in or changes {b}",
    Dimension.CREDENTIALS: "no secret value, issuer, registry login or cloud identity opens both {a} and {b}",
    Dimension.PERFORMANCE: "{a} cannot starve {b}",
    Dimension.PLATFORM: "{a} and {b} share no platform component",
    Dimension.DATA: "whatever happens in {a}, by any chain, the data of {b} is not read or altered",
}


def explain(proof: Proof, pair: PairProof, dimension: Dimension) -> Iterator[str]:
    """The argument as lines for people."""
    verdict = pair.dimensions[dimension]
    claim = _CLAIMS[dimension].format(a=printable(pair.source), b=printable(pair.destination))
    yield f"claim: {claim}"
    yield f"verdict: {verdict.answer.value}"
    yield from verdict_lines(verdict)
    if verdict.witness and verdict.answer is Answer.BROKEN and verdict.mend and verdict.mend.patch:
        yield "  patch:"
        yield from (f"    {printable(line)}" for line in verdict.mend.patch.splitlines())
    names = verdict.rules or tuple(RULES)
    yield "rules applied:" if verdict.rules else f"rules tried, none of which leads there: {len(names)}"
    for name in verdict.rules:
        entry = RULES.get(name)
        if entry is not None:
            yield f"  {name}: {entry.says}"
            yield f"    source: {entry.source}; Kubernetes versions: {entry.versions}"
    yield "assumed:"
    yield from (f"  {printable(text)}" for text in proof.assumptions)
