"""An oracle that knows nothing of the planner: every arrangement of a few deployments, by the words of the contract.

It reads the Landscape's own mapping (not the model), so that a slip in loading shows as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import ceil
from typing import Any

LEVELS: Mapping[str, int] = {
    "labels": 0,
    "namespace": 0,
    "node": 1,
    "node+namespace": 1,
    "cluster": 2,
    "environment": 3,
}
SUFFIX: Mapping[str, int] = {"m": -1000, "Mi": 1024**2, "Gi": 1024**3}


@dataclass(frozen=True)
class Best:
    price: Fraction
    environments: int
    clusters: int
    nodes: int


@dataclass(frozen=True)
class Thing:
    name: str
    application: str
    stage: str
    zone: str | None
    loads: tuple[tuple[str, Fraction, Fraction], ...]


def quantity(text: str) -> Fraction:
    for suffix, factor in SUFFIX.items():
        if text.endswith(suffix):
            number = Fraction(text.removesuffix(suffix))
            return number / -factor if factor < 0 else number * factor
    return Fraction(text)


def partitions(items: Sequence[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for smaller in partitions(rest):
        yield [[first], *smaller]
        for number in range(len(smaller)):
            yield [*smaller[:number], [first, *smaller[number]], *smaller[number + 1 :]]


def things(spec: Mapping[str, Any]) -> list[Thing]:
    found = []
    for application in spec["applications"]:
        for stage, own in application["deployments"].items():
            if stage == "local":
                continue
            copies = own.get("copies", 1)
            requests = application.get("requests", {}) | own.get("requests", {})
            loads = [("apps", requests)]
            loads += [(need, spec["services"][need]["requests"]) for need in application.get("needs", [])]
            sized = tuple(
                (role, quantity(load.get("cpu", "0")), quantity(load.get("memory", "0"))) for role, load in loads
            )
            for number in range(copies):
                name = f"{application['name']}/{stage}" + (f"-{number + 1}" if copies > 1 else "")
                found.append(Thing(name, application["name"], stage, application.get("zone"), sized))
    return sorted(found, key=lambda thing: thing.name)


def selected(selector: Mapping[str, Any], thing: Thing) -> bool:
    values = {"stage": thing.stage, "application": thing.application, "zone": thing.zone}
    return all(values[key] in ([want] if isinstance(want, str) else want) for key, want in selector.items())


def needed(spec: Mapping[str, Any], a: Thing, b: Thing) -> int:
    level = 0
    for rule in spec.get("separate", []):
        for one, other in ((a, b), (b, a)):
            if selected(rule["between"], one) and selected(rule["and"], other):
                level = max(level, LEVELS[rule["level"]])
    for name in spec.get("regulations", []):
        level = max(level, regulated(name, spec, a, b))
    return level


def regulated(name: str, spec: Mapping[str, Any], a: Thing, b: Thing) -> int:
    """The packs' levels that move places, by their words, written down a second time."""
    recommended = spec.get("posture", "recommended") == "recommended"
    protection = [spec.get("zones", {}).get(each.zone or "", {}).get("protection") for each in (a, b)]
    different = None not in protection and protection[0] != protection[1]
    crossing = (a.stage == "production") != (b.stage == "production")
    if name == "welkin":
        return 3 if crossing else 0
    if name == "iso-27001":
        return 3 if crossing and recommended else 0
    if name == "nis2":
        return 2 if different and recommended else 0
    if name == "bsi":
        apart = 1 if "very-high" in protection and a.application != b.application else 0
        return max(apart, 2 if different and recommended else 0)
    return 0


def namespace_clash(spec: Mapping[str, Any], found: Sequence[Thing]) -> bool:
    """True when a together rule's namespace holds two that a separate rule keeps in different namespaces."""
    groups = [{index} for index in range(len(found))]
    names = [thing.name for thing in found]
    for rule in spec.get("together", []):
        if rule["in"] == "namespace":
            joined = set().union(*(group for group in groups if any(names[i] in rule["deployments"] for i in group)))
            groups = [group for group in groups if not group & joined] + [joined]
    strict = {"namespace", "node+namespace", "cluster", "environment"}
    for rule in spec.get("separate", []):
        if rule["level"] in strict:
            for group in groups:
                for i in group:
                    for j in group:
                        if i != j and selected(rule["between"], found[i]) and selected(rule["and"], found[j]):
                            return True
    for group in groups:
        stages = {("dev" if found[i].stage == "development" else "prod" if found[i].stage == "production" else "test")
                  for i in group}  # fmt: skip
        if "iso-27001" in spec.get("regulations", []) and len(stages) > 1:
            return True
        own_namespace = "bsi" in spec.get("regulations", []) and spec.get("posture", "recommended") == "recommended"
        if own_namespace and len({found[i].application for i in group}) > 1:
            return True
    return False


def brute(spec: Mapping[str, Any]) -> Best | None:
    """The best arrangement's figures; None when there is none."""
    found = things(spec)
    if namespace_clash(spec, found):
        return None
    count = len(found)
    node = spec["costs"]["node"]
    fill = Fraction(str(node["fill"]))
    capacity = (quantity(node["cpu"]) * fill, quantity(node["memory"]) * fill)
    apart = [[needed(spec, a, b) for b in found] for a in found]
    index_of = {thing.name: index for index, thing in enumerate(found)}
    together = [(rule["in"], [index_of[name] for name in rule["deployments"]]) for rule in spec.get("together", [])]
    gate = any(name in {"mdr", "welkin"} for name in spec.get("regulations", []))

    def nodes(role: str, members: Sequence[int]) -> int:
        loads = [(cpu, memory) for index in members for kind, cpu, memory in found[index].loads if kind == role]
        minimum: int = node["minPerPool"]
        return max(minimum, ceil(sum(cpu for cpu, _ in loads) / capacity[0]),
                   ceil(sum(memory for _, memory in loads) / capacity[1]))  # fmt: skip

    @cache
    def fewest(role: str, members: tuple[int, ...]) -> int | None:
        best = None
        for parts in partitions(members):
            if any(apart[i][j] >= 1 for part in parts for i in part for j in part if i != j):
                continue
            if role == "apps" and not shares(parts, "pool", members):
                continue
            total = sum(nodes(role, part) for part in parts)
            best = total if best is None else min(best, total)
        return best

    def shares(parts: Sequence[Sequence[int]], what: str, members: Sequence[int]) -> bool:
        for kind, names in together:
            if kind == what and set(names) <= set(members) and not any(set(names) <= set(part) for part in parts):
                return False
        return True

    @cache
    def cluster_nodes(members: tuple[int, ...]) -> int | None:
        total = 0
        for role in {kind for index in members for kind, _, _ in found[index].loads}:
            users = tuple(index for index in members if any(kind == role for kind, _, _ in found[index].loads))
            fewer = fewest(role, users)
            if fewer is None:
                return None
            total += fewer
        return total

    best: Best | None = None
    for environments in partitions(range(count)):
        if any(apart[i][j] >= 3 for part in environments for i in part for j in part if i != j):
            continue
        if not all(any(set(names) <= set(part) for part in environments) for _, names in together):
            continue
        if gate and all(any(found[i].stage == "production" for i in part) for part in environments):
            continue
        for clusters, total in _clusters(environments, apart, together, cluster_nodes):
            price = (
                len(environments) * Fraction(str(spec["costs"]["environment"]))
                + clusters * Fraction(str(spec["costs"]["cluster"]))
                + total * Fraction(str(node["price"]))
            )
            rank = (price, len(environments), clusters, total)
            if best is None or rank < (best.price, best.environments, best.clusters, best.nodes):
                best = Best(*rank)
    return best


def _clusters(environments: Any, apart: Any, together: Any, cluster_nodes: Any) -> Iterator[tuple[int, int]]:
    """Every (clusters, nodes) that splits each Environment into clusters."""
    totals = [(0, 0)]
    for part in environments:
        options = set()
        for clusters in partitions(part):
            if any(apart[i][j] >= 2 for each in clusters for i in each for j in each if i != j):
                continue
            if not all(
                any(set(names) <= set(each) for each in clusters)
                for kind, names in together
                if kind != "environment" and set(names) <= set(part)
            ):
                continue
            sizes = [cluster_nodes(tuple(sorted(each))) for each in clusters]
            if None not in sizes:
                options.add((len(clusters), sum(sizes)))
        totals = list({(a + c, b + d) for a, b in totals for c, d in options})
    yield from totals
