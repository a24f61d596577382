"""What follows from owning a node, and how nodes are come by."""

from collections.abc import Iterator

from ringfence.prove.admission.placement import NodeChoice, nodes_open_to
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as, inside
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import PodFacts
from ringfence.prove.kinds import ObjectName
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import object_step, step, via

_PRACTICE = "kubernetes.io/docs/concepts/security/rbac-good-practices"


@rule(
    "nodes/root-pod",
    "A pod that owns its node owns every node that its author can put it on.",
    source="kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node (nodeName skips the scheduler)",
    on=(Can.CREATE_ROOT_PODS,),
)
def root_pod(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Taints stop nobody who writes tolerations; only admission does."""
    facts = world.clusters[capability.cluster]
    if not facts.nodes:
        if facts.pods:
            yield Derivation(
                Capability(Can.ON_NODE, facts.name, "", EVERYWHERE),
                "nodes/root-pod",
                step("the pod becomes root on a node", f"Namespace {capability.namespace}", _namespace(capability)),
                "no Node is in the snapshot: where pods run is not known",
            )
        return
    places = (capability.namespace, EVERYWHERE)
    relabelled = any(state.has(Capability(Can.RELABEL, facts.name, place)) for place in places)
    if any(True for _ in state.powers(facts.name, Power.WRITE_ADMISSION_POLICIES.value)):
        choice = NodeChoice(None, "admission policies that can be rewritten", _namespace(capability))
    else:
        choice = nodes_open_to(facts, capability.namespace, relabelled=relabelled)
    text = "the pod becomes root on " + ("any node" if choice.nodes is None else "a node of its pool")
    for node in (EVERYWHERE,) if choice.nodes is None else choice.nodes:
        yield Derivation(
            Capability(Can.ON_NODE, facts.name, "", node),
            "nodes/root-pod",
            step(text, choice.by, choice.object),
            choice.doubt,
        )


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
    pods = facts.pods if everywhere else facts.pods_on.get(capability.name, [])
    for pod in _classes(pods):
        yield _inside(facts, pod, capability, None)
    if not everywhere:
        running = {pod.namespace for pod in facts.pods if not pod.template}
        for pod in _classes([pod for pod in facts.pods if pod.node is None and pod.namespace not in running]):
            yield _inside(facts, pod, capability, f"the node of {pod.shown}")


def _classes(pods: list[PodFacts]) -> list[PodFacts]:
    """One pod of each kind: pods of one namespace, labels and identity give the same."""
    found: dict[tuple[object, ...], PodFacts] = {}
    for pod in pods:
        hashless = tuple(
            sorted(item for item in pod.labels.items() if "hash" not in item[0] and "index" not in item[0])
        )
        key = (pod.namespace, pod.account, pod.token, hashless, pod.name.kind if pod.template else "")
        found.setdefault(key, pod)
    return list(found.values())


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
    on=(Can.ON_NODE,),
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
)
def proxy(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Any verb: the kubelet's API is behind it."""
    if capability.name != Power.NODE_PROXY.value or capability.namespace != EVERYWHERE:
        return
    facts = world.clusters[capability.cluster]
    only = set(names_of(capability))
    pods = [pod for pod in facts.pods if not only or pod.node in only or pod.node is None]
    for pod in _classes(pods):
        doubt = f"the node of {pod.shown}" if only and pod.node is None else None
        yield Derivation(
            inside(facts.name, pod.name.kind, pod.namespace, pod.name.name),
            "nodes/proxy",
            via(state, capability, f"the kubelet runs commands in {pod.shown}"),
            doubt,
        )


@rule(
    "nodes/volumes",
    "Who creates PersistentVolumes mounts the node's files through one, under any Pod Security level.",
    source=_PRACTICE + "#persistent-volume-creation",
    on=(Can.POWER, Can.CREATE_PODS),
)
def host_path_volume(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """With pods to mount it. The node is the author's choice by the volume's node affinity or the pod's nodeName."""
    creator = next(
        (item for item in state.powers(capability.cluster, Power.WRITE_VOLUMES.value) if item.namespace == EVERYWHERE),
        None,
    )
    makers = state.of(Can.CREATE_PODS, capability.cluster)
    if creator is None or not makers or names_of(creator):
        return
    for maker in makers:
        if capability in (creator, maker):
            other = maker if capability == creator else creator
            yield Derivation(
                Capability(Can.CREATE_ROOT_PODS, capability.cluster, maker.namespace),
                "nodes/volumes",
                via(state, creator, "a PersistentVolume of one's own may be any path of a node"),
                None,
                (other,),
            )
