"""Cluster API's ``Cluster`` as an update sees it: the change that asks for a version, and whether it arrived.

Pure. Source: the Cluster API's ``cluster.x-k8s.io/v1beta2`` types: ``spec.topology.version`` is the whole cluster's
version, and the conditions say when control plane and workers have it.
"""

from collections.abc import Mapping
from typing import Any

from ringfence.update.record import Check
from ringfence.update.version import Bundle

_ARRIVED = ("TopologyReconciled", "Available")


def version_change(bundle: Bundle) -> dict[str, Any]:
    """The merge patch that asks a Cluster for the bundle's Kubernetes."""
    return {"spec": {"topology": {"version": f"v{bundle.kubernetes}"}}}


def asks_for(cluster: Mapping[str, Any], bundle: Bundle) -> bool:
    """True when a Cluster was asked for the bundle's Kubernetes already."""
    topology = (cluster.get("spec") or {}).get("topology") or {}
    return bool(topology.get("version") == f"v{bundle.kubernetes}")


def arrived(cluster: Mapping[str, Any], bundle: Bundle) -> Check:
    """Whether a Cluster runs the bundle's Kubernetes: its controllers saw the change and nothing rolls any more."""
    name = str((cluster.get("metadata") or {}).get("name", ""))
    if not (cluster.get("spec") or {}).get("topology"):
        return Check("ran", False, f"{name} has no topology, so Cluster API cannot update it as a whole")
    if not asks_for(cluster, bundle):
        return Check("ran", False, f"{name} was not asked for v{bundle.kubernetes}")
    status = cluster.get("status") or {}
    generation = int((cluster.get("metadata") or {}).get("generation", 0))
    if int(status.get("observedGeneration", 0)) < generation:
        return Check("ran", False, f"{name}: its controller has not seen the change yet")
    conditions = {str(one.get("type")): one for one in status.get("conditions") or ()}
    for kind in _ARRIVED:
        if conditions.get(kind, {}).get("status") != "True":
            return Check("ran", False, f"{name}: {kind} is {_said(conditions.get(kind))}")
    for part in ("controlPlane", "workers"):
        others = sorted(
            str(one.get("version"))
            for one in (status.get(part) or {}).get("versions") or ()
            if one.get("version") != f"v{bundle.kubernetes}"
        )
        if others:
            return Check("ran", False, f"{name}: {part} still runs {', '.join(others)}")
    if conditions.get("RollingOut", {}).get("status", "False") != "False":
        return Check("ran", False, f"{name}: {_said(conditions['RollingOut'])}, it still rolls out")
    return Check("ran", True, f"{name} runs v{bundle.kubernetes}")


def _said(condition: Mapping[str, Any] | None) -> str:
    if condition is None:
        return "not reported"
    reason = f" ({condition['reason']})" if condition.get("reason") else ""
    return f"{condition.get('status', 'Unknown')}{reason}"
