"""Plain manifests (``source: {manifests: PATH}``) with what a chart would get as values written into them.

Only workloads are touched: pool, toleration, priority, account, labels. Kustomize applications get the same as patches
in an overlay, which Kustomize applies.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.base.errors import InputError
from ringfence.landscape.model import Landscape
from ringfence.render.layout import yaml_documents
from ringfence.render.names import INSTANCE, NAME, PART_OF
from ringfence.render.tenancy import Sources, Tenant
from ringfence.render.workload import values

_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


def manifests(landscape: Landscape, tenant: Tenant, sources: Sources) -> dict[str, bytes]:
    """The files of an application's manifests for one deployment, by path below ``manifests/``."""
    files: dict[str, bytes] = {}
    for path, content in sorted(sources.files.items()):
        if path.endswith((".yaml", ".yml", ".json")):
            documents = [_placed(landscape, tenant, document) for document in _documents(path, content)]
            files[path] = yaml_documents(documents)
    return files


def overlay(landscape: Landscape, tenant: Tenant) -> bytes:
    """The ``kustomization.yaml`` that places an application's Kustomize base."""
    patches = []
    for kind, way in _TEMPLATES.items():
        body: dict[str, Any] = _template(landscape, tenant)
        for part in reversed(way):
            body = {part: body}
        version = "batch/v1" if "Job" in kind else "apps/v1"
        patch = {"apiVersion": version, "kind": kind, "metadata": {"name": "any"}, **body}
        patches.append({"target": {"kind": kind}, "patch": yaml_documents([patch]).decode()})
    return yaml_documents(
        [
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": ["../base"],
                "namespace": tenant.placement.namespace,
                "labels": [{"includeSelectors": True, "pairs": {INSTANCE: tenant.release}}],
                "patches": patches,
            }
        ]
    )


def _template(landscape: Landscape, tenant: Tenant) -> dict[str, Any]:
    given = values(landscape, tenant)
    return {
        "metadata": {"labels": {**given["podLabels"], INSTANCE: tenant.release}},
        "spec": {
            "automountServiceAccountToken": False,
            "nodeSelector": dict(given["nodeSelector"]),
            "priorityClassName": given["priorityClassName"],
            "serviceAccountName": given["serviceAccountName"],
            "tolerations": [dict(one) for one in given["tolerations"]],
        },
    }


def _placed(landscape: Landscape, tenant: Tenant, document: dict[str, Any]) -> dict[str, Any]:
    placed = copy.deepcopy(document)
    metadata = placed.setdefault("metadata", {})
    metadata["namespace"] = tenant.placement.namespace
    # Not the label of what Ringfence manages: Argo CD delivers these, and pruning would take them for leftovers.
    metadata["labels"] = {
        **metadata.get("labels", {}),
        NAME: tenant.application.name,
        INSTANCE: tenant.release,
        PART_OF: landscape.name,
    }
    way = _TEMPLATES.get(str(placed.get("kind")))
    if way is None:
        return placed
    template = placed
    for part in way:
        template = template.setdefault(part, {})
    own = _template(landscape, tenant)
    template.setdefault("metadata", {}).setdefault("labels", {}).update(own["metadata"]["labels"])
    template.setdefault("spec", {}).update(own["spec"])
    return placed


def _documents(path: str, content: bytes) -> Iterator[dict[str, Any]]:
    import yaml

    try:
        for document in yaml.safe_load_all(content):
            if document is None:
                continue
            if not isinstance(document, dict) or "kind" not in document or "apiVersion" not in document:
                raise InputError(f"{path}: not a Kubernetes object: it has no apiVersion and kind")
            yield document
    except yaml.YAMLError as error:
        raise InputError(f"{path}: this is not YAML: {str(error).splitlines()[0]}") from error
