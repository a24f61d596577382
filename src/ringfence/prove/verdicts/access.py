"""Access: does anything that A can come to read, run in or change B? And, of those, what touches B's data.

Source: contract section 2. Every capability that the closure reached is held against B's territory; the cheapest one
that is certain breaks the promise, one that hangs on an unknown fact leaves it unknown.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ringfence.prove import kinds
from ringfence.prove.catalogue import ENTRIES
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability
from ringfence.prove.closure.engine import Chain, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.proof import Answer, Step, Verdict
from ringfence.prove.rbac.index import Grant, Subject
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.registry import state_rule
from ringfence.prove.verdicts.images import pushed_by
from ringfence.prove.verdicts.mend import mend
from ringfence.prove.verdicts.unmodelled import unmodelled
from ringfence.prove.verdicts.world import ProofWorld

OF_BOTH = state_rule(
    "access/of-both",
    "Whoever is of both deployments brings one into the other: people, accounts, pods.",
    source="contract, section 2: nobody of A reads, runs in or changes B",
)


def access_verdict(world: ProofWorld, a: Territory, b: Territory, missing: list[str]) -> Verdict:
    """The verdict on access from A to B. ``missing`` are gaps that were found before."""
    state = world.state(a.name, b.name)
    harms = sorted(_harms(world, state, a, b), key=lambda item: _price(state, item))
    if OF_BOTH in world.without:
        harms = [item for item in harms if state.chain(item).steps]
    if harms:
        best = harms[0]
        chain = state.chain(best)
        if chain.certain:
            steps = chain.steps or (_of_both(best, b),)
            return Verdict(Answer.BROKEN, steps, (), mend(world, steps), chain.rules or (OF_BOTH,))
        missing = [*missing, *_doubts(state, harms)]
    missing = [*missing, *_not_there(world, state, b), *_unnamed(world, a, b), *pushed_by(world, a, b)]
    for cluster in sorted(b.clusters):
        missing += unmodelled(state, cluster, (Power.WRITE_SHARED_STORES,))
    if missing:
        return Verdict(Answer.UNKNOWN, missing=tuple(dict.fromkeys(missing)))
    return Verdict(Answer.HOLDS)


def _unnamed(world: ProofWorld, a: Territory, b: Territory) -> Iterator[str]:
    """People who are bound in both, and of whom the Partition does not say whose they are."""
    named: set[tuple[str, str]] = set()
    for people in (a.deployment.people, b.deployment.people, world.partition.trusted, world.partition.common):
        named |= {("User", name) for name in people.users} | {("Group", name) for name in people.groups}
    for cluster in sorted(a.clusters & b.clusters):
        ours, theirs = a.whole(cluster), b.namespaces(cluster)
        for bound in _bound_in(world.clusters[cluster], a):
            subject = bound.subject
            if not bound.places & theirs or (subject.kind, subject.name) in named:
                continue
            grant = next(item for item in bound.grants if item.scope in ours)
            yield f"whose {subject} is, whom {grant.by} binds and who is bound in {b.name} too"


@dataclass(frozen=True, slots=True)
class _Bound:
    """Somebody who is bound in namespaces, and by what."""

    subject: Subject
    places: frozenset[str]
    grants: list[Grant]


def _bound_in(facts: ClusterFacts, side: Territory) -> list[_Bound]:
    """Those of them who are bound where a deployment is on its own."""

    def found() -> list[_Bound]:
        ours = side.whole(facts.name)
        return [bound for bound in _bound_people(facts) if bound.places & ours]

    return facts.memory.once(("bound people in", facts.name, side.name), found)


def _bound_people(facts: ClusterFacts) -> list[_Bound]:
    """The people of a cluster who are bound in namespaces, the API server's own aside."""

    def found() -> Iterator[_Bound]:
        for subject, grants in facts.rbac.grants.items():
            if subject.kind != "ServiceAccount" and not subject.name.startswith("system:"):
                places = frozenset(grant.scope for grant in grants if grant.scope is not None)
                if places:
                    yield _Bound(subject, places, grants)

    return facts.memory.once(("bound people", facts.name), lambda: list(found()))


def _price(state: State, capability: Capability) -> tuple[int, int]:
    reached = state.reached[capability]
    return (reached.doubts, reached.steps)


def _doubts(state: State, harms: list[Capability]) -> list[str]:
    found: dict[str, None] = {}
    for capability in harms[:50]:
        chain: Chain = state.chain(capability)
        found.update(dict.fromkeys(chain.doubts))
    return list(found)


def _harms(world: ProofWorld, state: State, a: Territory, b: Territory) -> Iterator[Capability]:
    for cluster in sorted(b.clusters):
        admin = Capability(Can.CLUSTER_ADMIN, cluster)
        if state.has(admin):
            yield admin
        for namespace in sorted(b.namespaces(cluster)):
            for capability in state.touching(cluster, namespace):
                if _harmful(world, capability, namespace, a, b):
                    yield capability
        yield from _as_its_people(state, cluster, b)


def _harmful(world: ProofWorld, capability: Capability, namespace: str, a: Territory, b: Territory) -> bool:
    cluster = capability.cluster
    whole = namespace in b.whole(cluster)
    shared = namespace in a.namespaces(cluster)
    match capability.can:
        case Can.NAMESPACE_ADMIN | Can.CREATE_PODS | Can.RELABEL:
            return True
        case Can.TOUCH:
            return _touches(world, capability, namespace)
        case Can.READ_SECRET:
            return _secret_of(world, capability, namespace, b, whole=whole, shared=shared)
        case Can.INSIDE_POD:
            return b.own_pod(cluster, capability.detail, namespace, capability.name) is not None
        case Can.ACT_AS:
            return capability.detail == "ServiceAccount" and _account_of(world, capability, b, whole=whole)
    return False


def _touches(world: ProofWorld, capability: Capability, namespace: str) -> bool:
    """Named objects count when B has one of that name, or when nobody can tell."""
    return not capability.detail or _named_there(world, capability, namespace)


def _not_there(world: ProofWorld, state: State, b: Territory) -> Iterator[str]:
    """Objects that rights of A name, in B's namespaces or nowhere in particular, and that the snapshot lacks."""
    for cluster in sorted(b.clusters):
        facts = world.clusters[cluster]
        for namespace in sorted(b.namespaces(cluster)):
            for item in state.touching(cluster, namespace):
                names = item.detail if item.can is Can.TOUCH else item.name
                if item.can not in (Can.TOUCH, Can.READ_SECRET) or names in ("", EVERYWHERE):
                    continue
                as_touch = (
                    item if item.can is Can.TOUCH else item._replace(can=Can.TOUCH, name="read secrets", detail=names)
                )
                plural = as_touch.name.split(" ", 1)[-1].partition("/")[0]
                if not any(entry.touches for entry in ENTRIES.values() if entry.plural == plural):
                    continue
                places = facts.every_namespace() if item.namespace == EVERYWHERE else (namespace,)
                if not any(_named_there(world, as_touch, place) for place in places):
                    doubts = state.chain(item).doubts
                    if doubts:
                        yield from doubts
                        continue
                    what = as_touch.name.split(" ", 1)[-1]
                    yield f"{what} {names.replace(',', ', ')} of {b.name}, which a role names, is not in the snapshot"


def _named_there(world: ProofWorld, capability: Capability, namespace: str) -> bool:
    """Whether an object of one of the names could be in the namespace: it is seen there, or its kind is not read."""
    resource = capability.name.split(" ", 1)[-1].partition("/")[0]
    facts = world.clusters[capability.cluster]
    names = set(capability.detail.split(","))
    if resource == "secrets":
        broken = {item.name for item in facts.snapshot.defective(kinds.SECRET) if item.namespace in ("", namespace)}
        return bool(names & {*facts.secrets_in.get(namespace, ()), *broken}) or bool(
            facts.snapshot.unseen("secrets", namespace)
        )
    if resource == "pods":
        return any(
            any(name.startswith(f"{pod.name.name}-") for name in names) if pod.template else pod.name.name in names
            for pod in facts.pods_in.get(namespace, ())
        )
    return _object_there(facts, resource, names, namespace)


def _object_there(facts: ClusterFacts, resource: str, names: set[str], namespace: str) -> bool:
    """As ``_named_there`` for what else lives in namespaces. Some objects every cluster makes by itself."""
    entries = [entry for entry in ENTRIES.values() if entry.plural == resource and entry.namespaced]
    if not entries or names & {"default", "kube-root-ca.crt"}:
        return True
    found = [
        item["metadata"]["name"]
        for entry in entries
        for item in facts.snapshot.of(entry.kind)
        if item["metadata"].get("namespace") == namespace
    ]
    found += [item.name for entry in entries for item in facts.snapshot.defective(entry.kind)]
    return bool(names & set(found)) or bool(facts.snapshot.unseen(resource, namespace))


def _secret_of(
    world: ProofWorld, capability: Capability, namespace: str, b: Territory, *, whole: bool, shared: bool
) -> bool:
    facts = world.clusters[capability.cluster]
    if whole:
        if capability.name == EVERYWHERE:
            return True
        return capability.name in facts.secrets_in.get(namespace, ())
    secrets = facts.secrets_in.get(namespace, {})
    named = secrets if capability.name == EVERYWHERE else {capability.name: secrets.get(capability.name)}
    mounted = _mounted_by(b, capability.cluster, namespace)
    if capability.name == EVERYWHERE and shared:
        return True
    return any(
        name in mounted
        or (document is not None and b.owns(capability.cluster, namespace, document["metadata"].get("labels") or {}))
        for name, document in named.items()
    )


def _mounted_by(b: Territory, cluster: str, namespace: str) -> set[str]:

    return {name for pod in b.pods(cluster) if pod.namespace == namespace for name in pod.contents.secrets}


def _account_of(world: ProofWorld, capability: Capability, b: Territory, *, whole: bool) -> bool:
    if whole:
        return True
    return any(
        pod.namespace == capability.namespace and pod.account == capability.name and pod.token
        for pod in b.pods(capability.cluster)
    )


def _as_its_people(state: State, cluster: str, b: Territory) -> Iterator[Capability]:
    people = b.deployment.people
    for capability in state.of(Can.ACT_AS, cluster):
        named = (capability.detail == "User" and capability.name in people.users) or (
            capability.detail == "Group" and capability.name in people.groups
        )
        if named:
            yield capability


def _of_both(capability: Capability, b: Territory) -> Step:
    """The one step of a harm that needs none: something is part of both deployments."""
    if capability.can is Can.ACT_AS and capability.detail != "ServiceAccount":
        kind = capability.detail.lower()
        return Step(
            f"{kind} {capability.name} is among the people of both",
            "the Partition",
            f"partition:people/{capability.name}",
        )
    place = f"{capability.namespace}/" if capability.namespace else ""
    word = {Can.INSIDE_POD: capability.detail or "Pod", Can.READ_SECRET: "Secret"}.get(capability.can, "ServiceAccount")
    shown = f"{word} {place}{capability.name}"
    return Step(
        f"{shown} is used by both deployments",
        shown,
        f"{capability.cluster}:{word.lower()}/{place}{capability.name}",
        OF_BOTH,
    )
