"""An ordered Environment as Cluster API's Clusters with a ClusterClass topology, and such Clusters read back.

Pure. Source: the types of ``cluster.x-k8s.io/v1beta2``. Address ranges are left to the ClusterClass: two Environments
share no network, so the same ranges in both are no connection. Each pool is a machine deployment, labelled and tainted
as ``render`` expects its nodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.base.quantity import parse_quantity
from ringfence.decide.topology import ClusterRole
from ringfence.order.request import Capacity, ClusterSize, Delivered, PoolSize, Request
from ringfence.render.names import POOL

API_VERSION = "cluster.x-k8s.io/v1beta2"
_LANDSCAPE = "ringfence.dev/landscape"
_ENVIRONMENT = "ringfence.dev/environment"
_DESIGNATION = "ringfence.dev/designation"
_ROLE = "ringfence.dev/role"
_ORDER = "ringfence.dev/order"
_CPU, _MEMORY = "ringfence.dev/node-cpu", "ringfence.dev/node-memory"


@dataclass(frozen=True, slots=True)
class ClassChoice:
    """Which ClusterClass, which of its worker classes, which Kubernetes, how many control-plane machines."""

    cluster_class: str
    worker_class: str
    kubernetes: str
    namespace: str = "default"
    control_plane: int = 3
    region_variable: str = "region"


def clusters(
    landscape: str, identifier: str, request: Request, choice: ClassChoice, node: Capacity
) -> tuple[dict[str, Any], ...]:
    """The Cluster objects of an order; ``node`` is what one node offers, written down for reading back."""
    return tuple(_cluster(landscape, identifier, request, cluster, choice, node) for cluster in request.clusters)


def _cluster(
    landscape: str, identifier: str, request: Request, cluster: ClusterSize, choice: ClassChoice, node: Capacity
) -> dict[str, Any]:
    version = cluster.kubernetes or choice.kubernetes
    topology: dict[str, Any] = {
        "classRef": {"name": choice.cluster_class},
        "version": version if version.startswith("v") else f"v{version}",
        "controlPlane": {"replicas": choice.control_plane},
    }
    if cluster.pools:
        topology["workers"] = {"machineDeployments": [_pool(pool, choice) for pool in cluster.pools]}
    if request.regions:
        topology["variables"] = [{"name": choice.region_variable, "value": request.regions[0]}]
    return {
        "apiVersion": API_VERSION,
        "kind": "Cluster",
        "metadata": {
            "name": cluster.name,
            "namespace": choice.namespace,
            "labels": {
                _LANDSCAPE: landscape,
                _ENVIRONMENT: request.environment,
                _DESIGNATION: request.designation.value,
                _ROLE: cluster.role.value,
                _ORDER: identifier,
            },
            "annotations": {_CPU: str(node.cpu), _MEMORY: str(node.memory)},
        },
        "spec": {"topology": topology},
    }


def _pool(pool: PoolSize, choice: ClassChoice) -> dict[str, Any]:
    return {
        "class": choice.worker_class,
        "name": pool.name,
        "replicas": pool.nodes,
        "metadata": {"labels": {POOL: pool.name}},
        "taints": [{"key": POOL, "value": pool.name, "effect": "NoSchedule", "propagation": "Always"}],
    }


def read_back(request: Request, objects: Sequence[Mapping[str, Any]]) -> Delivered | None:
    """What Cluster API says that there is; None while a Cluster is missing or not available yet."""
    ours = [one for one in objects if one["metadata"].get("labels", {}).get(_ENVIRONMENT) == request.environment]
    if len(ours) < len(request.clusters) or not all(_available(one) for one in ours):
        return None
    designations = {one["metadata"]["labels"].get(_DESIGNATION) for one in ours}
    sizes = tuple(_size(one) for one in ours)
    cpu = sum((_capacity_of(one, _CPU) for one in ours), start=parse_quantity("0"))
    memory = sum((_capacity_of(one, _MEMORY) for one in ours), start=parse_quantity("0"))
    regions = {_region(one) for one in ours}
    return Delivered(
        environment=request.environment,
        designation=request.designation if designations == {request.designation.value} else None,
        region=regions.pop() if len(regions) == 1 else None,
        capacity=Capacity(cpu, memory),
        clusters=sizes,
        users=None,
    )


def _available(cluster: Mapping[str, Any]) -> bool:
    conditions = (cluster.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Available" and one.get("status") == "True" for one in conditions)


def _size(cluster: Mapping[str, Any]) -> ClusterSize:
    topology = cluster["spec"].get("topology") or {}
    deployments = (topology.get("workers") or {}).get("machineDeployments") or ()
    return ClusterSize(
        name=cluster["metadata"]["name"],
        role=ClusterRole(cluster["metadata"]["labels"].get(_ROLE, ClusterRole.WORKLOAD.value)),
        pools=tuple(PoolSize(one["name"], int(one.get("replicas", 0))) for one in deployments),
        kubernetes=str(topology.get("version", "")).removeprefix("v") or None,
    )


def _capacity_of(cluster: Mapping[str, Any], annotation: str) -> Any:
    one = parse_quantity(cluster["metadata"].get("annotations", {}).get(annotation, "0"))
    # Only workers that are available count: what is asked for is not yet there.
    return one * int(((cluster.get("status") or {}).get("workers") or {}).get("availableReplicas", 0))


def _region(cluster: Mapping[str, Any]) -> str | None:
    for variable in (cluster["spec"].get("topology") or {}).get("variables") or ():
        if variable.get("name") == "region":
            return str(variable.get("value"))
    return None
