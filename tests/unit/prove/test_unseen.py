"""What may not be listed, or cannot be read, keeps no promise: every case of a rule, with its objects out of sight."""

import copy
from typing import Any

import pytest

from ringfence.prove.catalogue import ENTRIES
from ringfence.prove.kinds import Kind
from ringfence.prove.proof import Answer, Dimension, PairProof
from unit.prove.proof_worlds import Object, attack, base, thing
from unit.prove.test_rules_matter import CASES


def refused(kind: Kind, namespace: str = "") -> Object:
    spec = {
        "resource": ENTRIES[kind].resource,
        "reason": "Forbidden",
        **({"namespace": namespace} if namespace else {}),
    }
    return {"apiVersion": "ringfence.dev/v1", "kind": "NotListed", "spec": spec}


def gained(before: PairProof, after: PairProof) -> list[Dimension]:
    """The dimensions that hold after and did not before."""
    return [
        dimension
        for dimension in Dimension
        if after.dimensions[dimension].answer is Answer.HOLDS
        and before.dimensions[dimension].answer is not Answer.HOLDS
    ]


def special(objects: list[Object]) -> dict[Kind, list[Object]]:
    """The objects that make the case, by kind."""
    plain, found = base(), dict[Kind, list[Object]]()
    for item in objects:
        if item not in plain and Kind.of(item) in ENTRIES:
            found.setdefault(Kind.of(item), []).append(item)
    return found


@pytest.mark.parametrize("name", sorted(CASES))
def test_nothing_holds_because_it_was_not_listed(name: str) -> None:
    _, objects, more = CASES[name]
    before = attack(copy.deepcopy(objects), **dict(more))
    for kind, those in special(objects).items():
        rest = [item for item in objects if Kind.of(item) != kind]
        places = sorted({item["metadata"].get("namespace") or "" for item in those})
        for markers in ([refused(kind)], [refused(kind, place) for place in places]):
            after = attack(copy.deepcopy([*rest, *markers]), **dict(more))
            assert gained(before, after) == [], (kind, markers)


WRONG: tuple[tuple[str, Any], ...] = (("metadata", "words"), ("spec", ["words"]))


@pytest.mark.parametrize("name", sorted(CASES))
def test_nothing_holds_because_it_cannot_be_read(name: str) -> None:
    _, objects, more = CASES[name]
    before = attack(copy.deepcopy(objects), **dict(more))
    those = [number for number, item in enumerate(objects) if item not in base() and Kind.of(item) in ENTRIES]
    for number in those[:2]:
        for key, value in WRONG:
            if key in objects[number]:
                spoiled = copy.deepcopy(objects)
                spoiled[number][key] = value
                assert gained(before, attack(spoiled, **dict(more))) == [], (objects[number]["kind"], key, value)


@pytest.mark.parametrize(
    "broken",
    [
        thing("v1", "Service", "s", "shop", spec={"ports": 7}),
        thing("v1", "Service", "s", "shop", spec={"ports": [{"port": "http"}]}),
        thing("networking.k8s.io/v1", "Ingress", "i", "shop", spec={"rules": [{"http": {"paths": [{}]}}]}),
        thing("discovery.k8s.io/v1", "EndpointSlice", "e", "shop", endpoints=[{"addresses": "10.0.0.1"}]),
        thing("apiregistration.k8s.io/v1", "APIService", "v1.x", spec={"service": 7}),
        thing("user.openshift.io/v1", "Group", "g", users="alice"),
        thing("source.toolkit.fluxcd.io/v1", "GitRepository", "g", "shop-test", spec=[{}]),
        thing("gateway.networking.k8s.io/v1", "ReferenceGrant", "g", "shop", spec={"from": True}),
        thing("v1", "ConfigMap", "aws-auth", "kube-system", data=7),
        thing("v1", "ConfigMap", "m", "shop") | {"metadata": {"name": "m", "namespace": {}}},
    ],
)
def test_what_the_api_would_refuse_leaves_something_unknown(broken: Object) -> None:
    pair = attack([*base(), broken])
    assert any(verdict.answer is Answer.UNKNOWN for verdict in pair.dimensions.values())
