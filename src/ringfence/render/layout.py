"""Where things are in an Environment's Git repository.

One repository an Environment, since Environments share nothing::

    clusters/CLUSTER/NN-PART/NAMESPACE.yaml        what Ringfence applies to a cluster
    clusters/CLUSTER/node-pools.yaml               how the nodes must look, whoever provides them
    deployments/APPLICATION/STAGE/chart/...        the release that runs; promotion replaces it
    deployments/APPLICATION/STAGE/platform-values.yaml   what Ringfence tells the chart

``ringfence render FILE -o DIR`` writes each below ``DIR/environments/ENVIRONMENT/``.
"""

from collections.abc import Mapping
from typing import Any

from ringfence.render.manifests import ClusterManifests, KubernetesObject
from ringfence.render.tenancy import Tenant

# Admission comes before the namespaces that it guards: no pod can slip in between.
_PARTS: Mapping[str, str] = {
    "ValidatingAdmissionPolicy": "00-admission",
    "ValidatingAdmissionPolicyBinding": "00-admission",
    "PriorityClass": "10-priority",
    "Namespace": "20-namespaces",
    "ResourceQuota": "30-capacity",
    "LimitRange": "30-capacity",
    "NetworkPolicy": "40-network",
    "ServiceAccount": "50-access",
    "Role": "50-access",
    "RoleBinding": "50-access",
    "Service": "60-services",
    "StatefulSet": "60-services",
    "AppProject": "70-delivery",
    "Application": "70-delivery",
}
_WITHIN = {kind: index for index, kind in enumerate(_PARTS)}


def rank(document: KubernetesObject) -> tuple[int, str, str]:
    """Where an object comes in the order of applying: what others need first, then by namespace and name."""
    metadata = document["metadata"]
    return (_WITHIN.get(str(document["kind"]), 99), str(metadata.get("namespace", "")), str(metadata["name"]))


def deployment_path(tenant: Tenant) -> str:
    """The folder of a deployment in its Environment's repository."""
    return f"deployments/{tenant.name}"


def cluster_files(manifests: ClusterManifests) -> dict[str, bytes]:
    """The files of a cluster, by path in the repository; the text is the same for the same objects."""
    grouped: dict[str, list[KubernetesObject]] = {}
    for rendered in manifests.objects:
        document = rendered.document
        part = _PARTS.get(str(document["kind"]), "90-other")
        place = document["metadata"].get("namespace") or (
            document["metadata"]["name"] if document["kind"] == "Namespace" else "cluster"
        )
        grouped.setdefault(f"clusters/{manifests.cluster}/{part}/{place}.yaml", []).append(document)
    files = {path: yaml_documents(documents) for path, documents in grouped.items()}
    if manifests.pools:
        files[f"clusters/{manifests.cluster}/node-pools.yaml"] = yaml_documents([_node_pools(manifests)])
    return dict(sorted(files.items()))


def _node_pools(manifests: ClusterManifests) -> dict[str, Any]:
    return {
        "apiVersion": "ringfence.dev/v1",
        "kind": "NodePools",
        "metadata": {"name": manifests.cluster},
        "pools": [
            {
                "name": pool.name,
                "nodes": pool.nodes,
                "dedicatedTo": pool.dedicated_to,
                "capacity": {"cpu": pool.cpu, "memory": pool.memory},
                "labels": dict(pool.labels),
                "taints": [{"key": one.key, "value": one.value, "effect": one.effect} for one in pool.taints],
            }
            for pool in manifests.pools
        ],
    }


def yaml_documents(documents: list[KubernetesObject] | list[dict[str, Any]]) -> bytes:
    """Objects as YAML, several divided by ``---``; keys in the order given, no anchors, lines as long as they are."""
    import yaml

    class Plain(yaml.SafeDumper):
        """A dumper that repeats what occurs twice: anchors surprise people who read manifests."""

        def ignore_aliases(self, data: Any) -> bool:
            """Never an anchor."""
            return True

    texts = [
        yaml.dump(document, Dumper=Plain, sort_keys=False, allow_unicode=True, width=100_000) for document in documents
    ]
    return "---\n".join(texts).encode()
