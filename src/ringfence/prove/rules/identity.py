"""Who somebody is, and what their bindings give them."""

from collections.abc import Iterator

from ringfence.prove import kinds
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.rbac.index import MASTERS, Grant, RoleRules, Subject, implied_groups
from ringfence.prove.rbac.powers import CLUSTER_POWERS, Held, Power, Touch, powers_of, touches_of
from ringfence.prove.rbac.rules import Rule
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import in_place, step, unplaced, who

_RBAC_DOCS = "kubernetes.io/docs/reference/access-authn-authz/rbac"
_PRACTICE = "kubernetes.io/docs/concepts/security/rbac-good-practices"


def subject_of(capability: Capability) -> Subject:
    """The RBAC subject of an ``act as`` capability."""
    return Subject(capability.detail, capability.namespace, capability.name)


@rule(
    "identity/implied-groups",
    "Who is authenticated is in system:authenticated; a ServiceAccount also in its namespace's group.",
    source="kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin",
    on=(Can.ACT_AS,),
)
def implied(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Groups follow without a step."""
    for group in implied_groups(subject_of(capability)):
        yield Derivation(acts_as(capability.cluster, "Group", "", group.name), "identity/implied-groups")


@rule(
    "identity/openshift-groups",
    "A Group object of OpenShift makes its users members.",
    source="docs.openshift.com, user.openshift.io/v1 Group",
    on=(Can.ACT_AS,),
)
def openshift_groups(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Membership that the cluster itself states."""
    if capability.detail != "User":
        return
    for document in world.clusters[capability.cluster].snapshot.of(kinds.Kind("user.openshift.io", "Group")):
        members = document.get("users")
        if isinstance(members, list) and capability.name in members:
            yield Derivation(
                acts_as(capability.cluster, "Group", "", document["metadata"]["name"]), "identity/openshift-groups"
            )


@rule(
    "identity/masters",
    "The group system:masters passes every authorizer and webhook.",
    source=_PRACTICE,
    on=(Can.ACT_AS,),
)
def masters(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """No binding is needed and none can take it away."""
    if capability.detail == "Group" and capability.name == MASTERS:
        yield Derivation(
            Capability(Can.CLUSTER_ADMIN, capability.cluster),
            "identity/masters",
            step(
                f"{who(capability)} may do anything in {capability.cluster}",
                f"group {MASTERS}",
                f"{capability.cluster}:group/{MASTERS}",
            ),
        )


@rule(
    "rbac/bound",
    "A binding gives its subjects the rules of its role, in its namespace or everywhere.",
    source=_RBAC_DOCS,
    on=(Can.ACT_AS,),
)
def bound(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Every grant of the subject as powers and touches, each a step named after the binding."""
    facts = world.clusters[capability.cluster]
    for grant in facts.rbac.of(subject_of(capability)):
        place = grant.scope or EVERYWHERE
        if grant.rules.missing:
            yield from _missing(capability, grant, place)
            continue
        summary = _summary(world, facts, grant.rules)
        for held in summary[0]:
            if place == EVERYWHERE or held.power not in CLUSTER_POWERS:
                yield _power(capability, grant, place, held)
        for touch in summary[1]:
            yield _touch(capability, grant, place, touch)


_Summary = tuple[tuple[Held, ...], tuple[Touch, ...]]


def _summary(world: RuleWorld, facts: ClusterFacts, rules: RoleRules) -> _Summary:
    """The powers and touches of a role, computed once however many bindings name it."""

    def summed() -> tuple[tuple[tuple[Rule, ...], ...], _Summary]:
        # The rules are part of the value: as long as it is kept, nothing else can have their identity.
        return rules.editions, (powers_of(rules.possible), touches_of(rules.possible, facts.scopes()))

    # Roles with equal rules share them.
    return world.memory.once(("summary", facts.name, *map(id, rules.editions)), summed)[1]


def _power(capability: Capability, grant: Grant, place: str, held: Held) -> Derivation:
    cluster = capability.cluster
    limited = f" (only {', '.join(held.names)})" if held.names else ""
    if held.power is Power.EVERYTHING:
        gives = (
            Capability(Can.CLUSTER_ADMIN, cluster)
            if place == EVERYWHERE
            else Capability(Can.NAMESPACE_ADMIN, cluster, place)
        )
    else:
        gives = Capability(Can.POWER, cluster, place, held.power.value, ",".join(held.names))
    text = f"{who(capability)} can {held.power.value}{limited} {in_place(place)}"
    return Derivation(gives, "rbac/bound", step(text, grant.by, grant.binding))


def _touch(capability: Capability, grant: Grant, place: str, touch: Touch) -> Derivation:
    names = ",".join(touch.names)
    limited = f" (only {', '.join(touch.names)})" if touch.names else ""
    text = f"{who(capability)} can {touch.verb} {touch.resource}{limited} {in_place(place)}"
    gives = Capability(Can.TOUCH, capability.cluster, place, f"{touch.verb} {touch.resource}", names)
    return Derivation(gives, "rbac/bound", step(text, grant.by, grant.binding), unplaced(touch, place))


def _missing(capability: Capability, grant: Grant, place: str) -> Iterator[Derivation]:
    """A role that is not in the snapshot could hold anything."""
    gives = (
        Capability(Can.CLUSTER_ADMIN, capability.cluster)
        if place == EVERYWHERE
        else Capability(Can.NAMESPACE_ADMIN, capability.cluster, place)
    )
    text = f"{who(capability)} can do what {grant.rules.role.kind} {grant.rules.role.name} allows {in_place(place)}"
    yield Derivation(gives, "rbac/bound", step(text, grant.by, grant.binding), f"{grant.by}: {grant.rules.missing}")


@rule(
    "rbac/unseen-bindings",
    "Bindings that could not be listed or read may give anything in their place.",
    source="contract: what is missing is unknown, never nothing",
    on=(Can.ACT_AS,),
)
def unseen(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """One doubtful derivation for each gap, from the first identity that is reached."""
    facts = world.clusters[capability.cluster]
    for place, doubt in _gaps(world, facts):
        gives = (
            Capability(Can.CLUSTER_ADMIN, capability.cluster)
            if place is None
            else Capability(Can.NAMESPACE_ADMIN, capability.cluster, place)
        )
        yield Derivation(gives, "rbac/unseen-bindings", None, doubt)


def _gaps(world: RuleWorld, facts: ClusterFacts) -> list[tuple[str | None, str]]:
    return world.memory.once(("binding gaps", facts.name), lambda: _find_gaps(facts))


def _find_gaps(facts: ClusterFacts) -> list[tuple[str | None, str]]:
    snapshot = facts.snapshot
    gaps: list[tuple[str | None, str]] = [(None, str(item)) for item in snapshot.unseen("clusterrolebindings")]
    gaps += [(item.namespace or EVERYWHERE, str(item)) for item in snapshot.unseen("rolebindings")]
    for defect in snapshot.defective(kinds.CLUSTER_ROLE_BINDING, kinds.ROLE_BINDING):
        cluster_wide = defect.kind == kinds.CLUSTER_ROLE_BINDING
        shown = f"{defect.kind.kind} {defect.namespace + '/' if defect.namespace else ''}{defect.name}"
        gaps.append((None if cluster_wide else defect.namespace or EVERYWHERE, f"{shown}: {defect.problem}"))
    gaps += [(None, f"the {mode} authorizer: what it allows is in no snapshot") for mode in _other_modes(facts)]
    return gaps


def _other_modes(facts: ClusterFacts) -> list[str]:
    return [mode for mode in facts.flags.authorization_modes if mode not in ("RBAC", "Node", "AlwaysAllow")]


@rule(
    "apiserver/always-allow",
    "An API server with --authorization-mode=AlwaysAllow lets everybody do anything.",
    source="kubernetes.io/docs/reference/access-authn-authz/authorization",
    on=(Can.ACT_AS,),
)
def always_allow(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Seen in the flags of kube-system's static pods."""
    facts = world.clusters[capability.cluster]
    if "AlwaysAllow" in facts.flags.authorization_modes:
        yield Derivation(
            Capability(Can.CLUSTER_ADMIN, capability.cluster),
            "apiserver/always-allow",
            step(
                f"{who(capability)} may do anything in {capability.cluster}",
                "kube-apiserver --authorization-mode=AlwaysAllow",
                f"{capability.cluster}:{facts.flags.pod}",
            ),
        )


_NAMESPACED_POWERS = (
    Power.READ_SECRETS, Power.CREATE_PODS, Power.CHANGE_PODS, Power.EXEC, Power.CREATE_TOKENS, Power.CREATE_SECRETS,
    Power.WRITE_POLICIES, Power.WRITE_QUOTAS, Power.WRITE_LIMITS, Power.WRITE_SERVICES, Power.WRITE_ENDPOINTS,
    Power.WRITE_INGRESSES, Power.WRITE_ROUTES, Power.WRITE_CONFIG_MAPS, Power.WRITE_ACCOUNTS, Power.WRITE_CLAIMS,
    Power.WRITE_APPLICATIONS, Power.CHANGE_APPLICATIONS, Power.WRITE_PROJECTS, Power.WRITE_FLUX,
    Power.WRITE_FLUX_SOURCES, Power.WRITE_EXTERNAL_SECRETS,
    Power.WRITE_SNAPSHOTS, Power.BIND_PODS, Power.READ_POD_PORTS, Power.IMPERSONATE_ACCOUNTS,
    Power.RELABEL_NAMESPACES, Power.DELETE_NAMESPACES, Power.WRITE_POD_STATUS,
)  # fmt: skip


@rule(
    "rbac/namespace-admin",
    "Who may do anything in a namespace has every power there.",
    source=_RBAC_DOCS,
    on=(Can.NAMESPACE_ADMIN,),
)
def namespace_admin(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Powers of a namespace follow without a step; RBAC's own escalation check is passed by who holds everything."""
    for power in _NAMESPACED_POWERS:
        gives = Capability(Can.POWER, capability.cluster, capability.namespace, power.value)
        yield Derivation(gives, "rbac/namespace-admin")
    if capability.namespace == EVERYWHERE:
        return
    touch = Capability(Can.TOUCH, capability.cluster, capability.namespace, "change everything")
    yield Derivation(touch, "rbac/namespace-admin")
