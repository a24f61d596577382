"""A namespace and what bounds it: Pod Security, quota, default limits, accounts without tokens, priority.

Sources: Kubernetes documentation, "Pod Security Standards" (profile restricted), "Resource Quotas" (scope
PriorityClass), "Limit Ranges", "Pod Priority and Preemption".
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ringfence.base.quantity import format_cpu, format_memory
from ringfence.landscape.model import Landscape, Resources, Stage
from ringfence.render.manifests import PLATFORM, Rendered
from ringfence.render.names import STAGE, cluster_wide, labels
from ringfence.render.tenancy import Tenancy, Tenant
from ringfence.render.workload import Share, share_of

POD_SECURITY_VERSION = "v1.33"
"""The oldest release that is supported: ``latest`` would change what is admitted at an upgrade of the cluster."""

_PODS_A_DEPLOYMENT = 30
_PRODUCTION_PRIORITY = 1000
_EPHEMERAL_LIMIT = "1Gi"
_DEFAULT_LIMIT = Resources(Fraction(1, 4), Fraction(256 * 1024**2))
_OBJECT_COUNTS = {
    "count/configmaps": "100",
    "count/cronjobs.batch": "20",
    "count/jobs.batch": "50",
    "count/secrets": "100",
    "count/services": "50",
    "persistentvolumeclaims": "20",
    "services.loadbalancers": "0",
    "services.nodeports": "0",
}


def namespace(landscape: Landscape, tenancy: Tenancy) -> Rendered:
    """The namespace, with the Pod Security profile ``restricted`` enforced, audited and warned about."""
    security = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("audit", "enforce", "warn")
        for suffix, value in (("", "restricted"), ("-version", POD_SECURITY_VERSION))
    }
    return Rendered(
        tenancy.owner,
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": tenancy.namespace,
                "labels": {
                    **labels(landscape.name, tenancy.owner, "namespace", name=tenancy.namespace),
                    STAGE: tenancy.stage.name,
                    **security,
                },
            },
        },
    )


def priority_name(landscape: Landscape, stage: Stage) -> str:
    """The PriorityClass of a stage."""
    return cluster_wide(landscape.name, stage.name)


def priority_class(landscape: Landscape, stage: Stage, here: Sequence[Tenancy]) -> Rendered:
    """The stage's PriorityClass on a cluster with these namespaces; no class preempts: who comes late waits.

    A priority is a way in which one deployment starves another: who stands higher is scheduled first and evicted last.
    So deployments that share nodes get equal values, and no lower stage outranks a higher one. Production stands above
    the rest where it has nodes of its own: there it starves nobody, and nothing without a class is before it. Values
    stay above -10, below which the cluster autoscaler takes pods for expendable and adds no nodes for them.
    """
    production = {tenant.placement.pool for one in here for tenant in one.tenants if tenant.stage.production}
    others = {tenant.placement.pool for one in here for tenant in one.tenants if not tenant.stage.production}
    value = _PRODUCTION_PRIORITY if stage.production and not production & others else 0
    return Rendered(
        PLATFORM,
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {
                "name": priority_name(landscape, stage),
                "labels": {**labels(landscape.name, PLATFORM, "priority"), STAGE: stage.name},
            },
            "value": value,
            "globalDefault": False,
            "preemptionPolicy": "Never",
            "description": f"Pods of the stage {stage.name} of {landscape.name}; never preempts.",
        },
    )


def quotas(landscape: Landscape, tenancy: Tenancy) -> tuple[Rendered, ...]:
    """What the namespace may use at most, and that it may use no priority but its stages'.

    Room: twice what the deployments request, so that a new version can start beside the old one, plus the services.
    A second quota counts pods of every other PriorityClass and lets in none (scope PriorityClass, NotIn also matches
    pods without a class).
    """
    total = _room(landscape, tenancy)
    pods = _PODS_A_DEPLOYMENT * len(tenancy.tenants)
    hard = {
        "limits.cpu": format_cpu(total.cpu),
        "limits.ephemeral-storage": f"{pods * 2}Gi",
        "limits.memory": format_memory(total.memory),
        "pods": str(pods),
        "requests.cpu": format_cpu(total.cpu),
        "requests.ephemeral-storage": f"{pods * 2}Gi",
        "requests.memory": format_memory(total.memory),
        **_OBJECT_COUNTS,
    }
    classes = sorted({priority_name(landscape, tenant.stage) for tenant in tenancy.tenants})
    others = {
        "hard": {"pods": "0"},
        "scopeSelector": {"matchExpressions": [{"operator": "NotIn", "scopeName": "PriorityClass", "values": classes}]},
    }
    return (
        _namespaced(landscape, tenancy, "v1", "ResourceQuota", "capacity", {"hard": hard}),
        _namespaced(landscape, tenancy, "v1", "ResourceQuota", "other-priorities", others),
    )


def limit_range(landscape: Landscape, tenancy: Tenancy) -> Rendered:
    """Requests and limits for containers that name none, and the most that one may ask.

    Disk is limited but not requested: a Landscape says nothing of the nodes' disks.
    """
    largest = _largest(landscape, tenancy)
    limits = {
        "type": "Container",
        "default": {
            "cpu": format_cpu(_DEFAULT_LIMIT.cpu),
            "memory": format_memory(_DEFAULT_LIMIT.memory),
            "ephemeral-storage": _EPHEMERAL_LIMIT,
        },
        "defaultRequest": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "0"},
        "max": {
            "cpu": format_cpu(largest.cpu),
            "memory": format_memory(largest.memory),
            "ephemeral-storage": "2Gi",
        },
    }
    return _namespaced(landscape, tenancy, "v1", "LimitRange", "containers", {"limits": [limits]})


def accounts(landscape: Landscape, tenancy: Tenancy) -> tuple[Rendered, ...]:
    """The namespace's ``default`` account and one for each deployment, none with a token in its pods."""
    documents = [(tenancy.owner, "default")] + [(tenant.name, tenant.release) for tenant in tenancy.tenants]
    return tuple(
        Rendered(
            owner,
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {
                    "name": name,
                    "namespace": tenancy.namespace,
                    "labels": dict(labels(landscape.name, owner, "account")),
                },
                "automountServiceAccountToken": False,
            },
        )
        for owner, name in documents
    )


def _namespaced(
    landscape: Landscape, tenancy: Tenancy, version: str, kind: str, name: str, spec: Mapping[str, Any]
) -> Rendered:
    return Rendered(
        tenancy.owner,
        {
            "apiVersion": version,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": tenancy.namespace,
                "labels": dict(labels(landscape.name, tenancy.owner, "capacity")),
            },
            "spec": dict(spec),
        },
    )


def _shares(landscape: Landscape, tenant: Tenant) -> tuple[Share, tuple[Resources, ...]]:
    services = tuple(landscape.services[name].requests for name in tenant.services if name in landscape.services)
    return share_of(landscape, tenant), services


def _at_least_default(requests: Resources) -> Resources:
    """What a pod may come to use: its requests, or the default limit where that is more (a side-car may have none)."""
    return Resources(max(requests.cpu, _DEFAULT_LIMIT.cpu), max(requests.memory, _DEFAULT_LIMIT.memory))


def _room(landscape: Landscape, tenancy: Tenancy) -> Resources:
    total = Resources()
    for tenant in tenancy.tenants:
        share, services = _shares(landscape, tenant)
        for _ in range(2 * share.replicas):
            total += _at_least_default(share.each)
        for requests in services:
            total += _at_least_default(requests)
    return total


def _largest(landscape: Landscape, tenancy: Tenancy) -> Resources:
    candidates: list[Resources] = []
    for tenant in tenancy.tenants:
        share, services = _shares(landscape, tenant)
        candidates += [_at_least_default(one) for one in (share.each, *services)]
    return Resources(max(one.cpu for one in candidates), max(one.memory for one in candidates))
