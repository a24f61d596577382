"""Storage: volumes that both can reach, and what changing storage objects gives.

Source: kubernetes.io/docs/concepts/storage/persistent-volumes (reclaim policies, claimRef), separation.md 6.8.
"""

from collections.abc import Iterator, Mapping

from ringfence.landscape.model import TRANSFORMATION
from ringfence.prove import kinds
from ringfence.prove.admission.podsecurity import ENFORCE
from ringfence.prove.closure.capability import EVERYWHERE, Can
from ringfence.prove.closure.engine import State
from ringfence.prove.facts.backends import backends_of
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.facts.volumes import nodes_of_volume
from ringfence.prove.kinds import Object, object_name
from ringfence.prove.proof import Answer, Mend, Step, Verdict
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.registry import state_rule
from ringfence.prove.verdicts.unmodelled import unmodelled
from ringfence.prove.verdicts.world import ProofWorld

BACKEND = state_rule(
    "storage/one-backend",
    "Two volumes with one handle, share or path are one storage, though their claims differ.",
    source="kubernetes.io/docs/concepts/storage/persistent-volumes",
)
REWRITE = state_rule(
    "storage/rewrite",
    "Who writes PersistentVolumes or VolumeSnapshotContents points them at any storage, and binds released ones.",
    source="kubernetes.io/docs/concepts/storage/persistent-volumes#retain; kubernetes#47326",
)
FREE = state_rule(
    "storage/free-volume",
    "A volume without a claim may be bound by anybody who makes claims: if it is storage of B, so is B's data.",
    source="kubernetes.io/docs/concepts/storage/persistent-volumes#binding",
)
HOST_PATH = state_rule(
    "storage/host-path",
    "Pods that mount one directory of one node share what is in it.",
    source="kubernetes.io/docs/concepts/storage/volumes#hostpath",
)
GRANT = state_rule(
    "storage/cross-namespace-source",
    "A ReferenceGrant lets claims of another namespace start as copies of B's volumes or snapshots.",
    source="KEP-3294 (CrossNamespaceVolumeDataSource)",
)

COPIED = state_rule(
    "storage/copied-from",
    "A claim or snapshot that was made from B's volume holds B's data as it was then.",
    source="kubernetes.io/docs/concepts/storage/persistent-volumes#volume-populators-and-data-sources; "
    "kubernetes.io/docs/concepts/storage/volume-snapshots",
)


def storage_verdict(world: ProofWorld, a: Territory, b: Territory) -> Verdict:
    """Whether storage alone brings A to B's data."""
    state = world.state(a.name, b.name)
    missing: dict[str, None] = {}
    for cluster in sorted(b.clusters):
        facts = world.clusters[cluster]
        theirs = volumes_of(b, facts)
        used = [state.reached[item] for item in state.of(Can.USE_VOLUME, cluster) if item.name in theirs]
        for reached in sorted(used, key=lambda item: (item.doubts, item.steps)):
            chain = state.chain(reached.capability)
            if chain.certain:
                return Verdict(Answer.BROKEN, chain.steps, rules=chain.rules)
            missing.update(dict.fromkeys(chain.doubts))
        found = _rewrites(world, a, b, cluster, theirs) or _free(world, a, b, facts, theirs)
        if found is not None:
            return found
        if theirs:
            missing.update(dict.fromkeys(unmodelled(state, cluster, (Power.WRITE_STORAGE,))))
            missing.update(dict.fromkeys(_inline(facts, state, theirs)))
    step = _one_backend(world, a, b) or _host_path(world, a, b) or _copied(world, a, b)
    if step is not None and step.rule not in world.without:
        return Verdict(Answer.BROKEN, (step,), mend=Mend(_MENDS.get(step.rule, _OWN_VOLUME)), rules=(step.rule,))
    if HOST_PATH not in world.without:
        missing.update(dict.fromkeys(_host_path_somewhere(world, a, b)))
    if GRANT not in world.without:
        missing.update(dict.fromkeys(_grants(world, a, b)))
    return Verdict(Answer.UNKNOWN, missing=tuple(missing)) if missing else Verdict(Answer.HOLDS)


_OWN_VOLUME = "give each of the two a volume of its own"
_MENDS = {COPIED: "delete the copy, or have a named transformation make it (spec.transformations)"}


def _copied(world: ProofWorld, a: Territory, b: Territory) -> Step | None:
    """A claim or a snapshot of A that began as B's data, unless a named transformation made it."""
    for cluster in sorted(a.clusters & b.clusters):
        facts = world.clusters[cluster]
        for document in claims_of(a, facts).values():
            spec = document.get("spec") or {}
            source = spec.get("dataSourceRef") or {}
            where = source.get("namespace") if isinstance(source, Mapping) else None
            if where in b.whole(cluster) and not _transformed(world, document):
                name = object_name(cluster, document)
                text = f"claim {name.name} began as a copy of {source.get('kind')} {where}/{source.get('name')}"
                return Step(text, f"PersistentVolumeClaim {name.name}", str(name), COPIED)
    handles = {key for cluster in b.clusters for key in _snapshot_sources(b, world.clusters[cluster])}
    for cluster in sorted(a.clusters):
        for document in _contents(a, world.clusters[cluster]):
            snapshot = _snapshot_of(a, world.clusters[cluster], document)
            if _handles(document) & handles and not (snapshot is not None and _transformed(world, snapshot)):
                name = object_name(cluster, document)
                text = f"{name.name}, a snapshot of A, was taken of B's volume"
                return Step(text, f"VolumeSnapshotContent {name.name}", str(name), COPIED)
    return None


def _transformed(world: ProofWorld, document: Object) -> bool:
    labels = document["metadata"].get("labels") or {}
    return labels.get(TRANSFORMATION) in world.partition.assume.transformations


def _contents(owned: Territory, facts: ClusterFacts) -> Iterator[Object]:
    """The VolumeSnapshotContents that snapshots in a deployment's namespaces are bound to."""
    for document in facts.snapshot.of(kinds.VOLUME_SNAPSHOT_CONTENT):
        reference = (document.get("spec") or {}).get("volumeSnapshotRef") or {}
        if reference.get("namespace") in owned.whole(facts.name):
            yield document


def _snapshot_of(owned: Territory, facts: ClusterFacts, content: Object) -> Object | None:
    reference = content["spec"]["volumeSnapshotRef"]
    for document in facts.snapshot.of(kinds.VOLUME_SNAPSHOT):
        metadata = document["metadata"]
        if (metadata["namespace"], metadata["name"]) == (reference.get("namespace"), reference.get("name")):
            return document
    return None


def _handles(content: Object) -> set[tuple[str, str]]:
    """The volume that a snapshot was taken of, and the snapshot itself, as the driver calls them."""
    spec = content.get("spec") or {}
    source, driver = spec.get("source") or {}, str(spec.get("driver"))
    named = (
        source.get("volumeHandle"), source.get("snapshotHandle"), (content.get("status") or {}).get("snapshotHandle"),
    )  # fmt: skip
    return {(driver, str(handle)) for handle in named if handle}


def _snapshot_sources(owned: Territory, facts: ClusterFacts) -> Iterator[tuple[str, str]]:
    """The handles of a deployment's volumes and of its snapshots."""
    for volume in volumes_of(owned, facts).values():
        csi = (volume.get("spec") or {}).get("csi") or {}
        if csi.get("volumeHandle"):
            yield str(csi.get("driver")), str(csi["volumeHandle"])
    for document in _contents(owned, facts):
        yield from _handles(document)


def volumes_of(owned: Territory, facts: ClusterFacts) -> dict[str, Object]:
    """The PersistentVolumes bound by a deployment's claims, by name."""
    return facts.memory.once(("volumes of", owned.name, facts.name), lambda: _volumes_of(owned, facts))


def _volumes_of(owned: Territory, facts: ClusterFacts) -> dict[str, Object]:
    claims = claims_of(owned, facts)
    bound = {(document.get("spec") or {}).get("volumeName") for document in claims.values()}
    found = {}
    for volume in facts.snapshot.of(kinds.PERSISTENT_VOLUME):
        reference = (volume.get("spec") or {}).get("claimRef") or {}
        name = volume["metadata"]["name"]
        claimed = (reference.get("namespace") or "", reference.get("name") or "")
        if name in bound or claimed in claims or (claimed[0] in owned.whole(facts.name) and claimed[1]):
            found[name] = volume
    return found


def claims_of(owned: Territory, facts: ClusterFacts) -> dict[tuple[str, str], Object]:
    """A deployment's PersistentVolumeClaims."""
    return facts.memory.once(("claims of", owned.name, facts.name), lambda: _claims_of(owned, facts))


def _claims_of(owned: Territory, facts: ClusterFacts) -> dict[tuple[str, str], Object]:

    mounted = {(pod.namespace, name) for pod in owned.pods(facts.name) for name in pod.contents.claims}
    found = {}
    for document in facts.snapshot.of(kinds.PERSISTENT_VOLUME_CLAIM):
        metadata = document["metadata"]
        key = (metadata["namespace"], metadata["name"])
        if key in mounted or owned.owns(facts.name, key[0], metadata.get("labels") or {}):
            found[key] = document
    return found


def _rewrites(
    world: ProofWorld, a: Territory, b: Territory, cluster: str, theirs: Mapping[str, Object]
) -> Verdict | None:
    state = world.state(a.name, b.name)
    if not theirs or REWRITE in world.without:
        return None
    for power in (Power.WRITE_VOLUMES, Power.CHANGE_VOLUMES, Power.WRITE_SNAPSHOT_CONTENTS):
        for capability in state.powers(cluster, power.value):
            chain = state.chain(capability)
            makers = state.of(Can.CREATE_PODS, cluster)
            if capability.namespace != EVERYWHERE or not chain.certain or not makers:
                continue
            volume = sorted(theirs)[0]
            name = object_name(cluster, theirs[volume])
            step = Step(
                f"a volume of one's own may be the storage of {volume}",
                f"PersistentVolume {volume}",
                str(name),
                REWRITE,
            )
            return Verdict(Answer.BROKEN, (*chain.steps, step), rules=(*chain.rules, REWRITE))
    return None


def _free(
    world: ProofWorld, a: Territory, b: Territory, facts: ClusterFacts, theirs: Mapping[str, Object]
) -> Verdict | None:
    """An unclaimed volume with the storage of one of B's, and the right to make claims."""
    if FREE in world.without:
        return None
    state = world.state(a.name, b.name)
    claims = state.powers(facts.name, Power.WRITE_CLAIMS.value)
    claimers = [item for item in claims if state.makers_meeting(facts.name, item.namespace)]
    claimer = min(claimers, key=lambda item: (state.reached[item].doubts, state.reached[item].steps), default=None)
    if claimer is None:
        return None
    backends = {key: name for name, volume in theirs.items() for key in backends_of(volume.get("spec") or {})}
    for volume in facts.snapshot.of(kinds.PERSISTENT_VOLUME):
        spec = volume.get("spec") or {}
        named = volume["metadata"]["name"]
        twin = next((backends[key] for key in backends_of(spec) if key in backends), None)
        shown = named if named in theirs else twin
        if (spec.get("claimRef") or {}).get("name") or shown is None:
            continue
        chain = state.chain(claimer)
        if chain.certain:
            name = object_name(facts.name, volume)
            text = f"a claim may bind {name.name}, which is the storage of {shown}"
            step = Step(text, f"PersistentVolume {name.name}", str(name), FREE)
            return Verdict(Answer.BROKEN, (*chain.steps, step), rules=(*chain.rules, FREE))
    return None


def _inline(facts: ClusterFacts, state: State, theirs: Mapping[str, Object]) -> Iterator[str]:
    """Storage on a network that any pod may name by itself: only Pod Security's level restricted keeps pods from it."""
    shares = {
        name: key[1]
        for name, volume in sorted(theirs.items())
        for key in backends_of(volume.get("spec") or {})
        if key[0] in ("nfs", "iscsi", "glusterfs", "cephfs", "rbd", "fc")
    }
    for maker in state.of(Can.CREATE_PODS, facts.name) if shares else ():
        for namespace in facts.every_namespace() if maker.namespace == EVERYWHERE else (maker.namespace,):
            if (facts.namespaces.get(namespace) or {}).get(ENFORCE) != "restricted":
                name = next(iter(shares))
                yield f"whether {shares[name]}, the storage of {name}, lets other pods in ({namespace} may mount it)"
                return


def _one_backend(world: ProofWorld, a: Territory, b: Territory) -> Step | None:
    ours = {key for cluster in a.clusters for key in _backends(a, world.clusters[cluster])}
    # Only shares of a file server lie within each other; everything else is the same or another.
    shares = [key for key in ours if key[0] == "nfs"]
    for cluster in sorted(b.clusters):
        for key, (shown, name) in _backends(b, world.clusters[cluster]).items():
            if key in ours or (key[0] == "nfs" and any(_one_storage(key, mine) for mine in shares)):
                return Step(f"both mount the storage {'/'.join(key[1:])}", shown, name, BACKEND)
    return None


def _one_storage(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two are the same, or one share of a server lies within the other."""
    if one == other:
        return True
    return one[0] == other[0] == "nfs" and one[1] == other[1] and _overlap(one[2], other[2])


def _backends(owned: Territory, facts: ClusterFacts) -> dict[tuple[str, ...], tuple[str, str]]:
    return facts.memory.once(("backends of", owned.name, facts.name), lambda: _find_backends(owned, facts))


def _find_backends(owned: Territory, facts: ClusterFacts) -> dict[tuple[str, ...], tuple[str, str]]:
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    for name, volume in volumes_of(owned, facts).items():
        for key in backends_of(volume.get("spec") or {}):
            found[key] = (f"PersistentVolume {name}", str(object_name(facts.name, volume)))
    for pod in owned.pods(facts.name):
        for volume in pod.spec.get("volumes") or ():
            for key in backends_of(volume):
                found[key] = (pod.shown, str(pod.name))
    return found


def _host_path(world: ProofWorld, a: Territory, b: Territory) -> Step | None:
    for cluster in sorted(a.clusters & b.clusters):
        ours = _host_paths(a, world.clusters[cluster])
        for shown, name, node, path in _host_paths(b, world.clusters[cluster]):
            for mine, _, my_node, my_path in ours:
                if node == my_node and node is not None and _overlap(path, my_path):
                    text = f"{mine} and {shown} mount {path} of node {node}"
                    return Step(text, shown, name, HOST_PATH)
    return None


def _host_path_somewhere(world: ProofWorld, a: Territory, b: Territory) -> Iterator[str]:
    """Directories that would be one if they were on one node, where a node is not known."""
    for cluster in sorted(a.clusters & b.clusters):
        ours = _host_paths(a, world.clusters[cluster])
        for shown, _, node, path in _host_paths(b, world.clusters[cluster]):
            for mine, _, my_node, my_path in ours:
                if None in (node, my_node) and _overlap(path, my_path):
                    yield f"whether {mine} ({my_path}) and {shown} ({path}) are on one node"


def _host_paths(owned: Territory, facts: ClusterFacts) -> list[tuple[str, str, str | None, str]]:
    """The directories of nodes that pods mount, themselves or through a volume; node None: it is not known which."""
    return facts.memory.once(("host paths", facts.name, owned.name), lambda: list(_find_host_paths(owned, facts)))


def _find_host_paths(owned: Territory, facts: ClusterFacts) -> Iterator[tuple[str, str, str | None, str]]:
    claimed: dict[tuple[str, str], list[str | None]] = {}
    for pod in owned.pods(facts.name):
        for volume in pod.spec.get("volumes") or ():
            path = (volume.get("hostPath") or {}).get("path")
            if path:
                yield pod.shown, str(pod.name), pod.node, path
        for claim in pod.contents.claims:
            claimed.setdefault((pod.namespace, claim), []).append(pod.node)
    bound = {(document.get("spec") or {}).get("volumeName"): key for key, document in claims_of(owned, facts).items()}
    for name, volume in volumes_of(owned, facts).items():
        spec = volume.get("spec") or {}
        path = (spec.get("hostPath") or {}).get("path") or (spec.get("local") or {}).get("path")
        if not path:
            continue
        reference = spec.get("claimRef") or {}
        key = bound.get(name) or (str(reference.get("namespace")), str(reference.get("name")))
        nodes: list[str | None] = [*nodes_of_volume(spec)]
        nodes = nodes or [node for node in claimed.get(key, ()) if node is not None]
        for node in dict.fromkeys(nodes or [None]):
            yield f"PersistentVolume {name}", str(object_name(facts.name, volume)), node, path


def _overlap(one: str, other: str) -> bool:
    first, second = one.rstrip("/") + "/", other.rstrip("/") + "/"
    return first.startswith(second) or second.startswith(first)


def _grants(world: ProofWorld, a: Territory, b: Territory) -> Iterator[str]:
    for cluster in sorted(a.clusters & b.clusters):
        facts = world.clusters[cluster]
        state = world.state(a.name, b.name)
        claims = {item.namespace for item in state.powers(cluster, Power.WRITE_CLAIMS.value)}
        for document in facts.snapshot.of(kinds.REFERENCE_GRANT):
            namespace = document["metadata"]["namespace"]
            if namespace not in b.namespaces(cluster):
                continue
            spec = document.get("spec") or {}
            sources = {str(item.get("namespace")) for item in spec.get("from") or () if isinstance(item, dict)}
            targets = {str(item.get("kind")) for item in spec.get("to") or () if isinstance(item, dict)}
            ours = a.namespaces(cluster) | claims
            if (sources & ours or EVERYWHERE in ours) and targets & {"VolumeSnapshot", "PersistentVolumeClaim"}:
                yield (
                    f"whether {cluster} has CrossNamespaceVolumeDataSource on: "
                    f"ReferenceGrant {namespace}/{document['metadata']['name']} lets claims copy B's volumes"
                )
