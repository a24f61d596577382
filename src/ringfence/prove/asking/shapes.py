"""Attacks as objects: what somebody would send to the API server, and whether what came back still does its work.

Admission may change what it admits. An answer counts only if the object as it would be stored still is the attack: a
pod whose privilege a webhook took away was not admitted as one that owns its node.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import chain, islice
from typing import Any

from ringfence.prove.admission.attacks import plain_pods, root_pods
from ringfence.prove.admission.placement import placement_view
from ringfence.prove.answer import Truth
from ringfence.prove.asking.answers import Aim
from ringfence.prove.cel.policies import PodPolicies
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import escape_of, secrets_in
from ringfence.prove.rbac.index import Subject
from ringfence.prove.scheduling.land import land
from ringfence.prove.scheduling.values import NodeFacts

Json = dict[str, Any]
ADMIN = "cluster-admin"

_HARMLESS: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65534,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_RESOURCES: Mapping[str, Any] = {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "16Mi"}
# What each workload's pods are created by, and where its template is.
WORKLOADS: Mapping[str, tuple[str, str, str]] = {
    "deployments": ("apps/v1", "Deployment", "replicaset-controller"),
    "statefulsets": ("apps/v1", "StatefulSet", "statefulset-controller"),
    "daemonsets": ("apps/v1", "DaemonSet", "daemon-set-controller"),
    "replicasets": ("apps/v1", "ReplicaSet", "replicaset-controller"),
    "jobs": ("batch/v1", "Job", "job-controller"),
    "cronjobs": ("batch/v1", "CronJob", "job-controller"),
}


def root_attacks(policies: PodPolicies, most: int) -> list[Json]:
    """Pods that would own whatever node they run on, at most so many."""
    plainest = list(islice(root_pods(policies), 3))
    return list(islice(chain(plainest, _by_other_means(plainest[0]), islice(root_pods(policies), 3, None)), most))


def _by_other_means(pod: Json) -> Iterator[Json]:
    """The same by a capability, by a directory of the node that holds its keys, by its runtime's socket."""
    for capability in ("SYS_ADMIN", "SYS_MODULE"):
        found = deepcopy(pod)
        found["spec"]["containers"][0]["securityContext"] = {"capabilities": {"add": [capability]}}
        yield found
    for path in ("/var/lib/kubelet", "/etc", "/run/containerd/containerd.sock"):
        found = deepcopy(pod)
        del found["spec"]["containers"][0]["securityContext"]
        found["spec"]["containers"][0]["volumeMounts"] = [{"name": "host", "mountPath": "/host"}]
        found["spec"]["volumes"] = [{"name": "host", "hostPath": {"path": path}}]
        yield found


def node_attacks(facts: ClusterFacts, policies: PodPolicies, node: str, most: int, *, root: bool) -> list[Json]:
    """Pods that would run on that node, by naming it and through the scheduler; ``root``: and would own it."""
    target = placement_view(facts).nodes.get(node)
    if target is None:
        return []
    found: list[Json] = []
    for direct in (True, False):
        for pod in islice(_landing(policies, target, direct=direct), most):
            found += _rooted(pod)[: 3 if most > 1 else 1] if root else [_prepared(pod)]
    return found


def _landing(policies: PodPolicies, node: NodeFacts, *, direct: bool) -> Iterator[Json]:
    """Pods made to run on a node, with the labels, selectors and classes that the policies mention."""
    mentioned = {key: node.labels[key] for key in sorted(policies.strings) if key in node.labels}
    hostname = {key: value for key, value in node.labels.items() if key == "kubernetes.io/hostname"}
    selectors = [{**mentioned, **hostname}, dict(node.labels), *([{}] if direct else [])]
    for base in plain_pods(policies, classes=True):
        for selector in selectors:
            pod = deepcopy(base)
            pod["spec"]["tolerations"] = [{"operator": "Exists"}]
            pod["spec"]["nodeSelector"] = {**(pod["spec"].get("nodeSelector") or {}), **selector}
            if direct:
                pod["spec"]["nodeName"] = node.name
            yield pod


def _rooted(pod: Mapping[str, Any]) -> list[Json]:
    """A pod that owns its node in the three ways that guards tend to forget one of."""
    privileged, mounting, early = (_prepared(pod) for _ in range(3))
    privileged["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    mounting["spec"]["containers"][0]["volumeMounts"] = [{"name": "host", "mountPath": "/host"}]
    mounting["spec"]["volumes"] = [{"name": "host", "hostPath": {"path": "/"}}]
    first = deepcopy(early["spec"]["containers"][0])
    early["spec"]["initContainers"] = [{**first, "name": "init", "securityContext": {"privileged": True}}]
    return [privileged, mounting, early]


def class_attacks(policies: PodPolicies, priority_class: str, most: int) -> list[Json]:
    """Harmless pods of a PriorityClass."""
    found = [_prepared(pod) for pod in islice(plain_pods(policies, classes=False), most)]
    for pod in found:
        pod["spec"]["priorityClassName"] = priority_class
    return found


def secret_attacks(policies: PodPolicies, secret: str, most: int) -> list[Json]:
    """Harmless pods that mount a Secret."""
    found = [_prepared(pod) for pod in islice(plain_pods(policies, classes=False), most)]
    for pod in found:
        pod["spec"]["volumes"] = [{"name": "taken", "secret": {"secretName": secret}}]
        pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "taken", "mountPath": "/taken"}]
    return found


def binding_attack(subject: Subject) -> Json:
    """A RoleBinding by which a subject gives itself everything in a namespace."""
    named: Json = {"kind": subject.kind, "name": subject.name}
    if subject.kind == "ServiceAccount":
        named["namespace"] = subject.namespace
    else:
        named["apiGroup"] = "rbac.authorization.k8s.io"
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "attack"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ADMIN},
        "subjects": [named],
    }


def _prepared(pod: Mapping[str, Any]) -> Json:
    """A pod that any quota and the strictest Pod Security level would let in, if nothing else is changed."""
    found: Json = deepcopy(dict(pod))
    spec = found["spec"]
    spec.pop("priority", None)
    for container in spec["containers"]:
        container["resources"] = {"limits": dict(_RESOURCES), "requests": dict(_RESOURCES)}
        container["securityContext"] = deepcopy(dict(_HARMLESS))
    return found


def workload_of(resource: str, pod: Mapping[str, Any]) -> Json:
    """The workload whose controller would make such pods."""
    api, kind, _ = WORKLOADS[resource]
    labels = {**(pod["metadata"].get("labels") or {}), "ringfence.dev/asks": "true"}
    spec = deepcopy(dict(pod["spec"]))
    template: Json = {"metadata": {"labels": labels}, "spec": spec}
    if kind in ("Job", "CronJob"):
        spec["restartPolicy"] = "Never"
        body: Json = {"template": template}
        if kind == "CronJob":
            body = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": body}}
    else:
        spec["restartPolicy"] = "Always"
        body = {"selector": {"matchLabels": {"ringfence.dev/asks": "true"}}, "template": template}
        if kind == "StatefulSet":
            body["serviceName"] = "attack"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "attack"}, "spec": body}


def achieved(facts: ClusterFacts, aim: Aim, target: str, stored: Mapping[str, Any]) -> bool:
    """Whether an object as the API server would store it still does what the attack is for."""
    spec = stored.get("spec") or {}
    match aim:
        case Aim.ROOT_POD:
            return escape_of(spec) is not None
        case Aim.ROOT_ON_NODE:
            return escape_of(spec) is not None and _lands(facts, stored, target)
        case Aim.POD_ON_NODE:
            return _lands(facts, stored, target)
        case Aim.PRIORITY:
            return bool(spec.get("priorityClassName") == target)
        case Aim.SECRET_POD:
            return target in secrets_in(spec)
        case Aim.ROLE_BINDING:
            return bool((stored.get("roleRef") or {}).get("name") == target and stored.get("subjects"))


def _lands(facts: ClusterFacts, stored: Mapping[str, Any], node: str) -> bool:
    pod = {"apiVersion": "v1", "kind": "Pod", **stored}
    return land(pod, node, placement_view(facts)).truth is Truth.YES


def spread(facts: ClusterFacts, most: int) -> Iterator[str]:
    """One node of each kind, those with the most pods first: nodes of one pool are asked about once."""
    seen: set[str] = set()
    busiest = sorted(facts.nodes, key=lambda name: (-len(facts.pods_on.get(name, ())), name))
    for name in busiest:
        node = facts.nodes[name]
        labels = {
            key: value
            for key, value in (node["metadata"].get("labels") or {}).items()
            if "hostname" not in key and value != name
        }
        kind = repr((sorted(labels.items()), (node.get("spec") or {}).get("taints")))
        if kind not in seen:
            seen.add(kind)
            if len(seen) > most:
                return
            yield name
