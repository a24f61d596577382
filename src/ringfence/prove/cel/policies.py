"""ValidatingAdmissionPolicies and their bindings: what they say to the creation of a pod that is partly known.

Source: admissionregistration.k8s.io/v1 types. A policy refuses for certain only where it is bound with ``Deny``, its
constraints match whatever the creator may choose (labels and names are the creator's), and a validation comes to false,
or to an error that the failure policy turns into a refusal. Parameters are never known.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.cel.node import Node, literals
from ringfence.prove.cel.outcomes import Outcomes
from ringfence.prove.cel.parse import parse
from ringfence.prove.cel.values import ANYTHING, Mark, Shape, Value, known
from ringfence.prove.network.selectors import EVERYTHING, UnreadableError, parse_selector
from ringfence.prove.snapshot import ClusterSnapshot

Json = Mapping[str, Any]


class Says(Enum):
    """What a policy does with everything that a shape stands for."""

    REFUSES = "refuses"
    PASSES = "passes"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all policies together say: ``refs`` those that refuse, or those that may."""

    says: Says
    refs: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """A bound policy. ``certain``: its constraints match whatever the creator chooses."""

    ref: str
    binding: str
    conditions: tuple[Node, ...]
    validations: tuple[Node, ...]
    variables: Mapping[str, Node]
    fails: bool
    certain: bool
    updates: bool

    @property
    def strings(self) -> set[str]:
        """Every string that its expressions mention."""
        nodes = (*self.conditions, *self.validations, *self.variables.values())
        return {text for node in nodes for text in literals(node)}


@dataclass(frozen=True, slots=True)
class PodPolicies:
    """The policies that see pods being created in one namespace. ``doubts``: what could not be seen or read;
    ``document``: the Namespace that ``space`` is made of."""

    namespace: str
    space: Value = field(compare=False)
    policies: tuple[Policy, ...]
    doubts: tuple[str, ...] = ()
    document: Json | None = None
    asked: dict[Hashable, Verdict] = field(default_factory=dict, compare=False)
    refused_last: dict[str, int] = field(default_factory=dict, compare=False)
    outcomes: dict[int, Outcomes] = field(default_factory=dict, compare=False)

    @property
    def strings(self) -> set[str]:
        """Every string that some policy mentions."""
        return {text for policy in self.policies for text in policy.strings}

    def once(self, key: Hashable, work: Callable[[], Verdict]) -> Verdict:
        """The verdict for a key, worked out the first time it is asked for."""
        found = self.asked.get(key)
        if found is None:
            found = self.asked[key] = work()
        return found

    def verdict(self, pod: Value) -> Verdict:
        """What the policies say to the creation of such a pod."""
        unsure: list[str] = list(self.doubts)
        for policy in self.policies:
            says = self._says(policy, pod)
            if says is Says.REFUSES:
                return Verdict(Says.REFUSES, (policy.ref, policy.binding), f"{policy.ref} refuses it")
            if says is Says.MAYBE:
                unsure.append(policy.ref)
        if unsure:
            refs = tuple(text for text in unsure if "/" in text and " " not in text)
            return Verdict(Says.MAYBE, refs, f"not known: what {', '.join(unsure[:3])} says to it")
        return Verdict(Says.PASSES)

    def _outcomes(self, policy: Policy) -> Outcomes:
        found = self.outcomes.get(id(policy))
        if found is None:
            found = self.outcomes[id(policy)] = Outcomes(self._names(), policy.variables)
        return found

    def _names(self) -> Mapping[str, Value]:
        """What expressions are given beside the pod; the same for every pod of the namespace."""
        request = known(
            {
                "operation": "CREATE",
                "namespace": self.namespace,
                "subResource": "",
                "kind": {"group": "", "version": "v1", "kind": "Pod"},
                "resource": {"group": "", "version": "v1", "resource": "pods"},
            }
        )
        shape = request[0]
        if isinstance(shape, Shape):
            request = (Shape(shape.fields, {}, open=True),)
        return {
            "oldObject": (None,),
            "request": request,
            "params": ANYTHING,
            "namespaceObject": self.space,
            "authorizer": ANYTHING,
        }

    def _says(self, policy: Policy, pod: Value) -> Says:
        """What one policy says; the validation that refused last is asked first, since the next pod is much alike."""
        of = self._outcomes(policy).of
        applies = [of(condition, pod) for condition in policy.conditions]
        if any(outcome == {False} for outcome in applies):
            return Says.PASSES
        surely = policy.certain and all(outcome == {True} for outcome in applies)
        refusing = {False, Mark.ERROR} if policy.fails else {False}
        outcomes = []
        last = self.refused_last.get(policy.ref, 0)
        for number in sorted(range(len(policy.validations)), key=lambda number: number != last):
            outcome = of(policy.validations[number], pod)
            if surely and outcome <= refusing:
                self.refused_last[policy.ref] = number
                return Says.REFUSES
            outcomes.append(outcome)
        if all(outcome == {True} for outcome in outcomes):
            return Says.PASSES
        harmless = {True} if policy.fails else {True, Mark.ERROR}
        return Says.PASSES if surely and all(outcome <= harmless for outcome in outcomes) else Says.MAYBE


def pod_policies(cluster: ClusterSnapshot, namespace: str, space: Json | None) -> PodPolicies:
    """The policies that see pods being created in a namespace of a cluster; ``space`` is its object, None: not seen."""
    doubts = [
        str(marker)
        for resource in ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
        for marker in cluster.unseen(resource)
    ]
    doubts += [
        f"{defect.kind.kind} {defect.name} ({defect.problem})"
        for defect in cluster.defective(kinds.VALIDATING_ADMISSION_POLICY, kinds.VALIDATING_ADMISSION_POLICY_BINDING)
    ]
    labels = None if space is None else _object(_object(space.get("metadata")).get("labels"))
    policies = collect(
        cluster.of(kinds.VALIDATING_ADMISSION_POLICY),
        cluster.of(kinds.VALIDATING_ADMISSION_POLICY_BINDING),
        namespace,
        None if labels is None else {**labels, "kubernetes.io/metadata.name": namespace},
    )
    shown = ANYTHING if space is None else known(space)
    return PodPolicies(namespace, shown, tuple(policies), tuple(doubts), space)


def collect(policies: Iterable[Json], bindings: Iterable[Json], namespace: str, labels: Json | None) -> list[Policy]:
    """The policies bound with Deny that may see pods of the namespace; ``labels`` None: not known."""
    by_name = {_name(item): item for item in policies}
    found: list[Policy] = []
    for binding in bindings:
        spec = _object(binding.get("spec"))
        item = by_name.get(str(spec.get("policyName")))
        if item is None or "Deny" not in _words(spec, "validationActions"):
            continue
        policy = _policy(item, binding, labels)
        if policy is not None:
            found.append(policy)
    return found


def _policy(item: Json, binding: Json, labels: Json | None) -> Policy | None:
    spec, bound = _object(item.get("spec")), _object(binding.get("spec"))
    matches = [_object(spec.get("matchConstraints")), _object(bound.get("matchResources"))]
    reach = [_match(match, labels, rules=place == 0) for place, match in enumerate(matches)]
    if any(entry is False for entry in reach):
        return None
    parameters = spec.get("paramKind") is not None or bound.get("paramRef") is not None
    return Policy(
        ref=f"validatingadmissionpolicy/{_name(item)}",
        binding=f"validatingadmissionpolicybinding/{_name(binding)}",
        conditions=_expressions(spec.get("matchConditions")),
        validations=_expressions(spec.get("validations")),
        variables={
            str(entry.get("name")): parse(str(entry.get("expression"))) for entry in _listed(spec.get("variables"))
        },
        fails=spec.get("failurePolicy") != "Ignore",
        certain=all(entry is True for entry in reach) and not parameters,
        updates=any("UPDATE" in _words(rule, "operations") for rule in _listed(matches[0].get("resourceRules"))),
    )


def _expressions(raw: object) -> tuple[Node, ...]:
    return tuple(parse(str(entry.get("expression"))) for entry in _listed(raw))


def _match(match: Json, labels: Json | None, *, rules: bool) -> bool | None:
    """Does a match see the creation of pods: always, never (False), or depending on the creator or the unknown?"""
    listed = _listed(match.get("resourceRules"))
    if (rules or listed) and not any(_sees_pods(rule) for rule in listed):
        return False
    if any(_sees_pods(rule) and not rule.get("resourceNames") for rule in _listed(match.get("excludeResourceRules"))):
        return False
    certain = not any(_sees_pods(rule) for rule in _listed(match.get("excludeResourceRules")))
    if listed and not any(_sees_pods(rule) and not rule.get("resourceNames") for rule in listed):
        certain = False
    try:
        spaces = parse_selector(match.get("namespaceSelector"))
        pods = parse_selector(match.get("objectSelector"))
    except UnreadableError:
        return None
    if spaces != EVERYTHING:
        if labels is None:
            certain = False
        elif not spaces.matches(labels):
            return False
    return True if certain and pods == EVERYTHING else None


def _sees_pods(rule: Json) -> bool:
    return (
        bool({"", "*"} & _words(rule, "apiGroups"))
        and bool({"v1", "*"} & _words(rule, "apiVersions"))
        and bool({"CREATE", "*"} & _words(rule, "operations"))
        and bool({"pods", "*", "*/*"} & _words(rule, "resources"))
        and rule.get("scope") in (None, "*", "Namespaced")
    )


def _words(rule: Json, key: str) -> set[str]:
    raw = rule.get(key)
    return {word for word in raw if isinstance(word, str)} if isinstance(raw, list) else set()


def _object(raw: object) -> Json:
    return raw if isinstance(raw, Mapping) else {}


def _listed(raw: object) -> list[Json]:
    return [entry for entry in raw if isinstance(entry, Mapping)] if isinstance(raw, list) else []


def _name(item: Json) -> str:
    return str(_object(item.get("metadata")).get("name"))
