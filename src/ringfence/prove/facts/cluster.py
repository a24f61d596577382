"""One cluster's facts, indexed once for all pairs: what every rule reads and no rule changes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ringfence.prove import kinds
from ringfence.prove.facts.pods import PodFacts, pods_of
from ringfence.prove.kinds import Object, object_name
from ringfence.prove.memory import Memory, Once
from ringfence.prove.partition import Assumptions
from ringfence.prove.platform.apiserver import ApiServerFlags, api_server_flags, minor_versions
from ringfence.prove.rbac.index import RbacIndex, build_index
from ringfence.prove.snapshot import ClusterSnapshot, Material

CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """The facts of one cluster. ``minors`` are the minor versions that it may have, empty when not known. ``memory``
    keeps what is worked out from them; what asks it must read nothing but these facts."""

    snapshot: ClusterSnapshot
    rbac: RbacIndex
    flags: ApiServerFlags
    minors: tuple[int, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    spaces: Mapping[str, Object]
    pods: Sequence[PodFacts]
    pods_in: Mapping[str, list[PodFacts]]
    pods_on: Mapping[str, list[PodFacts]]
    pod_named: Mapping[tuple[str, str, str], PodFacts]
    accounts_in: Mapping[str, set[str]]
    secrets_in: Mapping[str, dict[str, Object]]
    nodes: Mapping[str, Object]
    materials_of: Mapping[tuple[str, str, str], list[Material]]
    memory: Memory

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.snapshot.name

    @property
    def minor(self) -> int | None:
        """The minor version, None when it is not known for sure."""
        return self.minors[0] if len(self.minors) == 1 else None

    def every_namespace(self) -> Mapping[str, None]:
        """Every namespace that an object is in or that there is an object of."""
        return self.memory.once(("every namespace", self.name), self._every_namespace)

    def _every_namespace(self) -> Mapping[str, None]:
        return dict.fromkeys([*self.namespaces, *self.pods_in, *self.accounts_in, *self.secrets_in])

    def every_account_place(self) -> Mapping[str, None]:
        """Every namespace, and those of which only bindings name a ServiceAccount."""
        return self.memory.once(("every account place", self.name), self._every_account_place)

    def _every_account_place(self) -> Mapping[str, None]:
        return dict.fromkeys([*self.every_namespace(), *self.rbac.account_places()])

    def document(self, kind: kinds.Kind, namespace: str, name: str) -> Object | None:
        """One object as the snapshot has it, None when it is not there; no namespace: a cluster-scoped one."""
        named = self.memory.once(("documents", self.name, kind), lambda: self._documents(kind))
        return named.get((namespace, name))

    def _documents(self, kind: kinds.Kind) -> Mapping[tuple[str, str], Object]:
        found: dict[tuple[str, str], Object] = {}
        for document in self.snapshot.of(kind):
            metadata = document["metadata"]
            found.setdefault((metadata.get("namespace") or "", metadata["name"]), document)
        return found

    def bound_claims(self) -> Mapping[str, Mapping[str, str]]:
        """By namespace the PersistentVolumeClaims that are bound, each with its volume."""
        return self.memory.once(("bound claims", self.name), self._bound_claims)

    def _bound_claims(self) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for document in self.snapshot.of(kinds.PERSISTENT_VOLUME_CLAIM):
            volume = (document.get("spec") or {}).get("volumeName")
            if volume:
                metadata = document["metadata"]
                found[metadata["namespace"]][metadata["name"]] = volume
        return dict(found)

    def account_exists(self, namespace: str, name: str) -> bool:
        """Whether the snapshot shows the ServiceAccount; ``default`` is in every namespace."""
        return name == "default" or name in self.accounts_in.get(namespace, ())

    def scopes(self) -> Mapping[tuple[str, str], bool]:
        """By group and plural, whether the custom resources that are defined live in namespaces."""
        return self.memory.once(("scopes", self.name), self._scopes)

    def _scopes(self) -> Mapping[tuple[str, str], bool]:
        found: dict[tuple[str, str], bool] = {}
        for document in self.snapshot.of(kinds.CUSTOM_RESOURCE_DEFINITION):
            plural, _, group = document["metadata"]["name"].partition(".")
            spec = document.get("spec")
            scope = spec.get("scope") if isinstance(spec, dict) else None
            if scope in ("Namespaced", "Cluster"):
                found[group, plural] = scope == "Namespaced"
        return found

    def control_plane_nodes(self) -> tuple[str, ...]:
        """The nodes that show themselves as control plane."""
        return self.memory.once(("control plane", self.name), self._control_plane_nodes)

    def _control_plane_nodes(self) -> tuple[str, ...]:
        return tuple(
            name
            for name, node in self.nodes.items()
            if any(label in (node["metadata"].get("labels") or {}) for label in CONTROL_PLANE_LABELS)
        )


def cluster_facts(snapshot: ClusterSnapshot, assume: Assumptions, memory: Memory | None = None) -> ClusterFacts:
    """The indexed facts of a cluster; ``memory`` None: one of their own."""
    minors = minor_versions(snapshot, assume.facts.get("version"))
    minor = minors[0] if len(minors) == 1 else None
    accounts: dict[str, set[str]] = defaultdict(set)
    no_token = set()
    for document in snapshot.of(kinds.SERVICE_ACCOUNT):
        name = object_name(snapshot.name, document)
        accounts[name.namespace].add(name.name)
        if document.get("automountServiceAccountToken") is False:
            no_token.add((name.namespace, name.name))
    secrets: dict[str, dict[str, Object]] = defaultdict(dict)
    for document in snapshot.of(kinds.SECRET):
        metadata = document["metadata"]
        secrets[metadata["namespace"]][metadata["name"]] = document
    materials: dict[tuple[str, str, str], list[Material]] = defaultdict(list)
    for material in snapshot.materials:
        owner = material.owner
        materials[owner.kind, owner.namespace, owner.name].append(material)
    spaces = {document["metadata"]["name"]: document for document in snapshot.of(kinds.NAMESPACE)}
    pods = tuple(pods_of(snapshot, frozenset(no_token)))
    return ClusterFacts(
        snapshot=snapshot,
        rbac=build_index(snapshot, minor),
        flags=api_server_flags(snapshot),
        minors=minors,
        namespaces={
            name: {**(document["metadata"].get("labels") or {}), "kubernetes.io/metadata.name": name}
            for name, document in spaces.items()
        },
        spaces=spaces,
        pods=pods,
        pods_in=_by_namespace(pods),
        pods_on=_by_node(pods),
        pod_named={pod.name[1:]: pod for pod in pods},
        accounts_in=dict(accounts),
        secrets_in=dict(secrets),
        nodes={document["metadata"]["name"]: document for document in snapshot.of(kinds.NODE)},
        materials_of=dict(materials),
        memory=memory or Once(),
    )


def _by_namespace(pods: Iterable[PodFacts]) -> dict[str, list[PodFacts]]:
    found: dict[str, list[PodFacts]] = defaultdict(list)
    for pod in pods:
        found[pod.name.namespace].append(pod)
    return dict(found)


def _by_node(pods: Iterable[PodFacts]) -> dict[str, list[PodFacts]]:
    found: dict[str, list[PodFacts]] = defaultdict(list)
    for pod in pods:
        if pod.node is not None:
            found[pod.node].append(pod)
    return dict(found)
