"""The repository of each Environment as files, from its Manifests."""

from ringfence.render.layout import cluster_files
from ringfence.render.manifests import Manifests

_README = """\
# {environment}

What runs in the Environment `{environment}` of the landscape `{landscape}`.
Ringfence writes this repository; Argo CD reads it.

- `clusters/` holds the objects that Ringfence applies itself: boundaries, access, delivery.
- `deployments/` holds what Argo CD applies: for each deployment its release and what the platform tells it.
"""


def platform_files(manifests: Manifests, environment: str) -> dict[str, bytes]:
    """The files of an Environment's repository that every apply writes, by path."""
    text = _README.format(environment=environment, landscape=manifests.landscape)
    files = {"README.md": text.encode()}
    for cluster in manifests.clusters:
        if cluster.environment == environment:
            files.update(cluster_files(cluster))
    for deployment in manifests.deployments:
        if deployment.environment == environment:
            files.update(deployment.platform_files)
    return dict(sorted(files.items()))


def repository_files(manifests: Manifests, environment: str) -> dict[str, bytes]:
    """All files of an Environment's repository as they are before any promotion, by path."""
    files = platform_files(manifests, environment)
    for deployment in manifests.deployments:
        if deployment.environment == environment:
            files.update(deployment.initial_files)
    return dict(sorted(files.items()))
