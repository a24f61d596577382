"""What a namespace's quotas and limit ranges hold its pods to.

Sources: Kubernetes documentation "Resource Quotas" and "Limit Ranges"; the quota evaluator for pods. A quota bounds
use only where it counts limits: requests may be small and use large. A quota on limits of cpu or memory forces every
container to name a limit; one on ephemeral storage does not, so that needs a default from a LimitRange. A quota with
scopes counts some pods only and is no bound here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.base.quantity import parse_quantity

RESOURCES = ("cpu", "memory", "ephemeral-storage")
FORCED = frozenset({"cpu", "memory"})
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is bounded in a namespace, each with the object that does it; ``requests_only`` counts requests alone."""

    limited: Mapping[str, str]
    requests_only: Mapping[str, str]
    defaulted: Mapping[str, str]
    ratio: Mapping[str, str]

    def every_container_limited(self, resource: str) -> str | None:
        """The object that gives every container a limit of this resource, or None."""
        if resource in self.defaulted:
            return self.defaulted[resource]
        return self.limited.get(resource) if resource in FORCED else None


def bounds_of(namespace: str, quotas: Iterable[Json], ranges: Iterable[Json]) -> Bounds:
    """The bounds of a namespace from its ResourceQuotas and LimitRanges."""
    limited: dict[str, str] = {}
    requests_only: dict[str, str] = {}
    defaulted: dict[str, str] = {}
    ratio: dict[str, str] = {}
    listed = list(quotas)
    for quota in (*listed, *_of_both_halves(listed)):
        ref = f"resourcequota/{namespace}/{_name(quota)}"
        spec = _object(quota.get("spec"))
        hard = _object(spec.get("hard"))
        if spec.get("scopes") or _object(spec.get("scopeSelector")).get("matchExpressions"):
            continue
        for resource in RESOURCES:
            if _is_quantity(hard.get(f"limits.{resource}")):
                limited.setdefault(resource, ref)
            if _is_quantity(hard.get(f"requests.{resource}", hard.get(resource))):
                requests_only.setdefault(resource, ref)
    for item in ranges:
        ref = f"limitrange/{namespace}/{_name(item)}"
        for entry in _listed(_object(item.get("spec")).get("limits")):
            if entry.get("type") != "Container":
                continue
            for resource in RESOURCES:
                # The API fills in default from max where only max is given.
                if _is_quantity(_object(entry.get("default")).get(resource, _object(entry.get("max")).get(resource))):
                    defaulted.setdefault(resource, ref)
                if _is_quantity(_object(entry.get("maxLimitRequestRatio")).get(resource)):
                    ratio.setdefault(resource, ref)
    return Bounds(limited, requests_only, defaulted, ratio)


def _of_both_halves(quotas: list[Json]) -> list[Json]:
    """Quotas on pods that end and on those that do not hold all pods together: as one that has what both have."""
    halves: dict[str, Json] = {}
    for quota in quotas:
        spec = _object(quota.get("spec"))
        conditions = _listed(_object(spec.get("scopeSelector")).get("matchExpressions"))
        scopes = [*(spec.get("scopes") or ()), *(str(entry.get("scopeName")) for entry in conditions)]
        if len(scopes) == 1 and scopes[0] in {"Terminating", "NotTerminating"}:
            halves.setdefault(scopes[0], quota)
    if len(halves) < 2:
        return []
    one, other = (_object(_object(quota.get("spec")).get("hard")) for quota in halves.values())
    both = {key: value for key, value in one.items() if key in other}
    return [{"metadata": halves["Terminating"].get("metadata"), "spec": {"hard": both}}]


@dataclass(frozen=True, slots=True)
class PriorityGate:
    """A quota that lets no pod of some PriorityClasses in."""

    ref: str
    conditions: tuple[tuple[str, tuple[str, ...]], ...]

    def shuts(self, name: str) -> bool:
        """Is a class of this name kept out?"""
        return all(_selects(operator, values, name) for operator, values in self.conditions)


def _selects(operator: str, values: tuple[str, ...], name: str) -> bool:
    """Does a condition on PriorityClass select a pod that has a class of this name?"""
    if operator in {"In", "NotIn"}:
        return (name in values) == (operator == "In")
    return operator == "Exists"


def priority_gates(namespace: str, quotas: Iterable[Json]) -> list[PriorityGate]:
    """The quotas of a namespace that count pods of certain PriorityClasses and allow none."""
    found: list[PriorityGate] = []
    for quota in quotas:
        spec = _object(quota.get("spec"))
        hard = _object(spec.get("hard"))
        if not any(str(hard.get(key)) == "0" for key in ("pods", "count/pods")):
            continue
        conditions = [
            (str(entry.get("operator")), tuple(str(value) for value in entry.get("values") or ()))
            for entry in _listed(_object(spec.get("scopeSelector")).get("matchExpressions"))
            if entry.get("scopeName") == "PriorityClass"
        ]
        others = [
            entry
            for entry in _listed(_object(spec.get("scopeSelector")).get("matchExpressions"))
            if entry.get("scopeName") != "PriorityClass"
        ]
        scopes = [scope for scope in spec.get("scopes") or () if scope != "PriorityClass"]
        if not others and not scopes:
            found.append(PriorityGate(f"resourcequota/{namespace}/{_name(quota)}", tuple(conditions)))
    return found


def _object(raw: object) -> Json:
    return raw if isinstance(raw, Mapping) else {}


def _listed(raw: object) -> list[Json]:
    return [entry for entry in raw if isinstance(entry, Mapping)] if isinstance(raw, list) else []


def _name(item: Json) -> str:
    return str(_object(item.get("metadata")).get("name"))


def _is_quantity(raw: object) -> bool:
    if raw is None or isinstance(raw, bool):
        return False
    try:
        parse_quantity(str(raw))
    except ValueError:
        return False
    return True
