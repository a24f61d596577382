"""Hostile snapshots: whatever stands where, a proof ends with an answer, and damage never makes one better."""

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.prove.catalogue import touched_by_kind
from ringfence.prove.proof import Answer, Dimension
from ringfence.prove.report.explain import explain
from ringfence.prove.report.junit import junit
from ringfence.prove.report.rows import chains, rows
from ringfence.prove.report.sarif import sarif
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts.pairs import prove
from unit.prove.proof_worlds import A, B, Object, base, cluster, grant, partition, rule, thing

ADMIT, ARGO = "admissionregistration.k8s.io/v1", "argoproj.io/v1alpha1"
HERE_SERVICE = {"service": {"namespace": "shop-test", "name": "x"}}
WORLD = [
    *base(),
    *grant("user:alice", [rule("create", "pods"), rule("create", "widgets", "operators.example")], "shop-test"),
    thing(
        ADMIT,
        "MutatingWebhookConfiguration",
        "hook",
        webhooks=[
            {
                "name": "hook.example",
                "clientConfig": HERE_SERVICE,
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["events"]}],
            }
        ],
    ),
    thing("apiregistration.k8s.io/v1", "APIService", "v1.x.example", spec={"group": "x.example", **HERE_SERVICE}),
    thing(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "widgets.operators.example",
        spec={"group": "operators.example", "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {}}}},
    ),
    thing(
        ARGO,
        "Application",
        "testing",
        "argocd",
        spec={"project": "p", "destination": {"namespace": "shop-test"}, "source": {"repoURL": "git@x:y.git"}},
    ),
    thing(ARGO, "ApplicationSet", "all", "argocd", spec={}),
    # Two roles that aggregate each other.
    *(
        thing(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            name,
            labels={"to": other},
            aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"to": name}}]},
            rules=[],
        )
        for name, other in (("one", "two"), ("two", "one"))
    ),
    thing(
        "v1",
        "PersistentVolume",
        "disk",
        spec={
            "csi": {"driver": "d", "volumeHandle": "h", "volumeAttributes": {"server": "s"}},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "k"}]}]}},
            "claimRef": {"namespace": "shop", "name": "data"},
        },
    ),
    thing("v1", "PersistentVolumeClaim", "data", "shop", spec={"volumeName": "disk"}),
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 10**20),
    st.floats(allow_nan=True),
    st.text(max_size=12),
    st.sampled_from(["\u202egnp.exe", "<script>", "[red]x[/]", "\x1b[31m", "../..", "*", "a" * 300, "{name}", "%s"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)
SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _paths(inner, (*path, key))
    return found


def _damaged(document: Object, path: tuple[Any, ...], value: Any) -> Object:
    found = copy.deepcopy(document)
    place: Any = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return found


@SETTINGS
@given(st.data())
def test_a_damaged_object_never_ends_in_an_error(data: st.DataObject) -> None:
    objects = list(WORLD)
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(objects) - 1))
        path = data.draw(st.sampled_from(_paths(objects[number])))
        objects[number] = _damaged(objects[number], path, data.draw(ODD))
    snapshot = cluster(objects)
    proof = prove(partition(), snapshot_of([snapshot]))
    pair = proof.pair(A, B)
    for defect in snapshot.defects:
        if defect.namespace in ("", "shop", "shop-test") and not defect.kind.group:
            for dimension in touched_by_kind(defect.kind) - {Dimension.NETWORK}:
                assert pair.dimensions[dimension].answer is not Answer.HOLDS, (defect, dimension)
    text = "\n".join([*chains(proof), *(cell for row in rows(proof) for cell in row), junit(proof)])
    for dimension in Dimension:
        text += "\n".join(explain(proof, pair, dimension, partition(), snapshot_of([snapshot])))
    assert sarif(proof, lambda name: None, "0")["runs"]
    assert not any(character in text for character in "\u202e\x1b")


@SETTINGS
@given(st.lists(st.one_of(ODD, st.dictionaries(st.text(max_size=8), ODD, max_size=4)), max_size=6))
def test_what_is_no_object_makes_everything_unknown(documents: list[Any]) -> None:
    proof = prove(partition(), snapshot_of([cluster([*base(), *documents])]))
    if any(not isinstance(item, list) or item for item in documents if item is not None):
        assert proof.answer is not Answer.HOLDS
