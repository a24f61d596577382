"""What is rendered for Cluster API: by hand, and against its real CustomResourceDefinition where that is at hand.

The definition is in the Go module ``sigs.k8s.io/cluster-api``; ``go mod download`` puts it into the module cache.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from cluster_api import cluster_definition
from ringfence.decide.topology import ClusterRole, Designation
from ringfence.order.clusterapi import ClassChoice, clusters, read_back
from ringfence.order.compare import differences
from ringfence.order.request import Capacity, ClusterSize, PoolSize, Request
from ringfence.update.topology import arrived, asks_for, version_change
from ringfence.update.version import Bundle, Version

GI = Fraction(1024**3)
REQUEST = Request(
    environment="production",
    designation=Designation.PRODUCTION,
    purpose="customers",
    by=date(2027, 1, 15),
    paid_by="4711",
    users=("customers",),
    regions=("eu-north-1",),
    capacity=Capacity(Fraction(16), 64 * GI),
    clusters=(
        ClusterSize("production-management", ClusterRole.MANAGEMENT),
        ClusterSize(
            "production-1", ClusterRole.WORKLOAD, (PoolSize("apps", 3), PoolSize("postgresql", 1, "postgresql"))
        ),
    ),
)
CHOICE = ClassChoice("openstack", "default-worker", "1.37.2", "environments")
RENDERED = clusters("clinic", "o-1", REQUEST, CHOICE, Capacity(Fraction(4), 16 * GI))
NEXT = Bundle(Version(1, 5, 0), Version(1, 38, 0))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    document = cluster_definition()
    version = next(one for one in document["spec"]["versions"] if one["name"] == "v1beta2")
    found: dict[str, Any] = closed(version["schema"]["openAPIV3Schema"])
    return found


def closed(schema: Any) -> Any:
    """The schema as the API server prunes by it: a field that it does not name is an error here."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if "properties" in made and isinstance(made["properties"], dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", made.get("x-kubernetes-preserve-unknown-fields", False))
    return made


def validate(document: dict[str, Any], schema: dict[str, Any]) -> None:
    whole = deepcopy(schema)
    whole["properties"]["metadata"] = {"type": "object"}
    jsonschema.Draft202012Validator(whole).validate(document)


def test_every_cluster_fits_the_real_definition(schema: dict[str, Any]) -> None:
    for one in RENDERED:
        validate(one, schema)


def test_the_definition_refuses_what_is_wrong(schema: dict[str, Any]) -> None:
    wrong = deepcopy(RENDERED[1])
    wrong["spec"]["topology"]["class"] = "openstack"  # the spelling of v1beta1
    with pytest.raises(jsonschema.ValidationError):
        validate(wrong, schema)


def test_an_updated_cluster_fits_as_well(schema: dict[str, Any]) -> None:
    updated = deepcopy(RENDERED[1])
    updated["spec"]["topology"].update(version_change(NEXT)["spec"]["topology"])
    validate(updated, schema)
    assert asks_for(updated, NEXT)


def test_pools_are_labelled_and_tainted_as_their_pods_expect() -> None:
    (apps, postgresql) = RENDERED[1]["spec"]["topology"]["workers"]["machineDeployments"]
    assert (apps["name"], apps["replicas"], postgresql["replicas"]) == ("apps", 3, 1)
    assert postgresql["metadata"]["labels"] == {"node-restriction.kubernetes.io/pool": "postgresql"}
    assert postgresql["taints"][0]["value"] == "postgresql"


def ready(available: int = 4) -> Iterator[dict[str, Any]]:
    for one in RENDERED:
        made = deepcopy(one)
        count = available if one["metadata"]["name"] == "production-1" else 0
        made["status"] = {
            "conditions": [{"type": "Available", "status": "True"}],
            "workers": {"availableReplicas": count},
        }
        yield made


def test_what_is_not_available_is_not_delivered() -> None:
    assert read_back(REQUEST, RENDERED) is None
    assert read_back(REQUEST, list(ready())[:1]) is None


def test_what_is_delivered_is_read_back_as_it_was_ordered() -> None:
    delivered = read_back(REQUEST, list(ready()))
    assert delivered is not None
    assert [one.item for one in differences(REQUEST, delivered)] == ["users"]  # Cluster API cannot say who may use it


def test_machines_that_are_asked_for_and_not_there_do_not_count() -> None:
    delivered = read_back(REQUEST, list(ready(available=3)))
    assert delivered is not None
    assert "capacity.cpu" in [one.item for one in differences(REQUEST, delivered)]


def cluster(**status: Any) -> dict[str, Any]:
    conditions = [
        {"type": "Available", "status": "True"},
        {"type": "TopologyReconciled", "status": "True"},
        {"type": "RollingOut", "status": "False"},
    ]
    return {
        "metadata": {"name": "c", "generation": 3},
        "spec": {"topology": {"version": "v1.38.0"}},
        "status": {"observedGeneration": 3, "conditions": conditions, **status},
    }


@pytest.mark.parametrize(
    ("status", "because"),
    [
        ({"observedGeneration": 2}, "has not seen the change"),
        ({"conditions": []}, "TopologyReconciled is not reported"),
        (
            {"conditions": [{"type": "TopologyReconciled", "status": "False", "reason": "LifecycleHookBlocking"}]},
            "TopologyReconciled is False \\(LifecycleHookBlocking\\)",
        ),
        ({"workers": {"versions": [{"version": "v1.37.2"}, {"version": "v1.38.0"}]}}, "workers still runs v1.37.2"),
        ({"controlPlane": {"versions": [{"version": "v1.37.2"}]}}, "controlPlane still runs"),
    ],
)
def test_an_update_has_not_arrived_while_anything_is_old(status: dict[str, Any], because: str) -> None:
    check = arrived(cluster(**status), NEXT)
    assert not check.passed
    assert re.search(because, check.because)


def test_an_update_that_arrived_is_said_to_have() -> None:
    versions = {"versions": [{"version": "v1.38.0"}]}
    assert arrived(cluster(workers=versions, controlPlane=versions), NEXT).passed
    assert not arrived(cluster(), Bundle(Version(1, 6, 0), Version(1, 39, 0))).passed
    assert not arrived({"metadata": {"name": "c"}, "spec": {}}, NEXT).passed
