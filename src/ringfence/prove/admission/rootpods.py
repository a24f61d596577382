"""Whether anything in admission stops pods that would own their node: Pod Security, policies in CEL, webhooks, SCCs."""

from collections.abc import Callable
from typing import NamedTuple

from ringfence.prove import kinds
from ringfence.prove.admission.attacks import NONE_GONE, Refusal, host_attack, policies_of, root_attack
from ringfence.prove.admission.guard import Gate, Guard, tightest
from ringfence.prove.admission.podsecurity import pod_security
from ringfence.prove.admission.webhooks import webhook_guards
from ringfence.prove.asking.answers import AdmissionAnswer, Aim, Told
from ringfence.prove.cel.policies import PodPolicies, Says
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.rbac.powers import Power

NOTHING_REMOVED: frozenset[Power] = frozenset()


def root_pod_guard(
    facts: ClusterFacts,
    namespace: str,
    *,
    relabelled: bool,
    removed: frozenset[Power] = NOTHING_REMOVED,
    gone: frozenset[str] = NONE_GONE,
) -> Guard:
    """The tightest guard against privileged pods in ``namespace``; ``relabelled``: its labels can be changed first;
    ``removed``: rights with which all policies and webhooks can be taken away first; ``gone``: single policies that
    can."""
    asked = _Asked(namespace, relabelled, removed, gone)
    return _guard(facts, root_attack, "privileged pod", asked)


def host_pod_guard(
    facts: ClusterFacts,
    namespace: str,
    *,
    relabelled: bool,
    removed: frozenset[Power] = NOTHING_REMOVED,
    gone: frozenset[str] = NONE_GONE,
) -> Guard:
    """As ``root_pod_guard``, against pods on their node's network."""
    asked = _Asked(namespace, relabelled, removed, gone)
    return _guard(facts, host_attack, "pod on the node's network", asked)


class _Asked(NamedTuple):
    """Where pods would be made, and what can be changed first."""

    namespace: str
    relabelled: bool
    removed: frozenset[Power]
    gone: frozenset[str]


def _guard(facts: ClusterFacts, attack: Callable[[PodPolicies], Refusal], what: str, asked: _Asked) -> Guard:
    """Worked out once for all who make pods there."""
    return facts.memory.once(("guard", facts.name, what, asked), lambda: _find_guard(facts, attack, what, asked))


def _find_guard(facts: ClusterFacts, attack: Callable[[PodPolicies], Refusal], what: str, asked: _Asked) -> Guard:
    namespace, relabelled, removed, _ = asked
    security = pod_security(facts, namespace)
    if relabelled and security.gate is not Gate.OPEN and security.by.startswith("Namespace "):
        security = Guard(Gate.OPEN, "its Pod Security label can be changed", security.by, security.object)
    if security.gate is Gate.CLOSED:
        return security
    others = []
    if Power.WRITE_ADMISSION_POLICIES not in removed:
        others += _policies(facts, attack, what, asked)
    if Power.REMOVE_WEBHOOKS not in removed:
        others += webhook_guards(facts, namespace, "", "pods", relabelled=relabelled)
    if Power.WRITE_CONSTRAINTS not in removed:
        others += openshift_guards(facts)
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


def _policies(facts: ClusterFacts, attack: Callable[[PodPolicies], Refusal], what: str, asked: _Asked) -> list[Guard]:
    namespace, relabelled, _, gone = asked
    refusal = facts.memory.once(
        ("attack", facts.name, attack, namespace, relabelled, gone),
        lambda: attack(policies_of(facts, namespace, relabelled=relabelled, gone=gone)),
    )
    if refusal.says is Says.PASSES:
        return []
    closed = refusal.says is Says.REFUSES
    text = f"{refusal.ref} refuses every {what}" if closed else f"whether {refusal.ref} refuses every {what}"
    return [Guard(Gate.CLOSED if closed else Gate.DOUBTFUL, text, refusal.ref, f"{facts.name}:{refusal.ref}")]


def openshift_guards(facts: ClusterFacts) -> list[Guard]:
    """OpenShift's own admission decides over privileged pods; which constraint a pod gets is its secret."""
    for document in facts.snapshot.of(kinds.Kind("security.openshift.io", "SecurityContextConstraints")):
        name = f"{facts.name}:securitycontextconstraints/{document['metadata']['name']}"
        return [Guard(Gate.DOUBTFUL, "which SecurityContextConstraints the pod is admitted by", "OpenShift", name)]
    return []
