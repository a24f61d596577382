"""Names and labels that everything rendered agrees on.

One place, since pruning, adoption, policies and the proof all find objects by them. Labels of Ringfence's own are under
``ringfence.dev/``; the recommended ones are those of the Kubernetes documentation (``app.kubernetes.io/``).
"""

import hashlib
from collections.abc import Mapping

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
PART_OF = "app.kubernetes.io/part-of"
MANAGED_BY = "app.kubernetes.io/managed-by"

LANDSCAPE = "ringfence.dev/landscape"
OWNER = "ringfence.dev/owner"
STAGE = "ringfence.dev/stage"
SERVICE = "ringfence.dev/service"

POOL = "node-restriction.kubernetes.io/pool"
"""Label and taint of the nodes of a pool. Kubelets may not set labels with this prefix on their own node
(admission plugin NodeRestriction), so that a node that was broken into cannot join another pool (KEP-279)."""

_LONGEST = 53


def release_name(deployment: str) -> str:
    """The Helm release, Argo CD Application and ServiceAccount of a deployment: ``portal-testing-2``.

    At most 53 characters, as Helm asks; a longer one is cut and made unique by a hash of the whole.
    """
    return shortened(deployment.replace("/", "-"), _LONGEST)


def owner_label(owner: str) -> str:
    """An owner as a label's value: ``portal.testing-2``, at most 63 characters."""
    return shortened(owner.replace("/", "."), 63)


def shortened(name: str, longest: int) -> str:
    """The name, cut and made unique by a hash of the whole when it is longer than Kubernetes takes."""
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9].rstrip('-.')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def cluster_wide(landscape: str, *parts: str) -> str:
    """The name of a cluster-scoped object: two landscapes may share a cluster that exists."""
    return "-".join(("ringfence", landscape, *parts))


def labels(
    landscape: str, owner: str, component: str, *, name: str | None = None, instance: str | None = None
) -> Mapping[str, str]:
    """The recommended labels and the owner's, for one object that Ringfence applies itself.

    ``app.kubernetes.io/instance`` is never the name of a deployment's release here: an Argo CD that tracks by it
    (the default before version 3) would take the object for the application's, and prune it.
    """
    return {
        NAME: name or component,
        INSTANCE: instance or cluster_wide(landscape),
        COMPONENT: component,
        PART_OF: landscape,
        MANAGED_BY: "ringfence",
        LANDSCAPE: landscape,
        OWNER: owner_label(owner),
    }
