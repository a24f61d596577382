"""A first Partition from what is there: every namespace that runs something, its stage guessed from its name."""

import re

import yaml

from ringfence.base.errors import UsageError
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
)
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

        clusters.append(read_live(name, context, new_key(), kubeconfig=request.kubeconfig))
    if not clusters:
        raise UsageError("no cluster is given", hint="ringfence prove --init --snapshot NAME=PATH > partition.yaml")
    deployments = [
        _deployment(facts, namespace, several=len(clusters) > 1)
        for facts in (cluster_facts(cluster, Assumptions()) for cluster in clusters)
        for namespace in facts.every_namespace()
        if not _PLATFORM.fullmatch(namespace)
    ]
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
    ) + text


def _deployment(facts: ClusterFacts, namespace: str, *, several: bool) -> dict[str, object]:
    stage = _stage(namespace, facts)
    name = f"{facts.name}/{namespace}" if several else namespace
    found: dict[str, object] = {"name": name}
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
