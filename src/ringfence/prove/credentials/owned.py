"""Which secret material, cloud identities and remote secrets are a deployment's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ringfence.prove import kinds
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.kinds import Kind, Object, ObjectName, object_name
from ringfence.prove.snapshot import Material

CLOUD_ANNOTATIONS = (
    "eks.amazonaws.com/role-arn",
    "iam.amazonaws.com/role",
    "iam.gke.io/gcp-service-account",
    "azure.workload.identity/client-id",
)
_KINDS = {kind.kind: kind for kind in (kinds.SECRET, kinds.CONFIG_MAP)}


@dataclass(frozen=True, slots=True)
class Identity:
    """Something that stands for one credential outside the cluster, and the object that names it."""

    value: str
    what: str
    owner: ObjectName


def materials_of(owned: Territory, facts: ClusterFacts) -> Iterator[Material]:
    """The secret material in a deployment's objects of one cluster."""
    whole = owned.whole(facts.name)
    pods = {(pod.name.kind, pod.namespace, pod.name.name) for pod in owned.pods(facts.name)}
    mounted = _mounted(owned, facts.name)
    partial = owned.namespaces(facts.name) - whole
    labels = _labels(facts) if partial else {}
    for material in facts.snapshot.materials:
        owner = material.owner
        key = (owner.kind, owner.namespace, owner.name)
        own = owner.namespace in whole or key in pods or key in mounted
        if not own and owner.namespace in partial and key in labels:
            own = owned.owns(facts.name, owner.namespace, labels[key])
        if own:
            yield material


def _mounted(owned: Territory, cluster: str) -> set[tuple[str, str, str]]:

    found = set()
    for pod in owned.pods(cluster):
        found |= {("Secret", pod.namespace, name) for name in pod.contents.secrets}
        found |= {("ConfigMap", pod.namespace, name) for name in pod.contents.config_maps}
        pulls = pod.spec.get("imagePullSecrets") or ()
        found |= {("Secret", pod.namespace, str(item.get("name"))) for item in pulls}
    return found


def _labels(facts: ClusterFacts) -> dict[tuple[str, str, str], Mapping[str, str]]:
    return {
        (name, item["metadata"]["namespace"], item["metadata"]["name"]): item["metadata"].get("labels") or {}
        for name, kind in _KINDS.items()
        for item in facts.snapshot.of(kind)
    }


def cloud_identities(owned: Territory, facts: ClusterFacts) -> Iterator[Identity]:
    """The cloud identities of a deployment's ServiceAccounts and pods."""
    accounts, pods = (_with_identity(facts, kind) for kind in (kinds.SERVICE_ACCOUNT, kinds.POD))
    if not accounts and not pods:
        return
    used = {(pod.namespace, pod.account) for pod in owned.pods(facts.name)}
    whole = owned.whole(facts.name)
    for document in accounts:
        metadata = document["metadata"]
        place = (metadata["namespace"], metadata["name"])
        labels = metadata.get("labels") or {}
        if place[0] in whole or place in used or owned.owns(facts.name, place[0], labels):
            yield from _annotated(facts, document)
    for document in pods:
        metadata = document["metadata"]
        if owned.own_pod(facts.name, "Pod", metadata["namespace"], metadata["name"]):
            yield from _annotated(facts, document)


def _with_identity(facts: ClusterFacts, kind: Kind) -> tuple[Object, ...]:
    """The objects of a kind that stand for a cloud identity; they are few, and the same for every deployment."""

    def found() -> tuple[Object, ...]:
        return tuple(document for document in facts.snapshot.of(kind) if _names_identity(document["metadata"]))

    return facts.memory.once(("cloud identities", facts.name, kind), found)


def _names_identity(metadata: Object) -> bool:
    annotations = metadata.get("annotations")
    return annotations is not None and any(annotations.get(key) for key in CLOUD_ANNOTATIONS)


def _annotated(facts: ClusterFacts, document: Object) -> Iterator[Identity]:
    annotations = document["metadata"].get("annotations") or {}
    for key in CLOUD_ANNOTATIONS:
        if annotations.get(key):
            yield Identity(f"{key}={annotations[key]}", "cloud identity", object_name(facts.name, document))


_GKE_NODE = "iam.gke.io/gke-metadata-server-enabled"
GKE_ACCOUNT = "iam.gke.io/gcp-service-account"


def pool_identities(owned: Territory, facts: ClusterFacts) -> Iterator[Identity]:
    """The identities of a deployment's ServiceAccounts in the workload identity pool of their GKE project: clusters of
    one project share the pool, and it knows accounts by namespace and name alone."""
    project = facts.memory.once(("workload pool", facts.name), lambda: _pool_project(facts))
    if project is None:
        return
    places = {(pod.namespace, pod.account) for pod in owned.pods(facts.name)}
    for namespace in owned.whole(facts.name):
        places |= {(namespace, account) for account in facts.accounts_in.get(namespace, ())}
    for namespace, account in sorted(places):
        name = ObjectName(facts.name, "ServiceAccount", namespace, account)
        document = facts.document(kinds.SERVICE_ACCOUNT, namespace, account) or {}
        bound = ((document.get("metadata") or {}).get("annotations") or {}).get(GKE_ACCOUNT)
        yield Identity(f"{project}.svc.id.goog[{namespace}/{account}]", str(bound or ""), name)


def _pool_project(facts: ClusterFacts) -> str | None:
    """The Google Cloud project whose pool a cluster's workloads are in, None where nodes show none."""
    for node in facts.nodes.values():
        provider = str((node.get("spec") or {}).get("providerID") or "")
        if provider.startswith("gce://") and (node["metadata"].get("labels") or {}).get(_GKE_NODE) == "true":
            return provider.removeprefix("gce://").partition("/")[0]
    return None
