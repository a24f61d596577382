"""What a proof takes for granted, in sentences: everything that no API shows and that would change a verdict."""

from collections.abc import Iterator

from ringfence.prove import kinds
from ringfence.prove.verdicts.world import ProofWorld


def assumptions_of(world: ProofWorld) -> tuple[str, ...]:
    """The assumptions under which the verdicts hold."""
    return tuple(_assumptions(world))


def _assumptions(world: ProofWorld) -> Iterator[str]:
    cni = world.partition.assume.cni_name
    if cni:
        yield f"the network plugin is {cni} and enforces policies as its documentation says (assume.cni)"
    elif world.partition.assume.cni:
        facts_said = ", ".join(f"{key}: {value}" for key, value in sorted(world.partition.assume.cni.items()))
        yield f"of the network plugin it is assumed: {facts_said} (assume.cni)"
    elif "NetworkPolicy" in (world.partition.assume.cni.get("enforces") or ()):
        yield "the network plugin enforces NetworkPolicy v1, whichever it is (embedded pods have no network)"
    else:
        yield "no network plugin is assumed: a network verdict holds under every allowed behaviour"
    if world.partition.common.groups or world.partition.common.users:
        names = ", ".join((*world.partition.common.groups, *world.partition.common.users))
        yield f"people of several deployments by design may use what they have in one in the other: {names}"
    if world.partition.assume.transformations:
        names = ", ".join(sorted(world.partition.assume.transformations))
        yield f"what carries a transformation's label was made by it, and holds what it may: {names}"
    yield from _of_clusters(world)
    yield "users and groups of one name are the same people in every cluster; groups hold who the Partition says"
    yield "container runtimes, kernels and hypervisors keep their boundaries"


def _of_clusters(world: ProofWorld) -> Iterator[str]:
    """What is assumed of clusters, each sentence once with the clusters that it is about."""
    by_text: dict[str, list[str]] = {}
    for name, facts in world.clusters.items():
        if not facts.flags.authorization_modes:
            text = "RBAC and the Node authorizer alone decide access (cloud access entries are not visible)"
            by_text.setdefault(text, []).append(name)
        if not facts.flags.seen:
            by_text.setdefault("the API server runs with its default admission plugins", []).append(name)
        if not facts.snapshot.not_listed:
            by_text.setdefault("the snapshot is complete at its moment", []).append(name)
        if facts.snapshot.of(kinds.ARGO_APPLICATION):
            text = "nobody but a deployment's owner and the platform writes to where its Application is read from"
            if world.partition.assume.facts.get("repositories") == "platform":
                text = "nobody but the platform writes to where Applications are read from (assume.repositories)"
            by_text.setdefault(text, []).append(name)
    for text, names in by_text.items():
        yield f"{', '.join(names)}: {text}"
