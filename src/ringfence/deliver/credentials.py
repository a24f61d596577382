"""Passwords of service instances: made once, in the cluster, and never anywhere else.

``create`` and not ``apply``: whoever comes second, a second run or a second writer, must not change a password that
something already uses. Sealed Secrets and external stores were rejected for the embedded default: they are components
more, and where a platform has one, its Secret is there first and is kept.
"""

import secrets
from collections.abc import Mapping, Sequence

from ringfence.base.errors import ConflictError
from ringfence.deliver.changes import Action, Change, ChangeSet
from ringfence.kube import SECRETS, Cluster
from ringfence.render import DeploymentManifests, ObjectKey, ServiceCredential

_BYTES = 32


def missing(cluster: Cluster, where: str, deployments: Sequence[DeploymentManifests], new: bool) -> ChangeSet:
    """The Secrets that are not there yet, as creations. ``new``: nothing can be there, so nothing is asked."""
    changes = [
        Change(where, ObjectKey("", "Secret", one.namespace, one.name), deployment.deployment, Action.CREATE)
        for deployment in deployments
        for one in deployment.credentials
        if new or not _is_there(cluster, one)
    ]
    return ChangeSet(tuple(changes))


def _is_there(cluster: Cluster, credential: ServiceCredential) -> bool:
    return cluster.get(SECRETS, credential.name, credential.namespace) is not None


def create(cluster: Cluster, deployments: Sequence[DeploymentManifests], changes: ChangeSet) -> None:
    """Make the Secrets that ``missing`` found. Nothing returns or logs a value."""
    wanted = {change.key for change in changes.changes}
    for deployment in deployments:
        for one in deployment.credentials:
            if ObjectKey("", "Secret", one.namespace, one.name) in wanted:
                _create(cluster, one)


def _create(cluster: Cluster, credential: ServiceCredential) -> None:
    values: Mapping[str, str] = {
        **credential.literals,
        **{key: secrets.token_urlsafe(_BYTES) for key in credential.generated},
    }
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": credential.name,
            "namespace": credential.namespace,
            "labels": dict(credential.labels),
        },
        "type": "Opaque",
        "stringData": values,
    }
    try:
        cluster.create(document)
    except ConflictError as error:
        if error.reason != "AlreadyExists":
            raise
