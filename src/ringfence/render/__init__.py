"""How each isolation level becomes Kubernetes objects. Pure: values in, values out.

``render`` makes ``Manifests`` of a Landscape and its Topology; ``files`` lays them out as each Environment's Git
repository.
"""

from ringfence.render.build import render
from ringfence.render.files import repository_files
from ringfence.render.manifests import (
    PLATFORM,
    ClusterManifests,
    DeploymentManifests,
    KubernetesObject,
    Manifests,
    NodePool,
    NodeTaint,
    Note,
    ObjectKey,
    Rendered,
    ServiceCredential,
    key_of,
)
from ringfence.render.tenancy import Options, Sources

__all__ = [
    "PLATFORM",
    "ClusterManifests",
    "DeploymentManifests",
    "KubernetesObject",
    "Manifests",
    "NodePool",
    "NodeTaint",
    "Note",
    "ObjectKey",
    "Options",
    "Rendered",
    "ServiceCredential",
    "Sources",
    "key_of",
    "render",
    "repository_files",
]
