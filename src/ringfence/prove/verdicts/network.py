"""Network: can anything that A can be open a connection to B that nobody declared?

Pods and roads are asked of ``prove.network``, what A's people can bring about there of ``network_groups``; this module
turns the answers into steps.
"""

from collections.abc import Iterator

from ringfence.prove import kinds
from ringfence.prove.answer import Answer as Found
from ringfence.prove.answer import Truth
from ringfence.prove.catalogue import ENTRIES, NETWORK_GROUPS
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability
from ringfence.prove.closure.engine import State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import NETWORKS
from ringfence.prove.facts.territory import Territory
from ringfence.prove.network.cells import Span
from ringfence.prove.network.cross import Connection, Crossing, cross_connections
from ringfence.prove.proof import Answer, Mend, Step, Verdict
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.registry import state_rule
from ringfence.prove.rules.wording import in_place
from ringfence.prove.verdicts.network_groups import LABELS_PODS, group_against, network_world, plain_group
from ringfence.prove.verdicts.outside import outside_missing
from ringfence.prove.verdicts.past_policies import hidden_doors, past_policies
from ringfence.prove.verdicts.unmodelled import unmodelled
from ringfence.prove.verdicts.world import ProofWorld

CONNECTS = state_rule(
    "network/connects",
    "A connection passes when the source's egress and the destination's ingress let the same port through.",
    source="kubernetes.io/docs/concepts/services-networking/network-policies",
)
ADMIN = state_rule(
    "network/cluster-admin",
    "Who owns a cluster owns its network.",
    source="contract, section 5: every state that A's people can bring about counts",
)
_WORDS = {entry.kind.kind.lower(): entry.kind.kind for entry in ENTRIES.values()}
"""Kinds as people write them, by the words that names of objects begin with."""


def network_verdict(world: ProofWorld, a: Territory, b: Territory, missing: list[str]) -> Verdict:
    """The verdict on connections from A to B."""
    found: list[str] = [*missing, *_unreadable(world, a, b), *_attached(b)]
    for cluster in sorted(a.clusters & b.clusters):
        verdict = _in_cluster(world, cluster, a, b)
        if verdict.answer is not Answer.BROKEN:
            found.extend(verdict.missing)
            verdict = _captured(world, cluster, a, b)
        if verdict.answer is Answer.BROKEN:
            return verdict
        found.extend(verdict.missing)
    for cluster in sorted(a.clusters):
        for other in sorted(b.clusters - {cluster}):
            found.extend(text.format(name=b.name) for text in _outside(world, cluster, a, b, other))
    if found:
        return Verdict(Answer.UNKNOWN, missing=tuple(dict.fromkeys(found)))
    return Verdict(Answer.HOLDS)


def _unreadable(world: ProofWorld, a: Territory, b: Territory) -> Iterator[str]:
    """Policies of either side that the API would refuse: nobody knows what was meant."""
    for cluster in sorted(a.clusters | b.clusters):
        spaces = a.namespaces(cluster) | b.namespaces(cluster)
        for entry in network_world(world, cluster).opaque:
            if entry.kind == "v1" and entry.ref.count("/") == 2 and (entry.namespace in spaces or not entry.namespace):
                yield f"{cluster}:{entry.ref}: {entry.why}"


def _attached(b: Territory) -> Iterator[str]:
    """Pods of B on networks beside the cluster's: policies of the cluster say nothing of those."""
    for cluster in sorted(b.clusters):
        pod = next((pod for pod in b.pods(cluster) if pod.attached), None)
        if pod is not None:
            yield f"who is on the networks that {cluster}:{pod.shown} is attached to ({NETWORKS})"


def _captured(world: ProofWorld, cluster: str, a: Territory, b: Territory) -> Verdict:
    """Whether A takes over addresses outside the cluster that B connects to. B's policies may leave it none."""
    state = world.state(a.name, b.name)
    claims = state.of(Can.CAPTURE, cluster)
    if not claims or not list(
        outside_missing(network_world(world, cluster), plain_group(world, cluster, b), world.clusters[cluster])
    ):
        return Verdict(Answer.HOLDS)
    chain = min((state.chain(item) for item in claims), key=lambda item: (len(item.doubts), len(item.steps)))
    if chain.doubts:
        return Verdict(Answer.UNKNOWN, missing=chain.doubts)
    text = "let an admission policy refuse Services with externalIPs, or switch DenyServiceExternalIPs on"
    return Verdict(Answer.BROKEN, chain.steps, mend=Mend(text), rules=chain.rules)


def _outside(world: ProofWorld, cluster: str, a: Territory, b: Territory, other: str) -> list[str]:
    """What is missing about connections from A into the cluster ``other``; the same for every deployment there."""

    def looked() -> list[str]:
        group = group_against(world, cluster, a, b, certain=False)
        return list(outside_missing(network_world(world, cluster), group, world.clusters[other]))

    entitled = world.partition.people_of_both(a.name, b.name)
    return world.memory.once(("outside", cluster, a.name, entitled, other), looked)


def _in_cluster(world: ProofWorld, cluster: str, a: Territory, b: Territory) -> Verdict:
    state = world.state(a.name, b.name)
    admin = Capability(Can.CLUSTER_ADMIN, cluster)
    if state.has(admin) and state.chain(admin).certain and ADMIN not in world.without:
        chain = state.chain(admin)
        end = Step(
            f"whoever owns {cluster} reaches every pod", f"cluster {cluster}", f"{cluster}:namespace/kube-system", ADMIN
        )
        return Verdict(Answer.BROKEN, (*chain.steps, end), rules=(*chain.rules, ADMIN))
    short = past_policies(world, cluster, state, b)
    if short.answer is Answer.BROKEN:
        return short
    if CONNECTS in world.without:
        return short
    target = plain_group(world, cluster, b)
    spans = _declared(world, a, b)
    bare = plain_group(world, cluster, a)
    net = network_world(world, cluster)
    sure = group_against(world, cluster, a, b, certain=True)
    crossing = cross_connections(net, bare, target, spans)
    if crossing.truth is not Truth.YES and sure != bare:
        crossing = cross_connections(net, sure, target, spans)
    if crossing.truth is Truth.YES:
        return _broken(world, cluster, state, crossing.connections[0], b)
    possible = group_against(world, cluster, a, b, certain=False)
    if possible != sure:
        crossing = cross_connections(net, possible, target, spans)
    missing = [*short.missing, *unmodelled(state, cluster, _opens(state, cluster)), *_vendor_policies(state, cluster)]
    if state.has(admin):
        missing += state.chain(admin).doubts
    if crossing.truth is not Truth.NO:
        missing += _missing(crossing, state, cluster)
    missing += hidden_doors(net, possible, target)
    return Verdict(Answer.UNKNOWN, missing=tuple(dict.fromkeys(missing))) if missing else Verdict(Answer.HOLDS)


def _vendor_policies(state: State, cluster: str) -> Iterator[str]:
    """Rights to write policies in the languages of network plugins, which may open what others close."""
    for capability in state.of(Can.WRITE_CUSTOM, cluster):
        if capability.name.partition(".")[2] in NETWORK_GROUPS:
            yield f"what comes of the right to write {capability.name} {in_place(capability.namespace)}"


_OPENS = (Power.WRITE_TRAFFIC_CLASSES, Power.CREATE_PROJECTS)


def _opens(state: State, cluster: str) -> tuple[Power, ...]:
    """The powers whose effect no snapshot shows; pods of a namespace yet to be made, with any labels, among them."""
    anywhere = state.has(Capability(Can.CREATE_PODS, cluster, EVERYWHERE))
    return (*_OPENS, Power.CREATE_NAMESPACES) if anywhere else _OPENS


def _missing(crossing: Crossing, state: State, cluster: str) -> list[str]:
    texts = [*crossing.missing, *(text for item in crossing.connections for text in item.answer.settles)]
    if texts:
        return list(dict.fromkeys(texts))
    doubts = {
        text
        for can in (Can.CREATE_PODS, Can.CREATE_ROOT_PODS, Can.RELABEL, Can.INSIDE_POD, Can.POWER)
        for capability in state.of(can, cluster)
        if state.reached[capability].doubts
        for text in state.chain(capability).doubts
    }
    return sorted(doubts) or [f"whether {crossing.connections[0]}" if crossing.connections else "the network"]


def _broken(world: ProofWorld, cluster: str, state: State, found: Connection, b: Territory) -> Verdict:
    before: tuple[Step, ...] = ()
    rules: tuple[str, ...] = ()
    if found.created:
        labels = (
            Capability(Can.POWER, cluster, place, power.value)
            for place in (found.source, EVERYWHERE)
            for power in LABELS_PODS
        )
        for maker in (*(Capability(Can.CREATE_PODS, cluster, place) for place in (found.source, EVERYWHERE)), *labels):
            if state.has(maker):
                chain = state.chain(maker)
                before, rules = chain.steps, chain.rules
                break
    else:
        kind, _, rest = found.source.partition("/")
        namespace, _, name = rest.partition("/")
        for capability in state.of(Can.INSIDE_POD, cluster):
            if (capability.detail.lower(), capability.namespace, capability.name) == (kind, namespace, name):
                chain = state.chain(capability)
                before, rules = chain.steps, chain.rules
    where = _decided_by(world, cluster, found.answer, found.destination)
    kind, _, name = where.partition("/")
    shown = f"{_WORDS.get(kind, kind)} {name}"
    end = Step(str(found), shown, f"{cluster}:{where}", CONNECTS)
    mend = _mend(world.clusters[cluster], found, shown)
    return Verdict(Answer.BROKEN, (*before, end), mend=mend, rules=(*rules, CONNECTS))


def _mend(facts: ClusterFacts, found: Connection, shown: str) -> Mend:
    """A policy that lets it through is narrowed. Where a namespace has none, one that admits its own pods closes it;
    where it has some, one more closes nothing: policies only ever add to each other."""
    namespace = found.destination.split("/")[1] if "/" in found.destination else ""
    if not shown.startswith("Namespace "):
        return Mend(f"in {facts.name}, let {shown} admit it no more, or declare the connection")
    if any(item["metadata"]["namespace"] == namespace for item in facts.snapshot.of(kinds.NETWORK_POLICY)):
        return Mend(f"in {facts.name}, let the NetworkPolicies of {namespace} admit what is declared alone")
    shared = found.source.split("/")[1:2] == [namespace]
    text = f"in {facts.name}, let a NetworkPolicy in {namespace} admit only the connections that are declared"
    return Mend(text, _closed(namespace, "" if shared else ", ingress: [{from: [{podSelector: {}}]}]"))


def _decided_by(world: ProofWorld, cluster: str, answer: Found, destination: str) -> str:
    namespace = destination.split("/")[1] if "/" in destination else destination
    ours = [name for name in answer.objects if name.startswith(f"networkpolicy/{namespace}/")]
    if ours:
        return ours[-1]
    others = [name for name in answer.objects if "policy/" in name and not name.startswith("networkpolicy/")]
    return others[-1] if others else f"namespace/{namespace}"


def _closed(namespace: str, admitted: str) -> str:
    return (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        f"metadata: {{name: own-namespace-only, namespace: {namespace}}}\n"
        f"spec: {{podSelector: {{}}, policyTypes: [Ingress]{admitted}}}\n"
    )


def _declared(world: ProofWorld, a: Territory, b: Territory) -> tuple[Span, ...]:
    spans: list[Span] = []
    for item in world.partition.declared:
        if (item.source, item.destination) == (a.name, b.name):
            spans += [Span(port.protocol, port.first, port.last) for port in item.ports] or [Span("*")]
    return tuple(spans)
