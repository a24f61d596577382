"""Small makers of Kubernetes objects for these tests, as decoded JSON."""

from typing import Any

from ringfence.prove.network.build import build_world
from ringfence.prove.network.cni import assumed
from ringfence.prove.network.world import World

Json = dict[str, Any]


def namespace(name: str, **labels: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(place: str, ip: str = "", node: str = "n1", labels: dict[str, str] | None = None, **spec: Any) -> Json:
    space, name = place.split("/")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": space, "name": name, "labels": labels or {"pod": name}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "ports": ports()}], **spec},
        "status": {"podIP": ip} if ip else {},
    }


def ports() -> list[Json]:
    return [
        {"containerPort": number, "protocol": protocol, "name": f"serve-{number}-{protocol.lower()}"}
        for number in (80, 81)
        for protocol in ("TCP", "UDP", "SCTP")
    ]


def node(name: str, *addresses: str, labels: dict[str, str] | None = None) -> Json:
    listed = [{"type": "InternalIP", "address": address} for address in addresses]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels or {}},
        "status": {"addresses": listed},
    }


def policy(space: str, spec: Json, name: str = "policy") -> Json:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": space, "name": name},
        "spec": spec,
    }


def admin(kind: str, name: str, spec: Json) -> Json:
    version = "v1alpha2" if kind == "ClusterNetworkPolicy" else "v1alpha1"
    return {
        "apiVersion": f"policy.networking.k8s.io/{version}",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def world(*objects: Json, proof: bool = False, **assume: Any) -> World:
    return build_world(objects, assumed({"cni": assume}, default_enforced=not proof))


def triple() -> list[Json]:
    """Namespaces x, y and z with pods a, b and c each, all on different nodes, as in Kubernetes' own tests."""
    made = [namespace(name, ns=name) for name in "xyz"]
    for row, space in enumerate("xyz"):
        for column, name in enumerate("abc"):
            made.append(pod(f"{space}/{name}", f"10.0.{row}.{column + 1}", node=f"{space}{name}"))
    return made
