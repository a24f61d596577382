"""One placement question: a pod and a node, as a probe line or a command gives them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ringfence.prove.answer import Answer, unknown
from ringfence.prove.scheduling.land import land
from ringfence.prove.scheduling.view import PlacementView, placement_of
from ringfence.prove.snapshot import ClusterSnapshot


class _ById:
    """A cluster as a cache key: by identity, since its objects are not hashable."""

    def __init__(self, cluster: ClusterSnapshot, version: str | None) -> None:
        self.cluster = cluster
        self.version = version

    def __hash__(self) -> int:
        return hash((id(self.cluster), self.version))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.cluster is self.cluster and other.version == self.version


@lru_cache(maxsize=4)
def _view(key: _ById) -> PlacementView:
    return placement_of(key.cluster, key.version)


def land_probe(cluster: ClusterSnapshot, line: Mapping[str, Any], facts: Mapping[str, Any]) -> Answer:
    """The answer to ``{"pod": {...}, "node": "n1"}`` in a cluster.

    ``facts`` is the ``assume`` block of a Partition: its ``version`` and ``featureGates`` (names to booleans) count.
    """
    pod, node = line.get("pod"), line.get("node")
    if not isinstance(pod, Mapping) or not isinstance(node, str) or not node:
        return unknown("a placement question needs a pod, as an object, and the name of a node")
    version = facts.get("version")
    view = _view(_ById(cluster, str(version) if version is not None else None))
    return land(pod, node, with_gates(view, facts.get("featureGates")))


def with_gates(view: PlacementView, gates: object) -> PlacementView:
    """The view with feature gates that the user states; anything but true and false is left open."""
    if not isinstance(gates, Mapping):
        return view
    stated = {str(name): "on" if value else "off" for name, value in gates.items() if isinstance(value, bool)}
    return PlacementView(
        view.nodes,
        view.unreadable,
        view.runtime_classes,
        view.annotations,
        {**view.facts, **stated},
        view.unlisted,
    )
