"""What follows from making pods and from being inside them."""

from collections.abc import Callable, Iterator

from ringfence.prove import kinds
from ringfence.prove.admission.attacks import policies_of
from ringfence.prove.admission.guard import Gate, Guard
from ringfence.prove.admission.podsecurity import pod_security
from ringfence.prove.admission.rootpods import host_pod_guard, root_pod_guard
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as, inside
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import Escape, PodFacts
from ringfence.prove.facts.volumes import root_volumes
from ringfence.prove.kinds import ObjectName
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of, narrower
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import in_place, object_step, step, via

_PRACTICE = "kubernetes.io/docs/concepts/security/rbac-good-practices#workload-creation"
_STANDARDS = "kubernetes.io/docs/concepts/security/pod-security-standards"


@rule(
    "pods/create",
    "Who creates pods, or any workload that makes them, runs code of their own in the namespace.",
    source=_PRACTICE,
    on=(Can.POWER,),
    powers=(Power.CREATE_PODS,),
)
def create(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Follows without a step: the binding's step says it. A pod may bring claims of its own (ephemeral volumes). A
    workload that is named has to be there to be changed."""
    facts = world.clusters[capability.cluster]
    names = set(names_of(capability))
    places, doubt = [capability.namespace], None
    if names:
        spaces = _namespaces(facts, capability.namespace)
        there = [space for space in spaces if any(_makes(pod, names) for pod in facts.pods_in.get(space, ()))]
        if not there:
            doubt = f"{', '.join(sorted(names))} {in_place(capability.namespace)}, which a role names, is not there"
        places = there or places
    for place in places:
        yield Derivation(Capability(Can.CREATE_PODS, facts.name, place), "pods/create", None, doubt)
        claims = Capability(Can.POWER, facts.name, place, Power.WRITE_CLAIMS.value)
        yield Derivation(claims, "pods/create", None, doubt)


def _makes(pod: PodFacts, names: set[str]) -> bool:
    return pod.template and pod.name.name in names


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
        bound = [subject.name for subject in facts.rbac.accounts_of(namespace)]
        for account in sorted({*facts.accounts_in.get(namespace, ()), "default", *bound}):
            name = ObjectName(capability.cluster, "ServiceAccount", namespace, account)
            shown = f"ServiceAccount {namespace}/{account}"
            there = facts.account_exists(namespace, account)
            yield Derivation(
                acts_as(capability.cluster, "ServiceAccount", namespace, account),
                "pods/any-account",
                object_step(f"a pod in {namespace} may run as {shown}", name),
                None if there else f"{shown} is bound, and is not in the snapshot",
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
    facts = world.clusters[capability.cluster]
    claims = facts.bound_claims()
    for namespace in claims if capability.namespace == EVERYWHERE else (capability.namespace,):
        for claim, volume in claims.get(namespace, {}).items():
            name = ObjectName(capability.cluster, "PersistentVolumeClaim", namespace, claim)
            yield Derivation(
                Capability(Can.USE_VOLUME, capability.cluster, "", volume),
                "pods/any-volume",
                object_step(f"a pod in {namespace} may mount the volume {volume}", name),
            )


@rule(
    "pods/root",
    "A new pod may be privileged or mount the node's files, unless admission stops it.",
    source=_STANDARDS,
    on=(Can.CREATE_PODS, Can.RELABEL, Can.POWER),
    powers=(Power.WRITE_ADMISSION_POLICIES, Power.REMOVE_WEBHOOKS, Power.WRITE_CONSTRAINTS),
)
def root(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Pod Security, policies and webhooks are asked; who may change labels or policies switches those off first."""
    yield from _let_in(world, capability, state, Can.CREATE_ROOT_PODS, "pods/root", "be privileged", root_pod_guard)


@rule(
    "pods/host-network",
    "A new pod may use its node's network, which policies do not hold, unless admission stops it.",
    source=_STANDARDS,
    on=(Can.CREATE_PODS, Can.RELABEL, Can.POWER),
    powers=(Power.WRITE_ADMISSION_POLICIES, Power.REMOVE_WEBHOOKS, Power.WRITE_CONSTRAINTS),
)
def host_network(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The same guards as for privileged pods, asked of their own: a policy may stop the one and not the other."""
    use = "use the node's network"
    yield from _let_in(world, capability, state, Can.CREATE_HOST_PODS, "pods/host-network", use, host_pod_guard)


_POLICIES = Power.WRITE_ADMISSION_POLICIES.value
_SWITCHES = (_POLICIES, Power.REMOVE_WEBHOOKS.value, Power.WRITE_CONSTRAINTS.value)
_Asked = Callable[..., Guard]


def _let_in(
    world: RuleWorld, capability: Capability, state: State, gives: Can, name: str, use: str, asked: _Asked
) -> Iterator[Derivation]:
    facts = world.clusters[capability.cluster]
    for namespace in _made_in(facts, capability, state):
        relabel = _relabels(state, capability.cluster, namespace)
        switches = [item for power in _SWITCHES for item in state.powers(capability.cluster, power)]
        removed = frozenset(Power(item.name) for item in switches if not names_of(item))
        named = [item for item in switches if names_of(item)]
        gone = frozenset(name for item in named if item.name == _POLICIES for name in names_of(item))
        guard = asked(facts, namespace, relabelled=relabel is not None, removed=removed, gone=gone)
        if guard.gate is Gate.CLOSED and any(item.name != _POLICIES for item in named):
            guard = Guard(Gate.DOUBTFUL, f"whether {guard.why} when some may be removed", guard.by, guard.object)
        if guard.gate is Gate.CLOSED:
            continue
        others = [item for item in (relabel, *switches) if item is not None and item != capability]
        maker = _maker(state, capability.cluster, namespace)
        if maker != capability:
            others.append(maker)
        # A guard that is open anyway needs none of what could switch it off.
        if asked(facts, namespace, relabelled=False, removed=frozenset()).gate is guard.gate:
            others = [item for item in others if item == maker]
        yield _pods_let_in(
            capability,
            namespace,
            guard,
            tuple(dict.fromkeys(others)),
            Capability(gives, capability.cluster, namespace),
            name,
            use,
        )


def _made_in(facts: ClusterFacts, capability: Capability, state: State) -> list[str]:
    """The namespaces that a premise is about and in which pods can be made."""
    if capability.can is Can.POWER:
        makers = {item.namespace for item in state.of(Can.CREATE_PODS, capability.cluster)}
        return list(facts.every_namespace()) if EVERYWHERE in makers else sorted(makers)
    spaces = _namespaces(facts, capability.namespace)
    return [name for name in spaces if _creates_pods(state, capability.cluster, name)]


def _maker(state: State, cluster: str, namespace: str) -> Capability:
    places = (Capability(Can.CREATE_PODS, cluster, place) for place in (namespace, EVERYWHERE))
    return next(item for item in places if state.has(item))


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


def _pods_let_in(
    capability: Capability,
    namespace: str,
    guard: Guard,
    others: tuple[Capability, ...],
    gives: Capability,
    name: str,
    use: str,
) -> Derivation:
    return Derivation(
        gives,
        name,
        step(f"a pod in {namespace} may {use}: {guard.why}", guard.by, guard.object)
        if guard.gate is Gate.OPEN
        else step(f"a pod in {namespace} may {use}", guard.by, guard.object),
        guard.why if guard.gate is Gate.DOUBTFUL else None,
        others,
    )


@rule(
    "namespaces/relabel",
    "Who changes a Namespace sets its Pod Security level and what selectors take it for.",
    source="kubernetes.io/docs/concepts/security/rbac-good-practices#namespace-modification",
    on=(Can.POWER,),
    powers=(Power.RELABEL_NAMESPACES,),
)
def relabel(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """A RoleBinding suffices where it is in the namespace itself."""
    names = names_of(capability) or (capability.namespace,)
    for name in names:
        if capability.namespace in (EVERYWHERE, name):
            yield Derivation(Capability(Can.RELABEL, capability.cluster, name), "namespaces/relabel")


@rule(
    "namespaces/delete",
    "Who deletes a Namespace deletes everything in it.",
    source="kubernetes.io/docs/concepts/overview/working-with-objects/namespaces",
    on=(Can.POWER,),
    powers=(Power.DELETE_NAMESPACES,),
)
def delete_namespaces(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """A RoleBinding suffices where it is in the namespace itself."""
    for name in names_of(capability) or (capability.namespace,):
        if capability.namespace in (EVERYWHERE, name):
            gives = Capability(Can.TOUCH, capability.cluster, name, "delete the namespace")
            yield Derivation(gives, "namespaces/delete")


@rule(
    "pods/exec",
    "Who may exec or attach, change images or add containers is inside the pods.",
    source="kubernetes.io/docs/reference/access-authn-authz/authorization, pods/exec",
    on=(Can.POWER,),
    powers=(Power.EXEC, Power.CHANGE_PODS, Power.DEBUG_PODS),
)
def execute(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """In the namespaces of the right, in the pods it names."""
    word = _INTO_PODS.get(capability.name)
    if word is not None:
        yield from _inside_all(world, capability, state, "pods/exec", word, None)


_INTO_PODS = {
    Power.EXEC.value: "run commands in",
    Power.CHANGE_PODS.value: "change the images of",
    Power.DEBUG_PODS.value: "add a container to",
}


@rule(
    "pods/debug",
    "A container that is added to a pod may be privileged, unless admission stops it.",
    source="kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers",
    on=(Can.POWER, Can.RELABEL),
    powers=(Power.DEBUG_PODS,),
)
def debug(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Pod Security is asked. What policies over pods say of this subresource is in doubt where there are any."""
    facts = world.clusters[capability.cluster]
    new = capability.can is Can.POWER
    power = Power.DEBUG_PODS.value
    for held in [capability] if new else state.powers_meeting(facts.name, power, capability.namespace):
        for namespace in _namespaces(facts, narrower(held, capability).namespace):
            relabel = _relabels(state, facts.name, namespace)
            security = pod_security(facts, namespace)
            if not (new or capability == relabel) or (security.gate is Gate.CLOSED and relabel is None):
                continue
            policies = policies_of(facts, namespace)
            guarded = policies.policies or policies.doubts or any(facts.snapshot.of(kind) for kind in _HOOKS)
            doubt = f"whether admission lets privileged containers be added to pods of {namespace}" if guarded else None
            others = tuple(item for item in (held, relabel) if item is not None and item != capability)
            for pod in facts.pods_in.get(namespace, ()):
                if pod.node is not None and (not names_of(held) or pod.name.name in names_of(held)):
                    text = f"a privileged container may be added to {pod.shown}: {security.why}"
                    gives = Capability(Can.ON_NODE, facts.name, "", pod.node)
                    yield Derivation(gives, "pods/debug", object_step(text, pod.name), doubt, others)


_HOOKS = (kinds.VALIDATING_WEBHOOK, kinds.MUTATING_WEBHOOK)


@rule(
    "pods/exec-by-get",
    "Before 1.35 the verb get on pods/exec, attach and portforward suffices: a WebSocket upgrade is a GET.",
    source="kubernetes#78741, KEP-4006 (AuthorizePodWebsocketUpgradeCreatePermission)",
    on=(Can.POWER,),
    powers=(Power.EXEC_BY_GET, Power.FORWARD_BY_GET),
    versions="before 1.35, or with the feature gate off",
)
def execute_by_get(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """By the version of the nodes or what is said of it; unknown versions make it doubtful. Ports likewise."""
    facts = world.clusters[capability.cluster]
    gate = facts.flags.feature_gates.get("AuthorizePodWebsocketUpgradeCreatePermission")
    if gate is True or (gate is None and facts.minors and min(facts.minors) >= 35):
        return
    doubt = None if gate is False or facts.minors else f"the Kubernetes version of {facts.name} (assume.version)"
    if capability.name == Power.EXEC_BY_GET.value:
        yield from _inside_all(world, capability, state, "pods/exec-by-get", "run commands in", doubt)
        return
    for gives in (
        capability._replace(name=Power.READ_POD_PORTS.value),
        capability._replace(can=Can.TOUCH, name="get pods/portforward"),
    ):
        yield Derivation(gives, "pods/exec-by-get", None, doubt)


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
    for secret in sorted(pod.contents.secrets):
        yield Derivation(
            Capability(Can.READ_SECRET, facts.name, pod.namespace, secret),
            "pods/inside",
            object_step(f"{pod.shown} holds the Secret {pod.namespace}/{secret}", pod.name),
        )
    for claim in sorted(pod.contents.claims):
        yield from _claimed(facts, pod, claim)


def _claimed(facts: ClusterFacts, pod: PodFacts, claim: str) -> Iterator[Derivation]:
    volume = facts.bound_claims().get(pod.namespace, {}).get(claim)
    if volume is not None:
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
    if pod is None:
        return
    found = pod.contents.escape
    if found is None or found.depends or found.contained:
        found = next(_by_claim(facts, pod), found)
    doubts = [] if pod.node else [f"the node of {pod.shown}"]
    if found is not None and found.contained:
        apart = _user_namespaces(facts)
        doubts += [] if apart is False else [f"whether {facts.name} has user namespaces, which keep {pod.shown}"]
        found = None if apart else found
    if found is None and pod.spec.get("hostPID"):
        # The processes of others show: those with no more rights than one's own also their files and environment.
        found = Escape("the processes of others", depends=True)
        doubts = [f"which processes of others {pod.shown} may look into (hostPID)"]
    elif found is not None and found.depends:
        doubts.append(f"whether {found.how} gives the node of {pod.shown}")
    if found is not None:
        text = f"{pod.shown} becomes root on its node by {found.how}"
        gives = Capability(Can.ON_NODE, facts.name, "", pod.node or EVERYWHERE)
        yield Derivation(gives, "pods/escape", object_step(text, pod.name), "; ".join(doubts) or None)


def _by_claim(facts: ClusterFacts, pod: PodFacts) -> Iterator[Escape]:
    """Escapes through PersistentVolumes that are directories of the node."""
    for claim in sorted(pod.contents.claims):
        volume = facts.bound_claims().get(pod.namespace, {}).get(claim)
        path = root_volumes(facts).get(volume or "")
        if path is not None:
            yield Escape(f"the PersistentVolume {volume}, which is {path}")


def _user_namespaces(facts: ClusterFacts) -> bool | None:
    """Whether ``hostUsers: false`` counts: the default from 1.33 on; None when it is not known."""
    gate = facts.flags.feature_gates.get("UserNamespacesSupport")
    if gate is not None or not facts.minors:
        return gate
    return min(facts.minors) >= 33 if min(facts.minors) >= 33 or max(facts.minors) < 33 else None
