"""A first Partition from what is there: every namespace that runs something, its stage guessed from its name."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from ringfence.base.errors import StateError, UsageError
from ringfence.base.text import printable
from ringfence.flows.prove import ProveRequest, read_files
from ringfence.observe.hashing import new_key
from ringfence.prove import kinds
from ringfence.prove.facts.cluster import ClusterFacts, cluster_facts
from ringfence.prove.kinds import Object
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
    clusters = _clusters(request)
    if not clusters:
        raise UsageError("no cluster is given", hint="ringfence prove --init --snapshot NAME=PATH > partition.yaml")
    facts = [cluster_facts(cluster, Assumptions()) for cluster in clusters]
    deployments = [one for each in facts for one in _deployments(each, several=len(clusters) > 1)]
    _name_bare_ones(deployments)
    gaps = list(_gaps(clusters))
    if not deployments:
        raise StateError(
            "nothing to divide was seen: no namespace but the platform's own"
            + (f"; not seen: {'; '.join(gaps[:3])}" if gaps else ""),
            reason="NothingSeen",
            hint="write the Partition by hand (docs/reference/partition.md), or use rights that list namespaces",
        )
    notes = [f"{line}\n" for cluster in clusters for line in _plugins(cluster)]
    notes += [f"taken for the platform's own: {', '.join(some)}\n" for some in _several(facts)]
    notes += [f"not seen, so there may be more: {gap}\n" for gap in gaps]
    return _page(deployments, notes)


def _clusters(request: ProveRequest) -> list[ClusterSnapshot]:
    key = new_key()
    found = read_files(request, key)
    for name, context in request.contexts.items():
        from ringfence.observe.live import read_live

        spaces = _own_namespace(context, request)
        found.append(read_live(name, context, key, kubeconfig=request.kubeconfig, namespaces=spaces))
    return found


def _page(deployments: list[dict[str, Any]], notes: list[str]) -> str:
    """The Partition, with what there is to say about it above."""
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
        + "".join(f"# {note}" for note in notes)
        + text
    )


def _name_bare_ones(deployments: list[dict[str, Any]]) -> None:
    """``shop`` beside ``shop-test`` is most likely what customers use."""
    staged = {item["name"] for item in deployments if "stage" in item}
    heads = {name[: divider.start()] for name in staged for divider in re.finditer(r"[-._]", name)}
    for place, item in enumerate(deployments):
        name = item["name"]
        if name not in staged and name in heads:
            deployments[place] = {"name": name, "stage": "production", **item}


def _several(clusters: list[ClusterFacts]) -> Iterator[list[str]]:
    """Namespaces that a name alone made the platform's, those of every cluster aside; a few at a time."""
    every = dict.fromkeys(name for facts in clusters for name in facts.every_namespace())
    left = [printable(name) for name in every if _PLATFORM.fullmatch(name) and not re.match("kube-|default$", name)]
    yield from (left[start : start + 6] for start in range(0, len(left), 6))


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


def _deployments(facts: ClusterFacts, *, several: bool) -> Iterator[dict[str, Any]]:
    """One for each namespace that is not the platform's; ``several``: there are other clusters too."""
    bindings: dict[str, list[Object]] = defaultdict(list)
    for document in facts.snapshot.of(kinds.ROLE_BINDING):
        bindings[document["metadata"]["namespace"]].append(document)
    for namespace in facts.every_namespace():
        if not _PLATFORM.fullmatch(namespace):
            name = f"{facts.name}/{namespace}" if several else namespace
            yield {"name": name, **_deployment(facts, namespace, bindings[namespace])}


def _deployment(facts: ClusterFacts, namespace: str, bindings: Iterable[Object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    stage = _stage(namespace, facts)
    if stage is not None:
        found["stage"] = stage
    found["where"] = [{"cluster": facts.name, "namespaces": [namespace]}]
    people = _people(bindings)
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


def _people(bindings: Iterable[Object]) -> dict[str, list[str]]:
    """The users and groups that RoleBindings name, but for Kubernetes' own."""
    users: dict[str, None] = {}
    groups: dict[str, None] = {}
    for document in bindings:
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
