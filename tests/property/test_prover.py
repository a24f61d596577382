"""A proof that goes on from the last one against one from the start, over random changes of objects."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.prove import kinds
from ringfence.prove.kinds import Kind
from ringfence.prove.prover import Prover
from ringfence.prove.snapshot import ClusterSnapshot, Snapshot, snapshot_of
from ringfence.prove.verdicts.pairs import prove
from unit.prove.proof_worlds import (
    HERE,
    THERE,
    Object,
    account,
    base,
    cluster,
    deny_all,
    grant,
    node,
    partition,
    pod,
    rule,
    secret,
    space,
    thing,
)

Change = Callable[[dict[Kind, list[Object]]], None]
SPACES = st.sampled_from((HERE, THERE, "other"))
NAMES = st.sampled_from(("one", "two"))
RIGHTS = st.sampled_from(
    (
        rule("get list", "secrets"),
        rule("create", "pods"),
        rule("create", "pods/exec"),
        rule("patch", "namespaces"),
        rule("create update", "networkpolicies", "networking.k8s.io"),
        rule("create", "persistentvolumeclaims"),
        rule("*", "*", "*"),
        rule("update", "configmaps"),
    )
)
WHO = st.sampled_from(("user:alice", "group:testers", f"sa:{HERE}/default", f"sa:{THERE}/default", "sa:other/one"))
LABELS: st.SearchStrategy[dict[str, str]] = st.sampled_from(({"app": "web"}, {"app": "db"}, {}))
DANGERS: st.SearchStrategy[Object] = st.sampled_from(
    ({}, {"hostNetwork": True}, {"container": {"securityContext": {"privileged": True}}})
)
MOUNTS = st.sampled_from((None, {"secret": {"secretName": "key"}}, {"hostPath": {"path": "/var/lib/kubelet"}}))


@st.composite
def objects(draw: st.DrawFn) -> list[Object]:
    where, name = draw(SPACES), draw(NAMES)
    kind = draw(st.integers(0, 10))
    if kind == 0:
        return grant(draw(WHO), [draw(RIGHTS)], draw(st.sampled_from((where, ""))), name)
    if kind == 1:
        spec: dict[str, Any] = dict(draw(DANGERS))
        mount = draw(MOUNTS)
        volumes: dict[str, Any] = {} if mount is None else {"volumes": [{"name": "v", **mount}]}
        on = draw(st.sampled_from(("node-1", "node-2", None)))
        return [pod(name, where, on=on, labels=draw(LABELS), **spec, **volumes)]
    if kind == 2:
        return [space(where, draw(st.sampled_from(("restricted", "privileged", None))), team=name)]
    if kind == 3:
        return [secret(name, where, password=draw(st.sampled_from(("a" * 40, "correct horse battery staple 1"))))]
    if kind == 4:
        choices: tuple[list[Object], ...] = ([], [{"namespaceSelector": {}}], [{"podSelector": {}}])
        peers = draw(st.sampled_from(choices))
        rules = [{"from": peers}] if peers else []
        both = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": rules, "egress": []}
        return [deny_all(where), thing("networking.k8s.io/v1", "NetworkPolicy", name, where, spec=both)]
    if kind == 5:
        return [node(draw(st.sampled_from(("node-1", "node-2"))), pool=name)]
    if kind == 6:
        return [account(name, where, automountServiceAccountToken=draw(st.booleans()))]
    if kind == 7:
        text = draw(st.sampled_from(("object.spec.hostNetwork != true", "has(object.spec.nodeName)", "false")))
        return _policy(name, text, draw(st.sampled_from(({}, {"matchLabels": {"team": "one"}}))))
    if kind == 8:
        port = {"port": 80, "targetPort": 8080}
        kinds_of = draw(st.sampled_from(("ClusterIP", "NodePort", "LoadBalancer")))
        return [
            thing("v1", "Service", name, where, spec={"type": kinds_of, "selector": {"app": "web"}, "ports": [port]})
        ]
    if kind == 9:
        claim = thing("v1", "PersistentVolumeClaim", name, where, spec={"volumeName": "disk"})
        disk = thing("v1", "PersistentVolume", "disk", spec={"csi": {"driver": "d", "volumeHandle": name}})
        return [claim, disk]
    return [thing("scheduling.k8s.io/v1", "PriorityClass", name, value=draw(st.sampled_from((0, 1000))))]


def _policy(name: str, text: str, spaces: Object) -> list[Object]:
    api = "admissionregistration.k8s.io/v1"
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}
    match = {"resourceRules": [pods], "namespaceSelector": spaces}
    spec = {"matchConstraints": match, "validations": [{"expression": text}]}
    bound = {"policyName": name, "validationActions": ["Deny"]}
    return [
        thing(api, "ValidatingAdmissionPolicy", name, spec=spec),
        thing(api, "ValidatingAdmissionPolicyBinding", name, spec=bound),
    ]


steps = st.lists(st.tuples(objects(), st.booleans()), min_size=2, max_size=6)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(start=st.lists(objects(), max_size=8), changes=steps)
def test_going_on_is_the_same_as_starting_anew(
    start: list[list[Object]], changes: list[tuple[list[Object], bool]]
) -> None:
    _goes_on(start, changes)


@pytest.mark.soak
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(start=st.lists(objects(), max_size=8), changes=steps)
def test_going_on_is_the_same_as_starting_anew_a_thousand_times(
    start: list[list[Object]], changes: list[tuple[list[Object], bool]]
) -> None:
    _goes_on(start, changes)


def _goes_on(start: list[list[Object]], changes: list[tuple[list[Object], bool]]) -> None:
    held = {_key(item): item for item in base()}
    for group in start:
        held.update({_key(item): item for item in group})
    prover, before = Prover(), None
    for group, gone in [([], False), *changes]:
        for item in group:
            if gone and _key(item) in held:
                del held[_key(item)]
            else:
                held[_key(item)] = item
        snapshot = _shared(snapshot_of([cluster(list(held.values()))]), before)
        assert prover.prove(partition(), snapshot) == prove(partition(), snapshot)
        before = snapshot


def _key(item: Object) -> tuple[str, str, str]:
    return (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"])


def _shared(snapshot: Snapshot, before: Snapshot | None) -> Snapshot:
    """As a watch would have it: kinds that did not change are the very same tuples."""
    if before is None:
        return snapshot

    def joined(one: ClusterSnapshot) -> ClusterSnapshot:
        old = before.clusters[one.name].objects
        return replace(
            one, objects={kind: old[kind] if old.get(kind) == items else items for kind, items in one.objects.items()}
        )

    return snapshot_of([joined(one) for one in snapshot.clusters.values()])


def test_another_partition_starts_anew() -> None:
    prover = Prover()
    snapshot = snapshot_of([cluster(base())])
    first = prover.prove(partition(), snapshot)
    fewer = replace(partition(), promises=())
    assert prover.prove(fewer, snapshot) == prove(fewer, snapshot)
    assert prover.prove(partition(), snapshot) == first
    assert kinds.POD in snapshot.clusters["prod"].objects
