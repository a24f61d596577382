"""On which nodes a namespace's authors can put pods: on every one, unless admission confines them to a pool."""

from dataclasses import dataclass

from ringfence.prove.facts.cluster import ClusterFacts


@dataclass(frozen=True, slots=True)
class NodeChoice:
    """``nodes`` None: any node. ``doubt`` names what would have to be known; ``by`` and ``object`` what decides."""

    nodes: tuple[str, ...] | None
    by: str
    object: str
    doubt: str | None = None


def nodes_open_to(facts: ClusterFacts, namespace: str) -> NodeChoice:
    """The nodes that pods created in ``namespace`` can run on."""
    return NodeChoice(None, f"Namespace {namespace}", f"{facts.name}:namespace/{namespace}")
