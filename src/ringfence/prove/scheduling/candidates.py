"""Single pods worth trying: made to land on a node, with the words that the policies themselves use.

One that is surely let in is a hole; many that are refused are no proof. A pod is a choice of labels, image, node
selector, tolerations and priority class. Trying the whole product was rejected: it is thousands of pods that differ in
what no policy minds. A value that policies refuse whatever the other choices are is dropped with all pods that have it,
since a shape that is refused stands for every one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any, TypeAlias

from ringfence.prove.cel.policies import PodPolicies, Says
from ringfence.prove.cel.values import ANYTHING, Shape, Value, known
from ringfence.prove.scheduling.taints import NO_EXECUTE, Taint
from ringfence.prove.scheduling.values import NodeFacts

MOST_TRIED = 2000
_MOST_DRESSES = 40
_LOST = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
Choice: TypeAlias = Mapping[str, "Value | None"]


def some_pod_passes(policies: PodPolicies, node: NodeFacts, taints: tuple[Taint, ...], *, direct: bool) -> bool:
    """Whether some pod that lands on the node is surely let in. ``direct``: it names the node itself.

    At most ``MOST_TRIED`` questions are put to the policies; False says only that none was found.
    """
    trial = _Trial(policies, node, direct)
    axes = {name: trial.kept(name, values, {}) for name, values in _axes(policies, node, taints).items()}
    for labels, image in islice(product(axes["labels"], axes["image"]), _MOST_DRESSES):
        dressed = {"labels": labels, "image": image}
        for selector in trial.kept("selector", axes["selector"], dressed):
            aimed = {**dressed, "selector": selector}
            for tolerations in trial.kept("tolerations", axes["tolerations"], aimed):
                for priority in axes["priority"]:
                    if trial.left <= 0:
                        return False
                    if trial.says({**aimed, "tolerations": tolerations, "priority": priority}) is Says.PASSES:
                        return True
    return False


@dataclass(slots=True)
class _Trial:
    """Questions to the policies about pods of which some choices are made, and how many may still be put."""

    policies: PodPolicies
    node: NodeFacts
    direct: bool
    left: int = field(default=MOST_TRIED)

    def says(self, choice: Choice) -> Says:
        """What the policies say to all pods of these choices."""
        self.left -= 1
        return self.policies.verdict(_pod(self.node, choice, direct=self.direct)).says

    def kept(self, name: str, values: Sequence[Value | None], made: Choice) -> list[Value | None]:
        """The values of one choice that are not refused whatever the open choices are, given those that are made."""
        return [value for value in values if self.left <= 0 or self.says({**made, name: value}) is not Says.REFUSES]


def _axes(policies: PodPolicies, node: NodeFacts, taints: tuple[Taint, ...]) -> Mapping[str, Sequence[Value | None]]:
    """What there is to choose from, as values; None is a field that is left out."""
    words = sorted(policies.strings)
    keys = [word for word in words if "/" in word and word not in node.labels][:4]
    plain = [word for word in words if "/" not in word and ":" not in word]
    selectors: list[dict[str, str]] = [{}, *({key: node.labels[key]} for key in words if key in node.labels)]
    exact = [{"key": t.key, "operator": "Equal", "value": t.value, "effect": t.effect} for t in taints]
    tolerations = (exact, [{"operator": "Exists"}], [{"key": t.key, "operator": "Exists"} for t in taints])
    return {
        "labels": [
            known(labels) for labels in ({}, *policies.chosen_labels, *({key: word} for key in keys for word in plain))
        ],
        "image": [_containers(image) for image in ("i", *(word for word in words if ":" in word))][:6],
        "selector": [known(chosen) if chosen else None for chosen in (dict(node.labels), *selectors[:4])],
        "tolerations": [known(_with_lost(listed)) for listed in tolerations],
        "priority": [None, *(known(word) for word in plain)][:40],
    }


def _pod(node: NodeFacts, choice: Choice, *, direct: bool) -> Value:
    """The pods of these choices; a choice that is not made may be any."""
    fields: dict[str, Value] = {
        **_PLAIN,
        "containers": choice.get("image") or ANYTHING,
        "tolerations": choice.get("tolerations") or ANYTHING,
    }
    maybe: dict[str, Value] = {}
    for name, key in (("selector", "nodeSelector"), ("priority", "priorityClassName")):
        value = choice.get(name)
        if value is not None:
            fields[key] = value
        elif name not in choice:
            maybe[key] = ANYTHING
    if direct:
        fields["nodeName"] = (node.name,)
    meta = Shape({"name": ("attack",), "labels": choice.get("labels") or ANYTHING})
    return (Shape({"apiVersion": ("v1",), "kind": ("Pod",), "metadata": (meta,), "spec": (Shape(fields, maybe),)}),)


def _containers(image: str) -> Value:
    return known([{"name": "c", "image": image, "resources": {}, "imagePullPolicy": "Always"}])


_PLAIN: Mapping[str, Value] = {
    "restartPolicy": ("Always",),
    "schedulerName": ("default-scheduler",),
    "serviceAccountName": ("default",),
    "serviceAccount": ("default",),
    "securityContext": known({}),
    "priority": (0,),
}


def _with_lost(tolerations: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The tolerations with those that the API server adds where the pod has none of its own."""
    operator = "Exists" if tolerations and tolerations[0].get("operator") == "Exists" else "Equal"
    return [
        *tolerations,
        *({"key": key, "operator": operator, "effect": NO_EXECUTE, "tolerationSeconds": 300} for key in _LOST),
    ]
