"""Placement, rule by rule. The facts of taint and affinity cases are those of Kubernetes' own unit tests."""

import json
from typing import Any

import pytest

from ringfence.prove.answer import Truth
from ringfence.prove.scheduling.land import land
from ringfence.prove.scheduling.probe import with_gates
from ringfence.prove.scheduling.view import build_placement

Json = dict[str, Any]


def node(
    name: str = "n1",
    labels: dict[str, str] | None = None,
    taints: list[Json] | None = None,
    cordoned: bool = False,
    version: str = "v1.37.2",
) -> Json:
    spec: Json = {"taints": taints or []}
    if cordoned:
        spec["unschedulable"] = True
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": spec,
        "status": {"nodeInfo": {"kubeletVersion": version}},
    }


def pod(**spec: Any) -> Json:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"}, "spec": spec}


def affinity(*terms: Json) -> Json:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    return {"nodeAffinity": required}


def expression(key: str, operator: str, *values: str) -> Json:
    body: Json = {"key": key, "operator": operator}
    return {"matchExpressions": [{**body, "values": list(values)} if values else body]}


def field(operator: str, value: str) -> Json:
    return {"matchFields": [{"key": "metadata.name", "operator": operator, "values": [value]}]}


def answer(item: Json, *objects: Json, target: str = "n1", **gates: bool) -> str:
    return land(item, target, with_gates(build_placement(objects), gates)).answer


HARD = [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]
RUNS = [{"key": "dedicated", "value": "db", "effect": "NoExecute"}]
SOFT = [{"key": "dedicated", "value": "db", "effect": "PreferNoSchedule"}]


@pytest.mark.parametrize(
    ("taints", "toleration", "expected"),
    [
        ([], None, "yes"),
        (HARD, None, "no"),
        (RUNS, None, "no"),
        (SOFT, None, "yes"),
        (HARD, {"key": "dedicated", "operator": "Equal", "value": "db", "effect": "NoSchedule"}, "yes"),
        (HARD, {"key": "dedicated", "value": "db"}, "yes"),
        (HARD, {"key": "dedicated", "value": "db", "effect": "NoExecute"}, "no"),
        (HARD, {"key": "dedicated", "value": "web"}, "no"),
        (HARD, {"key": "dedicated", "operator": "Exists"}, "yes"),
        (HARD, {"key": "other", "operator": "Exists"}, "no"),
        (HARD, {"operator": "Exists"}, "yes"),
        (HARD, {"operator": "Exists", "effect": "NoExecute"}, "no"),
        (RUNS, {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}, "yes"),
        ([{"key": "k", "effect": "NoSchedule"}], {"key": "k"}, "yes"),
        ([{"key": "k", "effect": "NoSchedule"}], {"key": "k", "value": "v"}, "no"),
        ([*HARD, {"key": "k", "effect": "NoSchedule"}], {"key": "k"}, "no"),
    ],
)
def test_taints(taints: list[Json], toleration: Json | None, expected: str) -> None:
    item = pod(tolerations=[toleration] if toleration else [])
    assert answer(item, node(taints=taints)) == expected


@pytest.mark.parametrize(
    "toleration",
    [
        {"operator": "Equal", "value": "db"},
        {"value": "db"},
        {"key": "k", "operator": "Exists", "value": "v"},
        {"key": "k", "operator": "Like"},
        {"key": "k", "operator": "Gt", "value": "x"},
        {"key": "k", "operator": "Gt", "value": "007"},
        {"key": "k", "effect": "Never"},
        {"key": "k", "effect": "NoSchedule", "tolerationSeconds": 5},
        {"key": 3},
        "k",
    ],
)
def test_a_pod_that_the_api_refuses_is_unknown(toleration: object) -> None:
    assert answer(pod(tolerations=[toleration]), node()) == "unknown"


LEVEL = [{"key": "level", "value": "5", "effect": "NoSchedule"}]


@pytest.mark.parametrize(
    ("operator", "value", "taint", "expected"),
    [
        ("Gt", "3", "5", "yes"),
        ("Gt", "5", "5", "no"),
        ("Gt", "7", "5", "no"),
        ("Lt", "7", "5", "yes"),
        ("Lt", "5", "5", "no"),
        ("Gt", "-3", "5", "yes"),
        ("Gt", "3", "05", "no"),
        ("Gt", "3", "five", "no"),
    ],
)
def test_comparing_tolerations(operator: str, value: str, taint: str, expected: str) -> None:
    item = pod(tolerations=[{"key": "level", "operator": operator, "value": value}])
    taints = [{"key": "level", "value": taint, "effect": "NoSchedule"}]
    compares: dict[str, Any] = {"TaintTolerationComparisonOperators": True}
    assert answer(item, node(taints=taints), **compares) == expected
    assert answer(item, node(taints=taints), TaintTolerationComparisonOperators=False) == "no"
    assert answer(item, node(taints=taints)) == ("unknown" if expected == "yes" else "no")
    assert answer(item, node(taints=taints, version="v1.34.1")) == "no"


def test_the_gate_is_read_from_the_scheduler() -> None:
    item = pod(tolerations=[{"key": "level", "operator": "Gt", "value": "3"}])
    for flags, expected in (
        (["--feature-gates=TaintTolerationComparisonOperators=true"], "yes"),
        (["--feature-gates", "A=true,TaintTolerationComparisonOperators=false"], "no"),
        (["--feature-gates", "A=true,TaintTolerationComparisonOperators=true"], "yes"),
        (["--leader-elect=true"], "no"),
        (["--feature-gates=AllAlpha=true"], "unknown"),
    ):
        scheduler = {
            "kind": "Pod",
            "metadata": {"name": "s", "namespace": "kube-system", "labels": {"component": "kube-scheduler"}},
            "spec": {"containers": [{"command": ["kube-scheduler", *flags]}]},
        }
        assert answer(item, node(taints=LEVEL), scheduler) == expected


LABELS = {"zone": "a", "cpu": "16", "odd": "x1"}


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([expression("zone", "In", "a", "b")], "yes"),
        ([expression("zone", "In", "b")], "no"),
        ([expression("gone", "In", "b")], "no"),
        ([expression("zone", "NotIn", "b")], "yes"),
        ([expression("gone", "NotIn", "b")], "yes"),
        ([expression("zone", "NotIn", "a")], "no"),
        ([expression("zone", "Exists")], "yes"),
        ([expression("gone", "Exists")], "no"),
        ([expression("gone", "DoesNotExist")], "yes"),
        ([expression("zone", "DoesNotExist")], "no"),
        ([expression("cpu", "Gt", "8")], "yes"),
        ([expression("cpu", "Gt", "16")], "no"),
        ([expression("cpu", "Lt", "32")], "yes"),
        ([expression("cpu", "Lt", "16")], "no"),
        ([expression("odd", "Gt", "0")], "no"),
        ([expression("gone", "Gt", "0")], "no"),
        ([expression("cpu", "Gt", "x")], "no"),
        ([expression("cpu", "Gt", "x"), expression("zone", "Exists")], "yes"),
        ([expression("zone", "In", "b"), expression("cpu", "Exists")], "yes"),
        ([{**expression("zone", "In", "b"), **field("In", "n1")}], "no"),
        ([{**expression("zone", "In", "a"), **field("In", "n1")}], "yes"),
        ([field("In", "n1")], "yes"),
        ([field("In", "n2")], "no"),
        ([field("NotIn", "n1")], "no"),
        ([field("NotIn", "n2")], "yes"),
        ([{}], "no"),
        ([{}, expression("zone", "Exists")], "yes"),
    ],
)
def test_required_node_affinity(terms: list[Json], expected: str) -> None:
    assert answer(pod(affinity=affinity(*terms)), node(labels=LABELS)) == expected


@pytest.mark.parametrize(
    "terms",
    [
        [],
        [expression("zone", "In")],
        [expression("zone", "Exists", "a")],
        [expression("cpu", "Gt", "1", "2")],
        [expression("cpu", "Gt", "-5")],
        [expression("zone", "Like", "a")],
        [field("Exists", "n1")],
        [{"matchFields": [{"key": "metadata.uid", "operator": "In", "values": ["n1"]}]}],
        [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1", "n2"]}]}],
    ],
)
def test_affinity_that_the_api_refuses_is_unknown(terms: list[Json]) -> None:
    assert answer(pod(affinity=affinity(*terms)), node(labels=LABELS)) == "unknown"


def test_preferences_do_not_count() -> None:
    wanted = {"weight": 1, "preference": expression("zone", "In", "b")}
    item = pod(affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wanted]}})
    assert answer(item, node(labels=LABELS)) == "yes"


def test_node_selector_and_affinity_must_both_match() -> None:
    item = pod(nodeSelector={"zone": "a"}, affinity=affinity(expression("cpu", "Exists")))
    assert answer(item, node(labels=LABELS)) == "yes"
    assert answer({**item, "spec": {**item["spec"], "nodeSelector": {"zone": "b"}}}, node(labels=LABELS)) == "no"


def test_a_cordon_needs_its_toleration() -> None:
    key = "node.kubernetes.io/unschedulable"
    assert answer(pod(), node(cordoned=True)) == "no"
    assert answer(pod(tolerations=[{"key": key, "operator": "Exists"}]), node(cordoned=True)) == "yes"
    wrong = {"key": key, "operator": "Exists", "effect": "NoExecute"}
    assert answer(pod(tolerations=[wrong]), node(cordoned=True)) == "no"


@pytest.mark.parametrize(
    ("spec", "options", "expected"),
    [
        ({}, {}, "yes"),
        ({}, {"taints": HARD}, "yes"),
        ({}, {"cordoned": True}, "yes"),
        ({}, {"taints": RUNS}, "no"),
        ({"tolerations": [{"operator": "Exists"}]}, {"taints": RUNS}, "yes"),
        ({"nodeSelector": {"zone": "b"}}, {"labels": LABELS}, "no"),
        ({"affinity": affinity(field("In", "n2"))}, {}, "no"),
    ],
)
def test_node_name_skips_the_scheduler_but_not_the_kubelet(spec: Json, options: Json, expected: str) -> None:
    assert answer(pod(nodeName="n1", **spec), node(**options)) == expected


def test_node_name_binds_to_that_node_only() -> None:
    assert answer(pod(nodeName="n2"), node(), node("n2")) == "no"
    assert answer(pod(nodeName="n2"), node(), node("n2"), target="n2") == "yes"


def test_a_node_that_is_not_there_is_unknown() -> None:
    assert answer(pod(), node(), target="gone") == "unknown"
    broken = {"kind": "Node", "metadata": {"name": "n2"}, "spec": {"taints": [{"key": "k", "effect": "Sometimes"}]}}
    assert answer(pod(), broken, target="n2") == "unknown"


PRESSURE = [{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}]
NETWORK = [{"key": "node.kubernetes.io/network-unavailable", "effect": "NoSchedule"}]
LOST = [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]


def test_daemon_pods_tolerate_more() -> None:
    item = pod()
    item["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": "d", "controller": True}]
    assert answer(pod(), node(taints=PRESSURE)) == "no"
    assert answer(item, node(taints=PRESSURE)) == "yes"
    assert answer(item, node(cordoned=True)) == "yes"
    assert answer(item, node(taints=LOST)) == "yes"
    assert answer(item, node(taints=NETWORK)) == "no"
    item["spec"]["hostNetwork"] = True
    assert answer(item, node(taints=NETWORK)) == "yes"
    assert answer(item, node(taints=HARD)) == "no"


def test_a_workload_stands_for_its_pods() -> None:
    template = {"spec": {"template": {"spec": {}}}, "metadata": {"namespace": "a"}}
    assert answer({"kind": "DaemonSet", **template}, node(taints=PRESSURE)) == "yes"
    assert answer({"kind": "Deployment", **template}, node(taints=PRESSURE)) == "no"
    assert answer({"kind": "CronJob", "spec": {"jobTemplate": template}}, node(taints=HARD)) == "no"


def test_default_toleration_seconds_is_a_plugin_that_may_be_off() -> None:
    assert answer(pod(), node(taints=LOST)) == "unknown"
    known = pod()
    known["metadata"]["uid"] = "1"
    assert answer(known, node(taints=LOST)) == "no"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], "yes"),
        (["--disable-admission-plugins=DefaultTolerationSeconds"], "no"),
        (["--disable-admission-plugins=PodSecurity,DefaultTolerationSeconds"], "no"),
        (["--disable-admission-plugins=PodSecurity"], "yes"),
        (["--enable-admission-plugins=NodeRestriction"], "yes"),
    ],
)
def test_which_plugins_are_on_is_read_from_the_api_server(flags: list[str], expected: str) -> None:
    """Those that are on by default stay on unless they are switched off."""
    server = {
        "kind": "Pod",
        "metadata": {"name": "s", "namespace": "kube-system", "labels": {"component": "kube-apiserver"}},
        "spec": {"containers": [{"command": ["kube-apiserver", *flags]}]},
    }
    assert answer(pod(), node(taints=LOST), server) == expected


def test_runtime_classes_add_to_the_pod() -> None:
    runtime = {
        "kind": "RuntimeClass",
        "metadata": {"name": "kata"},
        "scheduling": {"nodeSelector": {"zone": "a"}, "tolerations": [{"key": "dedicated", "operator": "Exists"}]},
    }
    item = pod(runtimeClassName="kata")
    assert answer(item, node(labels=LABELS, taints=HARD), runtime) == "yes"
    assert answer(item, node(), runtime) == "no"
    assert answer(pod(runtimeClassName="kata", nodeSelector={"zone": "b"}), node(labels=LABELS), runtime) == "no"
    assert answer(item, node(labels=LABELS)) == "unknown"


def test_namespace_annotations_count_only_with_their_plugin() -> None:
    prefix = "scheduler.alpha.kubernetes.io/"
    kept = {"kind": "Namespace", "metadata": {"name": "a", "annotations": {prefix + "node-selector": "zone=b"}}}
    assert answer(pod(), node(labels=LABELS), kept) == "unknown"
    assert answer(pod(), node(labels=LABELS), kept, PodNodeSelector=True) == "no"
    assert answer(pod(), node(labels=LABELS), kept, PodNodeSelector=False) == "yes"
    allowed = json.dumps([{"key": "web", "operator": "Exists"}])
    note = {prefix + "tolerationsWhitelist": allowed}
    listed = {"kind": "Namespace", "metadata": {"name": "a", "annotations": note}}
    item = pod(tolerations=[{"key": "dedicated", "operator": "Exists"}])
    assert answer(item, node(taints=HARD), listed, PodTolerationRestriction=True) == "no"
    assert answer(item, node(taints=HARD), listed, PodTolerationRestriction=False) == "yes"
    assert answer(item, node(taints=HARD), listed) == "unknown"


@pytest.mark.parametrize("item", [{}, {"spec": None}, {"spec": []}, {"metadata": 3}, {"spec": {"tolerations": {}}}])
def test_hostile_pods_never_raise(item: Json) -> None:
    assert land(item, "n1", build_placement([node()])).truth in set(Truth)
