"""Pods that somebody would write to get out, asked of the cluster's admission policies.

Each attack is first asked as a shape that stands for every pod of its kind: a policy that refuses the shape refuses
them all. Only then are single pods tried, made of the words that the policies themselves use, since one that is let in
is a hole, while many that are refused are no proof.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ringfence.prove.cel.bound import pod_policies, relabelled_policies
from ringfence.prove.cel.policies import PodPolicies, Says
from ringfence.prove.cel.values import ANYTHING, Items, Shape, Value, known
from ringfence.prove.facts.cluster import ClusterFacts

_MOST = 400
_ESCAPES = ("SYS_ADMIN", "ALL", "SYS_MODULE", "DAC_READ_SEARCH")
"""Capabilities that give the node; a policy has to refuse each of them."""
_PERHAPS = ("SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "BPF")
"""Capabilities that give the node on some: by its kernel, its device rules, or with its processes in sight."""
_LIMITS: Mapping[str, str] = {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "16Mi"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What admission policies do to an attack. ``ref`` names the policy that refuses it, or may."""

    says: Says
    ref: str = ""


NONE_GONE: frozenset[str] = frozenset()


def policies_of(
    facts: ClusterFacts, namespace: str, *, relabelled: bool = False, gone: frozenset[str] = NONE_GONE
) -> PodPolicies:
    """The policies over pods of ``namespace``; ``relabelled``: its labels can be changed, so only its name counts;
    ``gone``: names of policies and bindings that can be taken away first."""
    return facts.memory.once(
        ("policies", facts.name, namespace, relabelled, gone),
        lambda: _policies_of(facts, namespace, relabelled=relabelled, gone=gone),
    )


def _policies_of(facts: ClusterFacts, namespace: str, *, relabelled: bool, gone: frozenset[str]) -> PodPolicies:
    space = facts.spaces.get(namespace)
    if relabelled and space is not None:
        found = relabelled_policies(facts.snapshot, namespace, space)
    else:
        found = pod_policies(facts.snapshot, namespace, space)
    return found.without(gone) if gone else found


def root_attack(policies: PodPolicies) -> Refusal:
    """Whether the policies refuse every pod that would own its node, let one in, or leave it open.

    Left open too where only pods get in that own some nodes: those that see the node's processes, or hold a capability
    that depends on the node.
    """
    found = _attack(policies, list(_root_shapes()), root_pods(policies))
    if found.says is not Says.REFUSES:
        return found
    perhaps = [_pod_shape({"hostPID": (True,)}), *_in_containers(_capabilities(_PERHAPS))]
    if all(policies.verdict(shape).says is Says.REFUSES for shape in perhaps):
        return found
    return Refusal(Says.MAYBE, found.ref)


def host_attack(policies: PodPolicies) -> Refusal:
    """Whether the policies refuse every pod on its node's network."""
    shape = _pod_shape({"hostNetwork": (True,)})
    pods = ({**pod, "spec": {**pod["spec"], "hostNetwork": True}} for pod in plain_pods(policies, classes=True))
    return _attack(policies, [shape], pods)


def class_attack(policies: PodPolicies, priority_class: str) -> Refusal:
    """Whether the policies refuse every pod of a PriorityClass."""
    shape = _pod_shape({"priorityClassName": (priority_class,)})
    pods = (
        {**pod, "spec": {**pod["spec"], "priorityClassName": priority_class}}
        for pod in plain_pods(policies, classes=False)
    )
    return _attack(policies, [shape], pods)


def _attack(policies: PodPolicies, shapes: list[Value], pods: Iterator[dict[str, Any]]) -> Refusal:
    if not policies.policies and not policies.doubts:
        return Refusal(Says.PASSES)
    verdicts = [policies.verdict(shape) for shape in shapes]
    refusing = [verdict for verdict in verdicts if verdict.says is Says.REFUSES]
    if len(refusing) == len(verdicts):
        return Refusal(Says.REFUSES, refusing[0].refs[0])
    if any(verdict.says is Says.PASSES for verdict in verdicts):
        return Refusal(Says.PASSES)
    for pod in islice(pods, _MOST):
        if policies.verdict(known(pod)).says is Says.PASSES:
            return Refusal(Says.PASSES)
    named = [ref for verdict in verdicts for ref in verdict.refs]
    return Refusal(Says.MAYBE, named[0] if named else (policies.doubts[0] if policies.doubts else ""))


def _pod_shape(fields: Mapping[str, Value]) -> Value:
    spec = Shape(fields, {}, open=True)
    meta = Shape({}, {}, open=True)
    return (Shape({"kind": ("Pod",), "apiVersion": ("v1",), "spec": (spec,), "metadata": (meta,)}),)


def _capabilities(names: Sequence[str]) -> Iterator[Mapping[str, Value]]:
    for name in names:
        added: Value = (Items((), exact=False, needs=(((name,),),)),)
        yield {"capabilities": (Shape({"add": added}, {}, open=True),)}


def _in_containers(ways: Iterable[Mapping[str, Value]]) -> Iterator[Value]:
    """Pods with a container, or one that comes first, of such a security context."""
    for way in ways:
        security = (Shape(way, {}, open=True),)
        container = (Shape({"securityContext": security, "name": ANYTHING}, {}, open=True),)
        for group in ("containers", "initContainers"):
            yield _pod_shape({group: (Items((), exact=False, needs=((container,),)),)})


def _root_shapes() -> Iterator[Value]:
    yield from _in_containers(
        [
            {"privileged": (True,)},
            {"windowsOptions": (Shape({"hostProcess": (True,)}, {}, open=True),)},
            *_capabilities(_ESCAPES),
        ]
    )
    host_path = (Shape({"path": ANYTHING}, {}, open=True),)
    volume = (Shape({"hostPath": host_path, "name": ANYTHING}, {}, open=True),)
    yield _pod_shape({"volumes": (Items((), exact=False, needs=((volume,),)),)})


def root_pods(policies: PodPolicies) -> Iterator[dict[str, Any]]:
    """Pods that would own their node, the plainest first, then with the words that the policies mention."""
    for base in plain_pods(policies, classes=True):
        spec = base["spec"]
        container = spec["containers"][0]
        rooted = {**container, "securityContext": {"privileged": True}}
        yield {**base, "spec": {**spec, "containers": [rooted]}}
        for name in _ESCAPES:
            capable = {**container, "securityContext": {"capabilities": {"add": [name]}}}
            yield {**base, "spec": {**spec, "containers": [capable]}}
        mounted = {**container, "volumeMounts": [{"name": "host", "mountPath": "/host"}]}
        yield {
            **base,
            "spec": {**spec, "containers": [mounted], "volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        }
        yield {**base, "spec": {**spec, "initContainers": [{**rooted, "name": "init"}]}}


def plain_pods(policies: PodPolicies, *, classes: bool) -> Iterator[dict[str, Any]]:
    """Harmless pods, the barest first, then with the labels, selectors and classes that the policies mention."""
    words = sorted(policies.strings)
    keys = [word for word in words if "/" in word][:4]
    plain = [word for word in words if word and "/" not in word and ":" not in word][:12]
    pairs: list[dict[str, str]] = [{}, *({key: word} for key in keys for word in plain)]
    for priority in [None, *plain] if classes else [None]:
        for selector in pairs:
            for labels in ({}, *policies.chosen_labels, *pairs[1:]):
                yield _plain_pod(labels, selector, priority)


def _plain_pod(labels: Mapping[str, str], selector: Mapping[str, str], priority: str | None) -> dict[str, Any]:
    resources = {"limits": dict(_LIMITS), "requests": dict(_LIMITS)}
    spec: dict[str, Any] = {
        "containers": [{"name": "c", "image": "i", "resources": resources}],
        "serviceAccountName": "default",
    }
    if selector:
        spec["nodeSelector"] = dict(selector)
    if priority:
        spec["priorityClassName"] = priority
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "attack", "labels": dict(labels)}, "spec": spec}
