"""Whether anything in admission stops pods that would own their node: Pod Security, policies in CEL, webhooks, SCCs."""

from ringfence.prove import kinds
from ringfence.prove.admission.attacks import root_pods
from ringfence.prove.admission.guard import Gate, Guard, tightest
from ringfence.prove.admission.podsecurity import pod_security
from ringfence.prove.admission.policies import Admission, policy_gaps
from ringfence.prove.admission.webhooks import webhook_guards
from ringfence.prove.facts.cluster import ClusterFacts


def root_pod_guard(facts: ClusterFacts, namespace: str, *, relabelled: bool) -> Guard:
    """The tightest guard against privileged pods in ``namespace``; ``relabelled``: its labels can be changed first."""
    security = pod_security(facts, namespace)
    if relabelled and security.gate is Gate.CLOSED:
        security = Guard(Gate.OPEN, "its Pod Security label can be removed", security.by, security.object)
    if security.gate is Gate.CLOSED:
        return security
    others = [
        *_policies(facts, namespace),
        *webhook_guards(facts, namespace, "", "pods"),
        *_openshift(facts),
        *policy_gaps(facts),
    ]
    return tightest([security, *others], security)


def _policies(facts: ClusterFacts, namespace: str) -> list[Guard]:
    """In doubt when every attack that was tried is refused: that is no proof that none gets through."""
    admission = Admission(facts, namespace)
    if not admission.policies:
        return []
    last: Guard | None = None
    for pod in root_pods(namespace, admission.policies):
        guard = admission.of(pod)
        if guard.gate is Gate.OPEN:
            return []
        last = guard
    if last is None:
        return []
    return [Guard(Gate.DOUBTFUL, f"whether {last.by} refuses every privileged pod", last.by, last.object)]


def _openshift(facts: ClusterFacts) -> list[Guard]:
    """OpenShift's own admission decides over privileged pods; which constraint a pod gets is its secret."""
    for document in facts.snapshot.of(kinds.Kind("security.openshift.io", "SecurityContextConstraints")):
        name = f"{facts.name}:securitycontextconstraints/{document['metadata']['name']}"
        return [Guard(Gate.DOUBTFUL, "which SecurityContextConstraints the pod is admitted by", "OpenShift", name)]
    return []
