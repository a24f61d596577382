"""Rights that give more rights: roles, bindings, impersonation, certificates, tokens, admission."""

from collections import defaultdict
from collections.abc import Iterator

from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.rbac.index import MASTERS, SERVICE_ACCOUNT_USER, RoleRules, Subject
from ringfence.prove.rbac.powers import CLUSTER_POWERS, Power, powers_of, touches_of
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import in_place, step, unplaced, via

_PRACTICE = "kubernetes.io/docs/concepts/security/rbac-good-practices"
_SIGNER = "kubernetes.io/kube-apiserver-client"
_NODE_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"


def names_of(capability: Capability) -> tuple[str, ...]:
    """The object names that a power is limited to; none: no limit."""
    return tuple(capability.detail.split(",")) if capability.detail else ()


def _everything_in(capability: Capability) -> Capability:
    if capability.namespace == EVERYWHERE:
        return Capability(Can.CLUSTER_ADMIN, capability.cluster)
    return Capability(Can.NAMESPACE_ADMIN, capability.cluster, capability.namespace)


def _both(state: State, capability: Capability, one: Power, other: Power) -> Iterator[Capability]:
    """The second half of a pair of powers, when ``capability`` is the first and their places meet."""
    wanted = {one.value: other, other.value: one}.get(capability.name)
    if wanted is None:
        return
    yield from state.powers_meeting(capability.cluster, wanted.value, capability.namespace)


def narrower(one: Capability, other: Capability) -> Capability:
    """Of two capabilities whose places meet the one that is not everywhere; the first where both are."""
    return other if one.namespace == EVERYWHERE else one


@rule(
    "rbac/escalate",
    "escalate on roles, with the right to write them, gives any permission where the role counts.",
    source=_PRACTICE,
    on=(Can.POWER,),
    powers=(Power.ESCALATE, Power.WRITE_ROLES, Power.ESCALATE_CLUSTER_ROLES, Power.WRITE_CLUSTER_ROLES),
)
def escalate(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The role that one is bound to is rewritten; of named roles it has to be one of them."""
    for escalates, write in (
        (Power.ESCALATE, Power.WRITE_ROLES),
        (Power.ESCALATE_CLUSTER_ROLES, Power.WRITE_CLUSTER_ROLES),
    ):
        for second in _both(state, capability, escalates, write):
            place = narrower(capability, second)
            text = f"a role may be given any permission {in_place(place.namespace)}"
            names = {*names_of(capability), *names_of(second)}
            doubt = None
            if names and not _bound_to(world, state, capability.cluster, names):
                doubt = f"who is bound to {', '.join(sorted(names))}, which may be rewritten"
            yield Derivation(_everything_in(place), "rbac/escalate", via(state, capability, text), doubt, (second,))


def _bound_to(world: RuleWorld, state: State, cluster: str, names: set[str]) -> bool:
    """Whether somebody who has been reached is bound to a role of one of these names."""
    index = world.clusters[cluster].rbac
    return any(
        grant.rules.role.name in names
        for item in state.of(Can.ACT_AS, cluster)
        for grant in index.of(Subject(item.detail, item.namespace, item.name))
    )


@rule(
    "rbac/bind",
    "bind on roles, with the right to create bindings, gives the permissions of those roles.",
    source=_PRACTICE,
    on=(Can.POWER,),
    powers=(
        Power.BIND,
        Power.BIND_CLUSTER_ROLES,
        Power.CREATE_BINDINGS,
        Power.CREATE_CLUSTER_BINDINGS,
    ),
)
def bind(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """With resourceNames only the roles named; without, cluster-admin itself where ClusterRoles may be bound."""
    for held_power, create in (
        (Power.BIND, Power.CREATE_BINDINGS),
        (Power.BIND_CLUSTER_ROLES, Power.CREATE_BINDINGS),
        (Power.BIND_CLUSTER_ROLES, Power.CREATE_CLUSTER_BINDINGS),
    ):
        for second in _both(state, capability, held_power, create):
            held, writes = (capability, second) if capability.name == held_power.value else (second, capability)
            if create is Power.CREATE_CLUSTER_BINDINGS and held.namespace != EVERYWHERE:
                continue
            kind = "Role" if held_power is Power.BIND else "ClusterRole"
            place = writes if create is Power.CREATE_CLUSTER_BINDINGS else narrower(held, writes)
            others = (second,)
            if kind == "ClusterRole" and (not names_of(held) or "cluster-admin" in names_of(held)):
                text = f"a new binding may give any permission {in_place(place.namespace)}"
                yield Derivation(_everything_in(place), "rbac/bind", via(state, writes, text), None, others)
            else:
                yield from _bind_named(world, place, kind, names_of(held), others)


def _bind_named(
    world: RuleWorld, place: Capability, kind: str, names: tuple[str, ...], others: tuple[Capability, ...]
) -> Iterator[Derivation]:
    for role in _roles_named(world, place, kind, names):
        if role.missing:
            yield Derivation(_everything_in(place), "rbac/bind", None, role.missing, others)
            continue
        name = role.role.name
        where = role.role.namespace or place.namespace
        by = step(f"a new binding gives {kind} {name} {in_place(where)}", f"{kind} {name}", role.role)
        for held in powers_of(role.possible):
            if held.power is Power.EVERYTHING:
                gives = _everything_in(place._replace(namespace=where))
            elif where != EVERYWHERE and held.power in CLUSTER_POWERS:
                continue
            else:
                gives = Capability(Can.POWER, place.cluster, where, held.power.value, ",".join(held.names))
            yield Derivation(gives, "rbac/bind", by, None, others)
        for touch in touches_of(role.possible, world.clusters[place.cluster].scopes()):
            what = f"{touch.verb} {touch.resource}"
            gives = Capability(Can.TOUCH, place.cluster, where, what, ",".join(touch.names))
            yield Derivation(gives, "rbac/bind", by, unplaced(touch, where), others)


def _roles_named(world: RuleWorld, place: Capability, kind: str, names: tuple[str, ...]) -> Iterator[RoleRules]:
    """The roles that a new binding at a place may name: ClusterRoles, or Roles of its own namespace."""
    facts = world.clusters[place.cluster]
    if kind == "ClusterRole":
        for name in names:
            yield facts.rbac.role("ClusterRole", "", name)
        return
    roles = _roles_by_namespace(facts)
    for namespace in roles if place.namespace == EVERYWHERE else (place.namespace,):
        yield from (role for role in roles.get(namespace, ()) if not names or role.role.name in names)


def _roles_by_namespace(facts: ClusterFacts) -> dict[str, list[RoleRules]]:
    def found() -> dict[str, list[RoleRules]]:
        by_namespace: dict[str, list[RoleRules]] = defaultdict(list)
        for (namespace, _), role in facts.rbac.roles.items():
            if namespace:
                by_namespace[namespace].append(role)
        return dict(by_namespace)

    return facts.memory.once(("roles by namespace", facts.name), found)


@rule(
    "rbac/impersonate-users",
    "impersonate on users makes one any of them.",
    source=_PRACTICE,
    on=(Can.POWER,),
    powers=(Power.IMPERSONATE_USERS,),
)
def impersonate_users(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Unlimited: everybody whom a binding names."""
    index = world.clusters[capability.cluster].rbac
    bound = tuple(subject.name for subject in list(index.grants) if subject.kind == "User")
    people = tuple(name for item in world.partition.deployments for name in item.people.users)
    named = names_of(capability) or tuple(dict.fromkeys((*bound, *people)))
    for name in named:
        if not name.startswith(SERVICE_ACCOUNT_USER):
            yield _becomes(state, capability, acts_as(capability.cluster, "User", "", name), f"user {name}")


@rule(
    "rbac/impersonate-groups",
    "impersonate on groups, with a user to impersonate, makes one a member: of system:masters too.",
    source=_PRACTICE,
    on=(Can.POWER,),
    powers=(Power.IMPERSONATE_GROUPS, Power.IMPERSONATE_USERS, Power.IMPERSONATE_ACCOUNTS),
)
def impersonate_groups(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The API server wants a user with every group."""
    for base in (Power.IMPERSONATE_USERS, Power.IMPERSONATE_ACCOUNTS):
        for second in _both(state, capability, Power.IMPERSONATE_GROUPS, base):
            held = capability if capability.name == Power.IMPERSONATE_GROUPS.value else second
            for name in names_of(held) or (MASTERS,):
                derived = _becomes(state, held, acts_as(held.cluster, "Group", "", name), f"a member of {name}")
                yield Derivation(derived.gives, "rbac/impersonate-groups", derived.step, None, (second,))


@rule(
    "rbac/impersonate-accounts",
    "impersonate on serviceaccounts makes one any of them.",
    source=_PRACTICE,
    on=(Can.POWER,),
    powers=(Power.IMPERSONATE_ACCOUNTS,),
)
def impersonate_accounts(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """In the namespace of the right."""
    yield from every_account(world, capability, "rbac/impersonate-accounts", "may be impersonated", absent=True)


@rule(
    "rbac/impersonate-for-some",
    "From 1.36 the verbs impersonate:MODE make one somebody for the requests that impersonate-on: names.",
    source="KEP-5284 (ConstrainedImpersonation)",
    on=(Can.POWER,),
    powers=(Power.IMPERSONATE_FOR_SOME,),
    versions="1.36 and above, or with the feature gate on",
)
def impersonate_for_some(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Whom, and for which requests, is in doubt."""
    facts = world.clusters[capability.cluster]
    gate = facts.flags.feature_gates.get("ConstrainedImpersonation")
    if gate is False or (gate is None and facts.minors and max(facts.minors) < 36):
        return
    doubt = "which requests may be made as somebody else (impersonate-on)"
    gives = Capability(Can.CLUSTER_ADMIN, facts.name)
    yield Derivation(gives, "rbac/impersonate-for-some", via(state, capability, "one may become somebody"), doubt)


def _becomes(state: State, capability: Capability, gives: Capability, text: str) -> Derivation:
    return Derivation(gives, "rbac/impersonate-users", via(state, capability, f"one may become {text}"))


@rule(
    "rbac/create-token",
    "create on serviceaccounts/token gives a token of the ServiceAccount.",
    source=_PRACTICE,
    on=(Can.POWER,),
    powers=(Power.CREATE_TOKENS,),
)
def create_token(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The TokenRequest API."""
    yield from every_account(world, capability, "rbac/create-token", "gives out its token")


@rule(
    "rbac/token-secret",
    "Who creates Secrets and reads them gets a token of any ServiceAccount of the namespace.",
    source="kubernetes.io/docs/concepts/configuration/secret, type kubernetes.io/service-account-token",
    on=(Can.POWER,),
    powers=(Power.CREATE_SECRETS, Power.READ_SECRETS),
)
def token_secret(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The token controller fills a Secret of that type."""
    for second in _both(state, capability, Power.CREATE_SECRETS, Power.READ_SECRETS):
        place = narrower(capability, second)
        created, read = (capability, second) if capability.name == Power.CREATE_SECRETS.value else (second, capability)
        if names_of(created) or not _new_secret(world, read, place):
            continue
        for derivation in every_account(world, place._replace(detail=""), "rbac/token-secret", _FILLS):
            yield Derivation(derivation.gives, derivation.rule, derivation.step, derivation.doubt, (second,))


_FILLS = "fills a Secret with its token"


def _new_secret(world: RuleWorld, read: Capability, place: Capability) -> bool:
    """Whether a Secret that may be read can be a new one: its name is the author's choice, if it is still free."""
    taken = world.clusters[read.cluster].secrets_in.get(place.namespace, {})
    return not names_of(read) or any(name not in taken for name in names_of(read))


def every_account(
    world: RuleWorld, capability: Capability, name: str, text: str, *, absent: bool = False
) -> Iterator[Derivation]:
    """One derivation for each of the ServiceAccounts of a place; those that are only bound are in doubt, but where
    ``absent`` ones do as well."""
    facts = world.clusters[capability.cluster]
    only = set(names_of(capability))
    for namespace in facts.every_account_place() if capability.namespace == EVERYWHERE else (capability.namespace,):
        bound = [subject.name for subject in facts.rbac.accounts_of(namespace)]
        for account in sorted({*facts.accounts_in.get(namespace, ()), "default", *bound}):
            if only and account not in only:
                continue
            shown = f"ServiceAccount {namespace}/{account}"
            there = absent or facts.account_exists(namespace, account)
            yield Derivation(
                acts_as(capability.cluster, "ServiceAccount", namespace, account),
                name,
                step(f"{shown} {text}", shown, f"{capability.cluster}:serviceaccount/{namespace}/{account}"),
                None if there else f"{shown} is bound, and is not in the snapshot",
            )


@rule(
    "rbac/sign-certificates",
    "Who creates signing requests and approves them for the client signer gets a certificate for any user.",
    source=_PRACTICE,
    on=(Can.POWER,),
    powers=(Power.CREATE_SIGNING_REQUESTS, Power.APPROVE_REQUESTS, Power.APPROVE_SIGNER),
)
def sign(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Three rights together; the signer may be named with a wildcard. The signer of kubelets makes one a node."""
    wanted = (Power.CREATE_SIGNING_REQUESTS, Power.APPROVE_REQUESTS, Power.APPROVE_SIGNER)
    create, approve = (next(state.powers(capability.cluster, power.value), None) for power in wanted[:2])
    if create is None or approve is None:
        return
    for signer in state.powers(capability.cluster, Power.APPROVE_SIGNER.value):
        others = tuple(item for item in (create, approve, signer) if item != capability)
        names = set(names_of(signer))
        if not names or names & {_SIGNER, "kubernetes.io/*", "*"}:
            text = "a client certificate may be had for any user"
            gives = Capability(Can.CLUSTER_ADMIN, capability.cluster)
            yield Derivation(gives, "rbac/sign-certificates", via(state, capability, text), None, others)
        elif names & {_NODE_SIGNER}:
            text = "a client certificate may be had for any node"
            gives = Capability(Can.KUBELET, capability.cluster, "", EVERYWHERE)
            yield Derivation(gives, "rbac/sign-certificates", via(state, capability, text), None, others)


@rule(
    "rbac/node-requests",
    "A signing request of a node is approved by itself for who may create certificatesigningrequests/nodeclient.",
    source="kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping#approval",
    on=(Can.POWER,),
    powers=(Power.CREATE_SIGNING_REQUESTS, Power.CREATE_NODE_REQUESTS),
)
def node_requests(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The approving controller asks nothing else, and the name in the request is the requester's choice."""
    for second in _both(state, capability, Power.CREATE_SIGNING_REQUESTS, Power.CREATE_NODE_REQUESTS):
        text = "a client certificate may be had for any node"
        gives = Capability(Can.KUBELET, capability.cluster, "", EVERYWHERE)
        yield Derivation(gives, "rbac/node-requests", via(state, capability, text), None, (second,))


@rule(
    "admission/mutating",
    "Who writes mutating admission alters every object that others create.",
    source=_PRACTICE,
    on=(Can.POWER,),
    powers=(Power.WRITE_MUTATING_WEBHOOKS,),
)
def mutating(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """A pod of kube-system can be given another image."""
    yield Derivation(
        Capability(Can.CLUSTER_ADMIN, capability.cluster),
        "admission/mutating",
        via(state, capability, "every object that anybody creates can be altered"),
    )


@rule(
    "admission/validating",
    "Who writes validating webhooks is sent every object that others create, Secrets too.",
    source=_PRACTICE,
    on=(Can.POWER,),
    powers=(Power.WRITE_VALIDATING_WEBHOOKS,),
)
def validating(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """It needs a create or update, so it is a matter of time."""
    yield Derivation(
        Capability(Can.READ_SECRET, capability.cluster, EVERYWHERE, EVERYWHERE),
        "admission/validating",
        via(state, capability, "a webhook of one's own is sent every Secret"),
    )


@rule(
    "apiserver/custom-api",
    "Who writes APIServices is sent the requests, with their tokens, of an API group.",
    source="kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation",
    on=(Can.POWER,),
    powers=(Power.WRITE_API_SERVICES,),
)
def api_services(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Aggregation forwards what it is asked."""
    yield Derivation(
        Capability(Can.CLUSTER_ADMIN, capability.cluster),
        "apiserver/custom-api",
        via(state, capability, "requests of others can be answered by one's own server"),
    )
