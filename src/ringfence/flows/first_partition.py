"""A first Partition from what is there: every namespace that runs something, its stage guessed from its name."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from ringfence.base.errors import StateError, UsageError
from ringfence.base.text import printable
from ringfence.flows.prove import ProveRequest
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import new_key
from ringfence.prove import kinds
from ringfence.prove.facts.cluster import ClusterFacts, cluster_facts
from ringfence.prove.partition import Assumptions
from ringfence.prove.snapshot import ClusterSnapshot

_PLATFORM = re.compile(
    r"kube-.*|openshift.*|default|argocd|flux-system|cert-manager|ingress-nginx|monitoring|istio-system|gatekeeper-system"
    r"|kyverno|external-secrets|velero|calico-.*|cilium.*|tigera-.*|gke-.*|gmp-.*|aks-.*|amazon-.*|local-path-storage"
    r"|cattle-.*|fleet-.*|metallb-system|longhorn-system|rook-ceph|karpenter|linkerd.*|istio-.*|knative-.*|traefik"
    r"|tekton-.*|crossplane-system|kubernetes-dashboard|prometheus|sealed-secrets|gpu-operator|config-management-system"
)
_PLUGINS = {
    "calico-node": "calico",
    "canal": "calico",
    "cilium": "cilium",
    "anetd": "cilium",
    "aws-node": "aws",
    "azure-npm": "azure",
    "antrea-agent": "antrea",
    "ovnkube-node": "ovn-kubernetes",
    "kube-ovn-cni": "kube-ovn",
    "kube-router": "kube-router",
    "weave-net": "weave",
    "kube-flannel-ds": "flannel",
    "kindnet": "kindnet",
    "kube-network-policies": "kube-network-policies",
}
_STAGES = {
    "production": ("production", "prod", "live"),
    "staging": ("staging", "stage", "preprod", "uat"),
    "testing": ("testing", "test", "qa", "tst"),
    "integration": ("integration", "int"),
    "development": ("development", "develop", "dev"),
}


def first_partition(request: ProveRequest) -> str:
    """YAML text of a Partition to be corrected by hand. Raises UsageError when no cluster is given."""
    clusters: list[ClusterSnapshot] = [read_snapshot(name, path, new_key()) for name, path in request.snapshots.items()]
    for name, context in request.contexts.items():
        from ringfence.observe.live import read_live

        spaces = _own_namespace(context, request)
        clusters.append(read_live(name, context, new_key(), kubeconfig=request.kubeconfig, namespaces=spaces))
    if not clusters:
        raise UsageError("no cluster is given", hint="ringfence prove --init --snapshot NAME=PATH > partition.yaml")
    deployments = [
        _deployment(facts, namespace, several=len(clusters) > 1)
        for facts in (cluster_facts(cluster, Assumptions()) for cluster in clusters)
        for namespace in facts.every_namespace()
        if not _PLATFORM.fullmatch(namespace)
    ]
    _name_bare_ones(deployments)
    gaps = list(_gaps(clusters))
    left = [space for cluster in clusters for space in _left_out(cluster)]
    if not deployments:
        raise StateError(
            "nothing to divide was seen: no namespace but the platform's own"
            + (f"; not seen: {'; '.join(gaps[:3])}" if gaps else ""),
            reason="NothingSeen",
            hint="write the Partition by hand (docs/reference/partition.md), or use rights that list namespaces",
        )
    production = [item["name"] for item in deployments if item.get("stage") == "production"]
    others = [item["name"] for item in deployments if item.get("stage") != "production"]
    promises = [{"between": [one, other], "level": "namespace"} for one in others for other in production]
    spec = {"deployments": deployments, "promises": promises, "declared": [], "assume": {}}
    text = yaml.safe_dump(
        {"apiVersion": "ringfence.dev/v1", "kind": "Partition", "spec": spec}, sort_keys=False, allow_unicode=True
    )
    return (
        "# A first Partition, guessed from names: correct the stages, people and promises, then\n"
        "#   ringfence prove --partition THIS --snapshot NAME=PATH\n"
        "# assume: {cni: {name: calico}} names your network plugin; without it every behaviour of one counts.\n"
        + "".join(f"# {line}\n" for cluster in clusters for line in _plugins(cluster))
        + "".join(f"# taken for the platform's own: {', '.join(some)}\n" for some in _several(left))
        + "".join(f"# not seen, so there may be more: {gap}\n" for gap in gaps)
        + text
    )


def _name_bare_ones(deployments: list[dict[str, Any]]) -> None:
    """``shop`` beside ``shop-test`` is most likely what customers use."""
    staged = {item["name"] for item in deployments if "stage" in item}
    for item in deployments:
        name = item["name"]
        if name not in staged and any(other.startswith((f"{name}-", f"{name}.", f"{name}_")) for other in staged):
            # Where people look for it: after the name.
            item.update({"name": name, "stage": "production", **{key: item.pop(key) for key in list(item)[1:]}})


def _left_out(cluster: ClusterSnapshot) -> list[str]:
    """Namespaces that a name alone made the platform's, those of every cluster aside."""
    names = cluster_facts(cluster, Assumptions()).every_namespace()
    return [printable(name) for name in names if _PLATFORM.fullmatch(name) and not re.match("kube-|default$", name)]


def _several(names: list[str]) -> Iterator[list[str]]:
    names = list(dict.fromkeys(names))
    yield from (names[start : start + 6] for start in range(0, len(names), 6))


def _own_namespace(context: str, request: ProveRequest) -> tuple[str, ...]:
    """The namespace that a context is set to: all that there is to ask of one without rights on the whole cluster."""
    from ringfence.kube import open_cluster

    with open_cluster(request.kubeconfig, context) as cluster:
        return (cluster.namespace,) if cluster.namespace else ()


def _gaps(clusters: list[ClusterSnapshot]) -> Iterator[str]:
    """What could not be listed of what the guess rests on."""
    for cluster in clusters:
        for resource in ("namespaces", "pods", "rolebindings"):
            for marker in cluster.unseen(resource):
                yield printable(f"{cluster.name}: {marker}")


def _plugins(cluster: ClusterSnapshot) -> Iterator[str]:
    """The network plugins that run there. Which of them enforces policies is not in any object: it is only said."""
    for document in cluster.of(kinds.DAEMON_SET):
        name = document["metadata"]["name"]
        plugin = _PLUGINS.get(name)
        if plugin is not None:
            place = document["metadata"]["namespace"]
            yield printable(
                f"seen in {cluster.name}: DaemonSet {place}/{name}; if it enforces: cni: {{name: {plugin}}}"
            )


def _deployment(facts: ClusterFacts, namespace: str, *, several: bool) -> dict[str, Any]:
    stage = _stage(namespace, facts)
    name = f"{facts.name}/{namespace}" if several else namespace
    found: dict[str, Any] = {"name": name}
    if stage is not None:
        found["stage"] = stage
    found["where"] = [{"cluster": facts.name, "namespaces": [namespace]}]
    people = _people(facts, namespace)
    if people:
        found["people"] = [people]
    return found


def _stage(namespace: str, facts: ClusterFacts) -> str | None:
    words = set(re.split(r"[-_.]", namespace))
    labels = facts.namespaces.get(namespace) or {}
    words |= {value for key, value in labels.items() if key.rsplit("/", 1)[-1] in ("stage", "environment", "env")}
    for stage, names in _STAGES.items():
        if words & set(names):
            return stage
    return None


def _people(facts: ClusterFacts, namespace: str) -> dict[str, list[str]]:
    users: dict[str, None] = {}
    groups: dict[str, None] = {}
    for document in facts.snapshot.of(kinds.ROLE_BINDING):
        if document["metadata"]["namespace"] != namespace:
            continue
        for subject in document.get("subjects") or ():
            if subject["name"].startswith("system:"):
                continue
            if subject["kind"] == "User":
                users[subject["name"]] = None
            elif subject["kind"] == "Group":
                groups[subject["name"]] = None
    found = {}
    if users:
        found["users"] = list(users)
    if groups:
        found["groups"] = list(groups)
    return found
