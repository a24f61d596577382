"""ValidatingAdmissionPolicies as guards against pods that would own their node."""

from ringfence.prove import kinds
from ringfence.prove.admission.guard import Gate, Guard
from ringfence.prove.facts.cluster import ClusterFacts


def policy_guards(facts: ClusterFacts, namespace: str) -> list[Guard]:
    """The policies that are asked about pods of ``namespace``: in doubt until their expressions are evaluated."""
    found = [
        Guard(Gate.DOUBTFUL, str(marker), "policies", "")
        for marker in facts.snapshot.unseen("validatingadmissionpolicies")
    ]
    found += [
        Guard(Gate.DOUBTFUL, f"{defect.kind.kind} {defect.name}: {defect.problem}", defect.kind.kind, "")
        for defect in facts.snapshot.defective(
            kinds.VALIDATING_ADMISSION_POLICY, kinds.VALIDATING_ADMISSION_POLICY_BINDING
        )
    ]
    return found
