"""ValidatingAdmissionPolicies that let no data flow from a higher class to a lower one (stages.md, "Data").

A claim of a lower class may start as a copy of another namespace's claim or snapshot (``dataSourceRef``), bind a volume
that somebody prepared (``volumeName``), or restore a snapshot that was taken elsewhere (``volumeSnapshotContentName``).
Each is refused where it could bring higher data down, whoever asks. What a named transformation of the Landscape makes
is let through: it carries the transformation's label, which nobody else may set, so that the proof can tell it too.
Equal Secrets and shared buckets are not seen at admission: the proof finds those.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ringfence.landscape.model import TRANSFORMATION, DataClass, Landscape
from ringfence.render.admission import policy
from ringfence.render.manifests import PLATFORM, Rendered
from ringfence.render.names import cluster_wide
from ringfence.render.tenancy import Tenancy

CLASSES = tuple(DataClass)
"""Lowest first."""
_BINDERS = (
    "system:kube-controller-manager",
    "system:serviceaccount:kube-system:persistent-volume-binder",
    "system:kube-scheduler",
)
"""Who writes ``volumeName`` into a claim that named none, depending on how the control plane is set up."""


def flows(landscape: Landscape, places: Sequence[Tenancy]) -> tuple[Rendered, ...]:
    """The policies of one cluster for the namespaces ``places``: two for each class below customers' data there."""
    found: list[Rendered] = []
    for held in CLASSES[:-1]:
        here = sorted(one.namespace for one in places if _lowest(one) is held)
        if here:
            sources = sorted(one.namespace for one in places if _highest(one) <= CLASSES.index(held))
            found.extend(_claims(landscape, held, here, sources))
            found.extend(_snapshots(landscape, held, here))
    return tuple(found)


def _lowest(tenancy: Tenancy) -> DataClass:
    return min((tenant.stage.data for tenant in tenancy.tenants), key=CLASSES.index)


def _highest(tenancy: Tenancy) -> int:
    return max(CLASSES.index(tenant.stage.data) for tenant in tenancy.tenants)


def _claims(
    landscape: Landscape, held: DataClass, here: Sequence[str], sources: Sequence[str]
) -> tuple[Rendered, Rendered]:
    reference = "object.spec.dataSourceRef"
    unchanged = (
        "request.operation == 'UPDATE' && (has(oldObject.spec.volumeName) ? oldObject.spec.volumeName : '')"
        " == object.spec.volumeName"
    )
    local = f"variables.made || !has({reference}) || !has({reference}.namespace)"
    bound = "request.operation == 'UPDATE' && request.userInfo.username in " + _texts(_BINDERS)
    unnamed = "variables.made || !has(object.spec.volumeName) || object.spec.volumeName == ''"
    spec = _spec(
        here,
        ("", "v1", "persistentvolumeclaims"),
        landscape,
        held,
        [
            (
                f"{local} || {reference}.namespace in {_texts(['', *sources])}",
                f"a claim with {held} data may be copied from no namespace whose data is of a higher class",
            ),
            (
                f"{unnamed} || ({unchanged}) || ({bound})",
                f"a claim with {held} data takes a new volume: spec.volumeName must be empty",
            ),
        ],
    )
    return policy(landscape, PLATFORM, cluster_wide(landscape.name, "data", held.value, "claims"), spec)


def _snapshots(landscape: Landscape, held: DataClass, here: Sequence[str]) -> tuple[Rendered, Rendered]:
    spec = _spec(
        here,
        ("snapshot.storage.k8s.io", "v1", "volumesnapshots"),
        landscape,
        held,
        [
            (
                "variables.made || !has(object.spec.source.volumeSnapshotContentName)",
                f"a snapshot among {held} data is taken of a claim there, not of content prepared elsewhere",
            ),
        ],
    )
    return policy(landscape, PLATFORM, cluster_wide(landscape.name, "data", held.value, "snapshots"), spec)


def _spec(
    here: Sequence[str],
    resource: tuple[str, str, str],
    landscape: Landscape,
    held: DataClass,
    rules: Sequence[tuple[str, str]],
) -> Mapping[str, Any]:
    group, version, plural = resource
    label = f"object.metadata.labels['{TRANSFORMATION}']"
    old = f"oldObject.metadata.labels['{TRANSFORMATION}']"
    carries = f"has(object.metadata.labels) && '{TRANSFORMATION}' in object.metadata.labels"
    carried = f"has(oldObject.metadata.labels) && '{TRANSFORMATION}' in oldObject.metadata.labels"
    # A map literal without entries has no type of its own: a name that no transformation can have stands in it.
    makers = {"": "", **{one.name: one.by for one in landscape.transformations if one.target is held}}
    by_name = "{" + ", ".join(f"'{name}': '{by}'" for name, by in sorted(makers.items())) + "}"
    forged = (
        f"!({carries}) || variables.made || (request.operation == 'UPDATE' && {carried} && {old} == {label})",
        f"only a transformation of the Landscape that makes {held} data sets the label {TRANSFORMATION}",
    )
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": {
                "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(here)}]
            },
            "objectSelector": {},
            "resourceRules": [
                {
                    "apiGroups": [group],
                    "apiVersions": [version],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": [plural],
                    "scope": "Namespaced",
                }
            ],
        },
        "variables": [
            {
                "name": "made",
                "expression": f"{carries} && {label} != '' && {label} in {by_name}"
                f" && {by_name}[{label}] == request.userInfo.username",
            }
        ],
        "validations": [
            {"expression": expression, "message": message, "reason": "Forbidden"}
            for expression, message in (*rules, forged)
        ],
    }


def _texts(words: Sequence[str]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"
