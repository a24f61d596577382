"""What somebody can do, as one small value: the nodes of the graph that a proof searches."""

from enum import StrEnum
from typing import NamedTuple

EVERYWHERE = "*"


class Can(StrEnum):
    """The kinds of capability. ``namespace`` and ``name`` of a Capability mean what is said here; ``*`` is all."""

    ACT_AS = "act as"  # detail: User, Group or ServiceAccount
    POWER = "power"  # name: the power; detail: object names it is limited to, joined by commas
    CREATE_PODS = "create pods"  # namespace
    CREATE_ROOT_PODS = "create pods that own their node"  # namespace
    INSIDE_POD = "inside pod"  # namespace, name; detail: the kind of its object
    ON_NODE = "root on node"  # name
    KUBELET = "identity of a node's kubelet"  # name
    CREATE_HOST_PODS = "create pods on the node's network"  # namespace
    WRITE_CUSTOM = "write custom resources"  # namespace; name: ``plural.group``
    READ_SECRET = "read secret"  # namespace, name  # noqa: S105 - a kind of capability
    NAMESPACE_ADMIN = "anything in namespace"  # namespace
    CLUSTER_ADMIN = "anything in cluster"
    RELABEL = "relabel namespace"  # namespace
    TOUCH = "touch"  # namespace, name: the resource; detail: verb
    USE_VOLUME = "use volume"  # name: the PersistentVolume
    DELIVER = "decide what is deployed"  # namespace, name, detail: the kind of the delivery tool's object
    CAPTURE = "claim external addresses"  # namespace


class Capability(NamedTuple):
    """One capability in one cluster."""

    can: Can
    cluster: str
    namespace: str = ""
    name: str = ""
    detail: str = ""


def acts_as(cluster: str, kind: str, namespace: str, name: str) -> Capability:
    """The capability to act as a user, group or ServiceAccount."""
    return Capability(Can.ACT_AS, cluster, namespace, name, kind)


def inside(cluster: str, kind: str, namespace: str, name: str) -> Capability:
    """The capability to run code inside a pod, or inside the pods of a workload."""
    return Capability(Can.INSIDE_POD, cluster, namespace, name, kind)
