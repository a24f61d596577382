"""One AppProject and one Application a deployment: it may come from its repository only, go to its cluster and
namespace only, and consist of ordinary namespaced kinds only.

Source: Argo CD documentation, "Projects" and "Automated Sync Policy". An ApplicationSet was rejected: one template that
reaches every deployment is one more thing that they share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.landscape.model import Landscape, SourceKind
from ringfence.render.layout import deployment_path
from ringfence.render.manifests import Rendered
from ringfence.render.names import labels
from ringfence.render.tenancy import Options, Tenant

_API = "argoproj.io/v1alpha1"
BRANCH = "main"


@dataclass(frozen=True, slots=True)
class Deliverable:
    """A kind that a deployment may consist of, and the resource as which the API serves it."""

    group: str
    kind: str
    resource: str


DELIVERABLES: tuple[Deliverable, ...] = (
    Deliverable("", "ConfigMap", "configmaps"),
    Deliverable("", "PersistentVolumeClaim", "persistentvolumeclaims"),
    Deliverable("", "Service", "services"),
    Deliverable("apps", "Deployment", "deployments"),
    Deliverable("apps", "StatefulSet", "statefulsets"),
    Deliverable("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    Deliverable("batch", "CronJob", "cronjobs"),
    Deliverable("batch", "Job", "jobs"),
    Deliverable("networking.k8s.io", "Ingress", "ingresses"),
    Deliverable("policy", "PodDisruptionBudget", "poddisruptionbudgets"),
)
"""What a deployment's chart may hold. No Secrets (they would be in Git), no accounts, Roles, policies or quotas (they
are the boundary itself), no pods outside a controller, nothing that is cluster-wide."""


def project(landscape: Landscape, tenant: Tenant, options: Options) -> Rendered:
    """The AppProject of a deployment."""
    spec = {
        "clusterResourceWhitelist": [],
        "description": f"{tenant.name} of {landscape.name}: its repository, cluster, namespace and kinds only",
        "destinations": [_destination(tenant, options)],
        "namespaceResourceWhitelist": [{"group": one.group, "kind": one.kind} for one in DELIVERABLES],
        "sourceRepos": [options.repository(tenant.placement.environment)],
    }
    return _object(landscape, tenant, options, "AppProject", spec)


def application(landscape: Landscape, tenant: Tenant, options: Options) -> Rendered:
    """The Application of a deployment: synced by itself, healed by itself, pruned."""
    spec = {
        "destination": _destination(tenant, options),
        "project": tenant.release,
        "revisionHistoryLimit": 10,
        "source": {
            "path": f"{deployment_path(tenant)}/{_folder(tenant)}",
            "repoURL": options.repository(tenant.placement.environment),
            "targetRevision": BRANCH,
            **_tool(tenant),
        },
        "syncPolicy": {
            "automated": {"allowEmpty": False, "prune": True, "selfHeal": True},
            "retry": {"limit": 5, "backoff": {"duration": "2s", "factor": 2, "maxDuration": "1m"}},
            "syncOptions": ["CreateNamespace=false", "PruneLast=true", "ServerSideApply=true"],
        },
    }
    return _object(landscape, tenant, options, "Application", spec)


def _folder(tenant: Tenant) -> str:
    """The folder of the source below the deployment's: the chart, or rendered manifests."""
    kind = tenant.application.source.kind if tenant.application.source else SourceKind.HELM
    return {SourceKind.HELM: "chart", SourceKind.KUSTOMIZE: "overlay", SourceKind.MANIFESTS: "manifests"}[kind]


def _tool(tenant: Tenant) -> Mapping[str, Any]:
    kind = tenant.application.source.kind if tenant.application.source else SourceKind.HELM
    if kind is SourceKind.HELM:
        # In order: the chart's own values, the release's (promotion writes them), Ringfence's, which win.
        return {
            "helm": {
                "ignoreMissingValueFiles": True,
                "releaseName": tenant.release,
                "valueFiles": ["../release-values.yaml", "../platform-values.yaml"],
            }
        }
    if kind is SourceKind.KUSTOMIZE:
        return {}
    return {"directory": {"recurse": True}}


def _destination(tenant: Tenant, options: Options) -> dict[str, str]:
    return {**options.destination(tenant.placement.cluster), "namespace": tenant.placement.namespace}


def _object(landscape: Landscape, tenant: Tenant, options: Options, kind: str, spec: Mapping[str, Any]) -> Rendered:
    return Rendered(
        tenant.name,
        {
            "apiVersion": _API,
            "kind": kind,
            "metadata": {
                "name": tenant.release,
                "namespace": options.argocd_namespace(tenant.placement.environment),
                "labels": dict(labels(landscape.name, tenant.name, "delivery")),
                # With it, removing an Application removes what it delivered before it is gone itself.
                **({"finalizers": ["resources-finalizer.argocd.argoproj.io"]} if kind == "Application" else {}),
            },
            "spec": dict(spec),
        },
    )
