"""Whether anything in admission stops pods that would own their node: Pod Security, policies in CEL, webhooks, SCCs."""

from ringfence.prove import kinds
from ringfence.prove.admission.attacks import policies_of, root_attack
from ringfence.prove.admission.guard import Gate, Guard, tightest
from ringfence.prove.admission.podsecurity import pod_security
from ringfence.prove.admission.webhooks import webhook_guards
from ringfence.prove.asking.answers import AdmissionAnswer, Aim, Told
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
        *openshift_guards(facts),
    ]
    found = tightest([security, *others], security)
    return _by_default(facts, namespace) or found if found.gate is Gate.OPEN and not relabelled else found


def _by_default(facts: ClusterFacts, namespace: str) -> Guard | None:
    """A level that no label shows, known by a refusal: in doubt, since its exemptions are in the API server's file."""
    answers = [answer for answer in facts.snapshot.answers if answer.namespace == namespace]
    if not any(answer.lacks_label for answer in answers) or any(_rooted(answer) for answer in answers):
        return None
    why = f"whom the API server's own Pod Security configuration exempts in {namespace} (it refused a dry run)"
    return Guard(Gate.DOUBTFUL, why, f"Namespace {namespace}", f"{facts.name}:namespace/{namespace}")


def _rooted(answer: AdmissionAnswer) -> bool:
    return answer.told is Told.ADMITTED and answer.aim in (Aim.ROOT_POD, Aim.ROOT_ON_NODE)


def _policies(facts: ClusterFacts, namespace: str, *, relabelled: bool) -> list[Guard]:
    refusal = root_attack(policies_of(facts, namespace, relabelled=relabelled))
    if refusal.says is Says.PASSES:
        return []
    gate = Gate.CLOSED if refusal.says is Says.REFUSES else Gate.DOUBTFUL
    why = "refuses privileged pods" if gate is Gate.CLOSED else "refuses every privileged pod"
    text = f"{refusal.ref} {why}" if gate is Gate.CLOSED else f"whether {refusal.ref} {why}"
    return [Guard(gate, text, refusal.ref, f"{facts.name}:{refusal.ref}")]


def openshift_guards(facts: ClusterFacts) -> list[Guard]:
    """OpenShift's own admission decides over privileged pods; which constraint a pod gets is its secret."""
    for document in facts.snapshot.of(kinds.Kind("security.openshift.io", "SecurityContextConstraints")):
        name = f"{facts.name}:securitycontextconstraints/{document['metadata']['name']}"
        return [Guard(Gate.DOUBTFUL, "which SecurityContextConstraints the pod is admitted by", "OpenShift", name)]
    return []
