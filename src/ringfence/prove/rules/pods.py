"""What follows from making pods and from being inside them."""

from collections.abc import Iterator

from ringfence.prove.admission.guard import Gate, Guard
from ringfence.prove.admission.rootpods import root_pod_guard
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as, inside
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import PodFacts, claims_in, escape_of, secrets_in
from ringfence.prove.kinds import ObjectName
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import in_place, object_step, step, via

_PRACTICE = "kubernetes.io/docs/concepts/security/rbac-good-practices#workload-creation"
_STANDARDS = "kubernetes.io/docs/concepts/security/pod-security-standards"


@rule(
    "pods/create",
    "Who creates pods, or any workload that makes them, runs code of their own in the namespace.",
    source=_PRACTICE,
    on=(Can.POWER,),
)
def create(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Follows without a step: the binding's step says it."""
    if capability.name == Power.CREATE_PODS.value:
        yield Derivation(Capability(Can.CREATE_PODS, capability.cluster, capability.namespace), "pods/create")


@rule(
    "pods/any-account",
    "A new pod may run as any ServiceAccount of its namespace.",
    source=_PRACTICE,
    on=(Can.CREATE_PODS,),
)
def any_account(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """``spec.serviceAccountName`` is the author's choice."""
    facts = world.clusters[capability.cluster]
    places = facts.every_namespace() if capability.namespace == EVERYWHERE else (capability.namespace,)
    for namespace in places:
        for account in sorted({*facts.accounts_in.get(namespace, ()), "default"}):
            name = ObjectName(capability.cluster, "ServiceAccount", namespace, account)
            yield Derivation(
                acts_as(capability.cluster, "ServiceAccount", namespace, account),
                "pods/any-account",
                object_step(f"a pod in {namespace} may run as ServiceAccount {namespace}/{account}", name),
            )


@rule(
    "pods/any-secret",
    "A new pod may mount any Secret of its namespace.",
    source=_PRACTICE,
    on=(Can.CREATE_PODS,),
)
def any_secret(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The kubelet reads it on behalf of whoever wrote the pod."""
    text = f"a pod may mount every Secret {in_place(capability.namespace)}"
    yield Derivation(
        Capability(Can.READ_SECRET, capability.cluster, capability.namespace, EVERYWHERE),
        "pods/any-secret",
        via(state, capability, text),
    )


@rule(
    "pods/any-volume",
    "A new pod may mount any PersistentVolumeClaim of its namespace.",
    source=_PRACTICE,
    on=(Can.CREATE_PODS,),
)
def any_volume(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The volume behind a bound claim."""
    from ringfence.prove import kinds

    facts = world.clusters[capability.cluster]
    for document in facts.snapshot.of(kinds.PERSISTENT_VOLUME_CLAIM):
        namespace = document["metadata"]["namespace"]
        volume = (document.get("spec") or {}).get("volumeName")
        if volume and capability.namespace in (EVERYWHERE, namespace):
            name = ObjectName(capability.cluster, "PersistentVolumeClaim", namespace, document["metadata"]["name"])
            yield Derivation(
                Capability(Can.USE_VOLUME, capability.cluster, "", volume),
                "pods/any-volume",
                object_step(f"a pod in {namespace} may mount the volume {volume}", name),
            )


@rule(
    "pods/root",
    "A new pod may be privileged or mount the node's files, unless admission stops it.",
    source=_STANDARDS,
    on=(Can.CREATE_PODS, Can.RELABEL),
)
def root(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Pod Security, policies and webhooks are asked; who may change the namespace's labels switches the first off."""
    facts = world.clusters[capability.cluster]
    for namespace in _namespaces(facts, capability.namespace):
        if not _creates_pods(state, capability.cluster, namespace):
            continue
        relabel = _relabels(state, capability.cluster, namespace)
        guard = root_pod_guard(facts, namespace, relabelled=relabel is not None)
        if guard.gate is Gate.CLOSED:
            continue
        others = (relabel,) if relabel is not None and relabel != capability else ()
        yield _root_pods(capability, namespace, guard, others)
        if capability.namespace == EVERYWHERE and guard.gate is Gate.OPEN:
            return


def _namespaces(facts: ClusterFacts, namespace: str) -> list[str]:
    return list(facts.every_namespace()) if namespace == EVERYWHERE else [namespace]


def _creates_pods(state: State, cluster: str, namespace: str) -> bool:
    return any(state.has(Capability(Can.CREATE_PODS, cluster, place)) for place in (namespace, EVERYWHERE))


def _relabels(state: State, cluster: str, namespace: str) -> Capability | None:
    for place in (namespace, EVERYWHERE):
        found = Capability(Can.RELABEL, cluster, place)
        if state.has(found):
            return found
    return None


def _root_pods(capability: Capability, namespace: str, guard: Guard, others: tuple[Capability, ...]) -> Derivation:
    return Derivation(
        Capability(Can.CREATE_ROOT_PODS, capability.cluster, namespace),
        "pods/root",
        step(f"a pod in {namespace} may be privileged: {guard.why}", guard.by, guard.object)
        if guard.gate is Gate.OPEN
        else step(f"a pod in {namespace} may be privileged", guard.by, guard.object),
        guard.why if guard.gate is Gate.DOUBTFUL else None,
        others,
    )


@rule(
    "namespaces/relabel",
    "Who changes a Namespace sets its Pod Security level and what selectors take it for.",
    source="kubernetes.io/docs/concepts/security/rbac-good-practices#namespace-modification",
    on=(Can.POWER,),
)
def relabel(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """A RoleBinding suffices where it is in the namespace itself."""
    if capability.name != Power.RELABEL_NAMESPACES.value:
        return
    names = names_of(capability) or (capability.namespace,)
    for name in names:
        if capability.namespace in (EVERYWHERE, name):
            yield Derivation(Capability(Can.RELABEL, capability.cluster, name), "namespaces/relabel")


@rule(
    "pods/exec",
    "Who may exec or attach is inside the pods.",
    source="kubernetes.io/docs/reference/access-authn-authz/authorization, pods/exec",
    on=(Can.POWER,),
)
def execute(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """In the namespaces of the right, in the pods it names."""
    if capability.name in (Power.EXEC.value, Power.CHANGE_PODS.value):
        word = "run commands in" if capability.name == Power.EXEC.value else "change the images of"
        yield from _inside_all(world, capability, state, "pods/exec", word, None)


@rule(
    "pods/exec-by-get",
    "Before 1.35 the verb get on pods/exec suffices: a WebSocket upgrade is a GET.",
    source="kubernetes#78741, KEP-4006 (AuthorizePodWebsocketUpgradeCreatePermission)",
    on=(Can.POWER,),
    versions="before 1.35, or with the feature gate off",
)
def execute_by_get(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """By the version of the nodes or what is said of it; unknown versions make it doubtful."""
    if capability.name != Power.EXEC_BY_GET.value:
        return
    facts = world.clusters[capability.cluster]
    gate = facts.flags.feature_gates.get("AuthorizePodWebsocketUpgradeCreatePermission")
    if gate is True or (gate is None and facts.minors and min(facts.minors) >= 35):
        return
    doubt = None if gate is False or facts.minors else f"the Kubernetes version of {facts.name}"
    yield from _inside_all(world, capability, state, "pods/exec-by-get", "run commands in", doubt)


def _inside_all(
    world: RuleWorld, capability: Capability, state: State, name: str, word: str, doubt: str | None
) -> Iterator[Derivation]:
    facts = world.clusters[capability.cluster]
    only = set(names_of(capability))
    pods = facts.pods if capability.namespace == EVERYWHERE else facts.pods_in.get(capability.namespace, [])
    for pod in pods:
        if only and pod.name.name not in only:
            continue
        yield Derivation(
            inside(capability.cluster, pod.name.kind, pod.namespace, pod.name.name),
            name,
            via(state, capability, f"one may {word} {pod.shown}"),
            doubt,
        )


@rule(
    "pods/inside",
    "Inside a pod one has its ServiceAccount's token and the Secrets and volumes that it mounts.",
    source="kubernetes.io/docs/concepts/security/service-accounts",
    on=(Can.INSIDE_POD,),
)
def inside_pod(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """A pod without a token gives none."""
    facts = world.clusters[capability.cluster]
    pod = facts.pod_named.get((capability.detail, capability.namespace, capability.name))
    if pod is None:
        return
    if pod.token:
        yield Derivation(
            acts_as(facts.name, "ServiceAccount", pod.namespace, pod.account),
            "pods/inside",
            object_step(f"{pod.shown} holds a token of ServiceAccount {pod.namespace}/{pod.account}", pod.name),
        )
    for secret in sorted(secrets_in(pod.spec)):
        yield Derivation(
            Capability(Can.READ_SECRET, facts.name, pod.namespace, secret),
            "pods/inside",
            object_step(f"{pod.shown} holds the Secret {pod.namespace}/{secret}", pod.name),
        )
    for claim in sorted(claims_in(pod.spec)):
        yield from _claimed(facts, pod, claim)


def _claimed(facts: ClusterFacts, pod: PodFacts, claim: str) -> Iterator[Derivation]:
    from ringfence.prove import kinds

    for document in facts.snapshot.of(kinds.PERSISTENT_VOLUME_CLAIM):
        metadata = document["metadata"]
        volume = (document.get("spec") or {}).get("volumeName")
        if volume and (metadata["namespace"], metadata["name"]) == (pod.namespace, claim):
            yield Derivation(
                Capability(Can.USE_VOLUME, facts.name, "", volume),
                "pods/inside",
                object_step(f"{pod.shown} mounts the volume {volume}", pod.name),
            )


@rule(
    "pods/escape",
    "A privileged container, a dangerous capability or a mount of the node's files gives the node.",
    source=_STANDARDS,
    on=(Can.INSIDE_POD,),
)
def escape(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The node that the pod is on; for a template every node, in doubt."""
    facts = world.clusters[capability.cluster]
    pod = facts.pod_named.get((capability.detail, capability.namespace, capability.name))
    how = None if pod is None else escape_of(pod.spec)
    if pod is None or how is None:
        return
    doubt = None if pod.node else f"the node of {pod.shown}"
    yield Derivation(
        Capability(Can.ON_NODE, facts.name, "", pod.node or EVERYWHERE),
        "pods/escape",
        object_step(f"{pod.shown} becomes root on its node by {how}", pod.name),
        doubt,
    )
