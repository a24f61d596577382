"""Which secret material, cloud identities and remote secrets are a deployment's."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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


def remote_secrets(owned: Territory, facts: ClusterFacts) -> Iterator[Identity]:
    """The entries of external stores that a deployment's ExternalSecrets read."""
    stores = _stores(facts)
    for document in facts.snapshot.of(kinds.EXTERNAL_SECRET):
        metadata = document["metadata"]
        namespace = metadata["namespace"]
        if not owned.owns(facts.name, namespace, metadata.get("labels") or {}):
            continue
        spec = document.get("spec") or {}
        reference = spec.get("secretStoreRef") or {}
        kind = reference.get("kind") or "SecretStore"
        name = reference.get("name") or ""
        place = namespace if kind == "SecretStore" else ""
        provider = stores.get((kind, place, name), f"{facts.name}/{kind}/{place}/{name}")
        for key in _remote_keys(spec):
            yield Identity(
                f"{provider}\0{key}", f"entry {key} of the external store", object_name(facts.name, document)
            )


def _remote_keys(spec: Mapping[str, Any]) -> Iterator[str]:
    for item in spec.get("data") or ():
        reference = item.get("remoteRef") or {}
        if reference.get("key"):
            yield str(reference["key"])
    for item in spec.get("dataFrom") or ():
        key = (item.get("extract") or {}).get("key")
        if key:
            yield str(key)


def _stores(facts: ClusterFacts) -> dict[tuple[str, str, str], str]:
    """What a store is, apart from how it is logged in to: two objects with the same provider are one store."""
    found = {}
    for kind in (kinds.SECRET_STORE, kinds.CLUSTER_SECRET_STORE):
        for document in facts.snapshot.of(kind):
            metadata = document["metadata"]
            provider = (document.get("spec") or {}).get("provider") or {}
            found[kind.kind, metadata.get("namespace") or "", metadata["name"]] = provider_key(provider)
    return found


def provider_key(provider: Mapping[str, Any]) -> str:
    """A store's identity: its provider without the authentication block."""
    plain = {
        name: {key: value for key, value in body.items() if key != "auth"} if isinstance(body, dict) else body
        for name, body in provider.items()
    }
    return json.dumps(plain, sort_keys=True, default=str)
