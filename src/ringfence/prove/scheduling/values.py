"""Pods and nodes as the scheduler sees them, read from JSON.

What the API server would refuse raises UnreadableError: such a pod cannot exist, and what a broken object would do is
nobody's to guess.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ringfence.prove.network.selectors import UnreadableError, parse_labels, parse_list, parse_mapping
from ringfence.prove.scheduling.affinity import (
    FIELD_OPERATORS,
    LABEL_OPERATORS,
    NodeCondition,
    NodeTerm,
    signed_number,
)
from ringfence.prove.scheduling.taints import (
    DAEMON_HOST_NETWORK,
    DAEMON_TOLERATIONS,
    EFFECTS,
    NO_EXECUTE,
    OPERATORS,
    Taint,
    Toleration,
    whole_number,
)

_LABEL_VALUE = re.compile(r"(?=.{0,63}$)(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node as placement sees it."""

    name: str
    labels: Mapping[str, str]
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False


@dataclass(frozen=True, slots=True)
class PodFacts:
    """A pod as placement sees it. ``terms`` None: no required node affinity at all.

    ``static``: a mirror of a static pod, which skips taints. ``admitted``: the API server has it already, so nothing
    is added to it any more.
    """

    name: str
    node_name: str | None = None
    node_selector: Mapping[str, str] | None = None
    terms: tuple[NodeTerm, ...] | None = None
    tolerations: tuple[Toleration, ...] = ()
    runtime_class: str | None = None
    static: bool = False
    admitted: bool = False
    namespace: str = "default"


def parse_node(item: Mapping[str, Any]) -> NodeFacts:
    """A Node object. Raises UnreadableError."""
    meta, spec = parse_mapping(item.get("metadata"), "metadata"), parse_mapping(item.get("spec"), "spec")
    name = meta.get("name")
    if not isinstance(name, str) or not name:
        raise UnreadableError("a node needs a name")
    taints = tuple(parse_taint(entry) for entry in parse_list(spec.get("taints"), "taints"))
    return NodeFacts(name, parse_labels(meta.get("labels")), taints, spec.get("unschedulable") is True)


def parse_taint(raw: object) -> Taint:
    """One taint. Raises UnreadableError."""
    body = parse_mapping(raw, "a taint")
    key, value, effect = body.get("key"), body.get("value") or "", body.get("effect")
    if not isinstance(key, str) or not key or not isinstance(value, str):
        raise UnreadableError("a taint needs a key, and a value that is a string")
    if not isinstance(effect, str) or effect not in EFFECTS:
        raise UnreadableError(f"the taint effect {effect!r} is not one of {', '.join(sorted(EFFECTS))}")
    return Taint(key, value, str(effect))


def parse_pod(item: Mapping[str, Any], *, daemon: bool | None = None) -> PodFacts:
    """A Pod object. ``daemon``: does a DaemonSet own it (None: see its owners). Raises UnreadableError."""
    meta, spec = parse_mapping(item.get("metadata"), "metadata"), parse_mapping(item.get("spec"), "spec")
    facts = parse_pod_spec(spec, str(meta.get("name") or meta.get("generateName") or "pod"))
    annotations = parse_mapping(meta.get("annotations"), "annotations")
    facts = replace(
        facts,
        static="kubernetes.io/config.mirror" in annotations,
        admitted=bool(meta.get("uid")),
        namespace=str(meta.get("namespace") or "default"),
    )
    owned = _owned_by_daemon_set(meta) if daemon is None else daemon
    return as_daemon(facts, spec.get("hostNetwork") is True) if owned else facts


def as_daemon(facts: PodFacts, host_network: bool) -> PodFacts:
    """The pod with the tolerations that the DaemonSet controller adds to its pods."""
    extra = (*DAEMON_TOLERATIONS, DAEMON_HOST_NETWORK) if host_network else DAEMON_TOLERATIONS
    return replace(facts, tolerations=(*facts.tolerations, *extra))


def parse_pod_spec(spec: Mapping[str, Any], name: str) -> PodFacts:
    """A pod's spec. Raises UnreadableError."""
    node_name, runtime = spec.get("nodeName"), spec.get("runtimeClassName")
    for text, what in ((node_name, "nodeName"), (runtime, "runtimeClassName")):
        if text is not None and not isinstance(text, str):
            raise UnreadableError(f"{what} must be a string")
    selector = parse_labels(spec.get("nodeSelector"), "nodeSelector")
    if not all(_LABEL_VALUE.fullmatch(value) for value in selector.values()):
        raise UnreadableError("a value of nodeSelector is no label value")
    affinity = parse_mapping(spec.get("affinity"), "affinity")
    node_affinity = parse_mapping(affinity.get("nodeAffinity"), "nodeAffinity")
    tolerations = tuple(parse_toleration(entry) for entry in parse_list(spec.get("tolerations"), "tolerations"))
    return PodFacts(
        name=name,
        node_name=node_name or None,
        node_selector=selector or None,
        terms=parse_terms(node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution")),
        tolerations=tolerations,
        runtime_class=runtime or None,
    )


def parse_toleration(raw: object) -> Toleration:
    """One toleration. Raises UnreadableError for what the API refuses whatever its feature gates."""
    body = parse_mapping(raw, "a toleration")
    key, value = body.get("key") or "", body.get("value") or ""
    operator, effect = body.get("operator") or "Equal", body.get("effect") or ""
    if not all(isinstance(text, str) for text in (key, value, operator, effect)):
        raise UnreadableError("the fields of a toleration must be strings")
    if operator not in OPERATORS:
        raise UnreadableError(f"the operator {operator!r} is not one of {', '.join(sorted(OPERATORS))}")
    if not key and operator != "Exists":
        raise UnreadableError("a toleration without key needs the operator Exists")
    if operator == "Exists" and value:
        raise UnreadableError("Exists takes no value")
    if operator in {"Gt", "Lt"} and whole_number(value) is None:
        raise UnreadableError(f"{operator} needs a whole number")
    if effect and effect not in EFFECTS:
        raise UnreadableError(f"the effect {effect!r} is not one of {', '.join(sorted(EFFECTS))}")
    if body.get("tolerationSeconds") is not None and effect != NO_EXECUTE:
        raise UnreadableError("tolerationSeconds needs the effect NoExecute")
    return Toleration(key, operator, value, effect)


def parse_terms(raw: object) -> tuple[NodeTerm, ...] | None:
    """Required node affinity, None where there is none. Raises UnreadableError."""
    if raw is None:
        return None
    terms = parse_list(parse_mapping(raw, "node affinity").get("nodeSelectorTerms"), "nodeSelectorTerms")
    if not terms:
        raise UnreadableError("required node affinity needs at least one term")
    return tuple(_parse_term(parse_mapping(term, "a node selector term")) for term in terms)


def _parse_term(body: Mapping[str, Any]) -> NodeTerm:
    labels = [_parse_label(entry) for entry in parse_list(body.get("matchExpressions"), "matchExpressions")]
    fields = [_parse_field(entry) for entry in parse_list(body.get("matchFields"), "matchFields")]
    return NodeTerm(tuple(labels), tuple(fields), any(_unreadable_number(part) for part in labels))


def _unreadable_number(condition: NodeCondition) -> bool:
    """Gt and Lt take any label value in the API, but the scheduler drops a term whose value is no number."""
    return condition.operator in {"Gt", "Lt"} and signed_number(condition.values[0]) is None


def _parse_label(raw: object) -> NodeCondition:
    condition = _parse_condition(raw, LABEL_OPERATORS)
    count = len(condition.values)
    if condition.operator in {"In", "NotIn"} and not count:
        raise UnreadableError(f"{condition.operator} on {condition.key} needs values")
    if condition.operator in {"Exists", "DoesNotExist"} and count:
        raise UnreadableError(f"{condition.operator} on {condition.key} takes no values")
    if condition.operator in {"Gt", "Lt"} and count != 1:
        raise UnreadableError(f"{condition.operator} on {condition.key} needs one value")
    if not all(_LABEL_VALUE.fullmatch(value) for value in condition.values):
        raise UnreadableError(f"a value of {condition.key} is no label value")
    return condition


def _parse_field(raw: object) -> NodeCondition:
    condition = _parse_condition(raw, FIELD_OPERATORS)
    if condition.key != "metadata.name" or len(condition.values) != 1:
        raise UnreadableError("matchFields takes metadata.name and one value")
    return condition


def _parse_condition(raw: object, operators: frozenset[str]) -> NodeCondition:
    body = parse_mapping(raw, "a condition")
    key, operator, values = body.get("key"), body.get("operator"), parse_list(body.get("values"), "values")
    if not isinstance(key, str) or not key:
        raise UnreadableError("a condition needs a key")
    if not isinstance(operator, str) or operator not in operators:
        raise UnreadableError(f"the operator {operator!r} is not one of {', '.join(sorted(operators))}")
    if not all(isinstance(value, str) for value in values):
        raise UnreadableError(f"the values of {key} must be strings")
    return NodeCondition(key, str(operator), tuple(values))


def _owned_by_daemon_set(meta: Mapping[str, Any]) -> bool:
    owners = parse_list(meta.get("ownerReferences"), "ownerReferences")
    return any(
        isinstance(owner, Mapping) and owner.get("kind") == "DaemonSet" and owner.get("controller") is not False
        for owner in owners
    )
