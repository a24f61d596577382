"""Performance: can A starve B? Asked of ``prove.performance``, with what A can bring about from the closure."""

from ringfence.prove.facts.territory import Territory
from ringfence.prove.proof import Answer, Verdict
from ringfence.prove.verdicts.world import ProofWorld


def performance_verdict(world: ProofWorld, a: Territory, b: Territory, missing: list[str], *, soft: bool) -> Verdict:
    """The verdict on starvation; ``soft``: quotas and limits suffice, else no node may be shared."""
    if not a.clusters & b.clusters and a.clusters and b.clusters:
        return Verdict(Answer.UNKNOWN, missing=tuple(missing)) if missing else Verdict(Answer.HOLDS)
    return Verdict(Answer.UNKNOWN, missing=(*missing, "quotas, limits and priorities are not looked at yet"))
