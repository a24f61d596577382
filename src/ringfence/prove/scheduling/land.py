"""Can this pod run on that node?

Source: the scheduler's filters TaintToleration, NodeAffinity and NodeUnschedulable; with ``spec.nodeName`` set the
scheduler is skipped and only the kubelet's admission counts (nodeSelector, required node affinity, NoExecute); the
admission plugins that add to a pod (RuntimeClass, DefaultTolerationSeconds, PodNodeSelector, PodTolerationRestriction).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ringfence.prove.answer import Answer, Choices, Trail, explore, unknown
from ringfence.prove.network.selectors import UnreadableError, parse_labels, parse_list, parse_mapping
from ringfence.prove.scheduling.annotations import namespace_selector, namespace_tolerations
from ringfence.prove.scheduling.taints import (
    NO_EXECUTE,
    NO_SCHEDULE,
    UNSCHEDULABLE,
    Toleration,
    untolerated,
)
from ringfence.prove.scheduling.values import (
    NodeFacts,
    PodFacts,
    parse_pod,
    parse_toleration,
)
from ringfence.prove.scheduling.view import DEFAULT_SECONDS, POD_NODE_SELECTOR, POD_TOLERATIONS, PlacementView

SCHEDULED = frozenset({NO_SCHEDULE, NO_EXECUTE})
KUBELET = frozenset({NO_EXECUTE})
_SECONDS = (
    Toleration("node.kubernetes.io/not-ready", "Exists", "", NO_EXECUTE),
    Toleration("node.kubernetes.io/unreachable", "Exists", "", NO_EXECUTE),
)
_TEMPLATED = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"})
POD_KINDS = _TEMPLATED | {"Pod", "PodTemplate", "CronJob"}
"""The kinds that ``land`` understands: pods, and what makes pods."""


class RefusedError(Exception):
    """Admission turns the pod away in this run; the message says which rule."""


def land(pod: Mapping[str, Any], node: str, view: PlacementView) -> Answer:
    """May ``pod`` (a Pod object, or a workload whose pods are meant) run on the node of that name?

    Resources, pod affinity, spread, scheduling gates and schedulerName are not looked at. Never raises for what the
    objects hold.
    """
    target = view.nodes.get(node)
    if target is None or node in view.unreadable:
        why = view.unreadable.get(node) or view.unlisted.get("nodes")
        return unknown(f"node {node} " + ("cannot be read" if target else "is not in the snapshot") + _after(why))
    try:
        facts = pod_facts(pod)
    except UnreadableError as error:
        return unknown(f"the API server would refuse this pod: {error}")
    if facts.runtime_class and facts.runtime_class not in view.runtime_classes:
        why = view.unlisted.get("runtimeclasses")
        return unknown(f"runtime class {facts.runtime_class} is not in the snapshot" + (f": {why}" if why else ""))
    try:
        return explore(lambda choices, trail: lands(facts, target, view, choices, trail), view.facts)
    except UnreadableError as error:
        return unknown(f"what admission adds to this pod cannot be read: {error}")


def _after(why: str | None) -> str:
    return f": {why}" if why else ""


def pod_facts(item: Mapping[str, Any]) -> PodFacts:
    """The facts of a Pod, or of the pods of a workload. Raises UnreadableError."""
    kind = item.get("kind")
    if kind == "CronJob":
        spec = parse_mapping(item.get("spec"), "spec")
        job = parse_mapping(spec.get("jobTemplate"), "jobTemplate")
        item = {"metadata": item.get("metadata"), "spec": job.get("spec")}
        kind = "Job"
    if kind in _TEMPLATED or kind == "PodTemplate":
        meta = parse_mapping(item.get("metadata"), "metadata")
        body = item if kind == "PodTemplate" else parse_mapping(item.get("spec"), "spec")
        template = parse_mapping(body.get("template"), "template")
        if not template:
            raise UnreadableError(f"a {kind} needs a template")
        inner = {**parse_mapping(template.get("metadata"), "metadata"), "namespace": meta.get("namespace")}
        return parse_pod({"metadata": inner, "spec": template.get("spec")}, daemon=kind == "DaemonSet")
    if kind not in (None, "Pod"):
        raise UnreadableError(f"{str(kind)[:64]!r} is no kind of pod")
    return parse_pod(item)


def lands(pod: PodFacts, node: NodeFacts, view: PlacementView, choices: Choices, trail: Trail) -> bool:
    """One run: does the pod land on the node? Raises UnreadableError for annotations that cannot be read."""
    try:
        made = admitted(pod, view, choices)
    except RefusedError as refusal:
        trail.note(str(refusal), f"namespace/{pod.namespace}")
        return False
    if made.node_name is not None and made.node_name != node.name:
        trail.note(f"spec.nodeName binds it to {made.node_name}")
        return False
    if not _attracted(made, node, trail):
        return False
    direct = made.node_name is not None
    effects = KUBELET if direct else SCHEDULED
    blocking = None if made.static else untolerated(node.taints, made.tolerations, effects, choices)
    if blocking is not None:
        trail.note(f"taint {blocking} of {node.name} is not tolerated", f"node/{node.name}")
        return False
    if not direct and node.unschedulable and not any(t.tolerates(UNSCHEDULABLE, choices) for t in made.tolerations):
        trail.note(f"{node.name} is cordoned", f"node/{node.name}")
        return False
    how = "spec.nodeName skips the scheduler, and the kubelet" if direct else "the scheduler"
    trail.note(f"{how} lets it on {node.name}", f"node/{node.name}")
    return True


def _attracted(pod: PodFacts, node: NodeFacts, trail: Trail) -> bool:
    for key, value in (pod.node_selector or {}).items():
        if node.labels.get(key) != value:
            trail.note(f"nodeSelector {key}={value} does not match {node.name}", f"node/{node.name}")
            return False
    if pod.terms is not None and not any(term.matches(node.name, node.labels) for term in pod.terms):
        trail.note(f"required node affinity does not match {node.name}", f"node/{node.name}")
        return False
    return True


def admitted(pod: PodFacts, view: PlacementView, choices: Choices) -> PodFacts:
    """The pod as admission leaves it. Raises RefusedError (turned away) or UnreadableError (broken annotations)."""
    if pod.admitted or pod.static:
        return pod
    pod = _with_runtime_class(pod, view)
    annotations = view.annotations.get(pod.namespace, {})
    wanted = namespace_selector(annotations)
    if wanted and choices.ask(POD_NODE_SELECTOR) == "on":
        pod = replace(pod, node_selector=_merged(pod.node_selector or {}, wanted, f"namespace {pod.namespace}"))
    allowed = namespace_tolerations(annotations)
    if allowed.present and choices.ask(POD_TOLERATIONS) == "on":
        pod = replace(pod, tolerations=(*pod.tolerations, *allowed.defaults))
        refused = allowed.refuses(pod.tolerations)
        if refused is not None:
            raise RefusedError(
                f"namespace {pod.namespace} does not allow the toleration of {refused.key or 'all taints'}"
            )
    if choices.ask(DEFAULT_SECONDS) == "on":
        pod = replace(pod, tolerations=(*pod.tolerations, *_SECONDS))
    return pod


def _with_runtime_class(pod: PodFacts, view: PlacementView) -> PodFacts:
    runtime = view.runtime_classes.get(pod.runtime_class or "")
    if runtime is None:
        return pod
    scheduling = parse_mapping(runtime.get("scheduling"), "scheduling")
    tolerations = [parse_toleration(entry) for entry in parse_list(scheduling.get("tolerations"), "tolerations")]
    wanted = parse_labels(scheduling.get("nodeSelector"), "nodeSelector")
    merged = _merged(pod.node_selector or {}, wanted, f"runtime class {pod.runtime_class}")
    return replace(pod, node_selector=merged or None, tolerations=(*pod.tolerations, *tolerations))


def _merged(mine: Mapping[str, str], theirs: Mapping[str, str], whose: str) -> dict[str, str]:
    for key, value in theirs.items():
        if mine.get(key, value) != value:
            raise RefusedError(f"nodeSelector {key} contradicts {whose}")
    return {**mine, **theirs}
