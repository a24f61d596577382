"""Pod Security admission: which level a namespace enforces.

Source: kubernetes.io/docs/concepts/security/pod-security-admission. Without the label the level is ``privileged``;
levels of warn and audit stop nothing. Defaults of an AdmissionConfiguration file are in no API: where the API server
names such a file the level of an unlabelled namespace is in doubt, else it counts as seen.
"""

from ringfence.prove import kinds
from ringfence.prove.admission.guard import Gate, Guard
from ringfence.prove.facts.cluster import ClusterFacts

ENFORCE = "pod-security.kubernetes.io/enforce"
_CLOSED = ("baseline", "restricted")


def pod_security(facts: ClusterFacts, namespace: str) -> Guard:
    """Whether Pod Security stops pods in ``namespace`` that would own their node."""
    name = f"{facts.name}:namespace/{namespace}"
    shown = f"Namespace {namespace}"
    if "PodSecurity" in facts.flags.admission_disabled:
        pod = f"{facts.name}:{facts.flags.pod}"
        return Guard(Gate.OPEN, "Pod Security admission is switched off", "kube-apiserver flags", pod)
    if facts.flags.feature_gates.get("PodSecurity") is False:
        return Guard(Gate.OPEN, "Pod Security admission is switched off", "kube-apiserver flags", name)
    labels = facts.namespaces.get(namespace)
    if labels is None:
        return Guard(Gate.DOUBTFUL, _unseen(facts, namespace), shown, name)
    level = labels.get(ENFORCE)
    if level in _CLOSED and facts.flags.get("admission-control-config-file"):
        why = f"whom the API server's admission configuration exempts from Pod Security {level} in {namespace}"
        return Guard(Gate.DOUBTFUL, why, shown, name)
    if level in _CLOSED:
        return Guard(Gate.CLOSED, f"{shown} enforces Pod Security {level}", shown, name)
    if level is None and facts.flags.get("admission-control-config-file"):
        return Guard(Gate.DOUBTFUL, "the default level in the API server's admission configuration", shown, name)
    return Guard(Gate.OPEN, f"{shown} enforces no Pod Security level", shown, name)


def _unseen(facts: ClusterFacts, namespace: str) -> str:
    for marker in facts.snapshot.unseen("namespaces"):
        return str(marker)
    for defect in facts.snapshot.defective(kinds.NAMESPACE):
        if defect.name == namespace:
            return f"Namespace {namespace}: {defect.problem}"
    return f"Namespace {namespace} is not in the snapshot: its Pod Security level"
