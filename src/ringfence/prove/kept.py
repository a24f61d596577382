"""What of an object's metadata and status a snapshot keeps: what a proof reads, and what says whose the object is.

The rest is two thirds of a big cluster's JSON (times, counters, managed fields, states of containers) and changes
without end. It is dropped wherever objects come from, so that one cluster read from JSON, from YAML and live is one
snapshot. A rule that wants to read another field adds it here. Keeping everything was rejected: it doubles the time
and the memory of reading.
"""

from collections.abc import Mapping

from ringfence.prove.kinds import NODE, POD, Kind

KEPT_METADATA = frozenset(
    {
        "name", "generateName", "namespace", "labels", "annotations", "ownerReferences", "finalizers",
        "deletionTimestamp",
    }
)  # fmt: skip
"""The fields of every object's metadata that stay."""

DROPPED_METADATA = frozenset(
    {"uid", "resourceVersion", "generation", "creationTimestamp", "deletionGracePeriodSeconds", "selfLink"}
)
"""Those that every stored object has or may have, and a snapshot does not tell: they are unknown, not absent."""

KEPT_STATUS: Mapping[Kind, frozenset[str]] = {
    POD: frozenset({"phase", "podIP", "podIPs", "hostIP", "qosClass"}),
    NODE: frozenset({"addresses", "nodeInfo", "capacity", "allocatable"}),
}
"""The fields of the status that stay, for the kinds whose status is large and changes all the time; others keep all."""
