"""Who lives in which namespace: the view of a Landscape and its Topology that every part of rendering needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ringfence.base.errors import InputError
from ringfence.decide.topology import Cluster, Environment, Placement, Topology
from ringfence.landscape.model import Application, Deployment, Landscape, Stage
from ringfence.render.names import release_name

ARGOCD_USER = "ringfence:argocd"
"""As whom the embedded engine's Argo CDs come to the clusters."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an application's deployments are made of: the files of its chart or manifests, by path below it."""

    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """What rendering must be told about the clusters; the defaults are those of the embedded engine.

    ``repositories`` maps an Environment to the URL of its Git repository, ``destinations`` a cluster to how its Argo CD
    calls it (``{"name": ...}`` or ``{"server": ...}``), ``argocd_namespaces`` an Environment to the namespace of its
    Argo CD. ``claims``: the clusters have a default StorageClass, so services keep their data on volumes. ``existing``
    are the clusters that the user brought, whose Argo CD has the rights that somebody else gave it.
    """

    repositories: Mapping[str, str] = field(default_factory=dict)
    destinations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    argocd_namespaces: Mapping[str, str] = field(default_factory=dict)
    claims: bool = False
    existing: frozenset[str] = frozenset()

    def repository(self, environment: str) -> str:
        """The URL of an Environment's repository."""
        return self.repositories.get(environment, f"https://git.invalid/{environment}.git")

    def destination(self, cluster: str) -> Mapping[str, str]:
        """How the Environment's Argo CD calls a cluster."""
        return self.destinations.get(cluster, {"name": cluster})

    def argocd_namespace(self, environment: str) -> str:
        """The namespace of an Environment's Argo CD."""
        return self.argocd_namespaces.get(environment, "argocd")

    def deliverer(self, cluster: str) -> str | None:
        """As whom Argo CD comes to a cluster and gets its rights there; None where they are not ours to give."""
        return None if cluster in self.existing else ARGOCD_USER


@dataclass(frozen=True, slots=True)
class Tenant:
    """One deployment at its place."""

    deployment: Deployment
    application: Application
    stage: Stage
    placement: Placement

    @property
    def name(self) -> str:
        """``portal/testing-2``."""
        return self.deployment.name

    @property
    def release(self) -> str:
        """``portal-testing-2``."""
        return release_name(self.deployment.name)

    @property
    def services(self) -> tuple[str, ...]:
        """The kinds of service it has an instance of, in a fixed order."""
        return tuple(sorted(self.placement.services))


@dataclass(frozen=True, slots=True)
class Tenancy:
    """A namespace of a cluster and the deployments in it, in name order."""

    environment: Environment
    cluster: Cluster
    namespace: str
    tenants: tuple[Tenant, ...]

    @property
    def shared(self) -> bool:
        """Whether several deployments live here, told apart by their Helm release."""
        return len(self.tenants) > 1

    @property
    def owner(self) -> str:
        """The deployment that owns the namespace; the platform when several share it."""
        return "platform" if self.shared else self.tenants[0].name

    @property
    def stage(self) -> Stage:
        """The stage furthest from production among those here: what is shared gets its limits."""
        return min((tenant.stage for tenant in self.tenants), key=lambda stage: stage.rank)


def tenancies(landscape: Landscape, topology: Topology) -> tuple[Tenancy, ...]:
    """Every namespace with its deployments, ordered by Environment, cluster and namespace as the Topology has them.

    Raises InputError when the Topology places a deployment that the Landscape does not have: they do not belong
    together.
    """
    by_place: dict[tuple[str, str], list[Tenant]] = {}
    for placement in topology.placements:
        try:
            deployment = landscape.deployment(placement.deployment)
        except KeyError as error:
            raise InputError(
                f"the Topology places {placement.deployment}, which the Landscape {landscape.name} does not have",
                reason="TopologyMismatch",
                hint="ringfence plan FILE --write makes a new one",
            ) from error
        tenant = Tenant(
            deployment,
            landscape.application(deployment.application),
            landscape.stage(deployment.stage),
            placement,
        )
        by_place.setdefault((placement.cluster, placement.namespace), []).append(tenant)
    return tuple(
        Tenancy(environment, cluster, namespace, tuple(sorted(by_place[key], key=lambda tenant: tenant.name)))
        for environment in topology.environments
        for cluster in environment.workloads
        for namespace in sorted(cluster.namespaces)
        if (key := (cluster.name, namespace)) in by_place
    )
