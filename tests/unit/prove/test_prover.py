"""A proof that goes on from the last one, change by change: the answer of one from the start, and no more work."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ringfence.prove import kinds
from ringfence.prove.facts.recorded import RecordedCluster, recorded
from ringfence.prove.memory import Ledger
from ringfence.prove.partition import Assumptions
from ringfence.prove.prover import Prover
from ringfence.prove.snapshot import ClusterSnapshot, NotListed, snapshot_of
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

ALICE = "user:alice"
SHARED = "Zr8-kPq3vTx71LmWn05q"
ANONYMOUS = pod(
    "kube-apiserver",
    "kube-system",
    container={"name": "kube-apiserver", "command": ["kube-apiserver", "--anonymous-auth=true"]},
)
EXEC = grant(ALICE, [rule("get", "pods/exec")], THERE, "exec")


def added(*items: Object) -> list[Object]:
    """The base with these objects, those that it has already in their places."""
    held = {_key(item): item for item in base()}
    held.update({_key(item): item for item in items})
    return list(held.values())


def _key(item: Object) -> tuple[str, str, str]:
    return (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"])


def without(kind: str) -> list[Object]:
    return [item for item in base() if item["kind"] != kind]


CHANGES: dict[str, Callable[[], ClusterSnapshot]] = {
    "a right": lambda: cluster(added(*grant(ALICE, [rule("get", "secrets")], THERE))),
    "a right of a group": lambda: cluster(added(*grant("group:system:unauthenticated", [rule("get", "secrets")]))),
    "a right of an account": lambda: cluster(added(*grant(f"sa:{HERE}/ci", [rule("create", "pods/exec")], THERE))),
    "a label of a namespace": lambda: cluster(added(space(HERE, None), *grant(ALICE, [rule("create", "pods")], HERE))),
    "an annotation of a namespace": lambda: cluster(
        added({**space(HERE), "metadata": {**space(HERE)["metadata"], "annotations": {"a": "b"}}})
    ),
    "no network policy": lambda: cluster(without("NetworkPolicy")),
    "one network policy": lambda: cluster([*without("NetworkPolicy"), deny_all(HERE)]),
    "a secret in both": lambda: cluster(added(secret("copy", HERE, password=SHARED))),
    "another value": lambda: cluster(added(secret("database", THERE, password="Yn4-qWe8bRt62KzXc17v"))),
    "a pod": lambda: cluster(added(pod("ci", HERE, "ci", container={"securityContext": {"privileged": True}}))),
    "a pod elsewhere": lambda: cluster(added(node("node-2"), pod("ci", HERE, "ci", on="node-2"))),
    "an account": lambda: cluster(added(account("other", HERE))),
    "no quota": lambda: cluster(without("ResourceQuota")),
    "a flag": lambda: cluster(added(ANONYMOUS)),
    "a version": lambda: cluster(added(node("node-1", version="v1.34.0"), *EXEC)),
    "a right before the version": lambda: cluster(added(*EXEC)),
    "not listed": lambda: replace(cluster(base()), not_listed=(NotListed("secrets", THERE, "Forbidden"),)),
    "not listed elsewhere": lambda: replace(cluster(base()), not_listed=(NotListed("pods", "", "Forbidden"),)),
    "an issuer": lambda: replace(cluster(base()), issuer="https://prod.example", signing_keys=("k",)),
    "a stated version": lambda: replace(cluster(added(*EXEC)), version="v1.34.0"),
    "a defect": lambda: cluster(added(thing("v1", "Secret", "odd", THERE, data="none"))),
    "another order": lambda: cluster([*reversed(base())]),
    "nothing": lambda: cluster([]),
    "the same": lambda: cluster(base()),
}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_change_and_its_undoing_are_proved_as_from_the_start(name: str) -> None:
    prover = Prover()
    for one in (cluster(base()), CHANGES[name](), cluster(base())):
        snapshot = snapshot_of([one])
        assert prover.prove(partition(), snapshot) == prove(partition(), snapshot)


def test_one_change_after_the_other_is_proved_as_from_the_start() -> None:
    prover = Prover()
    for name in sorted(CHANGES):
        snapshot = snapshot_of([CHANGES[name]()])
        assert prover.prove(partition(), snapshot) == prove(partition(), snapshot), name


def test_clusters_come_and_go() -> None:
    prover = Prover()
    one, other = cluster(base()), cluster(base(), "other")
    split = partition(clusters=("prod", "other"))
    for clusters in ([one, other], [one], [other], [other, one], [one, other]):
        snapshot = snapshot_of(clusters)
        assert prover.prove(split, snapshot) == prove(split, snapshot)


def test_a_proof_that_fails_leaves_nothing_half_done() -> None:
    prover = Prover()
    good, bad = snapshot_of([cluster(base())]), snapshot_of([replace(cluster(base()), objects=None)])  # type: ignore[arg-type]
    first = prover.prove(partition(), good)
    with pytest.raises((TypeError, AttributeError)):
        prover.prove(partition(), bad)
    assert prover.prove(partition(), good) == first


def started(first: ClusterSnapshot) -> tuple[Ledger, RecordedCluster]:
    ledger = Ledger()
    return ledger, recorded(first, Assumptions(), ledger)


def touched(first: ClusterSnapshot, then: ClusterSnapshot) -> set[Any]:
    """The facts that count as changed from one snapshot to the next."""
    ledger, kept = started(first)
    found = kept.follows(then, Assumptions())
    assert found is not None
    ledger.revision += 1
    kept.take(found, then)
    assert kept.given is then
    return {cell for cell, revision in ledger._cells.items() if revision == ledger.revision}


def test_an_equal_copy_changes_nothing() -> None:
    assert touched(cluster(base()), cluster(base())) == set()


def test_what_changed_is_named_and_nothing_else() -> None:
    def tables(then: list[Object]) -> set[str]:
        cells = touched(cluster(base()), cluster(then))
        return {name[2] if isinstance(name[0], str) else name[0][2] for name in cells}

    assert tables(added(deny_all("other"))) == {"objects"}
    assert tables(added(account("other", HERE))) == {"objects", "accounts_in"}
    assert tables(added(secret("database", THERE, password="Yn4-qWe8bRt62KzXc17v"))) == {"materials", "materials_of"}
    assert tables(added(space(HERE, None))) == {"objects", "namespaces", "spaces"}
    assert tables(added(node("node-1", pool="a"))) == {"objects", "nodes"}


def test_a_changed_object_leaves_the_others_the_very_same() -> None:
    _, kept = started(cluster(base()))
    found = kept.follows(cluster(added(deny_all("other"))), Assumptions())
    assert found is not None
    assert found.snapshot.of(kinds.POD) is kept.snapshot.of(kinds.POD)
    assert found.snapshot.materials is kept.snapshot.materials
    before = {item["metadata"]["namespace"]: item for item in kept.snapshot.of(kinds.NETWORK_POLICY)}
    after = {item["metadata"]["namespace"]: item for item in found.snapshot.of(kinds.NETWORK_POLICY)}
    assert [after[name] is before.get(name) for name in sorted(after)] == [False, True, True]
    assert set(after) == {"other", HERE, THERE}


@pytest.mark.parametrize("name", ["a flag", "a version", "not listed", "an issuer", "a stated version", "a defect"])
def test_what_is_read_everywhere_starts_anew(name: str) -> None:
    _, kept = started(cluster(base()))
    assert kept.follows(CHANGES[name](), Assumptions()) is None
