"""Performance: can A starve B? Asked of ``prove.performance``, with what A can bring about from the closure."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ringfence.prove.admission.attacks import class_attack, policies_of
from ringfence.prove.admission.placement import NodeChoice, nodes_open_to, placement_view
from ringfence.prove.admission.webhooks import webhook_guards
from ringfence.prove.answer import Answer as Found
from ringfence.prove.answer import Truth
from ringfence.prove.asking.answers import AdmissionAnswer, Aim, Told
from ringfence.prove.cel.policies import Says
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as
from ringfence.prove.closure.engine import State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import PodFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.performance.capacity import capacity_of
from ringfence.prove.performance.starve import Capacity, NodeShare, Tenant, shared_nodes, starve_softly
from ringfence.prove.proof import Answer, Mend, Step, Verdict
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.asked import answer_step, doubt_of
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.rules.registry import state_rule
from ringfence.prove.scheduling.land import land
from ringfence.prove.scheduling.view import PlacementView
from ringfence.prove.verdicts.unmodelled import unmodelled
from ringfence.prove.verdicts.world import ProofWorld

STARVES = state_rule(
    "performance/starves",
    "Without quotas and limits, or with a higher priority, one namespace takes what others need.",
    source="kubernetes.io/docs/concepts/policy/resource-quotas; .../pod-priority-preemption",
)
SHARES = state_rule(
    "performance/shared-node",
    "Pods on one node share its processors, disk, kernel and network card.",
    source="contract, section 2: at node level no node is shared",
)
MOVES = state_rule(
    "performance/changes-nodes",
    "Who changes nodes, or binds pods to them, moves workloads between pools.",
    source="separation.md 6.6: patch nodes or nodes/status; create pods/binding",
)
ROOT = state_rule(
    "performance/root-on-node",
    "Root on a node takes all of it, and stops what runs there.",
    source="kubernetes.io/docs/concepts/security/pod-security-standards",
)


def performance_verdict(world: ProofWorld, a: Territory, b: Territory, missing: list[str], *, soft: bool) -> Verdict:
    """The verdict on starvation; ``soft``: quotas and limits suffice, else no node may be shared."""
    gaps = list(missing)
    for cluster in sorted(a.clusters & b.clusters):
        verdict = _in_cluster(world, cluster, a, b, soft=soft)
        if verdict.answer is Answer.BROKEN:
            return verdict
        gaps += verdict.missing
    for cluster in sorted(b.clusters - a.clusters):
        verdict = _owned(world, cluster, a, b)
        if verdict.answer is Answer.BROKEN:
            return verdict
        gaps += verdict.missing
    return Verdict(Answer.UNKNOWN, missing=tuple(dict.fromkeys(gaps))) if gaps else Verdict(Answer.HOLDS)


def _owned(world: ProofWorld, cluster: str, a: Territory, b: Territory) -> Verdict:
    """Whoever owns B's cluster, or makes pods in it, starves B there."""
    state = world.state(a.name, b.name)
    ways = (Capability(Can.CLUSTER_ADMIN, cluster), *state.of(Can.CREATE_PODS, cluster))
    chains = [state.chain(capability) for capability in ways if state.has(capability)]
    if not chains:
        return Verdict(Answer.HOLDS)
    chain = min(chains, key=lambda item: (len(item.doubts), len(item.steps)))
    if not chain.certain:
        return Verdict(Answer.UNKNOWN, missing=chain.doubts)
    return Verdict(Answer.BROKEN, chain.steps, rules=chain.rules)


def _in_cluster(world: ProofWorld, cluster: str, a: Territory, b: Territory, *, soft: bool) -> Verdict:
    state = world.state(a.name, b.name)
    facts = world.clusters[cluster]
    admin = Capability(Can.CLUSTER_ADMIN, cluster)
    if state.has(admin):
        chain = state.chain(admin)
        if chain.certain:
            return Verdict(Answer.BROKEN, chain.steps, rules=chain.rules)
    taken = _takes_nodes(world, facts, state, b, soft=soft)
    if taken.answer is Answer.BROKEN:
        return taken
    if (STARVES if soft else SHARES) in world.without:
        return taken
    sure = _soft(world, facts, state, a, b, certain=True) if soft else _hard(world, facts, state, a, b, certain=True)
    if sure.truth is Truth.YES:
        return _broken(state, cluster, sure, soft=soft)
    maybe = _soft(world, facts, state, a, b, certain=False) if soft else _hard(world, facts, state, a, b, certain=False)
    gaps = [*taken.missing, *unmodelled(state, cluster, _UNMODELLED)]
    gaps += state.chain(admin).doubts if state.has(admin) else ()
    for found in (sure, maybe):
        if found.truth is Truth.UNKNOWN:
            gaps += found.settles or found.because
    if maybe.truth is Truth.YES and sure.truth is Truth.NO:
        gaps += _doubts(state, cluster) or maybe.because
    return Verdict(Answer.UNKNOWN, missing=tuple(dict.fromkeys(gaps))) if gaps else Verdict(Answer.HOLDS)


_UNMODELLED = (Power.WRITE_FAIRNESS, Power.CREATE_PROJECTS)


def _takes_nodes(world: ProofWorld, facts: ClusterFacts, state: State, b: Territory, *, soft: bool) -> Verdict:
    """Whoever changes nodes or binds pods, or is root where B's pods run, takes B's nodes from it."""
    ends: list[tuple[Capability, Step | None]] = []
    if MOVES not in world.without:
        spaces = b.namespaces(facts.name)
        for power in (Power.WRITE_NODES, Power.BIND_PODS):
            for item in state.powers(facts.name, power.value):
                there = item.namespace == EVERYWHERE or item.namespace in spaces
                if power is Power.WRITE_NODES or there or not soft:
                    ends.append((item, None))
    if ROOT not in world.without and any(state.of(Can.ON_NODE, facts.name)):
        for pod in b.pods(facts.name):
            for node in dict.fromkeys((pod.node, EVERYWHERE)):
                item = Capability(Can.ON_NODE, facts.name, "", node or EVERYWHERE)
                if state.has(item) and not pod.template:
                    text = f"whoever is root on the node of {pod.shown} stops it"
                    ends.append((item, Step(text, pod.shown, str(pod.name), ROOT)))
    missing: dict[str, None] = {}
    for item, end in ends:
        chain = state.chain(item)
        if chain.certain:
            steps = chain.steps if end is None else (*chain.steps, end)
            return Verdict(Answer.BROKEN, steps, rules=(*chain.rules, MOVES if end is None else ROOT))
        missing.update(dict.fromkeys(chain.doubts))
    return Verdict(Answer.UNKNOWN if missing else Answer.HOLDS, missing=tuple(missing))


def _doubts(state: State, cluster: str) -> list[str]:
    found: dict[str, None] = {}
    for can in (Can.CREATE_PODS, Can.POWER):
        for capability in state.of(can, cluster):
            if state.reached[capability].doubts:
                found.update(dict.fromkeys(state.chain(capability).doubts))
    return list(found)[:20]


def _broken(state: State, cluster: str, found: Found, *, soft: bool) -> Verdict:
    name = found.objects[0] if found.objects else "namespace/kube-system"
    kind, _, rest = name.partition("/")
    rule = STARVES if soft else SHARES
    end = Step(found.because[0], f"{kind} {rest}", f"{cluster}:{name}", rule)
    return Verdict(Answer.BROKEN, (end,), mend=Mend(_mend(found, soft=soft)), rules=(rule,))


def _mend(found: Found, *, soft: bool) -> str:
    if not soft:
        return "keep the two on node pools of their own: labels, taints, and an admission policy that requires them"
    text = found.because[0]
    if "use up what" in text or "and so what" in text:
        return "take the right to write pods, workloads and quotas there away"
    if "PriorityClass" in text or "priority" in text:
        return "let a ResourceQuota with scopeSelector PriorityClass admit only the classes that are meant"
    if "limit" in text:
        return "let a LimitRange give every container default limits on cpu, memory and ephemeral storage"
    return "let a ResourceQuota bound limits and requests of cpu, memory and ephemeral storage"


def _tenant(world: ProofWorld, facts: ClusterFacts, state: State, side: Territory, *, certain: bool) -> Tenant:
    def powered(*powers: Power) -> frozenset[str]:
        return _powered(facts, state, powers, certain=certain)

    return Tenant(
        side.name,
        side.namespaces(facts.name),
        tuple(pod.spec for pod in side.pods(facts.name)),
        _creates_in(facts, state, certain=certain),
        powered(Power.WRITE_QUOTAS, Power.WRITE_LIMITS),
        bool(powered(Power.WRITE_PRIORITIES)),
        frozenset(pod.namespace for pod in _scaled(facts, state, certain=certain)),
    )


def _powered(facts: ClusterFacts, state: State, powers: tuple[Power, ...], *, certain: bool) -> frozenset[str]:
    """The namespaces in which any of the powers is there."""
    names = {power.value for power in powers}
    held = (item for item in state.of(Can.POWER, facts.name) if item.name in names)
    return _namespaces(facts, state, held, certain=certain)


def _creates_in(facts: ClusterFacts, state: State, *, certain: bool) -> frozenset[str]:
    """The namespaces in which pods can be made."""
    return _namespaces(facts, state, state.of(Can.CREATE_PODS, facts.name), certain=certain)


def _namespaces(facts: ClusterFacts, state: State, held: Iterable[Capability], *, certain: bool) -> frozenset[str]:
    """Where capabilities are held; ``certain``: those in doubt do not count."""
    found = frozenset(item.namespace for item in held if not certain or state.reached[item].doubts == 0)
    return frozenset(facts.every_namespace()) if EVERYWHERE in found else found


def _scaled(facts: ClusterFacts, state: State, *, certain: bool) -> list[PodFacts]:
    """The workloads of which whoever is there can have more pods made: those of others count like pods of its own.

    A right to one named object counts as one to all in its namespace: an autoscaler names its target itself.
    """
    spaces = _powered(facts, state, (Power.SCALE,), certain=certain)
    return [pod for name in sorted(spaces) for pod in facts.pods_in.get(name, ()) if pod.template]


def _capacity(world: ProofWorld, facts: ClusterFacts) -> Capacity:
    return world.memory.once(("capacity", facts.name), lambda: capacity_of(facts.snapshot))


def _soft(world: ProofWorld, facts: ClusterFacts, state: State, a: Territory, b: Territory, *, certain: bool) -> Found:
    ours = _tenant(world, facts, state, a, certain=certain)
    theirs = Tenant(b.name, b.namespaces(facts.name), tuple(pod.spec for pod in b.pods(facts.name)))

    def admits(namespace: str, name: str) -> Found:
        return _admits(facts, state, namespace, name, certain=certain)

    return starve_softly(_capacity(world, facts), ours, theirs, admits)


def _has(state: State, capability: Capability, *, certain: bool) -> bool:
    """Whether a capability is there, surely where ``certain``."""
    reached = state.reached.get(capability)
    return reached is not None and (not certain or reached.doubts == 0)


def _relabelled(state: State, cluster: str, namespace: str, *, certain: bool) -> bool:
    places = (Capability(Can.RELABEL, cluster, place) for place in (namespace, EVERYWHERE))
    return any(_has(state, place, certain=certain) for place in places)


@dataclass(frozen=True, slots=True)
class _Loosened:
    """What can be changed first of what holds a namespace's pods: its labels, all policies, single ones by name."""

    relabelled: bool
    rewritten: bool
    gone: frozenset[str]


def _loosened(facts: ClusterFacts, state: State, namespace: str, *, certain: bool) -> _Loosened:
    held = state.powers(facts.name, Power.WRITE_ADMISSION_POLICIES.value)
    rewriting = [item for item in held if _has(state, item, certain=certain)]
    return _Loosened(
        _relabelled(state, facts.name, namespace, certain=certain),
        any(not names_of(item) for item in rewriting),
        frozenset(name for item in rewriting for name in names_of(item)),
    )


def _admits(facts: ClusterFacts, state: State, namespace: str, name: str, *, certain: bool) -> Found:
    """Whether policies let pods of a PriorityClass into a namespace; ``certain``: with what A surely can alone."""
    for answer in facts.snapshot.answers:
        asked = (answer.aim, answer.namespace, answer.target) == (Aim.PRIORITY, namespace, name)
        if asked and answer.told is Told.ADMITTED and _acts(state, answer) and doubt_of(facts, answer) is None:
            return Found(Truth.YES, (answer_step(answer, str(answer.subject)).step,))
    loose = _loosened(facts, state, namespace, certain=certain)
    if loose.rewritten:
        return _past_webhooks(facts, namespace)
    relabelled, gone = loose.relabelled, loose.gone
    refusal = facts.memory.once(
        ("class attack", facts.name, namespace, relabelled, gone, name),
        lambda: class_attack(policies_of(facts, namespace, relabelled=relabelled, gone=gone), name),
    )
    if refusal.says is Says.REFUSES:
        return Found(Truth.NO, (f"{refusal.ref} refuses it",), (), (refusal.ref,))
    if refusal.says is Says.MAYBE:
        return Found(Truth.UNKNOWN, (f"whether {refusal.ref} refuses PriorityClass {name} in {namespace}",))
    return _past_webhooks(facts, namespace)


def _past_webhooks(facts: ClusterFacts, namespace: str) -> Found:
    for guard in webhook_guards(facts, namespace, "", "pods"):
        return Found(Truth.UNKNOWN, (guard.why,), (guard.why,))
    return Found(Truth.YES)


def _hard(world: ProofWorld, facts: ClusterFacts, state: State, a: Territory, b: Territory, *, certain: bool) -> Found:
    if not facts.nodes:
        text = "no Node is in the snapshot: whether the two share one"
        return Found(Truth.UNKNOWN, (text,), (text,))
    shares = (NodeShare(node, *both) for node, both in _shares(world, facts, state, a, b, certain=certain))
    return shared_nodes(shares)


def _shares(
    world: ProofWorld, facts: ClusterFacts, state: State, a: Territory, b: Territory, *, certain: bool
) -> Iterator[tuple[str, tuple[Found, Found]]]:
    ours = _sides(world, facts, a, b, "certain" if certain else "possible")
    theirs = _sides(world, facts, b, a, "own")
    for node in facts.nodes:
        yield node, (ours[node], theirs[node])


def _sides(world: ProofWorld, facts: ClusterFacts, side: Territory, other: Territory, which: str) -> dict[str, Found]:
    """``_side`` for the namespaces where the side surely or possibly makes pods, or surely and they are its own;
    the same against everybody with whom it has the same people in common."""

    def found() -> dict[str, Found]:
        state = world.state(side.name, other.name)
        creates = _creates_in(facts, state, certain=which != "possible")
        if which == "own":
            return _side(facts, state, side, creates & side.namespaces(facts.name), [], certain=True)
        certain = which == "certain"
        return _side(facts, state, side, creates, _scaled(facts, state, certain=certain), certain=certain)

    entitled = world.partition.people_of_both(side.name, other.name)
    return world.memory.once(("side", facts.name, side.name, entitled, which), found, operator.eq)


def _side(
    facts: ClusterFacts,
    state: State,
    side: Territory,
    creates: frozenset[str],
    scaled: Sequence[PodFacts],
    *,
    certain: bool,
) -> dict[str, Found]:
    """For every node whether the side may have a pod there: by pods that are there, that it can make, or that it can
    have more made of; ``certain``: with what it surely can alone."""
    found = {node: Found(Truth.NO, (f"no pod of {side.name} may run there",)) for node in facts.nodes}
    for namespace in sorted(creates):
        if all(answer.truth is Truth.YES for answer in found.values()):
            break
        choice = _choice(facts, state, namespace, certain=certain)
        truth = Truth.UNKNOWN if choice.doubt else Truth.YES
        text = f"a pod made in {namespace} may run there"
        for node in facts.nodes if choice.nodes is None else choice.nodes:
            if found[node].truth is not Truth.YES:
                settles = (choice.doubt,) if choice.doubt else ()
                found[node] = Found(truth, (text,), settles, (choice.object.partition(":")[2],))
    _place_asked(facts, state, creates, found)
    view = placement_view(facts)
    seen: set[object] = set()
    for pod in (*side.pods(facts.name), *scaled):
        # The parts of a spec that pods share are one object, and the facts keep them.
        parts = [pod.spec.get(name) for name in _PLACING]
        same = (pod.node, pod.name.kind, _rules_of(view, pod.namespace), *map(id, parts))
        if same in seen:
            continue
        seen.add(same)
        alike = (*same[:3], repr(parts))
        if alike not in seen:
            seen.add(alike)
            _place(facts, found, pod.spec, pod.namespace, pod.node, pod.name.kind, pod.shown, view)
    if not side.pods(facts.name):
        for node in facts.nodes:
            if found[node].truth is Truth.NO:
                text = f"where pods of {side.name} run: none is in the snapshot"
                found[node] = Found(Truth.UNKNOWN, (text,), (text,))
    return found


def _choice(facts: ClusterFacts, state: State, namespace: str, *, certain: bool) -> NodeChoice:
    """The nodes that pods made in a namespace can be put on, whatever guards them taken away first that can be."""
    loose = _loosened(facts, state, namespace, certain=certain)
    choice = nodes_open_to(facts, namespace, relabelled=loose.relabelled, gone=loose.gone)
    if (choice.nodes is not None or choice.doubt) and loose.rewritten:
        # Policies that keep pods to a pool can be taken away first.
        place = f"{facts.name}:namespace/{namespace}"
        choice = NodeChoice(None, "admission policies that can be rewritten", place)
    removed = any(
        not item.detail and _has(state, item, certain=certain)
        for item in state.powers(facts.name, Power.REMOVE_WEBHOOKS.value)
    )
    if choice.doubt is None and not removed:
        # Code that nobody can read here may be what keeps the pods of the namespace to a pool.
        for guard in webhook_guards(facts, namespace, "", "pods", relabelled=loose.relabelled):
            return replace(choice, doubt=f"{guard.why}: where pods of {namespace} may run")
    return choice


_PLACING = ("nodeSelector", "affinity", "tolerations", "runtimeClassName", "hostNetwork")


def _rules_of(view: PlacementView, namespace: str) -> tuple[tuple[str, str], ...]:
    """What a namespace's annotations make of where its pods run."""
    annotations = view.annotations.get(namespace)
    if not annotations:
        return ()
    return tuple(sorted(item for item in annotations.items() if item[0].startswith("scheduler.alpha.kubernetes.io/")))


def _place_asked(facts: ClusterFacts, state: State, creates: frozenset[str], found: dict[str, Found]) -> None:
    """The nodes onto which an API server admitted a pod of somebody that the side can act as."""
    for answer in facts.snapshot.answers:
        if answer.aim not in (Aim.POD_ON_NODE, Aim.ROOT_ON_NODE) or answer.told is not Told.ADMITTED:
            continue
        if answer.namespace not in creates or answer.target not in found or not _acts(state, answer):
            continue
        doubt = doubt_of(facts, answer)
        if found[answer.target].truth is not Truth.YES:
            text = answer_step(answer, str(answer.subject)).step
            settles = (doubt,) if doubt else ()
            place = f"namespace/{answer.namespace}"
            found[answer.target] = Found(Truth.UNKNOWN if doubt else Truth.YES, (text,), settles, (place,))


def _acts(state: State, answer: AdmissionAnswer) -> bool:
    subject = answer.subject
    capability = acts_as(answer.cluster, subject.kind, subject.namespace, subject.name)
    return state.has(capability) and state.reached[capability].doubts == 0


def _place(
    facts: ClusterFacts,
    found: dict[str, Found],
    spec: object,
    namespace: str,
    node: str | None,
    kind: str,
    shown: str,
    view: object,
) -> None:
    """Where a pod is, or where the scheduler may put it again: a pod that is restarted elsewhere shares that node."""
    body = {key: value for key, value in dict(spec).items() if key != "nodeName"}  # type: ignore[call-overload] # a spec
    metadata = {"name": "p", "namespace": namespace}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}
    if kind == "DaemonSet":
        # Its controller adds tolerations: such pods run where nothing else is scheduled any more.
        pod = {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {"template": {"spec": body}}}
    for name in facts.nodes:
        if found[name].truth is Truth.YES:
            continue
        if name == node:
            found[name] = Found(Truth.YES, (f"{shown} runs there",))
            continue
        answer = land(pod, name, view)  # type: ignore[arg-type] # a PlacementView
        if answer.truth is not Truth.NO:
            found[name] = Found(answer.truth, (f"{shown} may run there",), answer.settles)
