"""Service instances (PostgreSQL, RabbitMQ): one for each deployment that needs it, on a pool dedicated to its kind.

A small StatefulSet and a headless Service each: what shows where such a service lives and what may reach it. It is no
database service: backups, failover and upgrades are an operator's work, and where a platform has one, its instances
take this one's place. The password is made in the cluster when ``apply`` first runs, and is never in Git.

Images are by tag unless the Landscape names them: a digest is only known to whoever can reach the registry, and the
public ones are built anew under the same tag (docs/reference/render.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.base.quantity import format_cpu, format_memory
from ringfence.landscape.model import Landscape, Resources
from ringfence.render.manifests import Rendered, ServiceCredential
from ringfence.render.names import (
    INSTANCE,
    LANDSCAPE,
    NAME,
    OWNER,
    POOL,
    SERVICE,
    STAGE,
    labels,
    owner_label,
    shortened,
)
from ringfence.render.namespaces import priority_name
from ringfence.render.tenancy import Options, Tenancy, Tenant
from ringfence.render.workload import toleration


@dataclass(frozen=True, slots=True)
class ServiceKind:
    """How one kind of service is run: image, port, user, where it writes, and what it reads from its Secret."""

    image: str
    port: int
    user: int
    data: str
    scratch: tuple[str, ...]
    from_secret: Mapping[str, str]
    plain: Mapping[str, str]
    size: str


_KINDS: Mapping[str, ServiceKind] = {
    "postgresql": ServiceKind(
        image="docker.io/library/postgres:18.1",
        port=5432,
        user=999,
        data="/var/lib/postgresql",
        scratch=("/var/run/postgresql", "/tmp"),  # noqa: S108 (a volume's mount point, not a file of ours)
        from_secret={"POSTGRES_USER": "username", "POSTGRES_PASSWORD": "password", "POSTGRES_DB": "database"},
        plain={"PGDATA": "/var/lib/postgresql/18/docker"},
        size="10Gi",
    ),
    "rabbitmq": ServiceKind(
        image="docker.io/library/rabbitmq:4.2.1",
        port=5672,
        user=999,
        data="/var/lib/rabbitmq",
        scratch=("/tmp",),  # noqa: S108 (a volume's mount point, not a file of ours)
        from_secret={"RABBITMQ_DEFAULT_USER": "username", "RABBITMQ_DEFAULT_PASS": "password"},
        plain={},
        size="5Gi",
    ),
}


def kind_of(service: str) -> ServiceKind:
    """How a kind of service is run; one that Ringfence does not know is a placeholder under its own name."""
    return _KINDS.get(service) or ServiceKind(
        image=f"registry.invalid/{service}:unknown",
        port=1024,
        user=10001,
        data=f"/var/lib/{service}",
        scratch=("/tmp",),  # noqa: S108 (a volume's mount point, not a file of ours)
        from_secret={"USERNAME": "username", "PASSWORD": "password"},
        plain={},
        size="5Gi",
    )


def known(service: str) -> bool:
    """Whether Ringfence knows how to run this kind of service."""
    return service in _KINDS


def image_of(landscape: Landscape, service: str) -> str:
    """The image of a kind of service: the Landscape's, or else Ringfence's; the only one that its pool takes."""
    named = landscape.services[service].image if service in landscape.services else None
    return named or kind_of(service).image


def instance_name(tenant: Tenant, service: str) -> str:
    """The StatefulSet, Service and Secret of a deployment's instance: ``portal-testing-1-postgresql``.

    At most 52 characters: a StatefulSet's controller puts its name and a hash into one label of 63.
    """
    return shortened(f"{tenant.release}-{service}", 52)


def credential(landscape: Landscape, tenant: Tenant, service: str) -> ServiceCredential:
    """The Secret that the instance and the application both read."""
    return ServiceCredential(
        namespace=tenant.placement.namespace,
        name=instance_name(tenant, service),
        labels={**labels(landscape.name, tenant.name, "credential"), SERVICE: service},
        literals={
            "database": tenant.application.name,
            "host": f"{instance_name(tenant, service)}.{tenant.placement.namespace}.svc",
            "port": str(kind_of(service).port),
            "username": tenant.application.name,
        },
        generated=("password",),
    )


def instances(landscape: Landscape, tenancy: Tenancy, options: Options) -> tuple[Rendered, ...]:
    """The Services and StatefulSets of a namespace's service instances."""
    return tuple(
        rendered
        for tenant in tenancy.tenants
        for service in tenant.services
        for rendered in (_service(landscape, tenant, service), _stateful_set(landscape, tenant, service, options))
    )


def _metadata(landscape: Landscape, tenant: Tenant, service: str) -> dict[str, Any]:
    name = instance_name(tenant, service)
    return {
        "name": name,
        "namespace": tenant.placement.namespace,
        "labels": {**labels(landscape.name, tenant.name, "service", name=service, instance=name), SERVICE: service},
    }


def _selector(tenant: Tenant, service: str) -> dict[str, str]:
    return {INSTANCE: tenant.release, NAME: service, SERVICE: service}


def _service(landscape: Landscape, tenant: Tenant, service: str) -> Rendered:
    kind = kind_of(service)
    return Rendered(
        tenant.name,
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(landscape, tenant, service),
            "spec": {
                "clusterIP": "None",
                "selector": _selector(tenant, service),
                "ports": [{"name": "service", "port": kind.port, "protocol": "TCP", "targetPort": "service"}],
            },
        },
    )


def _stateful_set(landscape: Landscape, tenant: Tenant, service: str, options: Options) -> Rendered:
    kind = kind_of(service)
    spec: dict[str, Any] = {
        "serviceName": instance_name(tenant, service),
        "replicas": 1,
        "selector": {"matchLabels": _selector(tenant, service)},
        "template": {
            "metadata": {
                "labels": {
                    **_selector(tenant, service),
                    LANDSCAPE: landscape.name,
                    OWNER: owner_label(tenant.name),
                    STAGE: tenant.stage.name,
                }
            },
            "spec": _pod(landscape, tenant, service, options),
        },
    }
    if options.claims:
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": kind.size}}}
        spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    metadata = _metadata(landscape, tenant, service)
    return Rendered(tenant.name, {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec})


def _pod(landscape: Landscape, tenant: Tenant, service: str, options: Options) -> dict[str, Any]:
    """The pod: on its pool by selector, affinity and toleration; restricted; without a token."""
    kind = kind_of(service)
    pool = tenant.placement.services[service]
    only_pool = {"matchExpressions": [{"key": POOL, "operator": "In", "values": [pool]}]}
    scratch = [{"name": f"scratch-{index}", "emptyDir": {}} for index, _ in enumerate(kind.scratch)]
    return {
        "affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [only_pool]}}
        },
        "automountServiceAccountToken": False,
        "containers": [_container(landscape, tenant, service)],
        "enableServiceLinks": False,
        "nodeSelector": {POOL: pool},
        "priorityClassName": priority_name(landscape, tenant.stage),
        "securityContext": {
            "fsGroup": kind.user,
            "runAsGroup": kind.user,
            "runAsNonRoot": True,
            "runAsUser": kind.user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "serviceAccountName": tenant.release,
        "tolerations": [dict(toleration(pool))],
        "volumes": scratch if options.claims else [{"name": "data", "emptyDir": {}}, *scratch],
    }


def _container(landscape: Landscape, tenant: Tenant, service: str) -> dict[str, Any]:
    kind = kind_of(service)
    asked = landscape.services[service].requests if service in landscape.services else Resources()
    size = {"cpu": format_cpu(asked.cpu), "memory": format_memory(asked.memory)}
    secret = instance_name(tenant, service)
    environment: list[dict[str, Any]] = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for name, key in sorted(kind.from_secret.items())
    ]
    environment += [{"name": name, "value": value} for name, value in sorted(kind.plain.items())]
    container: dict[str, Any] = {
        "name": service,
        "image": image_of(landscape, service),
        "env": environment,
        "ports": [{"name": "service", "containerPort": kind.port, "protocol": "TCP"}],
        "readinessProbe": {"tcpSocket": {"port": "service"}, "periodSeconds": 10},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "data", "mountPath": kind.data},
            *({"name": f"scratch-{index}", "mountPath": path} for index, path in enumerate(kind.scratch)),
        ],
    }
    if asked.cpu and asked.memory:
        container["resources"] = {"limits": size, "requests": dict(size)}
    return container
