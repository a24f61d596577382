"""Connections that no policy between the two pods holds: from a pod's own node, through the API server and kubelets,
and through doors in namespaces that could not be read."""

from collections.abc import Iterator

from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability
from ringfence.prove.closure.engine import State
from ringfence.prove.facts.territory import Territory
from ringfence.prove.network.elsewhere import admits_elsewhere
from ringfence.prove.network.entrances import entrances
from ringfence.prove.network.groups import Group
from ringfence.prove.network.leaving import may_leave
from ringfence.prove.network.world import World
from ringfence.prove.proof import Answer, Step, Verdict
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.rules.registry import state_rule
from ringfence.prove.verdicts.network_groups import ADDRESSES, network_world, plain_group
from ringfence.prove.verdicts.world import ProofWorld

FROM_NODE = state_rule(
    "network/from-node",
    "Traffic between a pod and its node is always let through: root on the node reaches the pods on it.",
    source="kubernetes.io/docs/concepts/services-networking/network-policies (what policies cannot do)",
)
PROXIED = state_rule(
    "network/api-server",
    "Who forwards ports of pods, or proxies to them, connects to them through the API server, past all policies.",
    source="kubernetes.io/docs/reference/access-authn-authz/authorization, pods/portforward, pods/proxy",
)
KUBELET = state_rule(
    "network/kubelet",
    "nodes/proxy, get included, reaches the kubelet, which forwards ports of every pod on its node.",
    source="kubernetes.io/docs/concepts/security/rbac-good-practices, nodes/proxy; kubernetes/website#54191",
)
_DOORS = frozenset(
    {"services", "endpoints", "endpointslices", "ingresses", "ingressclasses", "gateways", "httproutes", "grpcroutes",
     "tlsroutes", "tcproutes", "udproutes", "listenersets", "routes"}
)  # fmt: skip
"""What leads through shared proxies and nodes from wherever it is."""


def past_policies(world: ProofWorld, cluster: str, state: State, b: Territory) -> Verdict:
    """The shortest of these ways, or what is missing to know that there is none."""
    found: list[Verdict] = []
    for pod in b.pods(cluster) if any(state.of(Can.ON_NODE, cluster)) else ():
        for node in dict.fromkeys((pod.node or EVERYWHERE, EVERYWHERE)):
            root = Capability(Can.ON_NODE, cluster, "", node)
            if state.has(root) and FROM_NODE not in world.without and not pod.template:
                text = f"whoever is root on the node of {pod.shown} connects to it"
                found.append(_short(state, root, Step(text, pod.shown, str(pod.name), FROM_NODE)))
    for capability in state.powers(cluster, Power.READ_POD_PORTS.value):
        if PROXIED not in world.without:
            found += _proxied(state, capability, b)
            found += _led(world, state, capability, b)
    for capability in state.powers(cluster, Power.NODE_PROXY.value):
        if KUBELET not in world.without and capability.namespace == EVERYWHERE:
            found += _by_kubelet(state, capability, b)
    broken = [verdict for verdict in found if verdict.answer is Answer.BROKEN]
    if broken:
        return min(broken, key=lambda verdict: len(verdict.witness))
    missing = dict.fromkeys(text for verdict in found for text in verdict.missing)
    return Verdict(Answer.UNKNOWN if missing else Answer.HOLDS, missing=tuple(missing))


def _short(state: State, capability: Capability, end: Step) -> Verdict:
    chain = state.chain(capability)
    if chain.doubts:
        return Verdict(Answer.UNKNOWN, missing=chain.doubts)
    return Verdict(Answer.BROKEN, (*chain.steps, end), rules=(*chain.rules, end.rule))


def _proxied(state: State, capability: Capability, b: Territory) -> Iterator[Verdict]:
    """By pods' names; a name that is no pod's may be a Service's, and that of any pod."""
    names = set(names_of(capability))
    everywhere = capability.namespace == EVERYWHERE
    for pod in b.pods(capability.cluster) if everywhere else b.pods_in(capability.cluster, capability.namespace):
        if names and pod.name.name not in names:
            yield Verdict(Answer.UNKNOWN, missing=(f"whether {', '.join(sorted(names))} leads to {pod.shown}",))
            continue
        text = f"the API server connects whoever asks to {pod.shown}"
        yield _short(state, capability, Step(text, pod.shown, str(pod.name), PROXIED))
        return


def _led(world: ProofWorld, state: State, capability: Capability, b: Territory) -> Iterator[Verdict]:
    """From another namespace: by end points and statuses of pods there that speak of B's addresses, or could."""
    cluster, here = capability.cluster, capability.namespace
    if here == EVERYWHERE or not b.pods(cluster):
        return
    net = network_world(world, cluster)
    doors = entrances(net)
    for pod in plain_group(world, cluster, b).pods:
        for entry in doors.get(pod.ref, ()):
            if entry.ref.startswith(f"service/{here}/") and pod.namespace != here:
                text = f"whether the API server leads from {entry.ref} to {pod.ref} for those who reach {here} by it"
                yield Verdict(Answer.UNKNOWN, missing=(text,))
                return
    if any(item.namespace in (here, EVERYWHERE) for power in ADDRESSES for item in state.powers(cluster, power.value)):
        text = f"where the API server leads those who write addresses of end points and pods in {here}"
        yield Verdict(Answer.UNKNOWN, missing=(text,))


def _by_kubelet(state: State, capability: Capability, b: Territory) -> Iterator[Verdict]:
    """The pods of the nodes that are named, or of all."""
    names = set(names_of(capability))
    for pod in b.pods(capability.cluster):
        if names and pod.node not in names:
            if pod.node is None:
                yield Verdict(Answer.UNKNOWN, missing=(f"the node of {pod.shown}",))
            continue
        text = f"the kubelet forwards ports of {pod.shown} to whoever may proxy to its node"
        yield _short(state, capability, Step(text, pod.shown, str(pod.name), KUBELET))
        return


def hidden_doors(world: World, a: Group, b: Group) -> list[str]:
    """Services and routes of third namespaces that could not be listed: what they lead to, where both ends are open."""
    own = a.namespaces | b.namespaces
    unlisted = [item for item in world.unlisted if item.resource in _DOORS and item.namespace not in (None, *own)]
    if not unlisted or not any(admits_elsewhere(world, pod, "ingress", own) for pod in b.pods):
        return []
    if not may_leave(world, a, own):
        return []
    return [
        f"where {item.resource} of {item.namespace} lead, which could not be listed ({item.reason})"
        for item in unlisted
    ]
