"""Updating by Cluster API: each cluster of the Environment gets its ``spec.topology.version``, one after the other."""

from ringfence.base.errors import StateError
from ringfence.flows.updates.platforms import Site, look_healthy
from ringfence.kube import open_cluster
from ringfence.update.platform import Report
from ringfence.update.record import Check
from ringfence.update.topology import arrived, asks_for, version_change
from ringfence.update.version import Bundle

_API = "cluster.x-k8s.io/v1beta2"
_PATIENCE_SECONDS = 3600.0
_POLL_SECONDS = 5.0


class ClusterApiPlatform:
    """Clusters that a Cluster API management cluster keeps, named as in the Topology."""

    def __init__(self, site: Site, context: str, namespace: str, patience: float = _PATIENCE_SECONDS) -> None:
        """``context`` reaches the management cluster, ``namespace`` holds the Cluster objects."""
        self._site = site
        self._context = context
        self._namespace = namespace
        self._patience = patience

    def deliver(self, environment: str, bundle: Bundle, report: Report) -> Check:
        """Ask for the version and wait until every cluster of the Environment has it."""
        here = next(one for one in self._site.topology.environments if one.name == environment)
        check = Check("ran", True, "there is no cluster")
        for cluster in here.clusters:
            check = self._one(cluster.name, bundle, report)
            if not check.passed:
                return check
        return check

    def _one(self, name: str, bundle: Bundle, report: Report) -> Check:
        clock = self._site.clock
        with open_cluster(None, self._context) as management:
            resource = management.resource_of(_API, "Cluster")
            present = management.get(resource, name, self._namespace)
            if present is None:
                raise StateError(
                    f"{self._namespace}/{name}: Cluster API has no such Cluster",
                    reason="NotFound",
                    hint="--cluster-api-namespace names where the Cluster objects are",
                )
            if not asks_for(present, bundle):
                report(f"{name}: asking for v{bundle.kubernetes}")
                present = management.patch(resource, name, version_change(bundle), self._namespace)
            until = clock.monotonic() + self._patience
            while not (check := arrived(present, bundle)).passed:
                if clock.monotonic() > until:
                    return check
                clock.sleep(_POLL_SECONDS)
                present = management.get(resource, name, self._namespace) or {}
            return check

    def healthy(self, environment: str) -> Check:
        """Whether its clusters answer and all their nodes are ready."""
        return look_healthy(self._site)(environment)
