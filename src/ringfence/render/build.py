"""From a Topology to Manifests: the one function that puts the parts together.

Pure: the same Landscape, Topology, sources and options give the same bytes.
"""

from collections.abc import Mapping

from ringfence.decide.topology import Cluster, Environment, Topology
from ringfence.landscape.model import Landscape, Level, SourceKind
from ringfence.render import access, admission, argocd, data, namespaces, network, nodes, plain, services, workload
from ringfence.render.layout import deployment_path, rank, yaml_documents
from ringfence.render.manifests import ClusterManifests, DeploymentManifests, Manifests, Note, Rendered
from ringfence.render.tenancy import Options, Sources, Tenancy, Tenant, tenancies

_NOTHING = Sources()


def render(
    landscape: Landscape,
    topology: Topology,
    sources: Mapping[str, Sources] | None = None,
    options: Options | None = None,
) -> Manifests:
    """Every object that a Topology becomes.

    ``sources`` maps an application's name to the files of its chart or manifests; without them the deployments' folders
    have no release yet. Raises InputError when Landscape and Topology do not belong together.
    """
    options = options or Options()
    places = tenancies(landscape, topology)
    opened = network.declared(landscape, places)
    clusters: list[ClusterManifests] = []
    for environment in topology.environments:
        clusters.append(_management(landscape, environment, places, options))
        clusters.extend(
            _workload(landscape, environment, one, places, opened, options) for one in environment.workloads
        )
    deployments = tuple(
        _delivery(landscape, tenancy, tenant, (sources or {}).get(tenant.application.name, _NOTHING))
        for tenancy in places
        for tenant in tenancy.tenants
    )
    return Manifests(
        landscape=landscape.name,
        clusters=tuple(clusters),
        deployments=deployments,
        notes=_notes(landscape, topology, places),
        repositories={one.name: options.repository(one.name) for one in topology.environments},
    )


def _ordered(objects: list[Rendered]) -> tuple[Rendered, ...]:
    return tuple(sorted(objects, key=lambda rendered: rank(rendered.document)))


def _management(
    landscape: Landscape, environment: Environment, places: tuple[Tenancy, ...], options: Options
) -> ClusterManifests:
    objects = [
        rendered
        for tenancy in places
        if tenancy.environment.name == environment.name
        for tenant in tenancy.tenants
        for rendered in (
            argocd.project(landscape, tenant, options),
            argocd.application(landscape, tenant, options),
        )
    ]
    management = environment.management
    return ClusterManifests(environment.name, management.name, management.role, _ordered(objects))


def _workload(
    landscape: Landscape,
    environment: Environment,
    cluster: Cluster,
    places: tuple[Tenancy, ...],
    opened: tuple[tuple[Tenancy, Rendered], ...],
    options: Options,
) -> ClusterManifests:
    here = [tenancy for tenancy in places if tenancy.cluster.name == cluster.name]
    stages = {tenant.stage.name: tenant.stage for tenancy in here for tenant in tenancy.tenants}
    objects = [namespaces.priority_class(landscape, stage, here) for _, stage in sorted(stages.items())]
    if here:
        objects.extend(admission.binding(landscape, [tenancy.namespace for tenancy in here]))
        objects.extend(data.flows(landscape, here))
    for tenancy in here:
        objects.append(namespaces.namespace(landscape, tenancy))
        objects.extend(admission.placement(landscape, tenancy))
        objects.extend(namespaces.quotas(landscape, tenancy))
        objects.append(namespaces.limit_range(landscape, tenancy))
        objects.extend(network.policies(landscape, tenancy))
        objects.extend(namespaces.accounts(landscape, tenancy))
        objects.extend(access.roles(landscape, tenancy))
        deliverer = options.deliverer(cluster.name)
        if deliverer is not None:
            objects.extend(access.delivery(landscape, tenancy, deliverer))
        objects.extend(services.instances(landscape, tenancy, options))
    objects.extend(rendered for tenancy, rendered in opened if tenancy.cluster.name == cluster.name)
    pools = nodes.pools(landscape, cluster)
    return ClusterManifests(environment.name, cluster.name, cluster.role, _ordered(objects), pools)


def _delivery(landscape: Landscape, tenancy: Tenancy, tenant: Tenant, sources: Sources) -> DeploymentManifests:
    path = deployment_path(tenant)
    given = workload.values(landscape, tenant)
    platform: dict[str, bytes] = {}
    kind = tenant.application.source.kind if tenant.application.source else SourceKind.HELM
    if kind is SourceKind.HELM:
        platform[f"{path}/platform-values.yaml"] = yaml_documents([dict(given)])
        initial = {f"{path}/chart/{name}": content for name, content in sources.files.items()}
    elif kind is SourceKind.KUSTOMIZE:
        platform[f"{path}/overlay/kustomization.yaml"] = plain.overlay(landscape, tenant)
        initial = {f"{path}/base/{name}": content for name, content in sources.files.items()}
    else:
        rendered = plain.manifests(landscape, tenant, sources)
        initial = {f"{path}/manifests/{name}": content for name, content in rendered.items()}
    return DeploymentManifests(
        deployment=tenant.name,
        environment=tenancy.environment.name,
        cluster=tenancy.cluster.name,
        namespace=tenancy.namespace,
        application=tenant.release,
        release=tenant.release,
        path=path,
        values=given,
        platform_files=platform,
        initial_files=dict(sorted(initial.items())),
        credentials=tuple(services.credential(landscape, tenant, service) for service in tenant.services),
    )


def _notes(landscape: Landscape, topology: Topology, places: tuple[Tenancy, ...]) -> tuple[Note, ...]:
    """What levels cannot keep here (contract, section 2), connections that stay closed, services nobody knows."""
    found: list[Note] = []
    for tenancy in places:
        if not tenancy.shared:
            continue
        names = " and ".join(tenant.name for tenant in tenancy.tenants)
        levels = {
            pair.placed for pair in topology.pairs if {pair.a, pair.b} <= {tenant.name for tenant in tenancy.tenants}
        }
        found.append(
            Note(
                f"{names} share the namespace {tenancy.namespace}",
                "connections that are not declared are closed between them, and that is all that is promised: every"
                " Secret and every account of the namespace is open to both, and nobody is let in to change things by"
                " hand." + (" They use the same nodes and one quota." if Level.LABELS in levels else ""),
            )
        )
    found.extend(network.notes(landscape, places))
    unknown = sorted({name for tenancy in places for one in tenancy.tenants for name in one.services})
    found.extend(
        Note(
            name,
            "Ringfence does not know how to run this service: a placeholder is rendered; put your own in its place.",
        )
        for name in unknown
        if not services.known(name)
    )
    return tuple(found)
