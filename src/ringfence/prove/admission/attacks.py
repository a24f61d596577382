"""Pods that somebody would write to get out: shaped so that what policies require of every pod is met.

A policy that wants a node selector, a priority class, labels or limits refuses any pod without them, and that says
nothing about the attack; so each attack is tried bare and with everything that the policies mention.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.prove.admission.cel import conjuncts, literal, literals_in_list, results
from ringfence.prove.admission.policies import ActivePolicy

_ROOT_CONTAINER: Mapping[str, Any] = {"securityContext": {"privileged": True}}
_HOST_PATH: Mapping[str, Any] = {"name": "host", "hostPath": {"path": "/"}}
_MOST = 48
_SELECTOR = re.compile(r"object\.spec\.nodeSelector\[(['\"])([^'\"\\]+)\1\]\s*==\s*(.+)", re.DOTALL)
_CLASS_IN = re.compile(r"object\.spec\.priorityClassName\s+in\s+(\[.*\])", re.DOTALL)
_CLASS_IS = re.compile(r"object\.spec\.priorityClassName\s*==\s*(.+)", re.DOTALL)
_LABEL = re.compile(r"object\.metadata\.labels\[(['\"])([^'\"\\]+)\1\]\s*==\s*(['\"])([^'\"\\]*)\3")


def root_pods(namespace: str, policies: list[ActivePolicy]) -> Iterator[dict[str, Any]]:
    """Pods that would own their node, in several shapes."""
    for base in shapes(namespace, policies):
        spec = base["spec"]
        container = spec["containers"][0]
        yield {**base, "spec": {**spec, "containers": [{**container, **_ROOT_CONTAINER}]}}
        mounted = {**container, "volumeMounts": [{"name": "host", "mountPath": "/host"}]}
        yield {**base, "spec": {**spec, "containers": [mounted], "volumes": [dict(_HOST_PATH)]}}
        plain = {**container, "securityContext": {"runAsNonRoot": True, "allowPrivilegeEscalation": False}}
        inits = [{**container, "name": "init", **_ROOT_CONTAINER}]
        yield {**base, "spec": {**spec, "initContainers": inits, "containers": [plain]}}


def shapes(namespace: str, policies: list[ActivePolicy]) -> list[dict[str, Any]]:
    """Harmless pods that meet what the policies ask for, the barest first."""
    found = [_pod(namespace, {}, {}, None)]
    selectors = list(required_selectors(policies))
    classes = sorted({name for names in required_classes(policies) for name in names})
    labels = dict(pair for policy in policies for pair in _labels(policy))
    pools: list[dict[str, str]] = [{}]
    for key, values in selectors:
        pools = [{**pool, key: value} for pool in pools for value in sorted(values) or [""]][:_MOST]
    for pool in pools:
        for name in classes or [""]:
            found.append(_pod(namespace, labels, pool, name or None))
            if labels:
                found.append(_pod(namespace, {}, pool, name or None))
    return found[:_MOST]


def _pod(
    namespace: str, labels: Mapping[str, str], selector: Mapping[str, str], priority: str | None
) -> dict[str, Any]:
    limits = {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "16Mi"}
    spec: dict[str, Any] = {
        "containers": [
            {"name": "c", "image": "registry.example/c", "resources": {"limits": limits, "requests": limits}}
        ],
        "serviceAccountName": "default",
    }
    if selector:
        spec["nodeSelector"] = dict(selector)
    if priority:
        spec["priorityClassName"] = priority
    metadata = {"name": "attack", "namespace": namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def required_selectors(policies: list[ActivePolicy]) -> Iterator[tuple[str, frozenset[str]]]:
    """Node labels, with their possible values, that every pod must select: read off the top of conjunctions."""
    for policy in policies:
        for atom in _atoms(policy):
            match = _SELECTOR.fullmatch(atom)
            if match is not None:
                values = results(match[3], policy.variables)
                if values is not None:
                    yield match[2], values - {""}


def required_classes(policies: list[ActivePolicy]) -> Iterator[frozenset[str]]:
    """Sets of PriorityClasses of which every pod must name one."""
    for policy in policies:
        for atom in _atoms(policy):
            match = _CLASS_IN.fullmatch(atom)
            if match is not None:
                names = literals_in_list(match[1])
                if names is not None:
                    yield frozenset(names)
            match = _CLASS_IS.fullmatch(atom)
            if match is not None:
                name = literal(match[1])
                if name is not None:
                    yield frozenset({name})


def _atoms(policy: ActivePolicy) -> Iterator[str]:
    for validation in policy.spec.get("validations") or ():
        yield from conjuncts(validation["expression"])


def _labels(policy: ActivePolicy) -> Iterator[tuple[str, str]]:
    for validation in policy.spec.get("validations") or ():
        for match in _LABEL.finditer(validation["expression"]):
            yield match[2], match[4]


def confining(policies: list[ActivePolicy], *, relabelled: bool) -> list[ActivePolicy]:
    """The policies whose requirements hold for every pod of the namespace, whoever writes it.

    One that lets failures pass guards nothing, nor does one that chooses namespaces by labels that can be changed.
    """
    return [
        policy for policy in policies if policy.whole and policy.fails_closed and (policy.by_name or not relabelled)
    ]
