"""Credentials: does one secret value, issuer, registry login or cloud identity open both A and B?

Source: contract sections 2 and 5. Values are compared by keyed hashes; those under different keys do not compare, and
then it is unknown. The two directions of a pair are the same question.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from ringfence.prove.credentials.owned import Identity, cloud_identities, materials_of, pool_identities
from ringfence.prove.credentials.stores import Entry, entries_of
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.kinds import ObjectName
from ringfence.prove.proof import Answer, Mend, Step, Verdict
from ringfence.prove.rules.registry import state_rule
from ringfence.prove.rules.secrets import DEFAULT_ISSUERS, issuer_of
from ringfence.prove.snapshot import Material
from ringfence.prove.verdicts.world import ProofWorld

EQUAL = state_rule(
    "credentials/equal-value",
    "One secret value in both deployments opens both: by type, or from 64 bits of estimated entropy.",
    source="contract, section 5",
)
ISSUER = state_rule(
    "credentials/issuer",
    "Clusters with one ServiceAccount issuer and one key accept each other's tokens.",
    source="kubernetes.io/docs/tasks/configure-pod-container/configure-service-account (issuer discovery)",
)
CLOUD = state_rule(
    "credentials/cloud-identity",
    "ServiceAccounts with one cloud identity are one identity in the cloud.",
    source="EKS IRSA, GKE and AKS workload identity: annotations of ServiceAccounts",
)
REMOTE = state_rule(
    "credentials/external-store",
    "ExternalSecrets that read one entry of one store hold the same value, whoever may read it here.",
    source="external-secrets.io API, remoteRef",
)


POOL = state_rule(
    "credentials/workload-pool",
    "GKE clusters of one project know ServiceAccounts by namespace and name: equal ones are one cloud identity.",
    source="cloud.google.com/kubernetes-engine/docs/concepts/workload-identity (identity sameness)",
)


def credentials_verdict(world: ProofWorld, a: Territory, b: Territory, missing: list[str]) -> Verdict:
    """The verdict on credentials between A and B."""
    for name, found in (
        (EQUAL, _equal_material(world, a, b)),
        (CLOUD, _equal_identity(world, a, b)),
        (POOL, next(_one_pool(world, a, b, granted=True), None)),
        (REMOTE, next(_one_entry(world, a, b, same=True), None)),
        (ISSUER, _shared_issuer(world, a, b)),
    ):
        if found and name not in world.without:
            return Verdict(Answer.BROKEN, (found,), mend=_mend(found), rules=(name,))
    missing = [*missing, *_unknown_issuers(world, a, b), *_keys(world, a, b), *_perhaps(world, a, b)]
    if missing:
        return Verdict(Answer.UNKNOWN, missing=tuple(dict.fromkeys(missing)))
    return Verdict(Answer.HOLDS)


def _mend(step: Step) -> Mend:
    return Mend(f"give {step.by} a credential of its own, and revoke the shared one")


def _materials(world: ProofWorld, owned: Territory) -> Mapping[str, Material]:
    """A deployment's material by digest, of each digest the most telling."""
    return world.memory.once(("materials", owned.name), lambda: _find_materials(world, owned), operator.eq)


def _find_materials(world: ProofWorld, owned: Territory) -> Mapping[str, Material]:
    best: dict[str, Material] = {}
    for cluster in sorted(owned.clusters):
        for material in materials_of(owned, world.clusters[cluster]):
            if material.compares:
                earlier = best.get(material.digest)
                if earlier is None or _plain(earlier) > _plain(material):
                    best[material.digest] = material
    return best


def _plain(material: Material) -> bool:
    return material.about.get("shape") == "plain"


def _equal_material(world: ProofWorld, a: Territory, b: Territory) -> Step | None:
    ours, theirs = _materials(world, a), _materials(world, b)
    if len(ours) > len(theirs):
        candidates = [digest for digest in theirs if digest in ours]
    else:
        candidates = [digest for digest in ours if digest in theirs]
    for digest in sorted(candidates, key=lambda item: (ours[item].owner, ours[item].place)):
        one, other = ours[digest], theirs[digest]
        if _plain(one) and _plain(other):
            continue
        what = min(one.kind, other.kind, key=lambda kind: kind.value == "value").value
        return Step(
            f"{one.place} of {_shown(one)} is the {what} in {other.place} of {_shown(other)}",
            _shown(other),
            str(other.owner),
            EQUAL,
        )
    return None


def _shown(material: Material) -> str:
    owner = material.owner
    return f"{owner.kind} {owner.namespace}/{owner.name}"


def _equal_identity(world: ProofWorld, a: Territory, b: Territory) -> Step | None:
    theirs = {identity.value: identity for identity in _identities(world, b, cloud_identities)}
    for identity in _identities(world, a, cloud_identities):
        other = theirs.get(identity.value)
        if other is not None:
            shown = _named(other.owner)
            text = f"{_named(identity.owner)} and {shown} have the same {identity.what}"
            return Step(text, shown, str(other.owner), CLOUD)
    return None


def _one_pool(world: ProofWorld, a: Territory, b: Territory, *, granted: bool) -> Iterator[Step]:
    """ServiceAccounts of two clusters that are one identity; ``granted``: one of them stands for a cloud account."""
    theirs = {identity.value: identity for identity in _identities(world, b, pool_identities)}
    for identity in _identities(world, a, pool_identities):
        other = theirs.get(identity.value)
        if other is not None and identity.owner != other.owner and bool(identity.what or other.what) is granted:
            text = f"{identity.owner.cluster} and {other.owner.cluster} share the workload identity {identity.value}"
            yield Step(text, _named(other.owner), str(other.owner), POOL)


def _one_entry(world: ProofWorld, a: Territory, b: Territory, *, same: bool | None) -> Iterator[Step]:
    """Entries of external stores that both read, surely or (``same`` None) perhaps."""
    ours, theirs = (_identities(world, side, entries_of) for side in (a, b))
    by_key: dict[str | None, list[Entry]] = {}
    for entry in theirs:
        by_key.setdefault(entry.key, []).append(entry)
    for entry in ours:
        others = theirs if entry.key is None else [*by_key.get(entry.key, ()), *by_key.get(None, ())]
        for other in others:
            if entry.is_also(other) is same:
                shown = _named(other.owner)
                what = f"entry {entry.key}" if entry.key is not None else "entries"
                text = f"{_named(entry.owner)} and {shown} have the same {what} of the external store"
                yield Step(text, shown, str(other.owner), REMOTE)


def _named(owner: ObjectName) -> str:
    place = f"{owner.namespace}/" if owner.namespace else ""
    return f"{owner.kind} {place}{owner.name}"


_Found = TypeVar("_Found", Identity, Entry)


def _identities(
    world: ProofWorld, owned: Territory, of: Callable[[Territory, ClusterFacts], Iterator[_Found]]
) -> list[_Found]:
    def found() -> list[_Found]:
        places = [world.clusters[cluster] for cluster in sorted(owned.clusters)]
        return [identity for facts in places for identity in of(owned, facts)]

    return world.memory.once(("identities", owned.name, of), found, operator.eq)


def _perhaps(world: ProofWorld, a: Territory, b: Territory) -> Iterator[str]:
    """Credentials that may be one, by what no snapshot shows."""
    if REMOTE not in world.without:
        for step in _one_entry(world, a, b, same=None):
            yield f"whether {step.step}"
    if POOL not in world.without:
        for step in _one_pool(world, a, b, granted=False):
            yield f"what the cloud grants to it: {step.step}"


def _apart(a: Territory, b: Territory) -> Iterator[tuple[str, str]]:
    """Pairs of different clusters that the two are in."""
    for one in sorted(a.clusters):
        for other in sorted(b.clusters):
            if one != other:
                yield one, other


def _shared_issuer(world: ProofWorld, a: Territory, b: Territory) -> Step | None:
    for one, other in _apart(a, b):
        mine, theirs = (issuer_of(world.rules, world.clusters[name]) for name in (one, other))
        if mine is None or mine != theirs:
            continue
        if mine in DEFAULT_ISSUERS and not _same_keys(world.clusters[one], world.clusters[other]):
            continue
        text = f"{one} and {other} have the same ServiceAccount issuer {mine}: each accepts the other's tokens"
        if _different_keys(world.clusters[one], world.clusters[other]):
            continue
        return Step(
            text, f"cluster {other}", f"{other}:{world.clusters[other].flags.pod or 'namespace/kube-system'}", ISSUER
        )
    return None


def _keys_of(facts: ClusterFacts) -> frozenset[str]:
    return frozenset(facts.snapshot.signing_keys)


def _same_keys(one: ClusterFacts, other: ClusterFacts) -> bool:
    return bool(_keys_of(one) & _keys_of(other))


def _different_keys(one: ClusterFacts, other: ClusterFacts) -> bool:
    return bool(_keys_of(one)) and bool(_keys_of(other)) and not _same_keys(one, other)


def _unknown_issuers(world: ProofWorld, a: Territory, b: Territory) -> Iterator[str]:
    for one, other in _apart(a, b):
        here, there = world.clusters[one], world.clusters[other]
        if _different_keys(here, there):
            continue
        mine, theirs = issuer_of(world.rules, here), issuer_of(world.rules, there)
        if mine is None or theirs is None:
            names = [name for name, issuer in ((one, mine), (other, theirs)) if issuer is None]
            yield f"the ServiceAccount issuer of {' and of '.join(names)}"
        elif mine == theirs:
            yield f"whether {one} and {other}, both with the default issuer, sign tokens with the same key"


def _keys(world: ProofWorld, a: Territory, b: Territory) -> Iterator[str]:
    """Snapshots hashed under different keys say nothing about equal values."""
    keys = {key for cluster in a.clusters | b.clusters for key in _keys_in(world.clusters[cluster])}
    if len(keys) > 1:
        yield "whether secret values are equal: the snapshots were hashed under different keys (snapshot --key FILE)"


def _keys_in(facts: ClusterFacts) -> frozenset[str]:
    """The hashing keys of a cluster's material that compares."""
    return facts.memory.once(
        ("hashing keys", facts.name),
        lambda: frozenset(material.key for material in facts.snapshot.materials if material.compares),
    )
