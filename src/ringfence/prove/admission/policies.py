"""ValidatingAdmissionPolicies: which are asked about a namespace's pods, and what they say of one pod or of all.

Source: kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy. A policy counts only with a binding
that denies; a selector of objects lets the author of an object out, and is no guard.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.admission.cel import Activation, Outcome, disjuncts, evaluate, value_of
from ringfence.prove.admission.guard import Gate, Guard
from ringfence.prove.admission.webhooks import covers, selected
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.kinds import Object, object_name
from ringfence.prove.network.selectors import UnreadableError, parse_selector

_NAME_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """A policy that is asked about creations in a namespace. ``whole``: about every one (no condition lets one out).
    ``by_name``: the namespace is chosen by its immutable name, not by labels that somebody may change."""

    name: str
    object: str
    spec: Object
    whole: bool
    by_name: bool

    @property
    def fails_closed(self) -> bool:
        """Whether an expression that fails refuses the object."""
        return (self.spec.get("failurePolicy") or "Fail") == "Fail"

    @property
    def variables(self) -> Mapping[str, str]:
        """The policy's own variables."""
        return {item["name"]: item["expression"] for item in self.spec.get("variables") or ()}


def active_policies(facts: ClusterFacts, namespace: str, resource: str = "pods") -> list[ActivePolicy]:
    """The policies that are asked when ``resource`` of the core group is created in ``namespace``."""
    policies = {item["metadata"]["name"]: item for item in facts.snapshot.of(kinds.VALIDATING_ADMISSION_POLICY)}
    found = []
    for binding in facts.snapshot.of(kinds.VALIDATING_ADMISSION_POLICY_BINDING):
        spec = binding["spec"]
        policy = policies.get(spec["policyName"])
        if policy is None or "Deny" not in (spec.get("validationActions") or ()):
            continue
        constraints = [policy["spec"].get("matchConstraints") or {}, spec.get("matchResources") or {}]
        if all(_matches(facts, item, namespace, resource) for item in constraints if item):
            found.append(_active(facts, policy, spec, constraints))
    return found


def _matches(facts: ClusterFacts, constraints: Mapping[str, Any], namespace: str, resource: str) -> bool:
    rules = constraints.get("resourceRules")
    if rules and not any(covers(rule, "", resource) for rule in rules):
        return False
    if any(covers(rule, "", resource) for rule in constraints.get("excludeResourceRules") or ()):
        return False
    return selected(facts, constraints.get("namespaceSelector"), namespace)


def _active(
    facts: ClusterFacts, policy: Object, binding: Mapping[str, Any], constraints: list[Mapping[str, Any]]
) -> ActivePolicy:
    spec = policy["spec"]
    name = object_name(facts.name, policy)
    rules = [rule for item in constraints for rule in item.get("resourceRules") or ()]
    whole = (
        not any(item.get("objectSelector") for item in constraints)
        and not any(rule.get("resourceNames") for rule in rules)
        and binding.get("paramRef") is None
        and all(_always_on_create(item["expression"]) for item in spec.get("matchConditions") or ())
    )
    return ActivePolicy(f"{name.kind} {name.name}", str(name), spec, whole, all(map(_by_name, constraints)))


def _always_on_create(expression: str) -> bool:
    """A match condition that no creation escapes: one of its alternatives is that it is a creation."""
    wanted = {"request.operation == 'CREATE'", 'request.operation == "CREATE"', "true"}
    return any(item in wanted for item in disjuncts(expression))


def _by_name(constraints: Mapping[str, Any]) -> bool:
    try:
        return parse_selector(constraints.get("namespaceSelector")).keys <= {_NAME_LABEL}
    except UnreadableError:
        return False


class Admission:
    """What policies and pods come to: admitted, refused, or not known, with the policy that decides."""

    def __init__(self, facts: ClusterFacts, namespace: str) -> None:
        self._facts = facts
        self._namespace = namespace
        self.policies = active_policies(facts, namespace)

    def of(self, pod: Mapping[str, Any], user: str = "somebody") -> Guard:
        """The guard that the policies are against this very pod: OPEN admits it, CLOSED refuses it."""
        doubtful: Guard | None = None
        for policy in self.policies:
            outcome = self._asked(policy, pod, user)
            if outcome is Outcome.FALSE:
                return Guard(Gate.CLOSED, f"{policy.name} refuses it", policy.name, policy.object)
            if outcome is Outcome.UNREAD:
                doubtful = Guard(Gate.DOUBTFUL, f"whether {policy.name} refuses it", policy.name, policy.object)
        return doubtful or Guard(Gate.OPEN, "no policy refuses it")

    def _asked(self, policy: ActivePolicy, pod: Mapping[str, Any], user: str) -> Outcome:
        activation = Activation(
            {
                "object": pod,
                "oldObject": None,
                "request": {
                    "operation": "CREATE",
                    "namespace": self._namespace,
                    "userInfo": {"username": user, "groups": ["system:authenticated"]},
                    "dryRun": False,
                    "kind": {"group": "", "version": "v1", "kind": "Pod"},
                    "resource": {"group": "", "version": "v1", "resource": "pods"},
                },
                "namespaceObject": {
                    "metadata": {
                        "name": self._namespace,
                        "labels": dict(self._facts.namespaces.get(self._namespace) or {}),
                    }
                },
                "params": None,
            }
        )
        for condition in policy.spec.get("matchConditions") or ():
            outcome = evaluate(condition["expression"], activation)
            if outcome is Outcome.FALSE:
                return Outcome.TRUE
            if outcome is not Outcome.TRUE:
                return Outcome.UNREAD
        for name, expression in policy.variables.items():
            value = value_of(expression, activation)
            if isinstance(value, Outcome):
                return Outcome.UNREAD if value is Outcome.UNREAD else self._failed(policy)
            activation.variables[name] = value
        unread = Outcome.TRUE
        for validation in policy.spec.get("validations") or ():
            outcome = evaluate(validation["expression"], activation)
            if outcome is Outcome.FAILED:
                outcome = self._failed(policy)
            if outcome is Outcome.FALSE:
                return Outcome.FALSE
            if outcome is Outcome.UNREAD:
                unread = Outcome.UNREAD
        return unread

    def _failed(self, policy: ActivePolicy) -> Outcome:
        return Outcome.FALSE if policy.fails_closed else Outcome.TRUE


def policy_gaps(facts: ClusterFacts) -> Iterator[Guard]:
    """What is not known of the cluster's policies themselves."""
    for plural in ("validatingadmissionpolicies", "validatingadmissionpolicybindings"):
        for marker in facts.snapshot.unseen(plural):
            yield Guard(Gate.DOUBTFUL, str(marker), "admission policies", "")
    for defect in facts.snapshot.defective(
        kinds.VALIDATING_ADMISSION_POLICY, kinds.VALIDATING_ADMISSION_POLICY_BINDING
    ):
        yield Guard(Gate.DOUBTFUL, f"{defect.kind.kind} {defect.name}: {defect.problem}", defect.kind.kind, "")
