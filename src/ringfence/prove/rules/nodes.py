"""What follows from owning a node, and how nodes are come by."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address

from ringfence.prove.admission.placement import NodeChoice, could_come, nodes_open_to
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as, inside
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import PodFacts
from ringfence.prove.facts.territory import pool_nodes
from ringfence.prove.kinds import ObjectName
from ringfence.prove.network.build import build_world
from ringfence.prove.network.told import told_apart
from ringfence.prove.network.values import canonical_address
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import object_step, step, via
from ringfence.prove.snapshot import MaterialKind

_PRACTICE = "kubernetes.io/docs/concepts/security/rbac-good-practices"


@rule(
    "nodes/root-pod",
    "A pod that owns its node owns every node that its author can put it on.",
    source="kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node (nodeName skips the scheduler)",
    on=(Can.CREATE_ROOT_PODS, Can.RELABEL, Can.POWER),
    powers=(Power.WRITE_ADMISSION_POLICIES, Power.WRITE_NODES),
)
def root_pod(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Taints stop nobody who writes tolerations; only admission does, and only while its policies and what they look
    at (labels of namespaces and nodes) stay."""
    facts = world.clusters[capability.cluster]
    for made in _root_pods(capability, state):
        others = () if made == capability else (made,)
        if not facts.nodes:
            if facts.pods:
                yield Derivation(
                    Capability(Can.ON_NODE, facts.name, "", EVERYWHERE),
                    "nodes/root-pod",
                    step("the pod becomes root on a node", f"Namespace {made.namespace}", _namespace(made)),
                    "no Node is in the snapshot: where pods run is not known",
                    others,
                )
            continue
        choice, premise = _choice(facts, made, state)
        if premise is not None and premise != capability:
            others = (*others, premise)
        text = "the pod becomes root on " + ("any node" if choice.nodes is None else "a node of its pool")
        for node in (EVERYWHERE,) if choice.nodes is None else choice.nodes:
            yield Derivation(
                Capability(Can.ON_NODE, facts.name, "", node),
                "nodes/root-pod",
                step(text, choice.by, choice.object),
                choice.doubt,
                others,
            )


_LOOSENING = (Power.WRITE_ADMISSION_POLICIES.value, Power.WRITE_NODES.value)


def _root_pods(capability: Capability, state: State) -> list[Capability]:
    """The capabilities to make root pods that a premise is about."""
    if capability.can is Can.CREATE_ROOT_PODS:
        return [capability]
    found = state.of(Can.CREATE_ROOT_PODS, capability.cluster)
    if capability.can is Can.POWER:
        return list(found)
    return [item for item in found if capability.namespace in (EVERYWHERE, item.namespace)]


def _choice(facts: ClusterFacts, made: Capability, state: State) -> tuple[NodeChoice, Capability | None]:
    """The nodes that root pods of a namespace can be put on, and what had to be changed for it."""
    choice = nodes_open_to(facts, made.namespace)
    if choice.nodes is None and choice.doubt is None:
        return choice, None
    for power in _LOOSENING:
        for held in state.powers(facts.name, power):
            if power == Power.WRITE_ADMISSION_POLICIES.value and names_of(held):
                without = nodes_open_to(facts, made.namespace, gone=frozenset(names_of(held)))
                if without != choice:
                    return without, held
                continue
            doubt = f"whether what {power}s keeps {made.namespace} off nodes may be changed" if names_of(held) else None
            return NodeChoice(None, "admission and nodes that can be rewritten", _namespace(made), doubt), held
    for place in (made.namespace, EVERYWHERE):
        relabel = Capability(Can.RELABEL, facts.name, place)
        if state.has(relabel):
            return nodes_open_to(facts, made.namespace, relabelled=True), relabel
    return choice, None


def _namespace(capability: Capability) -> str:
    return f"{capability.cluster}:namespace/{capability.namespace}"


@rule(
    "nodes/pods-on-it",
    "Root on a node is inside every pod on it, and the kubelet's identity reads their Secrets and makes their tokens.",
    source="kubernetes.io/docs/reference/access-authn-authz/node",
    on=(Can.ON_NODE,),
)
def pods_on_it(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Pods that are there; pods of templates where nobody says on which node they are, in doubt."""
    facts = world.clusters[capability.cluster]
    everywhere = capability.name == EVERYWHERE
    here = facts.pods_on.get(capability.name, [])
    for pod in _everywhere(world, facts) if everywhere else _classes(world, facts, here):
        yield _inside(facts, pod, capability, None)
    if not everywhere:
        for pod in _everywhere(world, facts):
            if pod.node != capability.name and _may_come(world, facts, pod, capability.name):
                yield _inside(facts, pod, capability, f"whether {pod.shown} may come to run on node {capability.name}")


def _may_come(world: RuleWorld, facts: ClusterFacts, pod: PodFacts, node: str) -> bool:
    """Whether the scheduler could put such a pod there when it is made again."""
    spec = pod.spec
    names = ("nodeSelector", "affinity", "tolerations", "runtimeClassName", "hostNetwork")
    wants = [spec.get(name) for name in names]
    kind = pod.name.kind if pod.template else "Pod"
    key = ("may come", facts.name, node, pod.namespace, kind, repr(wants), pod.template and spec.get("nodeName"))
    return facts.memory.once(key, lambda: could_come(facts, pod, node))


def _classes(
    world: RuleWorld, facts: ClusterFacts, pods: Sequence[PodFacts], *, by_node: bool = False
) -> list[PodFacts]:
    """One pod of each kind: pods of one namespace, labels, identity, contents and pool give the same, if no range of
    addresses that a policy names tells them apart. ``by_node``: and of one node, where they lead out to it."""
    told = {key for item in world.partition.deployments for place in item.where for key in place.labels}
    unheard = _PER_POD - told
    tokens, pools = _tokens_of(facts), _pools_of(world, facts)
    found: dict[tuple[object, ...], PodFacts] = {}
    for pod in pods:
        labels = tuple(sorted(item for item in pod.labels.items() if item[0] not in unheard))
        hosted = bool(pod.spec.get("hostNetwork"))
        node = pod.node if by_node and (hosted or pod.contents.escape is not None) else None
        kind = pod.name.kind if pod.template else ""
        held = tokens.get((pod.name.kind, pod.namespace, pod.name.name))
        place = (pod.namespace, pools.get(pod.node or ""), node, _cells_of(facts, pod))
        found.setdefault((place, pod.account, pod.token, labels, kind, pod.contents, hosted, held), pod)
    return list(found.values())


def _cells_of(facts: ClusterFacts, pod: PodFacts) -> tuple[int, ...]:
    """Between which ends of ranges the addresses of a pod lie."""
    ends = _ends_of_ranges(facts)
    if not ends:
        return ()
    texts = {pod.status.get("podIP"), *(entry.get("ip") for entry in pod.status.get("podIPs") or ())}
    known = (canonical_address(text) for text in texts)
    addresses = (ip_address(text) for text in known if text is not None)
    return tuple(sorted(bisect_right(ends, (address.version, int(address))) for address in addresses))


def _ends_of_ranges(facts: ClusterFacts) -> tuple[tuple[int, int], ...]:
    """The ends of all ranges of addresses that policies of the cluster name."""

    def found() -> tuple[tuple[int, int], ...]:
        policies = (item for kind, items in facts.snapshot.objects.items() if "Policy" in kind.kind for item in items)
        return told_apart(build_world(policies)).ends

    return facts.memory.once(("ends of ranges", facts.name), found)


def _tokens_of(facts: ClusterFacts) -> Mapping[tuple[str, str, str], frozenset[str]]:
    """The pods and workloads that hold tokens and kubeconfigs in their environment, each with the digests of those."""

    def found() -> dict[tuple[str, str, str], frozenset[str]]:
        held: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for material in facts.snapshot.materials:
            if material.kind in (MaterialKind.TOKEN, MaterialKind.KUBECONFIG):
                held[material.owner.kind, material.owner.namespace, material.owner.name].add(material.digest)
        return {owner: frozenset(digests) for owner, digests in held.items()}

    return facts.memory.once(("tokens of", facts.name), found)


def _pools_of(world: RuleWorld, facts: ClusterFacts) -> Mapping[str, tuple[str, ...]]:
    """By node the pools that deployments are told by, where any is."""
    pools = sorted({place.pool for item in world.partition.deployments for place in item.where if place.pool})

    def found() -> dict[str, tuple[str, ...]]:
        held: dict[str, tuple[str, ...]] = defaultdict(tuple)
        for pool in pools:
            for node in pool_nodes(facts, pool):
                held[node] += (pool,)
        return dict(held)

    return facts.memory.once(("pools of", facts.name, tuple(pools)), found)


# Labels that controllers give each pod, or each edition of a template, by itself.
_PER_POD = frozenset({
    "pod-template-hash", "controller-revision-hash", "pod-template-generation", "apps.kubernetes.io/pod-index",
    "statefulset.kubernetes.io/pod-name", "batch.kubernetes.io/job-completion-index", "controller-uid",
    "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name",
})  # fmt: skip


def _everywhere(world: RuleWorld, facts: ClusterFacts) -> list[PodFacts]:
    """One pod of each kind in the whole cluster, worked out once."""
    return facts.memory.once(("pod classes", facts.name), lambda: _classes(world, facts, facts.pods))


def _inside(facts: ClusterFacts, pod: PodFacts, capability: Capability, doubt: str | None) -> Derivation:
    where = "a node" if capability.name == EVERYWHERE else f"node {capability.name}"
    return Derivation(
        inside(facts.name, pod.name.kind, pod.namespace, pod.name.name),
        "nodes/pods-on-it",
        object_step(f"root on {where} is inside {pod.shown}", pod.name),
        doubt,
    )


@rule(
    "nodes/their-accounts",
    "A node makes tokens for the ServiceAccounts of its pods, also where a pod mounts none.",
    source="kubernetes.io/docs/reference/access-authn-authz/node (serviceaccounts/token)",
    on=(Can.ON_NODE, Can.KUBELET),
)
def their_accounts(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The kubelet's own credential suffices."""
    facts = world.clusters[capability.cluster]
    pods = facts.pods if capability.name == EVERYWHERE else facts.pods_on.get(capability.name, [])
    for namespace, account in dict.fromkeys((pod.namespace, pod.account) for pod in pods):
        name = ObjectName(facts.name, "ServiceAccount", namespace, account)
        yield Derivation(
            acts_as(facts.name, "ServiceAccount", namespace, account),
            "nodes/their-accounts",
            object_step(f"the node makes a token of ServiceAccount {namespace}/{account}", name),
        )


@rule(
    "nodes/their-secrets",
    "A kubelet's identity reads the Secrets of the pods on its node.",
    source="kubernetes.io/docs/reference/access-authn-authz/node",
    on=(Can.KUBELET,),
)
def their_secrets(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Those that a pod mounts, or pulls its images with."""
    facts = world.clusters[capability.cluster]
    pods = facts.pods if capability.name == EVERYWHERE else facts.pods_on.get(capability.name, [])
    for pod in pods:
        pulls = {str(item.get("name")) for item in pod.spec.get("imagePullSecrets") or ()}
        for secret in sorted(pod.contents.secrets | pulls):
            yield Derivation(
                Capability(Can.READ_SECRET, facts.name, pod.namespace, secret),
                "nodes/their-secrets",
                object_step(f"the node of {pod.shown} reads the Secret {pod.namespace}/{secret}", pod.name),
            )


@rule(
    "identity/node",
    "A user system:node:NAME of the group system:nodes is that node's kubelet.",
    source="kubernetes.io/docs/reference/access-authn-authz/node",
    on=(Can.ACT_AS,),
)
def node_identity(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The Node authorizer looks at both; of the group alone it is not known which node it is."""
    cluster = capability.cluster
    group = acts_as(cluster, "Group", "", _NODES)
    if capability == group:
        gives = Capability(Can.KUBELET, cluster, "", EVERYWHERE)
        yield Derivation(gives, "identity/node", None, f"which node the member of {_NODES} is")
    if not state.has(group):
        return
    users = state.of(Can.ACT_AS, cluster) if capability == group else [capability]
    for user in users:
        if user.detail == "User" and user.name.startswith(_NODE_USER):
            other = user if capability == group else group
            name = user.name.removeprefix(_NODE_USER)
            text = f"{user.name} is the kubelet of node {name}"
            yield Derivation(
                Capability(Can.KUBELET, cluster, "", name),
                "identity/node",
                object_step(text, ObjectName(cluster, "Node", "", name)),
                None,
                (other,),
            )


_NODES = "system:nodes"
_NODE_USER = "system:node:"


@rule(
    "nodes/control-plane",
    "Root on a control plane node owns the cluster: its keys and its store are files there.",
    source="kubernetes.io/docs/reference/labels-annotations-taints, node-role.kubernetes.io/control-plane",
    on=(Can.ON_NODE,),
)
def control_plane(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Nodes that carry the role's label."""
    facts = world.clusters[capability.cluster]
    for node in facts.control_plane_nodes():
        if capability.name in (EVERYWHERE, node):
            name = ObjectName(facts.name, "Node", "", node)
            yield Derivation(
                Capability(Can.CLUSTER_ADMIN, facts.name),
                "nodes/control-plane",
                object_step(f"node {node} holds the keys of the cluster", name),
            )
            return


@rule(
    "nodes/proxy",
    "nodes/proxy, get included, runs commands in every pod of the node, past audit and admission.",
    source="kubernetes/website#54191; " + _PRACTICE,
    on=(Can.POWER,),
    powers=(Power.NODE_PROXY,),
)
def proxy(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Any verb that a proxied request has: the kubelet's API is behind it."""
    if capability.name != Power.NODE_PROXY.value or capability.namespace != EVERYWHERE:
        return
    facts = world.clusters[capability.cluster]
    only = set(names_of(capability))
    pods = [pod for pod in facts.pods if not only or pod.node in only or pod.node is None]
    for pod in _classes(world, facts, pods, by_node=True):
        doubt = f"the node of {pod.shown}" if only and pod.node is None else None
        yield Derivation(
            inside(facts.name, pod.name.kind, pod.namespace, pod.name.name),
            "nodes/proxy",
            via(state, capability, f"the kubelet runs commands in {pod.shown}"),
            doubt,
        )


@rule(
    "nodes/read",
    "nodes/log and nodes/pods show the logs and the specs of every pod of the node.",
    source="kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz#fine-grained-authorization",
    on=(Can.POWER,),
    powers=(Power.NODE_READ,),
)
def read(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The kubelet answers directly; of named nodes their own pods."""
    facts = world.clusters[capability.cluster]
    names = names_of(capability)
    spaces = {pod.namespace for node in names for pod in facts.pods_on.get(node, ())} if names else {EVERYWHERE}
    for namespace in sorted(spaces):
        yield Derivation(Capability(Can.TOUCH, facts.name, namespace, "get pods/log"), "nodes/read")


@rule(
    "nodes/volumes",
    "Who creates PersistentVolumes mounts the node's files through one, under any Pod Security level.",
    source=_PRACTICE + "#persistent-volume-creation",
    on=(Can.POWER, Can.CREATE_PODS),
    powers=(Power.WRITE_VOLUMES,),
)
def host_path_volume(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """With pods to mount it. The node is the author's choice by the volume's node affinity or the pod's nodeName."""
    creator = next(state.powers(capability.cluster, Power.WRITE_VOLUMES.value, EVERYWHERE), None)
    if creator is None or names_of(creator):
        return
    making = capability.can is Can.CREATE_PODS
    if not making and capability != creator:
        return
    for maker in [capability] if making else state.of(Can.CREATE_PODS, capability.cluster):
        yield Derivation(
            Capability(Can.CREATE_ROOT_PODS, capability.cluster, maker.namespace),
            "nodes/volumes",
            via(state, creator, "a PersistentVolume of one's own may be any path of a node"),
            None,
            (creator if making else maker,),
        )
