"""What a deployment's chart is told: how many pods, how large, where, as whom.

The names are those that ``helm create`` scaffolds (nodeSelector, tolerations, affinity, resources, serviceAccount,
podLabels, priorityClassName), so that ordinary charts need no change. A chart that ignores them is refused by the
cluster's admission policy rather than placed somewhere else. A mutating policy was rejected: it became stable only
after the oldest Kubernetes that is supported, and what is in Git should be what runs.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ringfence.base.quantity import format_cpu, format_memory
from ringfence.landscape.model import Landscape, Resources
from ringfence.render.names import LANDSCAPE, OWNER, PART_OF, POOL, STAGE, cluster_wide, owner_label
from ringfence.render.tenancy import Tenant


@dataclass(frozen=True, slots=True)
class Share:
    """A deployment's requests spread over its pods: ``each`` is what one pod requests (and is limited to)."""

    replicas: int
    each: Resources


def share_of(landscape: Landscape, tenant: Tenant) -> Share:
    """As many pods as it takes for one to fit on a node, and two in production, so that one node may fail.

    What the deployment requests is the total (contract, section 4); it is divided evenly, rounded up to a thousandth
    of a core and to a MiB.
    """
    node = landscape.costs.node
    requests = tenant.deployment.requests
    replicas = 2 if tenant.stage.production else 1
    for asked, offered in ((requests.cpu, node.capacity.cpu), (requests.memory, node.capacity.memory)):
        if offered > 0 and node.fill > 0:
            replicas = max(replicas, math.ceil(asked / (offered * node.fill)))
    return Share(
        replicas, Resources(_up(requests.cpu / replicas, Fraction(1, 1000)), _up(requests.memory / replicas, _MI))
    )


def _up(value: Fraction, step: Fraction) -> Fraction:
    return math.ceil(value / step) * step


_MI = Fraction(1024**2)


def toleration(pool: str) -> Mapping[str, Any]:
    """The one taint that pods of a pool tolerate."""
    return {"key": POOL, "operator": "Equal", "value": pool, "effect": "NoSchedule"}


def values(landscape: Landscape, tenant: Tenant) -> Mapping[str, Any]:
    """The values that Ringfence gives to the chart of a deployment; they win over the chart's and the release's own."""
    share = share_of(landscape, tenant)
    size = {"cpu": format_cpu(share.each.cpu), "memory": format_memory(share.each.memory)}
    result: dict[str, Any] = {
        "nodeSelector": {POOL: tenant.placement.pool},
        "podLabels": {
            LANDSCAPE: landscape.name,
            OWNER: owner_label(tenant.name),
            PART_OF: landscape.name,
            STAGE: tenant.stage.name,
        },
        "priorityClassName": cluster_wide(landscape.name, tenant.stage.name),
        "replicaCount": share.replicas,
        "serviceAccount": {"automount": False, "create": False, "name": tenant.release},
        "serviceAccountName": tenant.release,
        "tolerations": [dict(toleration(tenant.placement.pool))],
    }
    if tenant.deployment.requests.cpu and tenant.deployment.requests.memory:
        result["resources"] = {"limits": size, "requests": dict(size)}
    return dict(sorted(result.items()))
