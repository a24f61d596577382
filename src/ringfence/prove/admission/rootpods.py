"""Whether anything in admission stops pods that would own their node: Pod Security, policies in CEL, webhooks, SCCs."""

from ringfence.prove import kinds
from ringfence.prove.admission.attacks import policies_of, root_attack
from ringfence.prove.admission.guard import Gate, Guard, tightest
from ringfence.prove.admission.podsecurity import pod_security
from ringfence.prove.admission.webhooks import webhook_guards
from ringfence.prove.cel.policies import Says
from ringfence.prove.facts.cluster import ClusterFacts


def root_pod_guard(facts: ClusterFacts, namespace: str, *, relabelled: bool) -> Guard:
    """The tightest guard against privileged pods in ``namespace``; ``relabelled``: its labels can be changed first."""
    security = pod_security(facts, namespace)
    if relabelled and security.gate is Gate.CLOSED:
        security = Guard(Gate.OPEN, "its Pod Security label can be removed", security.by, security.object)
    if security.gate is Gate.CLOSED:
        return security
    others = [
        *_policies(facts, namespace, relabelled=relabelled),
        *webhook_guards(facts, namespace, "", "pods"),
        *_openshift(facts),
    ]
    return tightest([security, *others], security)


def _policies(facts: ClusterFacts, namespace: str, *, relabelled: bool) -> list[Guard]:
    refusal = root_attack(policies_of(facts, namespace, relabelled=relabelled))
    if refusal.says is Says.PASSES:
        return []
    gate = Gate.CLOSED if refusal.says is Says.REFUSES else Gate.DOUBTFUL
    why = "refuses privileged pods" if gate is Gate.CLOSED else "refuses every privileged pod"
    text = f"{refusal.ref} {why}" if gate is Gate.CLOSED else f"whether {refusal.ref} {why}"
    return [Guard(gate, text, refusal.ref, f"{facts.name}:{refusal.ref}")]


def _openshift(facts: ClusterFacts) -> list[Guard]:
    """OpenShift's own admission decides over privileged pods; which constraint a pod gets is its secret."""
    for document in facts.snapshot.of(kinds.Kind("security.openshift.io", "SecurityContextConstraints")):
        name = f"{facts.name}:securitycontextconstraints/{document['metadata']['name']}"
        return [Guard(Gate.DOUBTFUL, "which SecurityContextConstraints the pod is admitted by", "OpenShift", name)]
    return []
