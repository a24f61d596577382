"""What holds one deployment back from starving another: each part, and what happens when it is gone."""

from typing import Any

import pytest

from ringfence.prove.answer import Answer, Truth
from ringfence.prove.performance.bounds import priority_gates
from ringfence.prove.performance.priorities import classes_of
from ringfence.prove.performance.starve import Capacity, NodeShare, Tenant, shared_nodes, starve_softly

Json = dict[str, Any]
LIMITS = {"limits.cpu": "4", "limits.memory": "8Gi", "limits.ephemeral-storage": "10Gi"}
DEFAULTS = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}


def quota(hard: Json, name: str = "q", **spec: Any) -> Json:
    return {"metadata": {"name": name, "namespace": "a"}, "spec": {"hard": hard, **spec}}


def scoped(operator: str, *values: str) -> Json:
    entry: Json = {"scopeName": "PriorityClass", "operator": operator}
    if values:
        entry["values"] = list(values)
    return quota({"pods": "0"}, "gate", scopeSelector={"matchExpressions": [entry]})


def limit_range(**entry: Any) -> Json:
    return {"metadata": {"name": "l", "namespace": "a"}, "spec": {"limits": [{"type": "Container", **entry}]}}


def priority(name: str, value: int, **fields: Any) -> Json:
    return {"metadata": {"name": name}, "value": value, **fields}


GATE = scoped("Exists")


def ask(
    quotas: list[Json],
    ranges: list[Json],
    classes: list[Json] | None = None,
    specs: tuple[Json, ...] = ({},),
    missing: dict[str, tuple[str, ...]] | None = None,
    **tenant: Any,
) -> Answer:
    capacity = Capacity({"a": tuple(quotas)}, {"a": tuple(ranges)}, classes_of(classes or []), missing or {})
    mine = Tenant("a", frozenset({"a"}), creates_in=frozenset({"a"}), **tenant)
    return starve_softly(capacity, mine, Tenant("b", frozenset({"b"}), specs))


def test_quotas_limits_and_a_shut_gate_hold() -> None:
    answer = ask([quota(LIMITS), GATE], [limit_range(default=DEFAULTS)])
    assert answer.truth is Truth.NO
    assert {"resourcequota/a/q", "limitrange/a/l", "resourcequota/a/gate"} <= set(answer.objects)


@pytest.mark.parametrize("gone", sorted(LIMITS))
def test_each_resource_needs_a_quota(gone: str) -> None:
    answer = ask([quota({k: v for k, v in LIMITS.items() if k != gone}), GATE], [limit_range(default=DEFAULTS)])
    assert answer.truth is Truth.YES
    assert "namespace/a" in answer.objects


def test_a_quota_on_limits_forces_limits_but_not_on_ephemeral_storage() -> None:
    only_storage = limit_range(default={"ephemeral-storage": "1Gi"})
    assert ask([quota(LIMITS), GATE], [only_storage]).truth is Truth.NO
    assert ask([quota(LIMITS), GATE], [limit_range(default={"cpu": "1", "memory": "1Gi"})]).truth is Truth.YES
    assert ask([quota(LIMITS), GATE], []).truth is Truth.YES


def test_max_counts_as_default() -> None:
    assert ask([quota(LIMITS), GATE], [limit_range(max=DEFAULTS)]).truth is Truth.NO


def test_requests_alone_bound_no_use() -> None:
    hard = {"requests.cpu": "4", "requests.memory": "8Gi", "requests.ephemeral-storage": "10Gi"}
    assert ask([quota(hard), GATE], [limit_range(default=DEFAULTS)]).truth is Truth.UNKNOWN
    ratio = limit_range(default=DEFAULTS, maxLimitRequestRatio={"cpu": "2", "memory": "2", "ephemeral-storage": "2"})
    assert ask([quota(hard), GATE], [ratio]).truth is Truth.NO


@pytest.mark.parametrize("spec", [{"scopes": ["NotBestEffort"]}, scoped("In", "x")["spec"]])
def test_a_scoped_quota_is_no_bound(spec: Json) -> None:
    scope = {key: value for key, value in spec.items() if key != "hard"}
    assert ask([quota(LIMITS, **scope), GATE], [limit_range(default=DEFAULTS)]).truth is Truth.YES


HELD = ([quota(LIMITS)], [limit_range(default=DEFAULTS)])


def test_system_classes_are_there_without_being_listed() -> None:
    answer = ask(*HELD)
    assert answer.truth is Truth.YES
    assert answer.objects[0] == "priorityclass/system-node-critical"


@pytest.mark.parametrize(
    ("gate", "classes", "expected"),
    [
        (scoped("NotIn", "low"), [priority("low", -5), priority("high", 10)], Truth.NO),
        (scoped("NotIn", "low", "high"), [priority("low", -5), priority("high", 10)], Truth.YES),
        (scoped("In", "system-node-critical", "system-cluster-critical"), [], Truth.NO),
        (scoped("In", "system-node-critical"), [], Truth.YES),
        (scoped("In", "system-node-critical", "system-cluster-critical"), [priority("high", 10)], Truth.YES),
        (scoped("DoesNotExist"), [], Truth.YES),
    ],
)
def test_which_classes_a_quota_keeps_out(gate: Json, classes: list[Json], expected: Truth) -> None:
    assert ask([quota(LIMITS), gate], HELD[1], classes).truth is expected


def test_a_class_that_never_preempts_still_stands_above() -> None:
    gate = scoped("NotIn", "high")
    never = priority("high", 10, preemptionPolicy="Never")
    assert ask([quota(LIMITS), gate], HELD[1], [never]).truth is Truth.YES


def test_what_is_not_above_is_no_harm() -> None:
    gate, same = scoped("NotIn", "same"), priority("same", 10)
    assert ask([quota(LIMITS), gate], HELD[1], [same], ({"priorityClassName": "same"},)).truth is Truth.NO
    lowest: tuple[dict[str, str], ...] = ({"priorityClassName": "same"}, {})
    assert ask([quota(LIMITS), gate], HELD[1], [same], lowest).truth is Truth.YES
    everywhere = priority("same", 10, globalDefault=True)
    assert ask([quota(LIMITS), gate], HELD[1], [everywhere], ({},)).truth is Truth.NO


def test_an_unknown_class_of_the_other_is_unknown() -> None:
    assert ask([quota(LIMITS), GATE], HELD[1], [], ({"priorityClassName": "gone"},)).truth is Truth.UNKNOWN


def test_powers_over_the_guards_open_them() -> None:
    assert ask([quota(LIMITS), GATE], HELD[1], sets_quotas_in=frozenset({"a"})).truth is Truth.YES
    assert ask([quota(LIMITS), GATE], HELD[1], sets_classes=True).truth is Truth.YES


def test_pods_that_run_may_grow_though_none_can_be_made() -> None:
    bare = Capacity({}, {}, classes_of([]))
    other = Tenant("b", frozenset({"b"}), ({},))
    assert starve_softly(bare, Tenant("a", frozenset({"a"}), ({},)), other).truth is Truth.YES
    assert starve_softly(bare, Tenant("a", frozenset({"a"})), other).truth is Truth.NO


def test_what_was_not_listed_is_unknown() -> None:
    assert ask([], [], missing={"a": ("list resourcequotas in a: Forbidden",)}).truth is Truth.UNKNOWN
    complete = ask([quota(LIMITS), GATE], HELD[1], missing={"": ("list limitranges: Forbidden",)})
    assert complete.truth is Truth.UNKNOWN


def test_a_quota_that_allows_pods_is_no_gate() -> None:
    assert priority_gates("a", [quota({"pods": "10"}, scopes=["PriorityClass"])]) == []


YES, NO, UNKNOWN = (Answer(truth) for truth in (Truth.YES, Truth.NO, Truth.UNKNOWN))


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([], Truth.NO),
        ([(YES, NO), (NO, YES)], Truth.NO),
        ([(YES, NO), (YES, YES)], Truth.YES),
        ([(YES, UNKNOWN)], Truth.UNKNOWN),
        ([(NO, UNKNOWN)], Truth.NO),
        ([(UNKNOWN, YES), (YES, YES)], Truth.YES),
    ],
)
def test_shared_nodes(shares: list[tuple[Answer, Answer]], expected: Truth) -> None:
    assert shared_nodes([NodeShare(f"n{i}", a, b) for i, (a, b) in enumerate(shares)]).truth is expected
