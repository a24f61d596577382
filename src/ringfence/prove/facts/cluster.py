"""One cluster's facts, indexed once for all pairs: what every rule reads and no rule changes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ringfence.prove import kinds
from ringfence.prove.facts.pods import PodFacts, pods_of
from ringfence.prove.kinds import Object, object_name
from ringfence.prove.partition import Assumptions
from ringfence.prove.platform.apiserver import ApiServerFlags, api_server_flags, minor_versions
from ringfence.prove.rbac.index import RbacIndex, build_index
from ringfence.prove.snapshot import ClusterSnapshot, Material

_ALWAYS = ("default", "kube-system", "kube-public", "kube-node-lease")
CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(slots=True)
class ClusterFacts:
    """The facts of one cluster. ``minors`` are the minor versions that it may have, empty when not known."""

    snapshot: ClusterSnapshot
    rbac: RbacIndex
    flags: ApiServerFlags
    minors: tuple[int, ...]
    namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    pods: list[PodFacts] = field(default_factory=list)
    pods_in: dict[str, list[PodFacts]] = field(default_factory=lambda: defaultdict(list))
    pods_on: dict[str, list[PodFacts]] = field(default_factory=lambda: defaultdict(list))
    pod_named: dict[tuple[str, str, str], PodFacts] = field(default_factory=dict)
    accounts_in: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    secrets_in: dict[str, dict[str, Object]] = field(default_factory=lambda: defaultdict(dict))
    nodes: dict[str, Object] = field(default_factory=dict)
    materials_of: dict[tuple[str, str, str], list[Material]] = field(default_factory=lambda: defaultdict(list))

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.snapshot.name

    @property
    def minor(self) -> int | None:
        """The minor version, None when it is not known for sure."""
        return self.minors[0] if len(self.minors) == 1 else None

    def every_namespace(self) -> Iterable[str]:
        """Every namespace that an object is in or that there is an object of."""
        return dict.fromkeys([*self.namespaces, *self.pods_in, *self.accounts_in, *self.secrets_in])

    def every_account_place(self) -> Iterable[str]:
        """Every namespace, and those of which only bindings name a ServiceAccount."""
        return dict.fromkeys([*self.every_namespace(), *self.rbac.account_places()])

    def account_exists(self, namespace: str, name: str) -> bool:
        """Whether the snapshot shows the ServiceAccount; ``default`` is in every namespace."""
        return name == "default" or name in self.accounts_in.get(namespace, ())

    def control_plane_nodes(self) -> tuple[str, ...]:
        """The nodes that show themselves as control plane."""
        return tuple(
            name
            for name, node in self.nodes.items()
            if any(label in (node["metadata"].get("labels") or {}) for label in CONTROL_PLANE_LABELS)
        )


def cluster_facts(snapshot: ClusterSnapshot, assume: Assumptions) -> ClusterFacts:
    """The indexed facts of a cluster."""
    minors = minor_versions(snapshot, assume.facts.get("version"))
    minor = minors[0] if len(minors) == 1 else None
    facts = ClusterFacts(snapshot, build_index(snapshot, minor), api_server_flags(snapshot), minors)
    for document in snapshot.of(kinds.NAMESPACE):
        metadata = document["metadata"]
        labels = metadata.get("labels") or {}
        facts.namespaces[metadata["name"]] = {**labels, "kubernetes.io/metadata.name": metadata["name"]}
    for document in snapshot.of(kinds.NODE):
        facts.nodes[document["metadata"]["name"]] = document
    no_token = set()
    for document in snapshot.of(kinds.SERVICE_ACCOUNT):
        name = object_name(snapshot.name, document)
        facts.accounts_in[name.namespace].add(name.name)
        if document.get("automountServiceAccountToken") is False:
            no_token.add((name.namespace, name.name))
    for document in snapshot.of(kinds.SECRET):
        metadata = document["metadata"]
        facts.secrets_in[metadata["namespace"]][metadata["name"]] = document
    _take_pods(facts, frozenset(no_token))
    for material in snapshot.materials:
        owner = material.owner
        facts.materials_of[owner.kind, owner.namespace, owner.name].append(material)
    return facts


def _take_pods(facts: ClusterFacts, no_token: frozenset[tuple[str, str]]) -> None:
    for pod in pods_of(facts.snapshot, no_token):
        facts.pods.append(pod)
        facts.pods_in[pod.namespace].append(pod)
        facts.pod_named[pod.name.kind, pod.namespace, pod.name.name] = pod
        if pod.node is not None:
            facts.pods_on[pod.node].append(pod)
