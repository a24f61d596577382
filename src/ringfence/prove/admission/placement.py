"""On which nodes a namespace's authors can put pods: on every one, unless admission confines them to a pool.

Sources: kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node, admission plugins PodNodeSelector and
PodTolerationRestriction. Authors write tolerations and nodeName; a node selector that admission requires is kept by
scheduler and kubelet alike, so it confines even pods that name their node.
"""

from dataclasses import dataclass
from typing import Any

from ringfence.prove.admission.attacks import confining, required_selectors
from ringfence.prove.admission.policies import ActivePolicy, active_policies
from ringfence.prove.answer import Truth
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.scheduling.land import land
from ringfence.prove.scheduling.view import PlacementView, placement_of


@dataclass(frozen=True, slots=True)
class NodeChoice:
    """``nodes`` None: any node. ``doubt`` names what would have to be known; ``by`` and ``object`` what decides."""

    nodes: tuple[str, ...] | None
    by: str
    object: str
    doubt: str | None = None


_VIEWS: dict[int, tuple[ClusterFacts, PlacementView]] = {}


def placement_view(facts: ClusterFacts) -> PlacementView:
    """The scheduler's view of a cluster, built once for as long as its facts are looked at."""
    known = _VIEWS.get(id(facts))
    if known is None or known[0] is not facts:
        if len(_VIEWS) > 16:
            _VIEWS.clear()
        known = _VIEWS[id(facts)] = (facts, placement_of(facts.snapshot))
    return known[1]


def nodes_open_to(facts: ClusterFacts, namespace: str, *, relabelled: bool = False) -> NodeChoice:
    """The nodes that pods created in ``namespace`` can run on; ``relabelled``: its labels can be changed first."""
    policies = confining(active_policies(facts, namespace), relabelled=relabelled)
    required = _requirements(policies)
    view = placement_view(facts)
    doubt: str | None = None
    open_nodes = []
    for name, node in facts.nodes.items():
        labels = node["metadata"].get("labels") or {}
        if not all(labels.get(key) in values for key, values in required.items()):
            continue
        selector = {key: labels[key] for key in required}
        answer = land(_attack(namespace, name, selector), name, view)
        if answer.truth is Truth.NO:
            continue
        if answer.truth is Truth.UNKNOWN:
            doubt = doubt or (answer.settles[0] if answer.settles else f"whether a pod may name node {name}")
        open_nodes.append(name)
    decides = next((policy for policy in policies if list(required_selectors([policy]))), None)
    if len(open_nodes) == len(facts.nodes):
        return NodeChoice(None, f"Namespace {namespace}", f"{facts.name}:namespace/{namespace}", doubt)
    if decides is not None:
        return NodeChoice(tuple(open_nodes), decides.name, decides.object, doubt)
    return NodeChoice(tuple(open_nodes), f"Namespace {namespace}", f"{facts.name}:namespace/{namespace}", doubt)


def _requirements(policies: list[ActivePolicy]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for key, values in required_selectors(policies):
        found[key] = found[key] & values if key in found else values
    return found


def _attack(namespace: str, node: str, selector: dict[str, str]) -> dict[str, Any]:
    spec = {
        "nodeName": node,
        "nodeSelector": selector,
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "c", "image": "registry.example/c"}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "attack", "namespace": namespace}, "spec": spec}
