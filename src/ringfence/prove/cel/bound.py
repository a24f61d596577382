"""ValidatingAdmissionPolicies and their bindings: which of them see pods being created in a namespace.

Source: admissionregistration.k8s.io/v1 types. A policy counts only where it is bound with ``Deny``, and for certain
only where its constraints match whatever the creator may choose: labels and names of pods are the creator's.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.cel.node import Node
from ringfence.prove.cel.parse import parse
from ringfence.prove.cel.policies import PodPolicies, Policy
from ringfence.prove.cel.values import ANYTHING, Shape, Value, known
from ringfence.prove.kept import DROPPED_METADATA
from ringfence.prove.network.selectors import EVERYTHING, Selector, UnreadableError, parse_selector
from ringfence.prove.snapshot import ClusterSnapshot

Json = Mapping[str, Any]
NAME = "kubernetes.io/metadata.name"


def pod_policies(cluster: ClusterSnapshot, namespace: str, space: Json | None) -> PodPolicies:
    """The policies that see pods being created in a namespace of a cluster; ``space`` is its object, None: not seen."""
    labels = None if space is None else {**_labels(space), NAME: namespace}
    shown = ANYTHING if space is None else _shown(space)
    return PodPolicies(namespace, shown, _bound(cluster, namespace, labels), _doubts(cluster), space)


def _shown(space: Json) -> Value:
    """The namespace's object as expressions see it: what a snapshot drops of its metadata may be there."""
    metadata = {name: value for name, value in (space.get("metadata") or {}).items() if value is not None}
    dropped = {name: ANYTHING for name in DROPPED_METADATA if name not in metadata}
    fields = {name: known(value) for name, value in space.items() if value is not None}
    shape = Shape({name: known(value) for name, value in metadata.items()}, dropped)
    return (Shape({**fields, "metadata": (shape,)}),)


def relabelled_policies(cluster: ClusterSnapshot, namespace: str, space: Json) -> PodPolicies:
    """The policies over pods of a namespace to which somebody gives whatever labels and annotations suit them first.

    They refuse what they refuse whatever those are. They let in what they let in as the namespace is, without any, or
    with labels that lead out of selectors: a selector may ask that a label is there, or that it is not.
    """
    named = {NAME: namespace}
    metadata = Shape({"name": (namespace,), "labels": (Shape({NAME: (namespace,)}, open=True),)}, open=True)
    led_out = {**_exempting(cluster), **named}
    tried = [space, *({"metadata": {"name": namespace, "labels": labels}} for labels in (named, led_out))]
    return PodPolicies(
        namespace,
        (Shape({"metadata": (metadata,)}, open=True),),
        _bound(cluster, namespace, None),
        _doubts(cluster),
        choices=tuple(pod_policies(cluster, namespace, item) for item in tried),
    )


def _bound(cluster: ClusterSnapshot, namespace: str, labels: Json | None) -> tuple[Policy, ...]:
    policies = cluster.of(kinds.VALIDATING_ADMISSION_POLICY)
    return tuple(collect(policies, cluster.of(kinds.VALIDATING_ADMISSION_POLICY_BINDING), namespace, labels))


def _doubts(cluster: ClusterSnapshot) -> tuple[str, ...]:
    unseen = [
        str(marker)
        for resource in ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
        for marker in cluster.unseen(resource)
    ]
    defects = cluster.defective(kinds.VALIDATING_ADMISSION_POLICY, kinds.VALIDATING_ADMISSION_POLICY_BINDING)
    return (*unseen, *(f"{defect.kind.kind} {defect.name} ({defect.problem})" for defect in defects))


def _exempting(cluster: ClusterSnapshot) -> dict[str, str]:
    """Labels that selectors of namespaces ask not to be there."""
    found: dict[str, str] = {}
    for item in (
        *cluster.of(kinds.VALIDATING_ADMISSION_POLICY),
        *cluster.of(kinds.VALIDATING_ADMISSION_POLICY_BINDING),
    ):
        spec = _object(item.get("spec"))
        for part in ("matchConstraints", "matchResources"):
            try:
                selector = parse_selector(_object(spec.get(part)).get("namespaceSelector"))
            except UnreadableError:
                continue
            for requirement in selector.requirements:
                if requirement.operator in {"NotIn", "DoesNotExist"}:
                    found[requirement.key] = min(requirement.values, default="")
    return found


def collect(policies: Iterable[Json], bindings: Iterable[Json], namespace: str, labels: Json | None) -> list[Policy]:
    """The policies bound with Deny that may see pods of the namespace; ``labels`` None: only its name is known."""
    by_name = {_name(item): item for item in policies}
    found: list[Policy] = []
    for binding in bindings:
        spec = _object(binding.get("spec"))
        item = by_name.get(str(spec.get("policyName")))
        if item is None or "Deny" not in _words(spec, "validationActions"):
            continue
        policy = _policy(item, binding, namespace, labels)
        if policy is not None:
            found.append(policy)
    return found


def _policy(item: Json, binding: Json, namespace: str, labels: Json | None) -> Policy | None:
    spec, bound = _object(item.get("spec")), _object(binding.get("spec"))
    matches = [_object(spec.get("matchConstraints")), _object(bound.get("matchResources"))]
    reach = [_match(match, namespace, labels, rules=place == 0) for place, match in enumerate(matches)]
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
        selectors=tuple(
            found for match in matches if (found := _of_objects(match)) is not None and found != EVERYTHING
        ),
    )


def _of_objects(match: Json) -> Selector | None:
    """Its object selector; None for one that cannot be read (then the match is uncertain as a whole)."""
    try:
        return parse_selector(match.get("objectSelector"))
    except UnreadableError:
        return None


def _expressions(raw: object) -> tuple[Node, ...]:
    return tuple(parse(str(entry.get("expression"))) for entry in _listed(raw))


def _match(match: Json, namespace: str, labels: Json | None, *, rules: bool) -> bool | None:
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
        parse_selector(match.get("objectSelector"))
    except UnreadableError:
        return None
    selected = _selects(spaces, namespace, labels)
    if selected is False:
        return False
    return True if certain and selected else None


def _selects(spaces: Selector, namespace: str, labels: Json | None) -> bool | None:
    """Does a selector match a namespace? None where labels decide that nobody knows."""
    if labels is not None:
        return spaces.matches(labels)
    by_name = [part for part in spaces.requirements if part.key == NAME]
    if not all(part.matches({NAME: namespace}) for part in by_name):
        return False
    return True if len(by_name) == len(spaces.requirements) else None


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


def _labels(item: Json) -> Json:
    return _object(_object(item.get("metadata")).get("labels"))


def _name(item: Json) -> str:
    return str(_object(item.get("metadata")).get("name"))
