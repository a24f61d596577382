"""The proof as a gate asks for it: the worst answer of every pair with one deployment, both ways, on live clusters.

Only the pairs with that deployment are proved: what is wrong between two others is theirs, and is not a reason to keep
a mended change away from where it goes.
"""

from ringfence.decide.topology import Topology
from ringfence.flows.live_reading import Located, gather_live
from ringfence.flows.promotion.workspace import Workspace
from ringfence.flows.targets import Targets
from ringfence.promote.gates.question import Proved
from ringfence.prove.partition import Partition
from ringfence.prove.proof import Answer, PairProof, Verdict
from ringfence.prove.snapshot import Snapshot


def proved(workspace: Workspace, topology: Topology, targets: Targets, deployment: str) -> Proved:
    """Whether what was promised of the pairs with ``deployment`` holds now, on the running clusters."""
    gathered = gather_live(Located(workspace.landscape, topology, targets))
    return judged(gathered.partition, gathered.snapshot, deployment)


def judged(partition: Partition, snapshot: Snapshot, deployment: str) -> Proved:
    """What a proof says of one deployment: of every dimension that was promised, the first pair that breaks it."""
    from ringfence.prove.verdicts.assumptions import assumptions_of
    from ringfence.prove.verdicts.pairs import PROMISES, pair_proof
    from ringfence.prove.verdicts.world import proof_world

    world = proof_world(partition, snapshot)
    mine = world.territories.get(deployment)
    others = [one for name, one in world.territories.items() if name != deployment]
    ways = [way for other in others if mine is not None for way in ((other, mine), (mine, other))]
    pairs = [pair for way in ways if (pair := pair_proof(world, *way)).promised is not None]
    facts = {"pairs": str(len(pairs)), "assumptions": "; ".join(assumptions_of(world))}
    if not pairs:
        return Proved(f"nothing is promised of {deployment}, so nothing can break", facts=facts)
    broken: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for pair in pairs:
        for dimension in PROMISES[pair.promised] if pair.promised is not None else ():
            verdict = pair.dimensions[dimension]
            found = {Answer.BROKEN: broken, Answer.UNKNOWN: unknown}.get(verdict.answer)
            if found is not None:
                found.setdefault(dimension.value, _reason(pair, verdict))
    because = f"the proof holds for all {len(pairs)} pairs with {deployment}"
    return Proved(because, dict(sorted(broken.items())), dict(sorted(unknown.items())), facts)


def _reason(pair: PairProof, verdict: Verdict) -> str:
    words = verdict.witness[-1].step if verdict.witness else (verdict.missing or ("no reason is given",))[0]
    return f"{pair.source} → {pair.destination}: {words}"
