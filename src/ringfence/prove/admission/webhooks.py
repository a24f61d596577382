"""Admission webhooks as guards: code that nobody can read here. They close nothing for sure and may open a hole.

Source: kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers. One that ignores failures
or leaves the namespace out is no guard; one that would be asked and must answer is in doubt.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.admission.guard import Gate, Guard
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.kinds import object_name
from ringfence.prove.network.selectors import UnreadableError, parse_selector


def webhook_guards(
    facts: ClusterFacts,
    namespace: str,
    group: str,
    resource: str,
    *,
    relabelled: bool = False,
    mutations: bool = True,
) -> Iterator[Guard]:
    """The webhooks that are asked about creations of ``resource`` in ``namespace``, as guards; ``relabelled``: its
    labels can be changed first, so that a selector of namespaces guards nothing. ``mutations``: with the
    MutatingAdmissionPolicies, of which as little is known."""
    for kind in (kinds.VALIDATING_WEBHOOK, kinds.MUTATING_WEBHOOK):
        for document in facts.snapshot.of(kind):
            for hook in document.get("webhooks") or ():
                if relabelled and _escapable(hook.get("namespaceSelector"), namespace):
                    continue
                if _asked(facts, hook, namespace, group, resource):
                    name = object_name(facts.name, document)
                    shown = f"{name.kind} {name.name}"
                    why = f"whether the webhook {hook['name']} refuses it"
                    yield Guard(Gate.DOUBTFUL, why, shown, str(name))
    if mutations:
        yield from _mutating_policies(facts, namespace, group, resource, relabelled=relabelled)
    for defect in facts.snapshot.defective(kinds.VALIDATING_WEBHOOK, kinds.MUTATING_WEBHOOK):
        yield Guard(Gate.DOUBTFUL, f"{defect.kind.kind} {defect.name}: {defect.problem}", defect.kind.kind, "")
    for plural in (
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
    ):
        for marker in facts.snapshot.unseen(plural):
            yield Guard(Gate.DOUBTFUL, str(marker), plural, "")


def _mutating_policies(
    facts: ClusterFacts, namespace: str, group: str, resource: str, *, relabelled: bool
) -> Iterator[Guard]:
    """The MutatingAdmissionPolicies that may alter such creations, as guards: what they make of them is not worked
    out. One that looks at labels of the object is led round by its author."""
    policies = {item["metadata"]["name"]: item for item in facts.snapshot.of(kinds.MUTATING_ADMISSION_POLICY)}
    for binding in facts.snapshot.of(kinds.MUTATING_ADMISSION_POLICY_BINDING) if policies else ():
        bound = binding.get("spec") or {}
        policy = policies.get(bound.get("policyName"))
        if policy is None:
            continue
        matches = [(policy.get("spec") or {}).get("matchConstraints") or {}, bound.get("matchResources") or {}]
        if any(match.get("objectSelector") for match in matches):
            continue
        if not any(_covered(rule, group, resource) for rule in matches[0].get("resourceRules") or ()):
            continue
        selectors = [match.get("namespaceSelector") for match in matches]
        if relabelled and any(_escapable(selector, namespace) for selector in selectors):
            continue
        if all(selected(facts, selector, namespace) for selector in selectors):
            name = object_name(facts.name, policy)
            yield Guard(
                Gate.DOUBTFUL, f"what {name.kind} {name.name} makes of it", f"{name.kind} {name.name}", str(name)
            )


def _covered(rule: Mapping[str, Any], group: str, resource: str) -> bool:
    return rule.get("scope") != "Cluster" and covers(rule, group, resource)


def _asked(facts: ClusterFacts, hook: Mapping[str, Any], namespace: str, group: str, resource: str) -> bool:
    if (hook.get("failurePolicy") or "Fail") == "Ignore":
        return False
    if hook.get("objectSelector") and hook["objectSelector"] != {}:
        # Whoever writes the object writes its labels, and so decides whether the webhook is asked.
        return False
    if not any(_covered(rule, group, resource) for rule in hook.get("rules") or ()):
        return False
    return selected(facts, hook.get("namespaceSelector"), namespace)


def _escapable(selector: object, namespace: str) -> bool:
    """Whether other labels would lead the namespace out of a selector; its name it keeps."""
    try:
        parsed = parse_selector(selector)
    except UnreadableError:
        return False
    return any(part.key != "kubernetes.io/metadata.name" for part in parsed.requirements)


def covers(rule: Mapping[str, Any], group: str, resource: str) -> bool:
    """Whether a rule of a webhook or policy speaks of creating ``resource`` of ``group``."""
    operations = rule.get("operations") or ()
    groups = rule.get("apiGroups") or ()
    resources = rule.get("resources") or ()
    return (
        ("*" in operations or "CREATE" in operations)
        and ("*" in groups or group in groups)
        and any(item in ("*", "*/*", resource) for item in resources)
    )


def selected(facts: ClusterFacts, selector: object, namespace: str) -> bool:
    """Whether a namespace selector matches; a namespace without known labels or a bad selector does not count."""
    try:
        return parse_selector(selector).matches(facts.namespaces.get(namespace) or {})
    except UnreadableError:
        return False
