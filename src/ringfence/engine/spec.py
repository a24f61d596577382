"""What the embedded engine is asked for: environments, their clusters and nodes, as plain values.

The engine knows nothing of Landscapes and Topologies: whoever has decided hands it these. Passing a Topology down was
rejected: the engine would import upwards and could not be used for a throw-away cluster in a test.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from ringfence.base.errors import InputError
from ringfence.base.quantity import parse_quantity

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?")
_TAKEN = ("argocd", "git")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


class Role(StrEnum):
    """What a cluster is for: the platform's own components, or applications."""

    MANAGEMENT = "management"
    WORKLOAD = "workload"


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint of a node, as Kubernetes has it."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node: its name, the pool it belongs to, its labels and taints, and what it offers (Kubernetes quantities).

    The labels are taken as they are; the engine adds ``kubernetes.io/hostname``, ``kubernetes.io/os`` and
    ``kubernetes.io/arch`` only. ``pool`` is written into the annotation ``ringfence.dev/pool`` for people.
    """

    name: str
    pool: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    cpu: str = "4"
    memory: str = "16Gi"
    pods: int = 110


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """One cluster; its name is unique within the landscape."""

    name: str
    role: Role
    nodes: tuple[NodeSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """One Environment: one management cluster at most, and workload clusters. Without a management cluster there is no
    Argo CD.
    """

    name: str
    clusters: tuple[ClusterSpec, ...]

    @property
    def management(self) -> ClusterSpec | None:
        """The management cluster, or None."""
        return next((cluster for cluster in self.clusters if cluster.role is Role.MANAGEMENT), None)


def check(landscape: str, environments: Sequence[EnvironmentSpec]) -> None:
    """Raise InputError unless names are unique DNS labels of at most 53 characters, and quantities are quantities."""
    _check_name("landscape", landscape)
    seen: set[str] = set()
    for environment in environments:
        _check_name("environment", environment.name)
        if sum(cluster.role is Role.MANAGEMENT for cluster in environment.clusters) > 1:
            raise InputError(f"environment {environment.name}: it has more than one management cluster; one is right")
        for cluster in environment.clusters:
            _check_name("cluster", cluster.name)
            if cluster.name in _TAKEN:
                raise InputError(f"cluster {cluster.name}: the name is the engine's own; choose another")
            if cluster.name in seen:
                raise InputError(f"cluster {cluster.name}: the name is used twice; give each cluster its own")
            seen.add(cluster.name)
            _check_nodes(cluster)
    if len({environment.name for environment in environments}) != len(environments):
        raise InputError("two environments have the same name; give each its own")


def _check_nodes(cluster: ClusterSpec) -> None:
    names: set[str] = set()
    for node in cluster.nodes:
        _check_name("node", node.name)
        if node.name in names:
            raise InputError(f"cluster {cluster.name}: node {node.name} is there twice; give each node its own name")
        names.add(node.name)
        for quantity in (node.cpu, node.memory):
            try:
                parse_quantity(quantity)
            except ValueError as error:
                raise InputError(f"cluster {cluster.name}: node {node.name}: {error}") from error
        for taint in node.taints:
            if taint.effect not in _EFFECTS:
                raise InputError(
                    f"cluster {cluster.name}: node {node.name}: taint {taint.key}: {taint.effect!r} is no effect;"
                    f" right are {', '.join(_EFFECTS)}"
                )


def _check_name(kind: str, name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise InputError(
            f"{kind} {name!r}: not a name Kubernetes takes: lower-case letters, digits and '-', at most 53 characters,"
            " a letter or digit at both ends"
        )


def node_document(node: NodeSpec) -> dict[str, Any]:
    """The node as the cluster program reads it from its ``cluster.json``."""
    document = asdict(node)
    document["labels"] = dict(sorted(node.labels.items()))
    return document
