"""Small clusters for tests of the proof: objects as Kubernetes writes them, and a proof of two deployments in them."""

from collections.abc import Iterable, Mapping
from typing import Any

from ringfence.landscape.model import Level
from ringfence.observe.collect import Collector
from ringfence.observe.hashing import HashingKey, key_from
from ringfence.prove.partition import (
    Assumptions,
    Declared,
    Partition,
    PartitionDeployment,
    PartitionEnvironment,
    People,
    PortRange,
    Promise,
    Where,
)
from ringfence.prove.proof import Dimension, PairProof, Proof, Verdict
from ringfence.prove.snapshot import ClusterSnapshot, snapshot_of
from ringfence.prove.verdicts.pairs import prove

Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
KEY = key_from(b"a key for tests that is long enough")
A, B = "shop/testing", "shop/production"
HERE, THERE = "shop-test", "shop"


def thing(api: str, kind: str, name: str, namespace: str = "", **body: Any) -> Object:
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    for key in ("labels", "annotations"):
        if key in body:
            metadata[key] = body.pop(key)
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


def space(name: str, enforce: str | None = "restricted", **labels: str) -> Object:
    marks = {"kubernetes.io/metadata.name": name, **labels}
    if enforce:
        marks["pod-security.kubernetes.io/enforce"] = enforce
    return thing("v1", "Namespace", name, labels=marks)


def node(name: str, version: str = "v1.36.1", taints: Iterable[Object] = (), **labels: str) -> Object:
    return thing(
        "v1",
        "Node",
        name,
        labels={"kubernetes.io/hostname": name, **{key.replace("__", "/"): value for key, value in labels.items()}},
        spec={"taints": list(taints)},
        status={
            "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}],
            "nodeInfo": {"kubeletVersion": version},
        },
    )


def pod(name: str, namespace: str, account: str = "default", on: str | None = "node-1", **spec: Any) -> Object:
    labels = spec.pop("labels", {"app": name})
    container: Object = {"name": "main", "image": "registry.example/app:1", **spec.pop("container", {})}
    body: Object = {"serviceAccountName": account, "containers": [container], **spec}
    if on:
        body["nodeName"] = on
    return thing("v1", "Pod", name, namespace, labels=labels, spec=body, status={"phase": "Running"})


def account(name: str, namespace: str, **more: Any) -> Object:
    return thing("v1", "ServiceAccount", name, namespace, **more)


def rule(verbs: str, resources: str, group: str = "", names: str = "") -> Object:
    found: Object = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return {**found, "resourceNames": names.split()} if names else found


def subject(who: str) -> Object:
    """``user:alice``, ``group:devs``, ``sa:namespace/name``."""
    kind, _, name = who.partition(":")
    if kind == "sa":
        namespace, _, short = name.partition("/")
        return {"kind": "ServiceAccount", "namespace": namespace, "name": short}
    return {"kind": {"user": "User", "group": "Group"}[kind], "apiGroup": RBAC, "name": name}


def grant(who: str, rules: list[Object], namespace: str = "", name: str = "given") -> list[Object]:
    """A role with these rules and a binding of it: of a namespace, or of the cluster."""
    scope = "" if namespace else "Cluster"
    return [
        thing(f"{RBAC}/v1", f"{scope}Role", name, namespace, rules=rules),
        thing(
            f"{RBAC}/v1",
            f"{scope}RoleBinding",
            name,
            namespace,
            subjects=[subject(who)],
            roleRef={"apiGroup": RBAC, "kind": f"{scope}Role", "name": name},
        ),
    ]


def secret(name: str, namespace: str, **values: str) -> Object:
    return thing("v1", "Secret", name, namespace, type="Opaque", stringData=values)


def deny_all(namespace: str) -> Object:
    return thing(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "default-deny",
        namespace,
        spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    )


def bounded(namespace: str) -> list[Object]:
    """Quota, limits and a gate for priorities: what soft performance asks for."""
    hard = {
        f"{side}.{name}": "4" if name == "cpu" else "8Gi"
        for side in ("requests", "limits")
        for name in ("cpu", "memory", "ephemeral-storage")
    }
    every = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}
    classes = [{"scopeName": "PriorityClass", "operator": "Exists"}]
    return [
        thing("v1", "ResourceQuota", "capacity", namespace, spec={"hard": {**hard, "pods": "50"}}),
        thing(
            "v1",
            "LimitRange",
            "containers",
            namespace,
            spec={"limits": [{"type": "Container", "default": every, "defaultRequest": every}]},
        ),
        thing(
            "v1",
            "ResourceQuota",
            "no-priorities",
            namespace,
            spec={"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": classes}},
        ),
    ]


def base() -> list[Object]:
    """Two deployments of one cluster that are apart at ``namespace``, and alice, who may do nothing."""
    return [
        space(HERE),
        space(THERE),
        node("node-1"),
        account("web", THERE),
        account("ci", HERE),
        pod("web", THERE, "web"),
        pod("ci", HERE, "ci"),
        secret("database", THERE, password="Zr8-kPq3vTx71LmWn05q"),
        deny_all(HERE),
        deny_all(THERE),
        *bounded(HERE),
        *bounded(THERE),
    ]


def cluster(objects: Iterable[Object], name: str = "prod", key: HashingKey = KEY) -> ClusterSnapshot:
    import copy

    collector = Collector(name, key)
    for item in objects:
        collector.add(copy.deepcopy(item), "test.yaml")
    return collector.finish()


def partition(level: str = "namespace", clusters: tuple[str, str] = ("prod", "prod"), **more: Any) -> Partition:
    facts: Mapping[str, Any] = more.pop("assume", {"cni": {"name": "calico"}})
    here = more.pop("here", Where(clusters[0], (HERE,)))
    there = more.pop("there", Where(clusters[1], (THERE,)))
    people = more.pop("people", People(users=("alice",)))
    ports = more.pop("declared", ())
    environments = tuple(PartitionEnvironment(*item) for item in more.pop("environments", ()))
    return Partition(
        (
            PartitionDeployment(A, "testing", (here,), people),
            PartitionDeployment(B, "production", (there,), more.pop("their_people", People(groups=("shop-admins",)))),
        ),
        (Promise((A, B), Level(level)),),
        tuple(Declared(A, B, (PortRange("TCP", port, port),)) for port in ports),
        Assumptions(facts),
        environments,
        **more,
    )


def proof(objects: Iterable[Object], without: frozenset[str] = frozenset(), **more: Any) -> Proof:
    return prove(partition(**more), snapshot_of([cluster(objects)]), without)


def attack(objects: Iterable[Object], without: frozenset[str] = frozenset(), **more: Any) -> PairProof:
    """What testing can do to production."""
    return proof(objects, without, **more).pair(A, B)


def verdict(dimension: str, objects: Iterable[Object], without: frozenset[str] = frozenset(), **more: Any) -> Verdict:
    return attack(objects, without, **more).dimensions[Dimension(dimension)]
