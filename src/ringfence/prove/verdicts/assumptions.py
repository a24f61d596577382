"""What a proof takes for granted, in sentences: everything that no API shows and that would change a verdict."""

from collections.abc import Iterator

from ringfence.prove import kinds
from ringfence.prove.network.cni import PLUGINS, assumed, is_fact
from ringfence.prove.verdicts.world import ProofWorld

_READ = frozenset({"version", "issuers", "repositories", "transformations", "harmless", "admission", "featureGates"})
"""What the rest of the proof, and of ``can``, reads of an ``assume``."""


def assumptions_of(world: ProofWorld) -> tuple[str, ...]:
    """The assumptions under which the verdicts hold."""
    return tuple(_assumptions(world))


def _assumptions(world: ProofWorld) -> Iterator[str]:
    yield from _of_the_plugin(world)
    if world.partition.common.groups or world.partition.common.users:
        names = ", ".join((*world.partition.common.groups, *world.partition.common.users))
        yield f"people of several deployments by design may use what they have in one in the other: {names}"
    if world.partition.assume.transformations:
        names = ", ".join(sorted(world.partition.assume.transformations))
        yield f"what carries a transformation's label was made by it, and holds what it may: {names}"
    if world.partition.assume.harmless:
        names = ", ".join(sorted(world.partition.assume.harmless))
        yield f"objects of these kinds weaken no separation, as they are (assume.harmless): {names}"
    if world.partition.assume.admission:
        names = ", ".join(sorted(world.partition.assume.admission))
        yield f"API servers whose flags are not seen run these admission plugins too (assume.admission): {names}"
    if "version" in world.partition.assume.facts:
        yield f"the clusters run Kubernetes {world.partition.assume.facts['version']} (assume.version)"
    issuers = world.partition.assume.facts.get("issuers")
    if isinstance(issuers, dict) and issuers:
        said = ", ".join(f"{name} {issuer}" for name, issuer in sorted(issuers.items()))
        yield f"these issue the ServiceAccount tokens of their clusters (assume.issuers): {said}"
    yield from _of_clusters(world)
    yield "users and groups of one name are the same people in every cluster; groups hold who the Partition says"
    yield "container runtimes, kernels and hypervisors keep their boundaries"


def _of_the_plugin(world: ProofWorld) -> Iterator[str]:
    """What is stated of the network plugin, and what was stated and means nothing here."""
    assume = world.partition.assume
    found = assumed(assume.facts, default_enforced=False)
    single = {key: value for key, value in assume.cni.items() if key != "name"}
    if found.plugin in PLUGINS:
        yield f"the network plugin is {assume.cni_name} and enforces policies as its documentation says (assume.cni)"
    if single:
        facts_said = ", ".join(f"{key}: {value}" for key, value in sorted(single.items()))
        yield f"of the network plugin it is assumed: {facts_said} (assume.cni)"
    elif found.plugin not in PLUGINS:
        yield "no network plugin is assumed: a network verdict holds under every allowed behaviour"
    strange = [*found.strange, *(key for key in assume.facts if key not in _READ and not is_fact(key))]
    for text in strange:
        yield f"nothing by assume.{text}: it is not understood, and does not count"


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
