"""Whose pods may share a node: where a deployment has pods, can make some, or can have more made of what is there."""

import operator
from collections.abc import Sequence
from dataclasses import replace

from ringfence.prove.admission.placement import NodeChoice, nodes_open_to, placement_view
from ringfence.prove.admission.webhooks import webhook_guards
from ringfence.prove.answer import Answer as Found
from ringfence.prove.answer import Truth
from ringfence.prove.asking.answers import AdmissionAnswer, Aim, Told
from ringfence.prove.closure.capability import Can, Capability, acts_as
from ringfence.prove.closure.engine import State
from ringfence.prove.facts.pods import PodFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.performance.starve import NodeShare, shared_nodes
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.asked import answer_step, doubt_of
from ringfence.prove.scheduling.land import land
from ringfence.prove.scheduling.view import PlacementView
from ringfence.prove.verdicts.held import Held
from ringfence.prove.verdicts.world import ProofWorld

_PLACING = ("nodeSelector", "affinity", "tolerations", "runtimeClassName", "hostNetwork")


def share(world: ProofWorld, held: Held, a: Territory, b: Territory) -> Found:
    """Whether a node may have pods of both; ``held`` is what A has of the cluster."""
    facts = held.facts
    if not facts.nodes:
        text = "no Node is in the snapshot: whether the two share one"
        return Found(Truth.UNKNOWN, (text,), (text,))
    ours = _sides(world, facts.name, a, b, "certain" if held.certain else "possible")
    theirs = _sides(world, facts.name, b, a, "own" if held.certain else "own, possibly")
    return shared_nodes(NodeShare(node, ours[node], theirs[node]) for node in facts.nodes)


def scaled(held: Held) -> list[PodFacts]:
    """The workloads of which whoever is there can have more pods made: those of others count like pods of its own.

    A right to one named object counts as one to all in its namespace: an autoscaler names its target itself.
    """
    spaces = held.powered(Power.SCALE)
    return [pod for name in sorted(spaces) for pod in held.facts.pods_in.get(name, ()) if pod.template]


def acts(state: State, answer: AdmissionAnswer) -> bool:
    """Whether somebody can surely act as the subject of an answer."""
    subject = answer.subject
    capability = acts_as(answer.cluster, subject.kind, subject.namespace, subject.name)
    return state.has(capability) and state.reached[capability].doubts == 0


def _sides(world: ProofWorld, cluster: str, side: Territory, other: Territory, which: str) -> dict[str, Found]:
    """``_side`` for the namespaces where the side surely or possibly makes pods, all or its own; the same against
    everybody with whom it has the same people in common."""

    def found() -> dict[str, Found]:
        held = Held(world.clusters[cluster], world.state(side.name, other.name), certain=which in ("certain", "own"))
        creates = held.places(Can.CREATE_PODS)
        if which.startswith("own"):
            own = _side(held, side, creates & side.namespaces(cluster), [])
            return own if which == "own" else _perhaps_anywhere(held, side, own)
        return _side(held, side, creates, scaled(held))

    entitled = world.partition.people_of_both(side.name, other.name)
    return world.memory.once(("side", cluster, side.name, entitled, which), found, operator.eq)


def _perhaps_anywhere(held: Held, side: Territory, own: dict[str, Found]) -> dict[str, Found]:
    """Where a side's pods may be, if it is not known whether its people may do anything (a role that is not there)."""
    admin = Capability(Can.CLUSTER_ADMIN, held.facts.name)
    if not held.has(admin) or held.state.reached[admin].doubts == 0:
        return own
    doubts = held.state.chain(admin).doubts
    perhaps = Found(Truth.UNKNOWN, (f"where {side.name} may have pods",), doubts)
    return {node: perhaps if found.truth is Truth.NO else found for node, found in own.items()}


def _side(held: Held, side: Territory, creates: frozenset[str], more: Sequence[PodFacts]) -> dict[str, Found]:
    """For every node whether the side may have a pod there: by pods that are there, that it can make in ``creates``, or
    that it can have ``more`` made of."""
    facts = held.facts
    found = {node: Found(Truth.NO, (f"no pod of {side.name} may run there",)) for node in facts.nodes}
    for namespace in sorted(creates):
        if all(answer.truth is Truth.YES for answer in found.values()):
            break
        choice = _choice(held, namespace)
        truth = Truth.UNKNOWN if choice.doubt else Truth.YES
        text = f"a pod made in {namespace} may run there"
        for node in facts.nodes if choice.nodes is None else choice.nodes:
            if found[node].truth is not Truth.YES:
                settles = (choice.doubt,) if choice.doubt else ()
                found[node] = Found(truth, (text,), settles, (choice.object.partition(":")[2],))
    _place_asked(held, creates, found)
    view = placement_view(facts)
    seen: set[object] = set()
    for pod in (*side.pods(facts.name), *more):
        # The parts of a spec that pods share are one object, and the facts keep them.
        parts = [pod.spec.get(name) for name in _PLACING]
        same = (pod.node, pod.name.kind, _rules_of(view, pod.namespace), *map(id, parts))
        if same in seen:
            continue
        seen.add(same)
        alike = (*same[:3], repr(parts))
        if alike not in seen:
            seen.add(alike)
            _place(pod, tuple(facts.nodes), view, found)
    if not side.pods(facts.name):
        for node in facts.nodes:
            if found[node].truth is Truth.NO:
                text = f"where pods of {side.name} run: none is in the snapshot"
                found[node] = Found(Truth.UNKNOWN, (text,), (text,))
    return found


def _choice(held: Held, namespace: str) -> NodeChoice:
    """The nodes that pods made in a namespace can be put on, whatever guards them taken away first that can be."""
    facts = held.facts
    loose = held.loosened(namespace)
    choice = nodes_open_to(facts, namespace, relabelled=loose.relabelled, gone=loose.gone)
    if (choice.nodes is not None or choice.doubt) and loose.rewritten:
        # Policies that keep pods to a pool can be taken away first.
        place = f"{facts.name}:namespace/{namespace}"
        choice = NodeChoice(None, "admission policies that can be rewritten", place)
    removed = any(not item.detail for item in held.powers(Power.REMOVE_WEBHOOKS))
    if choice.doubt is None and not removed:
        # Code that nobody can read here may be what keeps the pods of the namespace to a pool.
        for guard in webhook_guards(facts, namespace, "", "pods", relabelled=loose.relabelled):
            return replace(choice, doubt=f"{guard.why}: where pods of {namespace} may run")
    return choice


def _rules_of(view: PlacementView, namespace: str) -> tuple[tuple[str, str], ...]:
    """What a namespace's annotations make of where its pods run."""
    annotations = view.annotations.get(namespace)
    if not annotations:
        return ()
    return tuple(sorted(item for item in annotations.items() if item[0].startswith("scheduler.alpha.kubernetes.io/")))


def _place_asked(held: Held, creates: frozenset[str], found: dict[str, Found]) -> None:
    """The nodes onto which an API server admitted a pod of somebody that the side can act as."""
    for answer in held.facts.snapshot.answers:
        if answer.aim not in (Aim.POD_ON_NODE, Aim.ROOT_ON_NODE) or answer.told is not Told.ADMITTED:
            continue
        if answer.namespace not in creates or answer.target not in found or not acts(held.state, answer):
            continue
        doubt = doubt_of(held.facts, answer)
        if found[answer.target].truth is not Truth.YES:
            text = answer_step(answer, str(answer.subject)).step
            settles = (doubt,) if doubt else ()
            place = f"namespace/{answer.namespace}"
            found[answer.target] = Found(Truth.UNKNOWN if doubt else Truth.YES, (text,), settles, (place,))


def _place(pod: PodFacts, nodes: Sequence[str], view: PlacementView, found: dict[str, Found]) -> None:
    """Where a pod is, or where the scheduler may put it again: a pod that is restarted elsewhere shares that node."""
    spec = {key: value for key, value in pod.spec.items() if key != "nodeName"}
    metadata = {"name": "p", "namespace": pod.namespace}
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    if pod.name.kind == "DaemonSet":
        # Its controller adds tolerations: such pods run where nothing else is scheduled any more.
        template = {"template": {"spec": spec}}
        document = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": template}
    for name in nodes:
        if found[name].truth is Truth.YES:
            continue
        if name == pod.node:
            found[name] = Found(Truth.YES, (f"{pod.shown} runs there",))
            continue
        answer = land(document, name, view)
        if answer.truth is not Truth.NO:
            found[name] = Found(answer.truth, (f"{pod.shown} may run there",), answer.settles)
