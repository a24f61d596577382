"""PersistentVolumes that are directories of nodes, as the rules see them."""

from collections.abc import Mapping
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import dangerous_path
from ringfence.prove.kinds import Object


def root_path(volume: Object) -> str | None:
    """The directory that a PersistentVolume is, where it gives its node to whoever mounts it."""
    spec = volume.get("spec") or {}
    path = (spec.get("hostPath") or {}).get("path") or (spec.get("local") or {}).get("path")
    return path if isinstance(path, str) and dangerous_path(path) else None


def root_volumes(facts: ClusterFacts) -> Mapping[str, str]:
    """The PersistentVolumes of a cluster that give their node, each with its directory."""

    def found() -> dict[str, str]:
        paths = ((item["metadata"]["name"], root_path(item)) for item in facts.snapshot.of(kinds.PERSISTENT_VOLUME))
        return {name: path for name, path in paths if path is not None}

    return facts.memory.once(("root volumes", facts.name), found)


def nodes_of_volume(spec: Mapping[str, Any]) -> list[str]:
    """The nodes that a volume's node affinity names by their hostname."""
    affinity = spec.get("nodeAffinity")
    required = affinity.get("required") if isinstance(affinity, Mapping) else None
    terms = required.get("nodeSelectorTerms") if isinstance(required, Mapping) else None
    found = []
    for term in terms if isinstance(terms, list) else ():
        for item in (term.get("matchExpressions") if isinstance(term, Mapping) else None) or ():
            if (
                isinstance(item, Mapping)
                and item.get("key") == "kubernetes.io/hostname"
                and item.get("operator") == "In"
            ):
                found += [str(value) for value in item.get("values") or ()]
    return found
