"""A deployment's territory: which objects of which clusters are its own, and what whoever owns it starts with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ringfence.prove import kinds
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as, inside
from ringfence.prove.closure.engine import Derivation
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import PodFacts
from ringfence.prove.kinds import Kind, Object
from ringfence.prove.memory import Memory
from ringfence.prove.partition import NOBODY, PartitionDeployment, People
from ringfence.prove.rbac.index import UNAUTHENTICATED


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a deployment in one cluster. ``pool`` None: on any node."""

    facts: ClusterFacts
    namespaces: frozenset[str]
    labels: Mapping[str, str]
    pool: str | None

    @property
    def nodes(self) -> frozenset[str] | None:
        """The nodes of its pool, None for any node."""
        if self.pool is None:
            return None
        pool = self.pool
        return self.facts.memory.once(("pool", self.facts.name, pool), lambda: pool_nodes(self.facts, pool))

    @property
    def whole(self) -> bool:
        """True when everything in its namespaces belongs to the deployment."""
        return bool(self.namespaces) and not self.labels and self.pool is None

    def labelled(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether an object in ``namespace`` with ``labels`` is here, nodes left aside."""
        if self.namespaces and namespace not in self.namespaces:
            return False
        return all(labels.get(key) == value for key, value in self.labels.items())

    def pods(self) -> list[PodFacts]:
        """The pods, and the workloads whose pods, are here; in the order of the facts, namespace by namespace."""
        facts, nodes = self.facts, self.nodes
        if self.namespaces:
            candidates = (pod for name in sorted(self.namespaces) for pod in facts.pods_in.get(name, ()))
        else:
            candidates = (pod for pod in facts.pods)
        return [
            pod
            for pod in candidates
            if self.labelled(pod.namespace, pod.labels) and (nodes is None or (pod.node or "") in nodes)
        ]


@dataclass(frozen=True, slots=True)
class Territory:
    """Everything that is one deployment's: where it is, and by way of the facts of its clusters what is there."""

    deployment: PartitionDeployment
    places: tuple[Place, ...]
    clusters: frozenset[str] = field(init=False, compare=False)
    """The clusters of the snapshot that it is in."""
    _whole: dict[str, frozenset[str]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Its clusters are asked for by every pair and stay what they are."""
        object.__setattr__(self, "clusters", frozenset(place.facts.name for place in self.places))

    @property
    def name(self) -> str:
        """The deployment's name."""
        return self.deployment.name

    def in_cluster(self, cluster: str) -> Iterator[Place]:
        """Its places in one cluster."""
        return (place for place in self.places if place.facts.name == cluster)

    def pods(self, cluster: str) -> list[PodFacts]:
        """Its pods and workloads in one cluster."""
        memory = self._memory(cluster)
        return [] if memory is None else memory.once(("pods of", self.name, cluster), lambda: self._pods(cluster))

    def pods_in(self, cluster: str, namespace: str) -> list[PodFacts]:
        """Its pods and workloads in one namespace of a cluster."""
        memory = self._memory(cluster)
        if memory is None:
            return []
        return memory.once(("pods by namespace of", self.name, cluster), lambda: self._grouped(cluster)).get(
            namespace, []
        )

    def _grouped(self, cluster: str) -> dict[str, list[PodFacts]]:
        found: dict[str, list[PodFacts]] = {}
        for pod in self.pods(cluster):
            found.setdefault(pod.namespace, []).append(pod)
        return found

    def _pods(self, cluster: str) -> list[PodFacts]:
        here = list(self.in_cluster(cluster))
        if len(here) == 1:
            return here[0].pods()
        facts = here[0].facts
        found = {(pod.name.kind, pod.namespace, pod.name.name): pod for place in here for pod in place.pods()}
        if all(place.namespaces for place in here):
            spaces = sorted({name for place in here for name in place.namespaces})
            every = (pod for name in spaces for pod in facts.pods_in.get(name, ()))
        else:
            every = (pod for pod in facts.pods)
        return [pod for pod in every if (pod.name.kind, pod.namespace, pod.name.name) in found]

    def namespaces(self, cluster: str) -> frozenset[str]:
        """The namespaces in which anything of it is, whole or in part."""
        memory = self._memory(cluster)
        if memory is None:
            return frozenset()
        return memory.once(("namespaces of", self.name, cluster), lambda: self._namespaces(cluster))

    def _namespaces(self, cluster: str) -> frozenset[str]:
        found = {namespace for place in self.in_cluster(cluster) for namespace in place.namespaces}
        return frozenset(found | {pod.namespace for pod in self.pods(cluster)})

    def whole(self, cluster: str) -> frozenset[str]:
        """The namespaces that are its own as a whole."""
        if cluster not in self._whole:
            places = (place for place in self.in_cluster(cluster) if place.whole)
            self._whole[cluster] = frozenset(name for place in places for name in place.namespaces)
        return self._whole[cluster]

    def owns(self, cluster: str, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is its own."""
        return any(place.pool is None and place.labelled(namespace, labels) for place in self.in_cluster(cluster))

    def own_pod(self, cluster: str, kind: str, namespace: str, name: str) -> PodFacts | None:
        """Its pod of that name, None when it has none."""
        memory = self._memory(cluster)
        if memory is None:
            return None
        return memory.once(("named pods of", self.name, cluster), lambda: self._named(cluster)).get(
            (kind, namespace, name)
        )

    def _named(self, cluster: str) -> dict[tuple[str, str, str], PodFacts]:
        return {(pod.name.kind, pod.namespace, pod.name.name): pod for pod in self.pods(cluster)}

    def _memory(self, cluster: str) -> Memory | None:
        return next((place.facts.memory for place in self.in_cluster(cluster)), None)


def territory(deployment: PartitionDeployment, clusters: Mapping[str, ClusterFacts]) -> Territory:
    """The territory of a deployment; places in clusters that the snapshot lacks are left out (the verdict says so)."""
    return Territory(
        deployment,
        tuple(
            Place(clusters[where.cluster], frozenset(where.namespaces), where.labels, where.pool)
            for where in deployment.where
            if where.cluster in clusters
        ),
    )


def pool_nodes(facts: ClusterFacts, pool: str) -> frozenset[str]:
    """The nodes of a pool: those with a label whose key speaks of pools (or of node groups) and whose value is it."""
    found = set()
    for name, node in facts.nodes.items():
        for key, value in (node["metadata"].get("labels") or {}).items():
            plain = key.rsplit("/", 1)[-1].lower().replace("-", "").replace("_", "")
            if value == pool and (plain.endswith(("pool", "nodegroup")) or plain in ("role", "group")):
                found.add(name)
    return frozenset(found)


def starts(
    owned: Territory, clusters: Mapping[str, ClusterFacts], entitled: People = NOBODY
) -> dict[Capability, Derivation | None]:
    """What whoever owns a deployment can do before any step: its people (but those ``entitled`` on the other side by
    design), accounts, pods and Secrets; and anonymity."""
    found: dict[Capability, Derivation | None] = {}
    for facts in clusters.values():
        for name in owned.deployment.people.users:
            if name not in entitled.users:
                found[_person(facts.name, name)] = None
        for name in owned.deployment.people.groups:
            if name not in entitled.groups:
                found[acts_as(facts.name, "Group", "", name)] = None
        if facts.flags.anonymous is not False:
            found[acts_as(facts.name, "Group", "", UNAUTHENTICATED)] = None
            found[acts_as(facts.name, "User", "", "system:anonymous")] = None
    for cluster in sorted(owned.clusters):
        facts = clusters[cluster]
        for namespace in sorted(owned.whole(cluster)):
            found.update(_namespace_starts(facts, namespace))
        for pod in owned.pods(cluster):
            found[inside(cluster, pod.name.kind, pod.namespace, pod.name.name)] = None
        found.update(_labelled_starts(owned, facts))
    return found | _delivered(owned, clusters)


def _delivered(owned: Territory, clusters: Mapping[str, ClusterFacts]) -> dict[Capability, Derivation | None]:
    """The delivery objects whose content is the deployment's: Applications that deploy to it, Flux objects in it."""
    found: dict[Capability, Derivation | None] = {}
    for facts in clusters.values():
        found.update(dict.fromkeys(_delivered_by(facts, owned)))
    return found


def _delivered_by(facts: ClusterFacts, owned: Territory) -> list[Capability]:
    return facts.memory.once(("delivered", owned.name, facts.name), lambda: list(_deliverers(owned, facts)))


def _deliverers(owned: Territory, facts: ClusterFacts) -> Iterator[Capability]:
    for document in facts.snapshot.of(kinds.ARGO_APPLICATION):
        destination = (document.get("spec") or {}).get("destination") or {}
        if _deploys_here(owned, facts, destination):
            metadata = document["metadata"]
            yield Capability(Can.DELIVER, facts.name, metadata["namespace"], metadata["name"], "Application")
    for kind in (kinds.FLUX_KUSTOMIZATION, kinds.FLUX_HELM_RELEASE):
        for document in facts.snapshot.of(kind):
            metadata = document["metadata"]
            target = (document.get("spec") or {}).get("targetNamespace") or metadata["namespace"]
            if target in owned.whole(facts.name) or metadata["namespace"] in owned.whole(facts.name):
                yield Capability(Can.DELIVER, facts.name, metadata["namespace"], metadata["name"], kind.kind)
    for kind in kinds.FLUX_SOURCES:
        for document in facts.snapshot.of(kind):
            metadata = document["metadata"]
            if metadata["namespace"] in owned.whole(facts.name):
                yield Capability(Can.DELIVER, facts.name, metadata["namespace"], metadata["name"], kind.kind)


def _deploys_here(owned: Territory, home: ClusterFacts, destination: Mapping[str, object]) -> bool:
    """Whether an Application's destination is one of the deployment's whole namespaces. A server's address says not
    which cluster it is, so then the namespace alone decides."""
    namespace, cluster = destination.get("namespace"), destination.get("name")
    server = str(destination.get("server") or "")
    if cluster == "in-cluster" or (not cluster and server.startswith("https://kubernetes.default.svc")):
        cluster = home.name
    return any(namespace in owned.whole(name) and cluster in (None, "", name) for name in owned.clusters)


def _person(cluster: str, name: str) -> Capability:
    from ringfence.prove.rbac.index import user

    subject = user(name)
    return acts_as(cluster, subject.kind, subject.namespace, subject.name)


def _namespace_starts(facts: ClusterFacts, namespace: str) -> dict[Capability, Derivation | None]:
    found: dict[Capability, Derivation | None] = {}
    shown = facts.accounts_in.get(namespace, set())
    for account in sorted({*shown, "default"}):
        found[acts_as(facts.name, "ServiceAccount", namespace, account)] = None
    found[Capability(Can.READ_SECRET, facts.name, namespace, EVERYWHERE)] = None
    for subject in facts.rbac.accounts_of(namespace):
        if subject.name not in shown and subject.name != "default":
            doubt = f"ServiceAccount {namespace}/{subject.name} is bound, and is not in the snapshot"
            capability = acts_as(facts.name, "ServiceAccount", namespace, subject.name)
            found[capability] = Derivation(capability, "identity/own", None, doubt)
    return found


def _labelled_starts(owned: Territory, facts: ClusterFacts) -> dict[Capability, Derivation | None]:
    """ServiceAccounts and Secrets that carry a deployment's labels in a namespace that it shares."""
    found: dict[Capability, Derivation | None] = {}
    partial = [place for place in owned.in_cluster(facts.name) if place.labels and place.pool is None]
    for place in partial:
        for document in _in_namespaces(facts, kinds.SERVICE_ACCOUNT, place):
            metadata = document["metadata"]
            found[acts_as(facts.name, "ServiceAccount", metadata["namespace"], metadata["name"])] = None
        for document in _in_namespaces(facts, kinds.SECRET, place):
            metadata = document["metadata"]
            found[Capability(Can.READ_SECRET, facts.name, metadata["namespace"], metadata["name"])] = None
    return found


def _in_namespaces(facts: ClusterFacts, kind: Kind, place: Place) -> Iterator[Object]:
    for document in facts.snapshot.of(kind):
        metadata = document["metadata"]
        if place.labelled(metadata["namespace"], metadata.get("labels") or {}):
            yield document
