"""What a proof cannot see: unlisted kinds, objects that cannot be read, namespaces and clusters that are not there.

Gaps in RBAC, namespaces, nodes and admission are weighed by the closure, where they count only if they decide; the rest
makes the dimensions that it touches unknown, for the pairs whose objects could be among it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ringfence.prove import kinds
from ringfence.prove.catalogue import ALL_DIMENSIONS, SETTINGS, known, touched_by_kind, touched_by_resource
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.territory import Territory, pool_nodes
from ringfence.prove.kinds import Kind
from ringfence.prove.network.build import weighs
from ringfence.prove.partition import Where
from ringfence.prove.proof import Dimension
from ringfence.prove.snapshot import UNKNOWN_KIND, Defect, NotListed
from ringfence.prove.verdicts.world import ProofWorld

_WEIGHED = frozenset(
    {"roles", "clusterroles", "rolebindings", "clusterrolebindings", "validatingadmissionpolicies",
     "validatingadmissionpolicybindings",
     "networkpolicies", "adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"}
)  # fmt: skip
_WEIGHED_KINDS = frozenset(
    {kinds.ROLE, kinds.CLUSTER_ROLE, kinds.ROLE_BINDING, kinds.CLUSTER_ROLE_BINDING,
     kinds.VALIDATING_ADMISSION_POLICY, kinds.VALIDATING_ADMISSION_POLICY_BINDING,
     kinds.NETWORK_POLICY, kinds.ADMIN_NETWORK_POLICY, kinds.BASELINE_ADMIN_NETWORK_POLICY,
     kinds.CLUSTER_NETWORK_POLICY}
)  # fmt: skip
_LOCAL = frozenset(
    {kinds.SECRET, kinds.CONFIG_MAP, kinds.RESOURCE_QUOTA, kinds.LIMIT_RANGE, kinds.PERSISTENT_VOLUME_CLAIM,
     kinds.SERVICE_ACCOUNT, kinds.EXTERNAL_SECRET, kinds.SECRET_STORE}
)  # fmt: skip


_OWN_ALONE = frozenset(
    {"resourcequotas", "limitranges", "serviceaccounts", "persistentvolumeclaims", "externalsecrets", "secretstores"}
)
"""Resources of which only those in the namespaces of the two deployments matter."""


def blind_spots(world: ProofWorld, a: Territory, b: Territory) -> dict[Dimension, list[str]]:
    """For each dimension what is missing to know it of the pair; dimensions without a gap are left out."""
    found: dict[Dimension, list[str]] = {}
    for side in (a, b):
        for text in _absent(world, side):
            for dimension in Dimension:
                found.setdefault(dimension, []).append(text)
    harmless = world.partition.assume.harmless
    for cluster in sorted(a.clusters | b.clusters):
        facts = world.clusters[cluster]
        ours, theirs = a.namespaces(cluster), b.namespaces(cluster)
        spaces = ours | theirs
        for dimension, text in (*_unlisted(facts, ours, theirs), *_defects(facts, spaces, harmless)):
            texts = found.setdefault(dimension, [])
            if text not in texts:
                texts.append(text)
    return found


def _absent(world: ProofWorld, side: Territory) -> Iterator[str]:
    for where in side.deployment.where:
        if where.cluster not in world.clusters:
            yield f"a snapshot of cluster {where.cluster}, where {side.name} is"
            continue
        facts = world.clusters[where.cluster]
        present = facts.every_namespace()
        for namespace in where.namespaces:
            if namespace not in present:
                yield f"namespace {namespace} of {side.name} is not in the snapshot of {where.cluster}"
        if where.pool is not None and not pool_nodes(facts, where.pool):
            yield f"node pool {where.pool} of {side.name}: no node of {where.cluster} carries its name in a label"
        if where.labels and not _carried(facts, where):
            words = ", ".join(f"{key}={value}" for key, value in sorted(where.labels.items()))
            yield f"what {side.name} is: no object of {where.cluster} carries {words}"
    if not side.deployment.where:
        yield f"where {side.name} is"


def _carried(facts: ClusterFacts, where: Where) -> bool:
    """Whether anything that a deployment can be told by carries the labels of a place."""
    wanted = where.labels.items()
    if any(
        wanted <= pod.labels.items() and (not where.namespaces or pod.namespace in where.namespaces)
        for pod in facts.pods
    ):
        return True
    return any(
        wanted <= (item["metadata"].get("labels") or {}).items()
        and (not where.namespaces or item["metadata"]["namespace"] in where.namespaces)
        for kind in (kinds.SERVICE_ACCOUNT, kinds.SECRET, kinds.CONFIG_MAP)
        for item in facts.snapshot.of(kind)
    )


def _unlisted(facts: ClusterFacts, ours: frozenset[str], theirs: frozenset[str]) -> Iterator[tuple[Dimension, str]]:
    for marker in facts.snapshot.not_listed:
        if marker.resource.partition(".")[0] not in _WEIGHED:
            for dimension in sorted(_touched(marker, ours, theirs)):
                yield dimension, str(marker)


def _touched(marker: NotListed, ours: frozenset[str], theirs: frozenset[str]) -> frozenset[Dimension]:
    """What unseen objects could touch. Those of other namespaces count too: what runs, is bound or delivers there may
    be a way from A to B. Of B's own Secrets it matters only what they hold; of others, whom they let A become."""
    inside = marker.namespace is None or marker.namespace in ours | theirs
    if marker.resource == "secrets":
        kept = touched_by_resource(marker.resource)
        if marker.namespace in theirs - ours:
            return kept - {Dimension.ACCESS}
        return kept if inside else kept - {Dimension.CREDENTIALS}
    if marker.resource == "configmaps" and marker.namespace not in ours | theirs:
        return ALL_DIMENSIONS
    if not inside and marker.resource.partition(".")[0] in _OWN_ALONE:
        return frozenset()
    return touched_by_resource(marker.resource)


def _defects(facts: ClusterFacts, spaces: frozenset[str], harmless: frozenset[str]) -> Iterator[tuple[Dimension, str]]:
    for kind, count in _strangers(facts).items():
        if weighs(kind):
            continue
        if not {str(kind).lower(), f"*.{kind.group}"} & harmless:
            for dimension in sorted(touched_by_kind(kind)):
                yield dimension, _what_they_do(facts.name, kind, count)
    for defect in facts.snapshot.defects:
        if _stranger(defect):
            continue
        if defect.kind in _WEIGHED_KINDS:
            continue
        for dimension in sorted(_touched_by(defect, spaces)):
            yield dimension, _shown(facts.name, defect)


def _touched_by(defect: Defect, spaces: frozenset[str]) -> frozenset[Dimension]:
    """What an object that cannot be read could touch. Elsewhere a ConfigMap may say who may do what, and a Secret may
    let A become somebody; other kinds that act in their own namespace alone do nothing there."""
    inside = not defect.namespace or defect.namespace in spaces
    if defect.kind == kinds.CONFIG_MAP and (not inside or not defect.namespace or defect.name in SETTINGS):
        return ALL_DIMENSIONS
    touched = touched_by_kind(defect.kind)
    if inside or defect.kind not in _LOCAL:
        return touched
    return touched - {Dimension.CREDENTIALS} if defect.kind == kinds.SECRET else frozenset()


def _stranger(defect: Defect) -> bool:
    """Whether an object is one of a kind that nobody here knows, with nothing else wrong."""
    return bool(defect.kind.group and defect.problem == UNKNOWN_KIND and not known(defect.kind))


@dataclass(frozen=True, slots=True)
class _Strangers:
    """How many objects of a kind there are, and the first of them."""

    count: int
    first: str


def _strangers(facts: ClusterFacts) -> Mapping[Kind, _Strangers]:
    """By kind, the objects of kinds that nobody here knows: what they do is one question, however many there are."""

    def found() -> dict[Kind, _Strangers]:
        counts = Counter(defect.kind for defect in facts.snapshot.defects if _stranger(defect))
        firsts = {defect.kind: defect for defect in reversed(facts.snapshot.defects) if defect.kind in counts}
        return {
            kind: _Strangers(count, f"{firsts[kind].namespace}/{firsts[kind].name}".lstrip("/"))
            for kind, count in counts.items()
        }

    return facts.memory.once(("strangers", facts.name), found)


def _what_they_do(cluster: str, kind: Kind, strangers: _Strangers) -> str:
    more = f" and {strangers.count - 1} more" if strangers.count > 1 else ""
    name = f"{kind.kind.lower()}.{kind.group}"
    return (
        f"what {cluster}:{name}/{strangers.first}{more} does, of a kind that Ringfence does not know (assume.harmless)"
    )


def _shown(cluster: str, defect: Defect) -> str:
    place = f"{defect.namespace}/" if defect.namespace else ""
    kind = defect.kind if known(defect.kind) else Kind(defect.kind.group, defect.kind.kind or "document")
    return f"{cluster}:{str(kind).lower()}/{place}{defect.name}: {defect.problem}"
