"""On which nodes a namespace's authors can put pods: on every one, unless admission confines them to a pool.

Sources: kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node, admission plugins PodNodeSelector and
PodTolerationRestriction. Authors write tolerations and nodeName; a node selector that admission requires is kept by
scheduler and kubelet alike, so it confines even pods that name their node.
"""

from dataclasses import dataclass

from ringfence.prove.admission.attacks import policies_of
from ringfence.prove.answer import Truth
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.scheduling.could import could_land
from ringfence.prove.scheduling.view import PlacementView, placement_of


@dataclass(frozen=True, slots=True)
class NodeChoice:
    """``nodes`` None: any node. ``doubt`` names what would have to be known; ``by`` and ``object`` what decides."""

    nodes: tuple[str, ...] | None
    by: str
    object: str
    doubt: str | None = None


_VIEWS: dict[int, tuple[ClusterFacts, PlacementView]] = {}
_CHOICES: dict[int, tuple[ClusterFacts, dict[tuple[str, bool], NodeChoice]]] = {}


def placement_view(facts: ClusterFacts) -> PlacementView:
    """The scheduler's view of a cluster, built once for as long as its facts are looked at."""
    known = _VIEWS.get(id(facts))
    if known is None or known[0] is not facts:
        if len(_VIEWS) > 16:
            _VIEWS.clear()
        known = _VIEWS[id(facts)] = (facts, placement_of(facts.snapshot))
    return known[1]


def nodes_open_to(facts: ClusterFacts, namespace: str, *, relabelled: bool = False) -> NodeChoice:
    """The nodes that pods created in ``namespace`` can run on; ``relabelled``: its labels can be changed first.

    Worked out once for as long as the cluster's facts are looked at: every pair of deployments asks again.
    """
    known = _CHOICES.get(id(facts))
    if known is None or known[0] is not facts:
        if len(_CHOICES) > 16:
            _CHOICES.clear()
        known = _CHOICES[id(facts)] = (facts, {})
    choices = known[1]
    if (namespace, relabelled) not in choices:
        choices[namespace, relabelled] = _nodes_open_to(facts, namespace, relabelled=relabelled)
    return choices[namespace, relabelled]


def _nodes_open_to(facts: ClusterFacts, namespace: str, *, relabelled: bool) -> NodeChoice:
    policies = policies_of(facts, namespace, relabelled=relabelled)
    view = placement_view(facts)
    doubt: str | None = None
    open_nodes = []
    closing = f"namespace/{namespace}"
    for name in facts.nodes:
        answer = could_land(view, policies, name)
        if answer.truth is Truth.NO:
            closing = next((item for item in answer.objects if "policy" in item), closing)
            continue
        if answer.truth is Truth.UNKNOWN:
            doubt = doubt or (answer.settles[0] if answer.settles else f"whether a pod may run on node {name}")
        open_nodes.append(name)
    if len(open_nodes) == len(facts.nodes):
        return NodeChoice(None, f"Namespace {namespace}", f"{facts.name}:namespace/{namespace}", doubt)
    return NodeChoice(tuple(open_nodes), closing.replace("/", " ", 1), f"{facts.name}:{closing}", doubt)
