"""PriorityClasses: how high a deployment's pods stand, and which classes another may use.

Source: Kubernetes documentation "Pod Priority and Preemption". The two ``system-`` classes exist in every cluster and
any namespace may use them unless a quota or admission keeps them out. A class that never preempts still goes first in
the queue and is evicted last, so it counts all the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
BUILT_IN = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


@dataclass(frozen=True, slots=True)
class Classes:
    """The PriorityClasses of a cluster and the value that pods without a class get."""

    values: Mapping[str, int]
    default: int

    def of_pod_spec(self, spec: Json) -> int | None:
        """The priority of a pod or template; None when its class is not in the snapshot."""
        written = spec.get("priority")
        if isinstance(written, int) and not isinstance(written, bool):
            return written
        name = spec.get("priorityClassName")
        return self.values.get(str(name)) if name else self.default

    def above(self, priority: int) -> list[str]:
        """The classes that stand above a priority, highest first, then by name."""
        found = [name for name, value in self.values.items() if value > priority]
        return sorted(found, key=lambda name: (-self.values[name], name))


def classes_of(items: Iterable[Json]) -> Classes:
    """The classes of a cluster from its PriorityClass objects, with the built-in ones."""
    values = dict(BUILT_IN)
    default = 0
    for item in items:
        meta, value = item.get("metadata"), item.get("value")
        if not isinstance(meta, Mapping) or isinstance(value, bool) or not isinstance(value, int):
            continue
        values[str(meta.get("name"))] = value
        if item.get("globalDefault") is True:
            default = value
    return Classes(values, default)
