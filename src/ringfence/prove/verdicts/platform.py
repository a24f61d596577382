"""Platform: do A and B share a component that neither owns, and is that more than their level allows?

Source: contract section 2. One cluster is one API server, scheduler and network. At ``cluster`` what runs in the
management cluster of a common Environment may be shared; at ``environment`` nothing may.
"""

from collections.abc import Iterator

from ringfence.landscape.model import Level
from ringfence.prove import kinds
from ringfence.prove.credentials.stores import provider_key, usable
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.kinds import Object, ObjectName, object_name
from ringfence.prove.partition import PartitionEnvironment
from ringfence.prove.proof import Answer, Mend, Step, Verdict
from ringfence.prove.rules.registry import state_rule
from ringfence.prove.verdicts.world import ProofWorld

CLUSTER = state_rule(
    "platform/cluster", "Deployments of one cluster share its control plane.", source="contract, section 2"
)
MANAGEMENT = state_rule(
    "platform/management", "Clusters of one Environment share its management cluster.", source="contract, section 1"
)
DELIVERY = state_rule(
    "platform/delivery", "One Argo CD or Flux that deploys to both is shared by both.", source="argo-cd.readthedocs.io"
)
STORE = state_rule(
    "platform/store", "One external secret store for both is a shared component.", source="external-secrets.io API"
)


def platform_verdict(world: ProofWorld, a: Territory, b: Territory, missing: list[str], level: Level | None) -> Verdict:
    """The verdict on shared components; ``level`` is what was promised (None: report everything shared)."""
    found = _shared(world, a, b, management_too=level is not Level.CLUSTER)
    shared = next((step for step in found if step.rule not in world.without), None)
    if shared is not None:
        mend = Mend("place the two in different Environments")
        return Verdict(Answer.BROKEN, (shared,), mend=mend, rules=(shared.rule,))
    missing = [
        *missing,
        *_remote_flux(world, a, b),
        *(_unseen_management(world, a, b) if level is not Level.CLUSTER else ()),
    ]
    if missing:
        return Verdict(Answer.UNKNOWN, missing=tuple(dict.fromkeys(missing)))
    return Verdict(Answer.HOLDS)


def environment_of(world: ProofWorld, cluster: str) -> PartitionEnvironment:
    """The Environment of a cluster; a cluster that none names stands for itself."""
    for environment in world.partition.environments:
        if cluster in environment.clusters or cluster == environment.management:
            return environment
    return PartitionEnvironment(cluster, None, (cluster,))


def _shared(world: ProofWorld, a: Territory, b: Territory, *, management_too: bool) -> Iterator[Step]:
    for cluster in sorted(a.clusters & b.clusters):
        text = f"both run in cluster {cluster}: one API server, one scheduler, one network"
        yield Step(text, f"cluster {cluster}", f"{cluster}:namespace/kube-system", CLUSTER)
    for one in sorted(a.clusters):
        for other in sorted(b.clusters):
            ours, theirs = environment_of(world, one), environment_of(world, other)
            if management_too and one != other and ours == theirs and ours.management:
                text = f"{one} and {other} are both run from the management cluster {ours.management}"
                yield Step(text, f"environment {ours.name}", f"{ours.management}:namespace/kube-system", MANAGEMENT)
    allowed = set() if management_too else _managements(world, a, b)
    yield from _deliverers(world, a, b, allowed)
    yield from _stores(world, a, b)


def _managements(world: ProofWorld, a: Territory, b: Territory) -> set[str]:
    found = {environment_of(world, name).management for name in a.clusters | b.clusters}
    return {name for name in found if name is not None}


def _remote_flux(world: ProofWorld, a: Territory, b: Territory) -> Iterator[str]:
    """Flux objects that apply to another cluster: which one, their kubeconfig says, and nobody reads it here."""
    if DELIVERY in world.without or a.clusters == b.clusters:
        return
    for name, facts in world.clusters.items():
        for kind in (kinds.FLUX_KUSTOMIZATION, kinds.FLUX_HELM_RELEASE):
            for document in facts.snapshot.of(kind):
                if (document.get("spec") or {}).get("kubeConfig"):
                    yield f"which cluster {object_name(name, document)} deploys to"


def _unseen_management(world: ProofWorld, a: Territory, b: Territory) -> Iterator[str]:
    for cluster in sorted(a.clusters | b.clusters):
        management = environment_of(world, cluster).management
        if management is not None and management not in world.clusters:
            yield f"a snapshot of the management cluster {management}"


def _deliverers(world: ProofWorld, a: Territory, b: Territory, allowed: set[str]) -> Iterator[Step]:
    """Argo CDs with an Application for a namespace of each side. Same names in several clusters count as each."""
    for name, facts in world.clusters.items():
        if name in allowed:
            continue
        ours, other = _delivers(facts, a), _delivers(facts, b)
        if ours is not None and other is not None:
            text = f"the Argo CD of {name} deploys both ({ours.name} and {other.name})"
            yield Step(text, f"Application {other.namespace}/{other.name}", str(other), DELIVERY)


def _delivers(facts: ClusterFacts, side: Territory) -> ObjectName | None:
    """The first Application of a cluster that deploys to a side."""

    def found() -> ObjectName | None:
        applications = facts.snapshot.of(kinds.ARGO_APPLICATION)
        return next((object_name(facts.name, item) for item in applications if _deploys_to(facts, item, side)), None)

    return facts.memory.once(("delivers", facts.name, side.name), found)


def _deploys_to(facts: ClusterFacts, document: Object, side: Territory) -> bool:
    destination = (document.get("spec") or {}).get("destination") or {}
    namespace = destination.get("namespace")
    cluster = destination.get("name")
    server = destination.get("server") or ""
    if cluster == "in-cluster" or server.startswith("https://kubernetes.default.svc"):
        cluster = facts.name
    return any(
        namespace in side.namespaces(name)
        and (cluster is None or cluster == name or cluster not in _known(side, facts))
        for name in side.clusters
    )


def _known(side: Territory, facts: ClusterFacts) -> frozenset[str]:
    return side.clusters | {facts.name}


def _stores(world: ProofWorld, a: Territory, b: Territory) -> Iterator[Step]:
    for one, other in ((one, other) for one in sorted(a.clusters) for other in sorted(b.clusters) if one != other):
        mine = _providers(world.clusters[one], a)
        for key, document in _providers(world.clusters[other], b).items() if mine else ():
            if key in mine and key not in ("{}", ""):
                name = object_name(other, document)
                text = f"{one} and {other} read their secrets from one store"
                yield Step(text, f"{name.kind} {name.name}", str(name), STORE)


def _providers(facts: ClusterFacts, side: Territory) -> dict[str, Object]:
    """The stores that a side's namespaces may use, by what they are."""
    key = ("providers", facts.name, side.name)
    return facts.memory.once(key, lambda: _find_providers(facts, side.namespaces(facts.name)))


def _find_providers(facts: ClusterFacts, spaces: frozenset[str]) -> dict[str, Object]:
    found: dict[str, Object] = {}
    for kind in (kinds.SECRET_STORE, kinds.CLUSTER_SECRET_STORE):
        for document in facts.snapshot.of(kind):
            provider = (document.get("spec") or {}).get("provider") or {}
            if not provider or {"aws", "gcpsm", "azurekv", "fake", "kubernetes"} & set(provider):
                continue
            namespace = document["metadata"].get("namespace")
            if namespace in spaces if namespace else any(usable(facts, document, space) for space in spaces):
                found[provider_key(provider)] = document
    return found
