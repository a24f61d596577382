"""A proof as evidence: what was proved of a landscape's own clusters, written into its ledger.

Only when asked for. A proof reads, and who may read clusters need not be who keeps the ledger; writing always was
rejected, since a proof in a loop would bury what an auditor looks for. The whole proof is not kept, it grows with the
square of the deployments: its digest is, and everything in it that does not hold.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringfence.base.errors import UsageError
from ringfence.evidence.event import Event, canonical
from ringfence.evidence.place import open_ledger
from ringfence.flows.plan import plan
from ringfence.flows.promotion.workspace import acting
from ringfence.landscape.load import load_landscape
from ringfence.prove.proof import Answer, PairProof, Proof
from ringfence.prove.snapshot import Snapshot

if TYPE_CHECKING:
    from ringfence.base.clock import Clock
    from ringfence.base.paths import Paths
    from ringfence.flows.prove import Proved, ProveRequest

KIND = "separation.proved"
_MOST = 200


def check_recordable(request: "ProveRequest") -> Path:
    """The Landscape whose ledger a proof of this request belongs to.

    Raises UsageError for anything but a Landscape's own clusters: of others a ledger cannot say which they were.
    """
    if request.landscape is None or request.snapshots or request.contexts:
        raise UsageError(
            "--record keeps proofs of a Landscape's own clusters only",
            hint="ringfence prove FILE --record, without --partition, --snapshot and --context",
        )
    return request.landscape


def record_proof(file: Path, proved: "Proved", paths: "Paths", clock: "Clock", actor: str | None = None) -> str:
    """Write the proof down; the sentence that was written. Raises StateError for a ledger that was cut."""
    landscape = load_landscape(file)
    topology = plan(landscape)
    reasons = (reason for pair in topology.pairs for reason in pair.because)
    clauses = sorted({f"{one.source} {one.clause}" for one in reasons if one.clause})
    because = sentence(proved.proof)
    who = acting(actor, Path(landscape.folder))
    facts = facts_of(proved.proof, proved.snapshot)
    event = Event(KIND, who, landscape.name, because, clock.now(), facts, tuple(clauses))
    open_ledger(paths, landscape.name, clock).append(event)
    return because


def sentence(proof: Proof) -> str:
    """What the proof came to, in one sentence."""
    promised = [pair for pair in proof.pairs if pair.promised is not None]
    count = {answer: sum(pair.answer is answer for pair in promised) for answer in Answer}
    return (
        f"{proof.answer.value}: of {len(promised)} promises between pairs {count[Answer.HOLDS]} hold, "
        f"{count[Answer.BROKEN]} are broken, {count[Answer.UNKNOWN]} are unknown"
    )


def facts_of(proof: Proof, snapshot: Snapshot) -> Mapping[str, Any]:
    """What an auditor needs to judge it: verdict, assumptions, versions, what does not hold, and the proof's digest."""
    wrong = [pair for pair in proof.pairs if pair.answer is not Answer.HOLDS]
    return {
        "verdict": proof.answer.value,
        "digest": "sha256:" + hashlib.sha256(canonical(proof.to_json())).hexdigest(),
        "assumptions": list(proof.assumptions),
        "clusters": {name: one.version for name, one in sorted(snapshot.clusters.items())},
        "notHolding": [_short(pair) for pair in wrong[:_MOST]],
        "left": max(0, len(wrong) - _MOST),
        "dryRuns": len(proof.asked),
    }


def _short(pair: PairProof) -> dict[str, Any]:
    dimensions = {
        dimension.value: verdict.answer.value
        for dimension, verdict in pair.dimensions.items()
        if verdict.answer is not Answer.HOLDS
    }
    return {
        "from": pair.source,
        "to": pair.destination,
        "promised": pair.promised.value if pair.promised else None,
        "verdict": pair.answer.value,
        "dimensions": dimensions,
    }
