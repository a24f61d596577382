"""Can one deployment starve another? ``yes`` with what lets it, ``no`` with what holds it back.

``soft`` (level namespace): quotas on cpu, memory and ephemeral storage, a limit on every container, no PriorityClass
above the other's. ``node``: no node on which pods of both may run, whoever creates them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.prove.answer import Answer, Truth
from ringfence.prove.performance.bounds import RESOURCES, Bounds, bounds_of, priority_gates
from ringfence.prove.performance.priorities import Classes

Json = Mapping[str, Any]
Admits = Callable[[str, str], Answer]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A deployment in one cluster. ``specs``: the pod specs of its pods and templates. ``creates_in``: namespaces
    where its people and accounts can create pods; ``sets_quotas_in``: where they can write quotas or limit ranges;
    ``scales_in``: where they can have more made of the pods that others describe."""

    name: str
    namespaces: frozenset[str]
    specs: tuple[Json, ...] = ()
    creates_in: frozenset[str] = frozenset()
    sets_quotas_in: frozenset[str] = frozenset()
    sets_classes: bool = False
    scales_in: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a cluster says about capacity, by namespace. ``missing``: what could not be seen, by namespace (empty key:
    everywhere), as sentences."""

    quotas: Mapping[str, tuple[Json, ...]]
    ranges: Mapping[str, tuple[Json, ...]]
    classes: Classes
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    classes_missing: tuple[str, ...] = ()


def _open(_namespace: str, _name: str) -> Answer:
    """No policy keeps a PriorityClass out."""
    return Answer(Truth.YES)


def starve_softly(capacity: Capacity, a: Tenant, b: Tenant, admits: Admits = _open) -> Answer:
    """Can ``a`` take so much that ``b`` starves, on nodes that they share?

    ``admits(namespace, class)`` says whether admission policies let a pod of that PriorityClass in. The answer names
    the first thing that is open; ``unknown`` where only what could not be seen stands in the way.
    """
    taken = _takes_from(a, b)
    if taken is not None:
        return taken
    missing: list[str] = []
    held: dict[str, None] = {}
    objects: dict[str, None] = {}
    for namespace in sorted(a.creates_in | a.scales_in | (a.namespaces if a.specs else frozenset())):
        found = _open_capacity(capacity, a, namespace)
        unseen = (*capacity.missing.get("", ()), *capacity.missing.get(namespace, ()))
        if found.truth is Truth.YES and not unseen:
            return found
        missing += unseen
        if found.truth is Truth.NO:
            held.update(dict.fromkeys(found.because))
            objects.update(dict.fromkeys(found.objects))
        else:
            missing += found.because
    upward = _upward(capacity, a, b, admits)
    if upward.truth is Truth.YES:
        return upward
    if upward.truth is Truth.UNKNOWN:
        missing += upward.because
    if missing:
        return Answer(Truth.UNKNOWN, tuple(dict.fromkeys(missing)), tuple(dict.fromkeys(missing)), tuple(objects))
    return Answer(Truth.NO, (*held, *upward.because), (), (*objects, *upward.objects))


def _takes_from(a: Tenant, b: Tenant) -> Answer | None:
    """Can ``a`` take what ``b`` was given: use its quota up, or make it smaller?"""
    for namespaces, what in (
        ((a.creates_in | a.scales_in) & b.namespaces, "can make pods in {} that use up what {} may have"),
        (a.sets_quotas_in & b.namespaces, "can make the quotas of {} smaller, and so what {} may have"),
    ):
        for namespace in sorted(namespaces - a.namespaces):
            why = f"{a.name} {what.format(namespace, b.name)}"
            return Answer(Truth.YES, (why,), (), (f"namespace/{namespace}",))
    return None


def _open_capacity(capacity: Capacity, a: Tenant, namespace: str) -> Answer:
    if namespace in a.sets_quotas_in:
        why = f"{a.name} can change the quotas of {namespace}"
        return Answer(Truth.YES, (why,), (), (f"namespace/{namespace}",))
    bounds = bounds_of(namespace, capacity.quotas.get(namespace, ()), capacity.ranges.get(namespace, ()))
    doubts: list[str] = []
    for resource in RESOURCES:
        found = _resource(bounds, namespace, resource)
        if found.truth is Truth.YES:
            return found
        if found.truth is Truth.UNKNOWN:
            doubts += found.because
    if doubts:
        return Answer(Truth.UNKNOWN, tuple(doubts))
    refs = tuple(dict.fromkeys((*bounds.limited.values(), *bounds.requests_only.values(), *bounds.defaulted.values())))
    return Answer(Truth.NO, (f"quotas and limits hold all of {namespace}",), (), refs)


def _resource(bounds: Bounds, namespace: str, resource: str) -> Answer:
    limit = bounds.every_container_limited(resource)
    if resource not in bounds.limited and resource not in bounds.requests_only:
        why = f"no quota bounds {resource} in namespace {namespace}"
        return Answer(Truth.YES, (why,), (), (f"namespace/{namespace}",))
    if limit is None:
        why = f"containers in namespace {namespace} may have no limit on {resource}"
        return Answer(Truth.YES, (why,), (), (f"namespace/{namespace}",))
    if resource in bounds.limited or resource in bounds.ratio:
        return Answer(Truth.NO)
    ref = bounds.requests_only[resource]
    return Answer(Truth.UNKNOWN, (f"{ref} bounds requests of {resource} and not limits: use may exceed it",))


def _upward(capacity: Capacity, a: Tenant, b: Tenant, admits: Admits) -> Answer:
    """May a pod of ``a`` stand above one of ``b``?"""
    classes = capacity.classes
    priorities = [classes.of_pod_spec(spec) for spec in b.specs]
    known = [priority for priority in priorities if priority is not None]
    lowest = min(known, default=classes.default)
    doubts = [f"a PriorityClass of {b.name} is not in the snapshot"] if len(known) < len(priorities) else []
    doubts += capacity.classes_missing
    if a.sets_classes:
        return Answer(Truth.YES, (f"{a.name} can write PriorityClasses",), (), ("priorityclasses",))
    present = _present_above(classes, a.specs, lowest)
    if present is not None:
        return present
    shut: dict[str, None] = {}
    for namespace in sorted(a.creates_in):
        gates = priority_gates(namespace, capacity.quotas.get(namespace, ()))
        unseen = (*capacity.missing.get("", ()), *capacity.missing.get(namespace, ()))
        for name in classes.above(lowest):
            closing = next((gate.ref for gate in gates if gate.shuts(name)), None)
            if closing is not None:
                shut[closing] = None
                continue
            if unseen:
                doubts += unseen
                continue
            found = admits(namespace, name)
            if found.truth is Truth.YES:
                why = f"pods in {namespace} may use PriorityClass {name}, above {b.name} ({lowest})"
                return Answer(Truth.YES, (why,), (), (f"priorityclass/{name}", f"namespace/{namespace}"))
            if found.truth is Truth.UNKNOWN:
                doubts.append(f"whether pods in {namespace} may use PriorityClass {name}")
            shut.update(dict.fromkeys(found.objects))
    if doubts:
        return Answer(Truth.UNKNOWN, tuple(doubts))
    return Answer(Truth.NO, (f"{a.name} may use no PriorityClass above {b.name}",), (), tuple(shut))


def _present_above(classes: Classes, specs: Iterable[Json], lowest: int) -> Answer | None:
    for spec in specs:
        mine = classes.of_pod_spec(spec)
        if mine is not None and mine > lowest:
            name = str(spec.get("priorityClassName") or "")
            objects = (f"priorityclass/{name}",) if name else ()
            return Answer(Truth.YES, (f"a pod has priority {mine}, above {lowest}",), (), objects)
    return None


@dataclass(frozen=True, slots=True)
class NodeShare:
    """Whether each side may have a pod on a node."""

    node: str
    a: Answer
    b: Answer


def shared_nodes(shares: Iterable[NodeShare]) -> Answer:
    """Is there a node on which pods of both may run? ``yes`` names it, ``no`` only when each is closed to one side."""
    doubts: list[str] = []
    objects: dict[str, None] = {}
    for share in shares:
        truths = {share.a.truth, share.b.truth}
        if truths == {Truth.YES}:
            because = (f"pods of both may run on node {share.node}", *share.a.because, *share.b.because)
            return Answer(Truth.YES, because, (), (f"node/{share.node}", *share.a.objects, *share.b.objects))
        if Truth.NO in truths:
            closed = share.a if share.a.truth is Truth.NO else share.b
            objects.update(dict.fromkeys(closed.objects))
            continue
        doubts += [*share.a.settles, *share.b.settles] or [f"who may run on node {share.node}"]
    if doubts:
        named = tuple(dict.fromkeys(doubts))
        return Answer(Truth.UNKNOWN, named, named, tuple(objects))
    return Answer(Truth.NO, ("no node takes pods of both",), (), tuple(objects))
