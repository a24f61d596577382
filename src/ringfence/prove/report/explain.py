"""The whole argument for one dimension of one pair: who is who, what was found, which facts and rules it rests on."""

from collections.abc import Iterator

from ringfence.base.text import listed, plural, printable
from ringfence.prove.catalogue import ENTRIES
from ringfence.prove.partition import Partition, PartitionDeployment, Where
from ringfence.prove.proof import Answer, Dimension, PairProof, Proof
from ringfence.prove.report.rows import verdict_lines
from ringfence.prove.rules.registry import RULES
from ringfence.prove.snapshot import ClusterSnapshot, Snapshot

_CLAIMS = {
    Dimension.NETWORK: "no pod of {a}, present or to be created, connects to {b} but as declared",
    Dimension.ACCESS: "nobody of {a}, and nothing they can become, reads, runs in or changes {b}",
    Dimension.CREDENTIALS: "no secret value, issuer, registry login or cloud identity opens both {a} and {b}",
    Dimension.PERFORMANCE: "{a} cannot starve {b}",
    Dimension.PLATFORM: "{a} and {b} share no platform component",
    Dimension.DATA: "whatever happens in {a}, by any chain, the data of {b} is not read or altered",
}
_SAYS = {
    Answer.HOLDS: "holds: no chain of the rules leads there, under what is assumed below",
    Answer.BROKEN: "broken: this is a shortest chain that leads there",
    Answer.UNKNOWN: "unknown: what is missing decides",
}


def explain(
    proof: Proof, pair: PairProof, dimension: Dimension, partition: Partition, snapshot: Snapshot
) -> Iterator[str]:
    """The argument as lines for people."""
    verdict = pair.dimensions[dimension]
    claim = _CLAIMS[dimension].format(a=printable(pair.source), b=printable(pair.destination))
    yield f"claim: {claim}"
    promised = "" if dimension in pair.counted else " (not promised: reported all the same)"
    yield f"verdict: {_SAYS[verdict.answer]}{promised}"
    yield from verdict_lines(verdict, most=len(verdict.missing))
    if verdict.witness and verdict.answer is Answer.BROKEN and verdict.mend and verdict.mend.patch:
        yield "  patch:"
        yield from (f"    {printable(line)}" for line in verdict.mend.patch.splitlines())
    both = [partition.deployment(name) for name in (pair.source, pair.destination)]
    yield "who is who:"
    yield from (f"  {printable(_who(deployment))}" for deployment in both)
    yield f"facts that can bear on {dimension.value}:"
    for name in dict.fromkeys(where.cluster for deployment in both for where in deployment.where):
        if name in snapshot.clusters:
            yield from (f"  {printable(line)}" for line in _facts(snapshot.clusters[name], dimension))
    names = verdict.rules or tuple(RULES)
    yield "rules applied:" if verdict.rules else f"rules tried, none of which leads there: {len(names)}"
    for name in verdict.rules:
        entry = RULES.get(name)
        if entry is not None:
            yield f"  {name}: {entry.says}"
            yield f"    source: {entry.source}; Kubernetes versions: {entry.versions}"
    yield "assumed:"
    yield from (f"  {printable(text)}" for text in proof.assumptions)


def _who(deployment: PartitionDeployment) -> str:
    """``shop/testing: namespace shop-test of prod; people: group testers``."""
    people = [f"user {name}" for name in deployment.people.users]
    people += [f"group {name}" for name in deployment.people.groups]
    places = "; ".join(_place(where) for where in deployment.where)
    return f"{deployment.name}: {places}; people: {listed(people) or 'nobody is named'}"


def _place(where: Where) -> str:
    words = [f"{'namespaces' if len(where.namespaces) > 1 else 'namespace'} {listed(where.namespaces)}"]
    words = words if where.namespaces else ["what is there"]
    if where.labels:
        words.append("labelled " + ", ".join(f"{key}={value}" for key, value in sorted(where.labels.items())))
    if where.pool is not None:
        words.append(f"in pool {where.pool}")
    return f"{' '.join(words)} of {where.cluster}"


def _plural(kind: str) -> str:
    if kind.endswith("y"):
        return kind[:-1] + "ies"
    return kind + ("es" if kind.endswith("s") and not kind.endswith("ts") else "" if kind.endswith("ts") else "s")


def _facts(cluster: ClusterSnapshot, dimension: Dimension) -> Iterator[str]:
    """What was read of the kinds that can touch a dimension, and what of them could not be."""
    counts = [
        plural(len(objects), kind.kind, _plural(kind.kind))
        for kind, objects in sorted(cluster.objects.items())
        if objects and kind in ENTRIES and dimension in ENTRIES[kind].touches
    ]
    yield f"{cluster.name}: {listed(counts) or 'none was seen'}"
    yield from (f"{cluster.name}: not seen: {marker}" for marker in cluster.not_listed)
