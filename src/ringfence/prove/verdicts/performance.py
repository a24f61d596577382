"""Performance: can A starve B? Asked of ``prove.performance``, with what A can bring about from the closure."""

from functools import partial

from ringfence.prove.admission.attacks import class_attack, policies_of
from ringfence.prove.admission.webhooks import webhook_guards
from ringfence.prove.answer import Answer as Found
from ringfence.prove.answer import Truth
from ringfence.prove.asking.answers import Aim, Told
from ringfence.prove.cel.policies import Says
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability
from ringfence.prove.closure.engine import State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.performance.capacity import capacity_of
from ringfence.prove.performance.starve import Capacity, Tenant, starve_softly
from ringfence.prove.proof import Answer, Mend, Step, Verdict
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.asked import answer_step, doubt_of
from ringfence.prove.rules.registry import state_rule
from ringfence.prove.verdicts.held import Held
from ringfence.prove.verdicts.sharing import acts, scaled, share
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
    judge = _soft if soft else share
    sure = judge(world, Held(facts, state, certain=True), a, b)
    if sure.truth is Truth.YES:
        return _broken(state, cluster, sure, soft=soft)
    maybe = judge(world, Held(facts, state, certain=False), a, b)
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


def _tenant(held: Held, side: Territory) -> Tenant:
    cluster = held.facts.name
    return Tenant(
        side.name,
        side.namespaces(cluster),
        tuple(pod.spec for pod in side.pods(cluster)),
        held.places(Can.CREATE_PODS),
        held.powered(Power.WRITE_QUOTAS, Power.WRITE_LIMITS),
        bool(held.powered(Power.WRITE_PRIORITIES)),
        frozenset(pod.namespace for pod in scaled(held)),
    )


def _capacity(world: ProofWorld, facts: ClusterFacts) -> Capacity:
    return world.memory.once(("capacity", facts.name), lambda: capacity_of(facts.snapshot))


def _soft(world: ProofWorld, held: Held, a: Territory, b: Territory) -> Found:
    facts = held.facts
    theirs = Tenant(b.name, b.namespaces(facts.name), tuple(pod.spec for pod in b.pods(facts.name)))
    return starve_softly(_capacity(world, facts), _tenant(held, a), theirs, partial(_admits, held))


def _admits(held: Held, namespace: str, name: str) -> Found:
    """Whether policies let pods of a PriorityClass into a namespace, after what A can change of them."""
    facts = held.facts
    for answer in facts.snapshot.answers:
        asked = (answer.aim, answer.namespace, answer.target) == (Aim.PRIORITY, namespace, name)
        if asked and answer.told is Told.ADMITTED and acts(held.state, answer) and doubt_of(facts, answer) is None:
            return Found(Truth.YES, (answer_step(answer, str(answer.subject)).step,))
    loose = held.loosened(namespace)
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
