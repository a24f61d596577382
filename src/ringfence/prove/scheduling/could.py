"""Could any pod that somebody may create in a namespace run on this node?

Two ways lead there: ``spec.nodeName``, which skips the scheduler, and the scheduler with the right tolerations. Each
is closed only if policies refuse every pod that would take it, whatever else is in the pod; it is open if some pod
that takes it is surely let in. Webhooks, Pod Security and quotas are the caller's to add.

An update can add tolerations to a pod that waits. A policy that keeps pods away by their node selector is safe from
that, since a node selector only ever gets narrower; one that looks at tolerations must see updates too.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations

from ringfence.prove.answer import Answer, Choices, Question, Trail, explore, unknown
from ringfence.prove.cel.policies import PodPolicies, Says, Verdict
from ringfence.prove.cel.values import ANYTHING, Items, Shape, Value
from ringfence.prove.network.selectors import UnreadableError
from ringfence.prove.scheduling.annotations import namespace_selector, namespace_tolerations
from ringfence.prove.scheduling.candidates import some_pod_passes
from ringfence.prove.scheduling.taints import NO_EXECUTE, NO_SCHEDULE, UNSCHEDULABLE, Taint
from ringfence.prove.scheduling.values import NodeFacts
from ringfence.prove.scheduling.view import POD_NODE_SELECTOR, POD_TOLERATIONS, PlacementView


@dataclass(frozen=True, slots=True)
class _Way:
    """A way onto a node: the taints that must be tolerated, and whether the pod names the node itself."""

    name: str
    taints: tuple[Taint, ...]
    direct: bool


def could_land(view: PlacementView, policies: PodPolicies, node: str) -> Answer:
    """Could a pod of the namespace that ``policies`` are about run on that node, as far as these guards go?"""
    target = view.nodes.get(node)
    if target is None:
        why = view.unreadable.get(node) or view.unlisted.get("nodes") or "it is not in the snapshot"
        return unknown(f"node {node}: {why}")
    annotations = view.annotations.get(policies.namespace, {})
    try:
        wanted = namespace_selector(annotations)
        rules = namespace_tolerations(annotations)
    except UnreadableError as error:
        return unknown(f"namespace {policies.namespace}: {error}")
    ways = _ways(target)
    words = policies.strings
    verdicts = {
        way.name: policies.once(_kind_of(target, way, words), partial(_way_verdict, policies, target, way))
        for way in ways
    }

    def evaluate(choices: Choices, trail: Trail) -> bool:
        off = any(target.labels.get(key) != value for key, value in wanted.items())
        if off and choices.ask(POD_NODE_SELECTOR) == "on":
            trail.note(f"namespace {policies.namespace} keeps its pods off {node}", f"namespace/{policies.namespace}")
            return False
        for way in ways:
            blocked = any(not rules.could_tolerate(taint) for taint in way.taints)
            if blocked and choices.ask(POD_TOLERATIONS) == "on":
                trail.note(
                    f"namespace {policies.namespace} allows no toleration for {node}", f"namespace/{policies.namespace}"
                )
                continue
            if _passes(policies, way, verdicts[way.name], choices, trail):
                return True
        return False

    return explore(evaluate, view.facts)


def _kind_of(node: NodeFacts, way: _Way, words: set[str]) -> Hashable:
    """What of a node and a way onto it these policies can tell apart: nodes of one pool are asked about once."""
    told = sorted((key, value) for key, value in node.labels.items() if key in words or value in words)
    name = node.name if any(word and word in node.name for word in words) else ""
    return (way, tuple(told), name)


def _passes(policies: PodPolicies, way: _Way, verdict: Verdict, choices: Choices, trail: Trail) -> bool:
    trail.note(f"{way.name}: {verdict.why or f'no admission policy of {policies.namespace} refuses it'}", *verdict.refs)
    if verdict.says is not Says.MAYBE:
        return verdict.says is Says.PASSES
    question = Question(f"admission:{policies.namespace}:{way.name}", ("refuse", "admit"), verdict.why)
    return choices.ask(question) == "admit"


def _ways(node: NodeFacts) -> tuple[_Way, ...]:
    scheduled = [taint for taint in node.taints if taint.effect in {NO_SCHEDULE, NO_EXECUTE}]
    if node.unschedulable:
        scheduled.append(UNSCHEDULABLE)
    direct = tuple(taint for taint in node.taints if taint.effect == NO_EXECUTE)
    return _Way("by spec.nodeName", direct, True), _Way("by the scheduler", tuple(dict.fromkeys(scheduled)), False)


def _way_verdict(policies: PodPolicies, node: NodeFacts, way: _Way) -> Verdict:
    """Refused if every shape that takes this way is; let in if some pod that takes it surely is."""
    if not policies.policies and not policies.doubts:
        return Verdict(Says.PASSES)
    shapes = list(_shapes(policies, node, way))
    found = [policies.verdict(shape) for shape in shapes]
    if all(verdict.says is Says.REFUSES for verdict in found):
        refs = tuple(dict.fromkeys(ref for verdict in found for ref in verdict.refs))
        return Verdict(Says.REFUSES, refs, f"{refs[0]} refuses every such pod")
    if not policies.doubts and some_pod_passes(policies, node, way.taints, direct=way.direct):
        return Verdict(Says.PASSES, (), "an ordinary pod with the right fields is let in")
    open_shapes = [verdict for verdict in found if verdict.says is not Says.REFUSES]
    refs = tuple(dict.fromkeys(ref for verdict in open_shapes for ref in verdict.refs))
    return Verdict(Says.MAYBE, refs, f"whether {', '.join(refs[:3]) or 'admission'} refuses every such pod")


def _shapes(policies: PodPolicies, node: NodeFacts, way: _Way) -> Iterator[Value]:
    """Shapes that together stand for every pod that takes this way, split so that presence and value stay together."""
    mentioned = sorted(policies.strings & set(node.labels))[:4]
    subsets = chain.from_iterable(combinations(mentioned, count) for count in range(len(mentioned) + 1))
    selectors: list[Value | None] = [None]
    others = {key: (value,) for key, value in node.labels.items() if key not in mentioned}
    for subset in subsets:
        fields: dict[str, Value] = {key: (node.labels[key],) for key in subset}
        selectors.append((Shape(fields, others),))
    # A policy that does not see updates says nothing of tolerations that are added later.
    updates = all(policy.updates for policy in policies.policies)
    for selector in selectors:
        for tolerations in _tolerations(way, certain=updates):
            fields = {} if selector is None else {"nodeSelector": selector}
            closed: dict[str, Value] = {}
            if way.direct:
                fields["nodeName"] = (node.name,)
            else:
                closed["nodeName"] = ("",)
            if tolerations is not None:
                fields["tolerations"] = tolerations
            absent = {"nodeSelector"} if selector is None else set()
            absent |= {"tolerations"} if tolerations is None else set()
            yield (_pod(fields, closed, absent),)


def _pod(fields: Mapping[str, Value], closed: Mapping[str, Value], absent: set[str]) -> Shape:
    """A pod of which these fields of the spec are known; all others may be there with any value."""
    spec = Shape(fields, closed, open=True, gone=frozenset(absent))
    meta = Shape({}, {}, open=True)
    return Shape({"kind": ("Pod",), "apiVersion": ("v1",), "spec": (spec,), "metadata": (meta,)})


def _tolerations(way: _Way, *, certain: bool) -> Iterator[Value | None]:
    if not way.taints:
        yield None
        yield ANYTHING
    elif certain:
        yield (Items((), exact=False, needs=tuple(_tolerating(taint) for taint in way.taints)),)
    else:
        yield None
        yield ANYTHING


def _tolerating(taint: Taint) -> tuple[Value, ...]:
    """Every form of a toleration of this taint."""
    forms: list[dict[str, Value]] = [
        {"key": (taint.key,), "value": (taint.value,)},
        {"key": (taint.key,), "value": (taint.value,), "operator": ("Equal",)},
        {"key": (taint.key,), "operator": ("Exists",)},
        {"operator": ("Exists",)},
        {"key": (taint.key,), "operator": ("Gt", "Lt"), "value": ANYTHING},
    ]
    if not taint.value:
        forms += [{"key": (taint.key,)}, {"key": (taint.key,), "operator": ("Equal",)}]
    maybe: dict[str, Value] = {"tolerationSeconds": ANYTHING}
    shapes = [Shape(form, maybe) for form in forms]
    shapes += [Shape({**form, "effect": (taint.effect,)}, maybe) for form in forms]
    # An empty key, value or effect is left out when the API server shows the pod to a policy.
    return tuple((shape,) for shape in shapes)
