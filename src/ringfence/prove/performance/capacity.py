"""A cluster's snapshot into what it says about capacity, with what could not be seen."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.performance.priorities import classes_of
from ringfence.prove.performance.starve import Capacity
from ringfence.prove.snapshot import ClusterSnapshot

Json = Mapping[str, Any]


def capacity_of(cluster: ClusterSnapshot) -> Capacity:
    """Quotas, limit ranges and PriorityClasses of a cluster; markers and broken objects count as missing."""
    missing: dict[str, list[str]] = defaultdict(list)
    for resource in ("resourcequotas", "limitranges"):
        for marker in cluster.unseen(resource):
            missing[marker.namespace or ""].append(str(marker))
    for defect in cluster.defective(kinds.RESOURCE_QUOTA, kinds.LIMIT_RANGE):
        missing[defect.namespace].append(f"{defect.kind.kind} {defect.name} cannot be read: {defect.problem}")
    classes_missing = [str(marker) for marker in cluster.unseen("priorityclasses")]
    classes_missing += [
        f"PriorityClass {defect.name} cannot be read: {defect.problem}"
        for defect in cluster.defective(kinds.PRIORITY_CLASS)
    ]
    return Capacity(
        quotas=_by_namespace(cluster.of(kinds.RESOURCE_QUOTA)),
        ranges=_by_namespace(cluster.of(kinds.LIMIT_RANGE)),
        classes=classes_of(cluster.of(kinds.PRIORITY_CLASS)),
        missing={namespace: tuple(texts) for namespace, texts in missing.items()},
        classes_missing=tuple(classes_missing),
    )


def _by_namespace(items: tuple[Json, ...]) -> dict[str, tuple[Json, ...]]:
    found: dict[str, list[Json]] = defaultdict(list)
    for item in items:
        found[str(item["metadata"].get("namespace") or "default")].append(item)
    return {namespace: tuple(listed) for namespace, listed in found.items()}
