"""ValidatingAdmissionPolicies that are bound: what they say to the creation of a pod that is partly known.

Source: admissionregistration.k8s.io/v1 types. A policy refuses for certain only where it surely matches, and a
validation comes to false, or to an error that the failure policy turns into a refusal. Parameters are never known.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ringfence.prove.cel.node import Node, literals
from ringfence.prove.cel.outcomes import Outcomes
from ringfence.prove.cel.values import ANYTHING, Mark, Shape, Value, known
from ringfence.prove.network.selectors import Selector

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
    """A bound policy. ``certain``: its constraints match whatever the creator chooses, but for the labels, which
    ``selectors`` look at."""

    ref: str
    binding: str
    conditions: tuple[Node, ...]
    validations: tuple[Node, ...]
    variables: Mapping[str, Node]
    fails: bool
    certain: bool
    updates: bool
    selectors: tuple[Selector, ...] = ()

    def selects(self, pod: Value) -> bool | None:
        """Whether its object selectors take the pods of a shape: None where that depends on their labels."""
        if not self.selectors:
            return True
        labels = _labels_of(pod)
        return None if labels is None else all(selector.matches(labels) for selector in self.selectors)

    @property
    def names(self) -> set[str]:
        """The names of the policy and of its binding."""
        return {ref.partition("/")[2] for ref in (self.ref, self.binding)}

    @property
    def strings(self) -> set[str]:
        """Every string that its expressions mention."""
        nodes = (*self.conditions, *self.validations, *self.variables.values())
        return {text for node in nodes for text in literals(node)}


@dataclass(frozen=True, slots=True)
class PodPolicies:
    """The policies that see pods being created in one namespace. ``doubts``: what could not be seen or read;
    ``document``: the Namespace that ``space`` is made of; ``choices``: the same policies as somebody can make them see
    the namespace, of whom the rest says what they do whatever is chosen."""

    namespace: str
    space: Value = field(compare=False)
    policies: tuple[Policy, ...]
    doubts: tuple[str, ...] = ()
    document: Json | None = None
    choices: tuple["PodPolicies", ...] = ()
    asked: dict[Hashable, Verdict] = field(default_factory=dict, compare=False)
    refused_last: dict[str, int] = field(default_factory=dict, compare=False)
    outcomes: dict[int, Outcomes] = field(default_factory=dict, compare=False)

    @property
    def strings(self) -> set[str]:
        """Every string that some policy mentions."""
        return {text for policy in self.policies for text in policy.strings}

    @property
    def chosen_labels(self) -> list[dict[str, str]]:
        """Labels that lead round a policy's object selectors, or into them."""
        parts = {part for policy in self.policies for selector in policy.selectors for part in selector.requirements}
        every = sorted(parts, key=str)
        return [{part.key: min(part.values, default="x")} for part in every] + [{part.key: "x-x"} for part in every]

    def without(self, gone: frozenset[str]) -> "PodPolicies":
        """The same without the policies of which they, or their bindings, have one of these names."""
        names = {
            policy.ref: {ref.partition("/")[2] for ref in (policy.ref, policy.binding)} for policy in self.policies
        }
        kept = tuple(policy for policy in self.policies if not gone & names[policy.ref])
        choices = tuple(choice.without(gone) for choice in self.choices)
        return PodPolicies(self.namespace, self.space, kept, self.doubts, self.document, choices)

    def once(self, key: Hashable, work: Callable[[], Verdict]) -> Verdict:
        """The verdict for a key, worked out the first time it is asked for."""
        found = self.asked.get(key)
        if found is None:
            found = self.asked[key] = work()
        return found

    def verdict(self, pod: Value) -> Verdict:
        """What the policies say to the creation of such a pod; it passes where one of the choices lets it in."""
        pod = _placed(pod, self.namespace)
        found = self._verdict(pod)
        if found.says is Says.MAYBE and any(choice.verdict(pod).says is Says.PASSES for choice in self.choices):
            return Verdict(Says.PASSES)
        return found

    def _verdict(self, pod: Value) -> Verdict:
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
        selects = policy.selects(pod)
        if selects is False:
            return Says.PASSES
        of = self._outcomes(policy).of
        applies = [of(condition, pod) for condition in policy.conditions]
        if any(outcome == {False} for outcome in applies):
            return Says.PASSES
        surely = policy.certain and selects is True and all(outcome == {True} for outcome in applies)
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


def _placed(pod: Value, namespace: str) -> Value:
    """The pods of a shape as the API server shows them: their metadata names the namespace of the request."""
    shape = pod[0] if len(pod) == 1 else None
    metadata = shape.fields.get("metadata", ()) if isinstance(shape, Shape) else ()
    inner = metadata[0] if len(metadata) == 1 else None
    if not isinstance(shape, Shape) or not isinstance(inner, Shape) or "namespace" in inner.fields:
        return pod
    known_place = Shape({**inner.fields, "namespace": (namespace,)}, inner.maybe, inner.open, inner.gone)
    return (Shape({**shape.fields, "metadata": (known_place,)}, shape.maybe, shape.open, shape.gone),)


def _labels_of(pod: Value) -> dict[str, str] | None:
    """The labels of every pod of a shape, None where they are not the same."""
    shape = pod[0] if len(pod) == 1 else None
    metadata = shape.fields.get("metadata", ()) if isinstance(shape, Shape) else ()
    inner = metadata[0] if len(metadata) == 1 else None
    if not isinstance(inner, Shape):
        return None
    labels = inner.fields.get("labels")
    if labels is None:
        return None if inner.may_have("labels") else {}
    body = labels[0] if len(labels) == 1 else None
    if not isinstance(body, Shape) or body.maybe or body.open:
        return None
    found: dict[str, str] = {}
    for key, value in body.fields.items():
        if len(value) != 1 or not isinstance(value[0], str):
            return None
        found[key] = value[0]
    return found
