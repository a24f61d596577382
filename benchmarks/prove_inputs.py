"""Clusters of any size for benchmarks of the proof: namespaces with pods, policies, accounts and bindings.

Objects have the fields that every API server adds (defaults, identifiers, times, a status): decoding them is what the
proof is held against, and bare ones would flatter nobody but a smaller file.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ringfence.landscape.model import Level
from ringfence.prove.partition import Assumptions, Partition, PartitionDeployment, People, Promise, Where

Json = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
BOTH = ["Ingress", "Egress"]
_LIMITS: Json = {"resources": {side: {"cpu": "100m", "memory": "128Mi"} for side in ("limits", "requests")}}
_CONDITIONS = [
    {"type": kind, "status": "True", "lastTransitionTime": "2026-11-23T05:00:00Z", "reason": "", "message": ""}
    for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
]
_SPEC: Json = {
    "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "priority": 0,
    "schedulerName": "default-scheduler", "enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority",
    "serviceAccountName": "default", "serviceAccount": "default", "securityContext": {},
    "tolerations": [
        {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for what in ("not-ready", "unreachable")
    ],
}  # fmt: skip
"""What an API server fills in where a pod says nothing."""
_CONTAINER: Json = {
    "imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}  # fmt: skip
_DIGEST = "registry.example/app@sha256:" + "0" * 64
_serial = itertools.count(1)
OWN: list[Json] = [{"podSelector": {}}]
ANYBODY: list[Json] = [{"namespaceSelector": {}}]


@dataclass(frozen=True)
class Size:
    """How much of everything there is in each of the namespaces. The deployments share ``owned`` of them evenly (0:
    all), the others are somebody else's. ``classes``: pods of a namespace that policies tell apart. ``open_ports``:
    namespaces take one port from anybody and ask another of anybody, so that policies of two deployments meet in
    addresses and in no port. ``usual_roles``: teams hold the cluster's own roles edit and view, as most do, and not two
    small ones of their own."""

    namespaces: int
    pods: int = 4
    classes: int = 4
    policies: int = 3
    bindings: int = 2
    deployments: int = 2
    owned: int = 0
    open_ports: bool = False
    usual_roles: bool = False

    @property
    def shown(self) -> str:
        """For people."""
        each = self.namespaces
        return (
            f"{each:,} namespaces, {each * self.pods:,} pods, {each * self.policies:,} policies, "
            f"{each * self.bindings:,} bindings, {self.deployments} deployments"
            f"{f' of {self.owned:,} of them' if self.owned else ''}"
        )


def thing(api: str, kind: str, name: str, namespace: str = "", **body: Any) -> Json:
    """One object."""
    serial = next(_serial)
    metadata: Json = {
        "name": name,
        "uid": f"00000000-0000-4000-8000-{serial:012d}",
        "resourceVersion": str(serial),
        "creationTimestamp": "2026-11-23T05:00:00Z",
    }
    if namespace:
        metadata["namespace"] = namespace
    labels = body.pop("labels", None)
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


def objects(size: Size) -> Iterator[Json]:
    """The objects of one cluster."""
    for number in range(50):
        status = {"nodeInfo": {"kubeletVersion": "v1.36.1"}}
        yield thing("v1", "Node", f"n{number}", labels={"pool": f"p{number % 5}"}, status=status)
    for space in range(size.namespaces):
        yield from namespace(size, space)


def namespace(size: Size, number: int) -> Iterator[Json]:
    """One namespace and what is in it. Its pods talk to each other and to nobody else."""
    name = f"ns{number}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "team": f"t{number % 100}"}
    yield thing("v1", "Namespace", name, labels=labels)
    for each in range(size.pods):
        yield _pod(size, name, number, each)
    for each in range(size.policies):
        yield thing("networking.k8s.io/v1", "NetworkPolicy", f"policy{each}", name, spec=_policy(size, each))
    for each in range(size.bindings):
        ours = not size.owned or number < size.owned
        team = f"team-{number % size.deployments}" if ours else f"others-{number % 100}"
        yield from _binding(name, each, team, usual=size.usual_roles)


def with_neighbours(size: Size) -> Iterator[Json]:
    """As ``objects``, but pods of one class may ask the first class of every second namespace of their team."""
    for item in objects(size):
        if item["kind"] != "NetworkPolicy" or item["metadata"]["name"] == "policy0":
            yield item
            continue
        number = int(item["metadata"]["namespace"].removeprefix("ns"))
        if item["metadata"]["name"] == "policy1":
            yield {**item, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": ANYBODY}]}}
        elif number % 2:
            team: Json = {"namespaceSelector": {"matchLabels": {"team": f"t{(number + 1) % 100}"}}}
            peers = [{**team, "podSelector": {"matchLabels": {"app": "app1"}}}, *OWN]
            rule = {"from": peers, "ports": [{"port": "http"}]}
            one = {"matchLabels": {"app": "app0"}}
            yield {**item, "spec": {"podSelector": one, "policyTypes": ["Ingress"], "ingress": [rule]}}


def _pod(size: Size, namespace: str, number: int, each: int) -> Json:
    labels = {"app": f"app{each % size.classes}", "pod-template-hash": f"h{number}-{each}"}
    container: Json = {"name": "c", "image": "registry.example/app:1", "ports": [{"containerPort": 80, "name": "http"}]}
    container |= _CONTAINER | {
        "env": [{"name": f"SETTING_{place}", "value": f"value {place}"} for place in range(6)],
        **_LIMITS,
    }
    node = f"n{(number + each) % 50}"
    spec = {"nodeName": node, "containers": [container], "automountServiceAccountToken": False, **_SPEC}
    address = f"10.{number // 250 % 250}.{number % 250}.{each % 250}"
    host = f"192.0.2.{(number + each) % 50}"
    running = {"state": {"running": {"startedAt": "2026-11-23T05:00:00Z"}}, "lastState": {}, "restartCount": 0}
    container_status = {"name": "c", "ready": True, "started": True, "image": container["image"], "imageID": _DIGEST,
                        "containerID": "containerd://" + "0" * 64, **running}  # fmt: skip
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": _CONDITIONS,
              "hostIP": host, "hostIPs": [{"ip": host}], "startTime": "2026-11-23T05:00:00Z",
              "qosClass": "Guaranteed", "containerStatuses": [container_status]}  # fmt: skip
    return thing("v1", "Pod", f"p{each}", namespace, labels=labels, spec=spec, status=status)


def _policy(size: Size, each: int) -> Json:
    """Nothing is let through, then what stays in the namespace, then one port of one class after the other."""
    if each == 0:
        return {"podSelector": {}, "policyTypes": BOTH}
    if each == 1:
        ingress, egress = [{"from": OWN}], [{"to": OWN}]
        if size.open_ports:
            ingress.append({"from": ANYBODY, "ports": [{"port": 8080}]})
            egress.append({"to": ANYBODY, "ports": [{"port": 53, "protocol": "UDP"}]})
        return {"podSelector": {}, "policyTypes": BOTH, "ingress": ingress, "egress": egress}
    one = {"matchLabels": {"app": f"app{each % size.classes}"}}
    peers = [{"podSelector": {"matchLabels": {"app": f"app{(each + 1) % size.classes}"}}}]
    return {"podSelector": one, "policyTypes": ["Ingress"], "ingress": [{"from": peers, "ports": [{"port": "http"}]}]}


def _binding(namespace: str, number: int, team: str, *, usual: bool) -> Iterator[Json]:
    """Teams make pods in their namespaces, as teams do, and read what is there."""
    kind, role = ("ClusterRole", "view" if number % 2 else "edit") if usual else ("Role", f"r{number}")
    verbs, resources = (["get", "list"], ["pods", "services"]) if number % 2 else (["create", "delete"], ["pods"])
    rules = [{"apiGroups": [""], "resources": resources, "verbs": verbs}]
    yield thing("v1", "ServiceAccount", f"a{number}", namespace)
    if not usual:
        yield thing(f"{RBAC}/v1", "Role", role, namespace, rules=rules)
    subjects = [
        {"kind": "ServiceAccount", "name": f"a{number}", "namespace": namespace},
        {"kind": "Group", "apiGroup": RBAC, "name": team},
    ]
    reference = {"apiGroup": RBAC, "kind": kind, "name": role}
    yield thing(f"{RBAC}/v1", "RoleBinding", f"b{number}", namespace, roleRef=reference, subjects=subjects)


def partition(size: Size) -> Partition:
    """The namespaces dealt out to the deployments; the first is promised to be apart from each other one."""
    count = size.deployments
    parts = tuple(
        PartitionDeployment(
            f"app/{number}",
            None,
            (Where("prod", tuple(f"ns{space}" for space in range(number, size.owned or size.namespaces, count))),),
            People(groups=(f"team-{number}",)),
        )
        for number in range(count)
    )
    promises = tuple(Promise((parts[0].name, part.name), Level.NAMESPACE) for part in parts[1:])
    return Partition(parts, promises, assume=Assumptions({"cni": {"name": "calico"}}))
