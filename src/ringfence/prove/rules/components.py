"""What follows from standing where others' requests pass: webhooks, exposed controllers, services, secret stores."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.admission.webhooks import selected
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.credentials.stores import usable
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import PodFacts
from ringfence.prove.facts.volumes import nodes_of_volume, root_volumes
from ringfence.prove.kinds import Object, ObjectName, object_name
from ringfence.prove.rbac.index import Subject
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import in_place, object_step, via

_WEBHOOKS = "kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers"


@rule(
    "admission/served-by-own-pods",
    "A webhook or API that one's own pods serve is sent what it asks for: Secrets too, and it may alter them.",
    source=_WEBHOOKS,
    on=(Can.INSIDE_POD, Can.CREATE_PODS, Can.POWER),
    powers=(Power.WRITE_SERVICES, Power.WRITE_ENDPOINTS),
)
def served(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Webhooks whose Service is in the namespace: who makes pods there can also be behind it. Who only points the
    Service elsewhere still needs a certificate that the API server trusts: in doubt."""
    facts = world.clusters[capability.cluster]
    if capability.can is Can.POWER:
        if capability.name in (Power.WRITE_SERVICES.value, Power.WRITE_ENDPOINTS.value):
            yield from _redirected(facts, capability)
        return
    for kind in (kinds.VALIDATING_WEBHOOK, kinds.MUTATING_WEBHOOK):
        for document in facts.snapshot.of(kind):
            for hook in document.get("webhooks") or ():
                service = (hook.get("clientConfig") or {}).get("service") or {}
                if not service or not _behind(facts, capability, service["namespace"], service["name"]):
                    continue
                yield from _sent(facts, document, hook, mutating=kind == kinds.MUTATING_WEBHOOK)


def _redirected(facts: ClusterFacts, capability: Capability) -> Iterator[Derivation]:
    for kind in (kinds.VALIDATING_WEBHOOK, kinds.MUTATING_WEBHOOK):
        for document in facts.snapshot.of(kind):
            for hook in document.get("webhooks") or ():
                service = (hook.get("clientConfig") or {}).get("service") or {}
                if service and capability.namespace in (EVERYWHERE, service["namespace"]):
                    doubt = f"whose certificate the webhook {hook['name']} is called with when it is sent elsewhere"
                    for derivation in _sent(facts, document, hook, mutating=kind == kinds.MUTATING_WEBHOOK):
                        yield replace(derivation, doubt=doubt)


def _behind(facts: ClusterFacts, capability: Capability, namespace: str, name: str) -> bool:
    if capability.can is Can.CREATE_PODS:
        return capability.namespace in (EVERYWHERE, namespace)
    if capability.namespace != namespace:
        return False
    service = facts.document(kinds.SERVICE, namespace, name)
    if service is None:
        return True
    selector = (service.get("spec") or {}).get("selector") or {}
    pod = facts.pod_named.get((capability.detail, namespace, capability.name))
    return pod is not None and all(pod.labels.get(key) == value for key, value in selector.items())


_MAKERS_OF_PODS = frozenset(
    {"pods", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs", "replicationcontrollers",
     "roles", "rolebindings", "secrets"}
)  # fmt: skip
_ABOVE = frozenset(
    {"clusterroles", "clusterrolebindings", "nodes", "namespaces", "persistentvolumes", "apiservices",
     "customresourcedefinitions", "priorityclasses", "storageclasses"}
)  # fmt: skip


def _sent(facts: ClusterFacts, document: Object, hook: Mapping[str, Any], *, mutating: bool) -> Iterator[Derivation]:
    """What a webhook is asked about it reads, and, where it is a mutating one, writes. Conditions on objects leave it
    in doubt which ones those are."""
    name = object_name(facts.name, document)
    doubt = None
    if hook.get("objectSelector") or hook.get("matchConditions"):
        doubt = f"which objects the webhook {hook['name']} is asked about"
    for rules in hook.get("rules") or ():
        words = {str(item).partition("/")[0] for item in rules.get("resources") or ()}
        groups = rules.get("apiGroups") or ()
        secrets = ("*" in groups or "" in groups) and bool(words & {"*", "secrets"})
        if mutating and words & {"*", *_ABOVE} and rules.get("scope") != "Namespaced":
            text = f"the webhook {hook['name']} alters what is created for the whole cluster"
            unsure = doubt or f"what comes of altering {', '.join(sorted(words))} of the whole cluster"
            gives = Capability(Can.CLUSTER_ADMIN, facts.name)
            yield Derivation(gives, "admission/served-by-own-pods", object_step(text, name), unsure)
        if rules.get("scope") == "Cluster" or words <= _ABOVE:
            continue
        for namespace in facts.every_namespace():
            if not selected(facts, hook.get("namespaceSelector"), namespace):
                continue
            yield from _sent_of(facts, hook, name, namespace, words, doubt, secrets=secrets, mutating=mutating)


def _sent_of(
    facts: ClusterFacts,
    hook: Mapping[str, Any],
    name: ObjectName,
    namespace: str,
    words: set[str],
    doubt: str | None,
    *,
    secrets: bool,
    mutating: bool,
) -> Iterator[Derivation]:
    shown = ", ".join(sorted(words)) if "*" not in words else "objects"
    if secrets:
        gives = Capability(Can.READ_SECRET, facts.name, namespace, EVERYWHERE)
        text = f"the webhook {hook['name']} is sent the Secrets of {namespace}"
        yield Derivation(gives, "admission/served-by-own-pods", object_step(text, name), doubt)
    if mutating and words & {"*", *_MAKERS_OF_PODS}:
        gives = Capability(Can.NAMESPACE_ADMIN, facts.name, namespace)
        text = f"the webhook {hook['name']} alters what is created in {namespace}"
        yield Derivation(gives, "admission/served-by-own-pods", object_step(text, name), doubt)
    elif not secrets:
        gives = Capability(Can.TOUCH, facts.name, namespace, f"{'change' if mutating else 'read'} {shown}")
        text = f"the webhook {hook['name']} is sent the {shown} of {namespace}"
        yield Derivation(gives, "admission/served-by-own-pods", object_step(text, name), doubt)


@rule(
    "apiserver/served-by-own-pods",
    "An API, or a conversion of custom resources, that one's own pods serve is sent the requests of others.",
    source="kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation; .../custom-resources",
    on=(Can.INSIDE_POD, Can.CREATE_PODS),
)
def served_apis(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """What those requests hold, and who acts on the answers, is in no snapshot."""
    facts = world.clusters[capability.cluster]
    for document in facts.memory.once(("served APIs", facts.name), lambda: _served_apis(facts)):
        service = _object(_object(document.get("spec")).get("service"))
        yield from _answers(facts, capability, document, service, "answers what is asked of its API")
    for document in facts.snapshot.of(kinds.CUSTOM_RESOURCE_DEFINITION):
        conversion = _object(_object(document.get("spec")).get("conversion"))
        config = _object(_object(conversion.get("webhook")).get("clientConfig"))
        if conversion.get("strategy") == "Webhook":
            yield from _answers(facts, capability, document, _object(config.get("service")), "converts its resources")


def _served_apis(facts: ClusterFacts) -> list[Object]:
    """The APIServices that something in the cluster serves."""
    return [item for item in facts.snapshot.of(kinds.API_SERVICE) if _object(_object(item.get("spec")).get("service"))]


def _answers(
    facts: ClusterFacts, capability: Capability, document: Object, service: Mapping[str, Any], what: str
) -> Iterator[Derivation]:
    namespace, name = str(service.get("namespace") or ""), str(service.get("name") or "")
    if not namespace or not _behind(facts, capability, namespace, name):
        return
    shown = object_name(facts.name, document)
    yield Derivation(
        Capability(Can.CLUSTER_ADMIN, facts.name),
        "apiserver/served-by-own-pods",
        object_step(f"Service {namespace}/{name} {what}", shown),
        f"who acts on what {shown.kind} {shown.name} answers, which Service {namespace}/{name} serves",
    )


def _object(raw: object) -> Mapping[str, Any]:
    return raw if isinstance(raw, Mapping) else {}


_INGRESS_NGINX = re.compile(r"ingress-nginx/controller[^:]*:v?(\d+)\.(\d+)\.(\d+)")
_FIXED = ((1, 11, 5), (1, 12, 1))


def exposed_controllers(facts: ClusterFacts) -> Iterator[tuple[PodFacts, str | None]]:
    """Pods of ingress-nginx whose admission webhook runs code of whoever reaches it; the doubt when no version shows.

    Source: CVE-2025-1974 (kubernetes#131009), fixed in 1.11.5 and 1.12.1.
    """
    for pod in facts.pods:
        for container in pod.spec.get("containers") or ():
            image = container.get("image") or ""
            words = [*(container.get("command") or ()), *(container.get("args") or ())]
            if "ingress-nginx" not in image and "nginx-ingress-controller" not in image:
                continue
            if words and not any(word.startswith("--validating-webhook") for word in words):
                continue
            match = _INGRESS_NGINX.search(image)
            if match is None:
                yield pod, f"the version of {pod.shown} (CVE-2025-1974)"
                continue
            version = tuple(int(part) for part in match.groups())
            fixed = version >= _FIXED[1] or _FIXED[0] <= version < (1, 12, 0)
            if not fixed:
                yield pod, None


@rule(
    "services/external-addresses",
    "Who writes Services claims any external address, unless admission refuses externalIPs.",
    source="CVE-2020-8554 (kubernetes#97076, unfixed by design)",
    on=(Can.POWER,),
    powers=(Power.WRITE_SERVICES,),
)
def external_addresses(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The admission plugin DenyServiceExternalIPs closes it; where flags are not seen it is in doubt."""
    facts = world.clusters[capability.cluster]
    said = frozenset[str]() if facts.flags.seen else world.partition.assume.admission
    if "DenyServiceExternalIPs" in facts.flags.admission_enabled | said:
        return
    text = f"whether {facts.name} refuses Services with externalIPs (DenyServiceExternalIPs; assume.admission)"
    doubt = None if facts.flags.seen else text
    text = f"a Service {in_place(capability.namespace)} may claim any external address"
    gives = Capability(Can.CAPTURE, facts.name, capability.namespace)
    yield Derivation(gives, "services/external-addresses", via(state, capability, text), doubt)


@rule(
    "pods/names",
    "Whoever is inside the cluster's DNS answers what others look up, and so decides whom they connect to.",
    source="kubernetes.io/docs/concepts/services-networking/dns-pod-service",
    on=(Can.INSIDE_POD,),
)
def names(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Who looks names up, and what holds against a false answer, no snapshot shows: in doubt."""
    facts = world.clusters[capability.cluster]
    pod = facts.pod_named.get((capability.detail, capability.namespace, capability.name))
    if pod is None or not _answers_names(pod):
        return
    doubt = f"whether others trust the names that {pod.shown} answers for"
    gives = Capability(Can.CAPTURE, facts.name, pod.namespace)
    yield Derivation(gives, "pods/names", object_step(f"{pod.shown} answers what others look up", pod.name), doubt)


def _answers_names(pod: PodFacts) -> bool:
    """Whether a pod is the cluster's DNS: CoreDNS and its caches by the labels of kubeadm, OpenShift's by its own."""
    app = pod.labels.get("k8s-app") in ("kube-dns", "coredns", "node-local-dns")
    return (app and pod.namespace == "kube-system") or "dns.operator.openshift.io/daemonset-dns" in pod.labels


@rule(
    "external-secrets/store",
    "Who writes ExternalSecrets reads every entry of the stores that the namespace may use.",
    source="external-secrets.io API, ClusterSecretStore conditions",
    on=(Can.POWER, Can.RELABEL),
    powers=(Power.WRITE_EXTERNAL_SECRETS,),
)
def external_store(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Every ExternalSecret of the same cluster-wide store: its value is one remote key away. A store that is a cluster
    gives the Secrets of the namespace that it reads."""
    facts = world.clusters[capability.cluster]
    stores = facts.snapshot.of(kinds.CLUSTER_SECRET_STORE)
    writers = [capability]
    if capability.can is Can.RELABEL:
        named = None if capability.namespace == EVERYWHERE else capability.namespace
        writers = list(state.powers(facts.name, Power.WRITE_EXTERNAL_SECRETS.value, named))
    for writer in writers if stores else ():
        spaces = facts.every_namespace() if writer.namespace == EVERYWHERE else (writer.namespace,)
        for store in stores:
            for derivation in _through_store(world, facts, store, spaces, writer, state):
                if capability == writer or capability in derivation.others:
                    others = tuple({*derivation.others, writer} - {capability})
                    yield replace(derivation, others=others)


def _through_store(
    world: RuleWorld, facts: ClusterFacts, store: Object, spaces: Iterable[str], writer: Capability, state: State
) -> Iterator[Derivation]:
    """What a store gives to whoever writes ExternalSecrets in one of some namespaces."""
    plain = next((space for space in spaces if usable(facts, store, space)), None)
    others: tuple[Capability, ...] = ()
    if plain is None:
        relabels = (Capability(Can.RELABEL, facts.name, place) for space in spaces for place in (space, EVERYWHERE))
        found = (item for item in relabels if state.has(item))
        others = tuple(item for item in islice(found, 1) if usable(facts, store, writer.namespace, relabelled=True))
        if not others:
            return
    name = ObjectName(facts.name, "ClusterSecretStore", "", store["metadata"]["name"])
    for document in _read_through(facts).get(name.name, ()):
        metadata = document["metadata"]
        text = f"ClusterSecretStore {name.name} gives the values of ExternalSecret "
        shown = object_step(text + f"{metadata['namespace']}/{metadata['name']}", name)
        gives = Capability(Can.READ_SECRET, facts.name, metadata["namespace"], EVERYWHERE)
        yield Derivation(gives, "external-secrets/store", shown, None, others)
    cluster = ((store.get("spec") or {}).get("provider") or {}).get("kubernetes")
    if isinstance(cluster, Mapping):
        yield from _of_cluster(world, facts, cluster, name, others)


def _of_cluster(
    world: RuleWorld, facts: ClusterFacts, provider: Mapping[str, Any], name: ObjectName, others: tuple[Capability, ...]
) -> Iterator[Derivation]:
    """What a store gives that is a namespace of a cluster."""
    server = str((provider.get("server") or {}).get("url") or "kubernetes.default")
    place = str(provider.get("remoteNamespace") or "default")
    here = server.removeprefix("https://").startswith("kubernetes.default")
    shown = object_step(f"ClusterSecretStore {name.name} gives the Secrets of {place}", name)
    for other in world.clusters.values():
        if here and other is not facts:
            continue
        doubt = None if here else f"whether {server} is the cluster {other.name}"
        gives = Capability(Can.READ_SECRET, other.name, place, EVERYWHERE)
        yield Derivation(gives, "external-secrets/store", shown, doubt, others)


def _read_through(facts: ClusterFacts) -> Mapping[str, list[Object]]:
    """The ExternalSecrets of every cluster-wide store, by its name."""

    def found() -> dict[str, list[Object]]:
        listed: dict[str, list[Object]] = {}
        for document in facts.snapshot.of(kinds.EXTERNAL_SECRET):
            reference = (document.get("spec") or {}).get("secretStoreRef") or {}
            if reference.get("kind") == "ClusterSecretStore":
                listed.setdefault(str(reference.get("name")), []).append(document)
        return listed

    return facts.memory.once(("read through stores", facts.name), found)


@rule(
    "storage/host-path-volume",
    "A free PersistentVolume of the node's files gives the node to whoever claims it and mounts it.",
    source="kubernetes.io/docs/concepts/storage/volumes#hostpath",
    on=(Can.CREATE_PODS, Can.POWER),
    powers=(Power.WRITE_CLAIMS,),
)
def free_host_path(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Claims and pods in one namespace, or a claim there that is bound to one already; Pod Security does not look
    behind claims. Without a node affinity the author of the pod chooses the node."""
    facts = world.clusters[capability.cluster]
    if not root_volumes(facts) or (capability.can is Can.POWER and capability.name != Power.WRITE_CLAIMS.value):
        return
    if capability.can is Can.CREATE_PODS:
        yield from _bound_roots(facts, capability)
    free = facts.memory.once(("free roots", facts.name), lambda: _free_roots(facts))
    for other in _other_half(state, capability, Power.WRITE_CLAIMS) if free else ():
        place = other.namespace if capability.namespace == EVERYWHERE else capability.namespace
        for volume in free:
            text = f"a claim may bind PersistentVolume {volume['metadata']['name']}, which is a directory of a node"
            for gives in _roots(facts, volume, place):
                shown = object_step(text, object_name(facts.name, volume))
                yield Derivation(gives, "storage/host-path-volume", shown, None, (other,))


def _other_half(state: State, capability: Capability, power: Power) -> list[Capability]:
    """What has been reached of a pair, the power and making pods in one place, when ``capability`` is one of it."""
    if capability.can is Can.POWER:
        return state.makers_meeting(capability.cluster, capability.namespace)
    return state.powers_meeting(capability.cluster, power.value, capability.namespace)


def _bound_roots(facts: ClusterFacts, maker: Capability) -> Iterator[Derivation]:
    volumes = {item["metadata"]["name"]: item for item in facts.snapshot.of(kinds.PERSISTENT_VOLUME)}
    claims = facts.bound_claims()
    for namespace in claims if maker.namespace == EVERYWHERE else (maker.namespace,):
        for claim, volume in claims.get(namespace, {}).items():
            if volume in root_volumes(facts):
                text = f"a pod in {namespace} may mount the claim {claim}, which is a directory of a node"
                shown = object_step(text, ObjectName(facts.name, "PersistentVolumeClaim", namespace, claim))
                for gives in _roots(facts, volumes[volume], namespace):
                    yield Derivation(gives, "storage/host-path-volume", shown)


def _roots(facts: ClusterFacts, volume: Object, namespace: str) -> Iterator[Capability]:
    """What mounting a volume gives: the nodes that it is on, or any that a pod of the namespace can be put on."""
    nodes = [name for name in nodes_of_volume(volume.get("spec") or {}) if name in facts.nodes]
    if not nodes:
        yield Capability(Can.CREATE_ROOT_PODS, facts.name, namespace)
    for node in nodes:
        yield Capability(Can.ON_NODE, facts.name, "", node)


def _free_roots(facts: ClusterFacts) -> list[Object]:
    return [
        volume
        for volume in facts.snapshot.of(kinds.PERSISTENT_VOLUME)
        if volume["metadata"]["name"] in root_volumes(facts) and not (volume["spec"].get("claimRef") or {}).get("name")
    ]


@rule(
    "accounts/recreate",
    "Who creates ServiceAccounts and pods takes over bindings that name an account which is not there.",
    source="kubernetes.io/docs/concepts/security/rbac-good-practices (re-created subjects inherit bindings)",
    on=(Can.POWER, Can.CREATE_PODS),
    powers=(Power.WRITE_ACCOUNTS,),
)
def recreate(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The binding waits for the name."""
    facts = world.clusters[capability.cluster]
    for other in _other_half(state, capability, Power.WRITE_ACCOUNTS):
        writer = capability if capability.can is Can.POWER else other
        place = other.namespace if capability.namespace == EVERYWHERE else capability.namespace
        for subject in _waited_for(facts).get(place, ()) if place != EVERYWHERE else _waited_for_anywhere(facts):
            text = f"{subject} may be created, and inherits its bindings"
            gives = acts_as(facts.name, "ServiceAccount", subject.namespace, subject.name)
            yield Derivation(gives, "accounts/recreate", via(state, writer, text), None, (other,))


def _waited_for(facts: ClusterFacts) -> Mapping[str, list[Subject]]:
    """By namespace the ServiceAccounts that bindings name and that are not there."""

    def found() -> dict[str, list[Subject]]:
        bound = {place: facts.rbac.accounts_of(place) for place in facts.rbac.account_places()}
        absent = {
            place: [one for one in subjects if not facts.account_exists(place, one.name)]
            for place, subjects in bound.items()
        }
        return {place: subjects for place, subjects in absent.items() if subjects}

    return facts.memory.once(("accounts waited for", facts.name), found)


def _waited_for_anywhere(facts: ClusterFacts) -> list[Subject]:
    return [subject for subjects in _waited_for(facts).values() for subject in subjects]
