"""The only door to a Kubernetes API.

How it is used::

    from ringfence.kube import APPLICATIONS, PODS, Action, open_cluster

    cluster = open_cluster(kubeconfig, "production-1")
    cluster.list_raw(PODS, namespace="portal-production").items        # list of plain JSON objects
    cluster.apply(document, dry_run=True)                              # server-side apply, field manager `ringfence`
    cluster.impersonating("alice", ("portal-devs",)).get(SECRETS, "db", "portal-production")   # raises ForbiddenError
    cluster.access_review("alice", ("portal-devs",), Action("get", "", "secrets", "portal-production"))
    for event in cluster.watch(APPLICATIONS, "argocd", seconds=30, resource_version=listing.resource_version): ...

Errors are those of ``ringfence.base.errors`` and the three kinds of StateError below; none holds a secret.
"""

from ringfence.kube.access import Action, Decision
from ringfence.kube.cluster import FIELD_MANAGER, Cluster, Event, Listing
from ringfence.kube.connection import contexts, open_cluster
from ringfence.kube.errors import ExpiredError, NotFoundError, RefusedError
from ringfence.kube.resources import (
    APP_PROJECTS,
    APPLICATIONS,
    COMMON,
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    STATEFUL_SETS,
    Json,
    Resource,
)

__all__ = [
    "APPLICATIONS",
    "APP_PROJECTS",
    "COMMON",
    "CONFIG_MAPS",
    "DEPLOYMENTS",
    "EVENTS",
    "FIELD_MANAGER",
    "NAMESPACES",
    "NODES",
    "PODS",
    "SECRETS",
    "SERVICES",
    "SERVICE_ACCOUNTS",
    "STATEFUL_SETS",
    "Action",
    "Cluster",
    "Decision",
    "Event",
    "ExpiredError",
    "Json",
    "Listing",
    "NotFoundError",
    "RefusedError",
    "Resource",
    "contexts",
    "open_cluster",
]
