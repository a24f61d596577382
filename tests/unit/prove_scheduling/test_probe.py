"""Probe lines about placement: what they must hold, and what a Partition assumes."""

from typing import Any

import pytest

from ringfence.prove.scheduling.probe import land_probe
from unit.prove.proof_worlds import cluster, node

GATE = "TaintTolerationComparisonOperators"
LEVEL = {"key": "level", "value": "5", "effect": "NoSchedule"}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "a"},
    "spec": {
        "containers": [{"name": "c", "image": "i"}],
        "tolerations": [{"key": "level", "operator": "Gt", "value": "3", "effect": "NoSchedule"}],
    },
}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"featureGates": {GATE: True}}, "yes"),
        ({"featureGates": {GATE: False}}, "no"),
        ({"featureGates": {GATE: "perhaps"}}, "unknown"),
        ({"featureGates": {"Another": True}}, "unknown"),
        ({"featureGates": "all"}, "unknown"),
        ({"version": "1.34"}, "no"),
        ({}, "unknown"),
    ],
)
def test_assumed_gates_and_versions_count(facts: dict[str, Any], expected: str) -> None:
    snapshot = cluster([node("n1", taints=[LEVEL])])
    assert land_probe(snapshot, {"pod": POD, "node": "n1"}, facts).answer == expected


@pytest.mark.parametrize(
    "line", [{}, {"pod": POD}, {"node": "n1"}, {"pod": "p", "node": "n1"}, {"pod": POD, "node": ""}]
)
def test_a_line_that_asks_nothing_is_unknown(line: dict[str, Any]) -> None:
    assert land_probe(cluster([node("n1")]), line, {}).answer == "unknown"
