"""On which nodes a namespace's authors can put pods: on every one, unless admission confines them to a pool.

Sources: kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node, admission plugins PodNodeSelector and
PodTolerationRestriction. Authors write tolerations and nodeName; a node selector that admission requires is kept by
scheduler and kubelet alike, so it confines even pods that name their node.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ringfence.prove.admission.attacks import NONE_GONE, policies_of
from ringfence.prove.answer import Truth
from ringfence.prove.cel.policies import PodPolicies
from ringfence.prove.cel.values import ANYTHING
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import PodFacts
from ringfence.prove.scheduling.could import could_land
from ringfence.prove.scheduling.land import land
from ringfence.prove.scheduling.view import PlacementView, placement_of


@dataclass(frozen=True, slots=True)
class NodeChoice:
    """``nodes`` None: any node. ``doubt`` names what would have to be known; ``by`` and ``object`` what decides."""

    nodes: tuple[str, ...] | None
    by: str
    object: str
    doubt: str | None = None


def placement_view(facts: ClusterFacts) -> PlacementView:
    """The scheduler's view of a cluster, built once for its facts."""
    return facts.memory.once(("placement", facts.name), lambda: placement_of(facts.snapshot))


def nodes_open_to(
    facts: ClusterFacts, namespace: str, *, relabelled: bool = False, gone: frozenset[str] = NONE_GONE
) -> NodeChoice:
    """The nodes that pods created in ``namespace`` can run on; ``relabelled``: its labels can be changed first;
    ``gone``: names of policies and bindings that can be taken away first.

    Worked out once for the cluster's facts: every pair of deployments asks again.
    """
    return facts.memory.once(
        ("nodes open to", facts.name, namespace, relabelled, gone),
        lambda: _nodes_open_to(facts, namespace, relabelled=relabelled, gone=gone),
    )


def _nodes_open_to(facts: ClusterFacts, namespace: str, *, relabelled: bool, gone: frozenset[str]) -> NodeChoice:
    policies = policies_of(facts, namespace, relabelled=relabelled, gone=gone)
    view = placement_view(facts)
    if relabelled:
        # Whoever writes a namespace's labels writes its annotations too, which confine its pods.
        kept_by = {name: annotations for name, annotations in view.annotations.items() if name != namespace}
        view = replace(view, annotations=kept_by)
    if policies.policies or policies.doubts or view.annotations.get(namespace):
        found = _look(facts, view, policies)
    else:
        # Nothing is said of such a namespace: one is as good as the other.
        anyone = PodPolicies("", ANYTHING, ())
        found = facts.memory.once(
            ("open to any namespace", facts.name), lambda: _look(facts, placement_view(facts), anyone)
        )
    if len(found.nodes) == len(facts.nodes):
        return NodeChoice(None, f"Namespace {namespace}", f"{facts.name}:namespace/{namespace}", found.doubt)
    closing = found.closing or f"namespace/{namespace}"
    return NodeChoice(found.nodes, closing.replace("/", " ", 1), f"{facts.name}:{closing}", found.doubt)


@dataclass(frozen=True, slots=True)
class _Open:
    """The nodes that are open, what closes others, and what is not known of one that counts as open."""

    nodes: tuple[str, ...]
    closing: str | None
    doubt: str | None


def _look(facts: ClusterFacts, view: PlacementView, policies: PodPolicies) -> _Open:
    doubt: str | None = None
    closing: str | None = None
    open_nodes = []
    for name in facts.nodes:
        answer = could_land(view, policies, name)
        if answer.truth is Truth.NO:
            closing = next((item for item in answer.objects if "policy" in item), closing)
            continue
        if answer.truth is Truth.UNKNOWN:
            doubt = doubt or (answer.settles[0] if answer.settles else f"whether a pod may run on node {name}")
        open_nodes.append(name)
    return _Open(tuple(open_nodes), closing, doubt)


def could_come(facts: ClusterFacts, pod: PodFacts, node: str) -> bool:
    """Whether the scheduler could put a pod like this one on ``node`` once its kubelet's identity is not to be trusted.

    A kubelet writes its node's labels, but for those that the plugin NodeRestriction keeps from it, and not its taints
    (KEP-279). So only taints, and selectors of the labels that are kept, hold a pod off.
    """
    spec = {key: value for key, value in pod.spec.items() if key != "nodeName" or pod.template}
    if spec.get("nodeName"):
        return bool(spec["nodeName"] == node)
    spec["nodeSelector"] = {key: value for key, value in (spec.get("nodeSelector") or {}).items() if kept(key)}
    spec["affinity"] = _kept_affinity(spec.get("affinity") or {})
    metadata = {"name": "p", "namespace": pod.namespace}
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    if pod.template:
        body = {"kind": pod.name.kind, "metadata": metadata, "spec": {"template": {"spec": spec}}}
        if pod.name.kind == "CronJob":
            body = {**body, "kind": "Job"}
    return land(body, node, placement_view(facts)).truth is not Truth.NO


def _kept_affinity(affinity: Mapping[str, Any]) -> Mapping[str, Any]:
    """The required node affinity as far as it rests on what a kubelet cannot write of its own node."""
    needed = "requiredDuringSchedulingIgnoredDuringExecution"
    required = (affinity.get("nodeAffinity") or {}).get(needed)
    if not required:
        return {}
    terms = []
    for term in required.get("nodeSelectorTerms") or ():
        labels = [item for item in term.get("matchExpressions") or () if kept(item["key"])]
        fields = list(term.get("matchFields") or ())
        if term.get("matchExpressions") and not labels and not fields:
            return {}
        terms.append({"matchExpressions": labels, "matchFields": fields})
    return {"nodeAffinity": {needed: {"nodeSelectorTerms": terms}}}


_OPEN_LABELS = frozenset(
    {"kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os", "beta.kubernetes.io/arch",
     "beta.kubernetes.io/os", "beta.kubernetes.io/instance-type", "failure-domain.beta.kubernetes.io/zone",
     "failure-domain.beta.kubernetes.io/region", "failure-domain.kubernetes.io/zone",
     "failure-domain.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.kubernetes.io/region"}
)  # fmt: skip
_OPEN_PREFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")


def kept(key: str) -> bool:
    """Whether NodeRestriction keeps a kubelet from writing this label of its own node."""
    prefix = key.rpartition("/")[0]
    if key in _OPEN_LABELS or any(prefix == item or prefix.endswith("." + item) for item in _OPEN_PREFIXES):
        return False
    return any(prefix == item or prefix.endswith("." + item) for item in ("kubernetes.io", "k8s.io"))
