"""ValidatingAdmissionPolicies that keep every pod of a namespace on its pool, whoever creates it.

A taint keeps others off a node and a node selector keeps a pod on it, but both are written by whoever writes the pod;
only admission makes them a promise. What would get around it, and what closes it here:

- ``spec.nodeName`` skips the scheduler, and with it NoSchedule taints: refused at creation;
- a toleration without a key tolerates everything, one with ``Exists`` every pool: only the own pool's taint, and the
  node conditions that controllers add themselves, may be tolerated;
- a node selector or affinity for another pool: the selector must name the own pool, and no required term another one;
- ``pods/binding`` places a pod as the scheduler does: only the scheduler may;
- a priority of another stage, or ``system-*``: only the stage's own class;
- on an update, tolerations may be added: updates that change the spec or the labels are checked as creations are.

Kyverno and Gatekeeper were rejected: they are webhooks, a component more that must be up, trusted and updated. The
expressions keep to plain CEL (no optional types), which every evaluator understands. Stable since Kubernetes 1.30.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ringfence.landscape.model import Landscape
from ringfence.render.manifests import PLATFORM, Rendered
from ringfence.render.names import INSTANCE, POOL, SERVICE, cluster_wide, labels
from ringfence.render.namespaces import priority_name
from ringfence.render.services import image_of
from ringfence.render.tenancy import Tenancy

_API = "admissionregistration.k8s.io/v1"
_METADATA_NAME = "kubernetes.io/metadata.name"
SCHEDULER = "system:kube-scheduler"


def placement(landscape: Landscape, tenancy: Tenancy) -> tuple[Rendered, Rendered]:
    """The policy and binding that keep the pods of a namespace on their pools."""
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": _constraints([tenancy.namespace], ["pods"], ["CREATE", "UPDATE"]),
        "matchConditions": [
            {
                "name": "place-or-labels-change",
                "expression": "request.operation == 'CREATE' || object.spec != oldObject.spec"
                " || has(object.metadata.labels) != has(oldObject.metadata.labels)"
                " || (has(object.metadata.labels) && object.metadata.labels != oldObject.metadata.labels)",
            }
        ],
        "variables": _variables(tenancy),
        "validations": _validations(landscape, tenancy),
    }
    return policy(landscape, tenancy.owner, cluster_wide(landscape.name, "place", tenancy.namespace), spec)


def binding(landscape: Landscape, namespaces: Sequence[str]) -> tuple[Rendered, Rendered]:
    """The policy and binding that let nobody but the scheduler bind pods of these namespaces to nodes."""
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": _constraints(namespaces, ["bindings", "pods/binding"], ["CREATE"]),
        "validations": [
            {
                "expression": f"request.userInfo.username == '{SCHEDULER}'",
                "message": "only the scheduler binds pods to nodes",
                "reason": "Forbidden",
            }
        ],
    }
    return policy(landscape, PLATFORM, cluster_wide(landscape.name, "bind"), spec)


def _labelled(key: str) -> str:
    """CEL: the pod's label, or an empty string."""
    return f"has(object.metadata.labels) && '{key}' in object.metadata.labels ? object.metadata.labels['{key}'] : ''"


def _variables(tenancy: Tenancy) -> list[dict[str, str]]:
    """CEL variables: which service the pod is of (empty: the application's own), whose it is, and its pool."""
    return [
        {"name": "service", "expression": _labelled(SERVICE)},
        {"name": "release", "expression": _labelled(INSTANCE)},
        {"name": "pool", "expression": _pool(tenancy)},
    ]


def _pool(tenancy: Tenancy) -> str:
    """CEL: the pool a pod must be on; empty when it is nobody's, which no selector equals."""
    expression = "''"
    for tenant in reversed(tenancy.tenants):
        own = f"variables.service == '' ? '{tenant.placement.pool}' : "
        own += "".join(
            f"variables.service == '{service}' ? '{pool}' : "
            for service, pool in sorted(tenant.placement.services.items())
        )
        own += "''"
        expression = f"variables.release == '{tenant.release}' ? ({own}) : ({expression})" if tenancy.shared else own
    return expression


def _validations(landscape: Landscape, tenancy: Tenancy) -> list[dict[str, str]]:
    pools = " or ".join(sorted({pool for tenant in tenancy.tenants for pool in _pools(tenant.placement)}))
    required = "object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
    classes = sorted({priority_name(landscape, tenant.stage) for tenant in tenancy.tenants})
    found = [
        _validation(
            "request.operation != 'CREATE' || !has(object.spec.nodeName) || object.spec.nodeName == ''",
            "spec.nodeName must be empty: it would skip the scheduler",
        ),
        _validation(
            f"variables.pool != '' && has(object.spec.nodeSelector) && '{POOL}' in object.spec.nodeSelector"
            f" && object.spec.nodeSelector['{POOL}'] == variables.pool",
            f"spec.nodeSelector must have {POOL}, the pool of this namespace: {pools}",
        ),
        _validation(
            f"!has(object.spec.affinity) || !has(object.spec.affinity.nodeAffinity) || !has({required})"
            f" || {required}.nodeSelectorTerms.all(term, !has(term.matchExpressions)"
            f" || term.matchExpressions.all(wanted, wanted.key != '{POOL}'"
            " || (wanted.operator == 'In' && wanted.values == [variables.pool])))",
            f"required node affinity may ask for no other pool than {pools}",
        ),
        _validation(
            "!has(object.spec.tolerations) || object.spec.tolerations.all(toleration, has(toleration.key)"
            " && (toleration.key.startsWith('node.kubernetes.io/')"
            f" || (toleration.key == '{POOL}' && (!has(toleration.operator) || toleration.operator == 'Equal')"
            " && has(toleration.value) && toleration.value == variables.pool)))",
            f"only the taint {POOL} of the own pool ({pools}) and node conditions may be tolerated",
        ),
        _validation(
            f"has(object.spec.priorityClassName) && object.spec.priorityClassName in {_texts(classes)}",
            f"spec.priorityClassName must be {' or '.join(classes)}",
        ),
    ]
    if tenancy.shared:
        found.append(
            _validation(
                f"variables.release in {_texts([tenant.release for tenant in tenancy.tenants])}"
                " && (request.operation == 'CREATE' || (has(oldObject.metadata.labels)"
                f" && '{INSTANCE}' in oldObject.metadata.labels"
                f" && oldObject.metadata.labels['{INSTANCE}'] == variables.release))",
                f"every pod here carries the label {INSTANCE} of its release, and keeps it",
            )
        )
    services = sorted({service for tenant in tenancy.tenants for service in tenant.services})
    if services:
        images = "{" + ", ".join(f"'{service}': '{image_of(landscape, service)}'" for service in services) + "}"
        found.append(
            _validation(
                f"variables.service == '' || (variables.service in {images} && !has(object.spec.initContainers)"
                f" && object.spec.containers.all(container, container.image == {images}[variables.service]"
                " && !has(container.command) && !has(container.args)))",
                "the pools of services take nothing but the services' own images",
            )
        )
    return found


def _pools(place: Any) -> set[str]:
    return {place.pool, *place.services.values()}


def _texts(words: Sequence[str]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


def _validation(expression: str, message: str) -> dict[str, str]:
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def _constraints(namespaces: Sequence[str], resources: Sequence[str], operations: Sequence[str]) -> Mapping[str, Any]:
    return {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {
            "matchExpressions": [{"key": _METADATA_NAME, "operator": "In", "values": sorted(namespaces)}]
        },
        "objectSelector": {},
        "resourceRules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": list(operations),
                "resources": list(resources),
                "scope": "Namespaced",
            }
        ],
    }


def policy(landscape: Landscape, owner: str, name: str, spec: Mapping[str, Any]) -> tuple[Rendered, Rendered]:
    """A ValidatingAdmissionPolicy with that ``spec``, and the binding that makes it refuse."""
    marks = labels(landscape.name, owner, "admission")
    return (
        Rendered(
            owner,
            {
                "apiVersion": _API,
                "kind": "ValidatingAdmissionPolicy",
                "metadata": {"name": name, "labels": dict(marks)},
                "spec": dict(spec),
            },
        ),
        Rendered(
            owner,
            {
                "apiVersion": _API,
                "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": name, "labels": dict(marks)},
                "spec": {"policyName": name, "validationActions": ["Deny", "Audit"]},
            },
        ),
    )
