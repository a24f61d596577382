"""``land`` against the scheduler of a real control plane: random pods, random nodes, one question each.

A pod is pinned to one node by its name, on top of whatever else it asks; then the scheduler either places it or says
that it cannot. What the API server refuses to store must be ``unknown`` here.
"""

from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from patience import eventually
from ringfence.base.errors import RingfenceError
from ringfence.engine import ClusterState
from ringfence.kube import Cluster, open_cluster
from ringfence.prove.scheduling.land import land
from ringfence.prove.scheduling.view import build_placement

pytestmark = pytest.mark.engine

Json = dict[str, Any]
SPACE = "oracle"
KEYS = ("dedicated", "level", "node.kubernetes.io/unschedulable")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
VALUES = ("", "1", "7", "db")


@pytest.fixture(scope="module")
def cluster(one_cluster: ClusterState) -> Iterator[Cluster]:
    with open_cluster(one_cluster.kubeconfig) as found:
        found.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
        yield found
        found.delete(found.resource_of("v1", "Namespace"), SPACE)


def random_node(random: Random, name: str) -> Json:
    labels = {
        "zone": random.choice("abc"),
        "cpu": random.choice(("4", "16", "64", "016", "1e1", "9223372036854775807")),
        "empty": "",
    }
    taints = {
        (key, effect): {"key": key, "value": random.choice(VALUES), "effect": effect}
        for key in random.sample(KEYS[:2], random.randint(0, 2))
        for effect in random.sample(EFFECTS, random.randint(1, 2))
    }
    size = {"cpu": "32", "memory": "64Gi", "pods": "500"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {key: value for key, value in labels.items() if random.random() < 0.8},
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "spec": {"taints": list(taints.values()), "unschedulable": random.random() < 0.2},
        "status": {"capacity": size, "allocatable": size},
    }


def random_toleration(random: Random) -> Json:
    body: Json = {}
    if random.random() < 0.8:
        body["key"] = random.choice(KEYS)
    if random.random() < 0.7:
        body["operator"] = random.choice(("Equal", "Exists", "Exists", "Gt", "Lt", ""))
    if random.random() < 0.5:
        body["value"] = random.choice(VALUES)
    if random.random() < 0.5:
        body["effect"] = random.choice((*EFFECTS, ""))
    if random.random() < 0.1:
        body["tolerationSeconds"] = 30
    return body


def random_condition(random: Random) -> Json:
    operator = random.choice(("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"))
    key = random.choice(("zone", "cpu", "cpu", "empty", "gone"))
    number = random.choice(("8", "16", "08", "x", "", "9223372036854775806", "9223372036854775808", "-1"))
    values = {"Gt": [number], "Lt": [number], "Exists": [], "DoesNotExist": []}.get(operator)
    if values is None:
        values = random.sample(("a", "b", "16", "64", ""), random.randint(0 if random.random() < 0.1 else 1, 3))
    return {"key": key, "operator": operator, "values": values}


def random_pod(random: Random, name: str, node: str) -> Json:
    """A pod that only one node's name suits, with other wishes at random."""
    pinned = {"key": "metadata.name", "operator": "In", "values": [node]}
    terms: list[Json] = [
        {"matchExpressions": [random_condition(random) for _ in range(random.randint(0, 2))], "matchFields": [pinned]}
        for _ in range(random.randint(1, 2))
    ]
    if random.random() < 0.1:
        terms[0]["matchFields"] = [pinned, {**pinned, "operator": "NotIn"}]
    if random.random() < 0.2:
        terms.insert(random.randint(0, len(terms)), {})
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    spec: Json = {
        "containers": [{"name": "c", "image": "i"}],
        "affinity": {"nodeAffinity": required},
        "tolerations": [random_toleration(random) for _ in range(random.randint(0, 3))],
    }
    if random.random() < 0.3:
        spec["nodeSelector"] = {"zone": random.choice("abc")}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": SPACE}, "spec": spec}


def placed(pod: Json) -> bool | None:
    """Where the scheduler has said so: is the pod placed?"""
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition["type"] == "PodScheduled":
            return bool(condition["status"] == "True")
    return None


def stored(cluster: Cluster, pod: Json) -> bool:
    """Does the API server take the pod?"""
    try:
        cluster.create(pod)
    except RingfenceError:
        return False
    return True


def settled(cluster: Cluster, names: set[str]) -> bool:
    nodes = cluster.list_raw(cluster.resource_of("v1", "Node")).items
    seen = {node["metadata"]["name"]: node for node in nodes}
    return all(
        name in seen
        and not any("not-ready" in taint["key"] for taint in seen[name]["spec"].get("taints", ()))
        and any(c["type"] == "Ready" and c["status"] == "True" for c in seen[name]["status"].get("conditions", ()))
        for name in names
    )


def run_round(cluster: Cluster, seed: int, pods: int) -> int:
    """Ask about so many pods on six nodes; returns how many questions had a certain answer."""
    random = Random(seed)
    nodes = [random_node(random, f"oracle-{seed}-{number}") for number in range(6)]
    view = build_placement(deepcopy(nodes), "1.37")
    for node in nodes:
        cluster.create(node)
    names = {node["metadata"]["name"] for node in nodes}
    try:
        eventually(lambda: settled(cluster, names), "nodes are ready", 90)
        return _ask(cluster, random, sorted(names), pods, seed, view)
    finally:
        for item in cluster.list_raw(cluster.resource_of("v1", "Pod"), SPACE).items:
            cluster.delete(cluster.resource_of("v1", "Pod"), item["metadata"]["name"], SPACE)
        for name in names:
            cluster.delete(cluster.resource_of("v1", "Node"), name)


def _ask(cluster: Cluster, random: Random, names: list[str], pods: int, seed: int, view: Any) -> int:
    questions: dict[str, tuple[Json, str]] = {}
    for number in range(pods):
        target = random.choice(names)
        pod = random_pod(random, f"p-{seed}-{number}", target)
        if stored(cluster, pod):
            questions[pod["metadata"]["name"]] = (pod, target)
        elif not any(toleration.get("operator") in ("Gt", "Lt") for toleration in pod["spec"]["tolerations"]):
            assert land(pod, target, view).answer == "unknown", pod
    resource = cluster.resource_of("v1", "Pod")
    found: dict[str, Json] = {}

    def decided() -> bool:
        found.update({item["metadata"]["name"]: item for item in cluster.list_raw(resource, SPACE).items})
        return all(placed(found[name]) is not None for name in questions)

    eventually(decided, "the scheduler has decided", 90)
    for name, (pod, target) in questions.items():
        expected = "yes" if placed(found[name]) else "no"
        answer = land(pod, target, view)
        assert answer.answer == expected, (pod, target, answer)
    return len(questions)


def test_placement_is_what_the_scheduler_does(cluster: Cluster) -> None:
    assert run_round(cluster, 1, 150) > 50


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 42))
def test_placement_for_long(cluster: Cluster, seed: int) -> None:
    assert run_round(cluster, seed, 250) > 50
