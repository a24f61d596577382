"""connect and cross_connections against an evaluator of a different build, over random small clusters."""

from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from property.naive_network import FACTS, verdict
from property.naive_services import FACTS as SERVICE_FACTS
from property.naive_services import address_of, ways
from property.naive_services import verdict as service_verdict
from property.network_worlds import KEYS, PORTS, clusters, served_clusters
from ringfence.prove.network.build import build_world
from ringfence.prove.network.cni import Assumed
from ringfence.prove.network.connect import connect
from ringfence.prove.network.cross import cross_connections
from ringfence.prove.network.groups import Group, Powers

Json = dict[str, Any]
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
ENFORCED = {"networkPolicy": "enforced", "sctp": "enforced"}
known_facts = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FACTS.items()})


def is_pod(item: Json) -> bool:
    return bool(item["kind"] == "Pod")


def name_of(item: Json) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def check_connect(objects: list[Json], known: dict[str, str]) -> None:
    world = build_world(objects, Assumed({**ENFORCED, **known}, "named"))
    pods = [item for item in objects if is_pod(item)]
    for source, target in product(pods, pods):
        for protocol, port in (("TCP", 80), ("TCP", 81), ("UDP", 80)):
            expected = verdict(objects, source, target, protocol, port, known)
            answer = connect(world, name_of(source), name_of(target), protocol, port)
            assert answer.answer == expected, (name_of(source), name_of(target), protocol, port, answer)
            assert answer.because
            assert bool(answer.settles) == (expected == "unknown")


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(objects=clusters(), known=known_facts)
def test_connect_says_what_every_behaviour_says(objects: list[Json], known: dict[str, str]) -> None:
    check_connect(objects, known)


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None, suppress_health_check=SLOW)
@given(objects=clusters(admin=3, most_pods=5), known=known_facts)
def test_connect_for_long(objects: list[Json], known: dict[str, str]) -> None:
    check_connect(objects, known)


@settings(max_examples=50, deadline=None, suppress_health_check=SLOW)
@given(objects=clusters(), known=known_facts)
def test_a_single_fact_that_settles_does_settle(objects: list[Json], known: dict[str, str]) -> None:
    world = build_world(objects, Assumed({**ENFORCED, **known}, "named"))
    pods = [item for item in objects if is_pod(item)]
    for source, target in product(pods, pods):
        answer = connect(world, name_of(source), name_of(target), "TCP", 80)
        if len(answer.settles) != 1:
            continue
        facts = [
            fact for fact in FACTS if f"assume.cni.{fact}" in answer.settles[0] or _spelled(fact, answer.settles[0])
        ]
        for fact in facts:
            for value in FACTS[fact]:
                settled = build_world(objects, Assumed({**ENFORCED, **known, fact: value}, "named"))
                assert connect(settled, name_of(source), name_of(target), "TCP", 80).answer != "unknown"


def _spelled(fact: str, text: str) -> bool:
    return {"ipBlockPods": "ipBlockMatchesPods", "ipBlockNodes": "ipBlockMatchesNodes"}.get(fact, "\0") in text


def check_cross(objects: list[Json], known: dict[str, str], creating: bool) -> None:
    world = build_world(objects, Assumed({**ENFORCED, **known}, "named"))
    mine = tuple(pod for pod in world.pods.values() if pod.namespace == "x")
    others = tuple(pod for pod in world.pods.values() if pod.namespace == "y")
    powers = Powers(create_pods=frozenset({"x"})) if creating else Powers()
    crossing = cross_connections(
        world, Group("a", frozenset({"x"}), mine, powers), Group("b", frozenset({"y"}), others)
    )
    sources = [item for item in objects if is_pod(item) and item["metadata"]["namespace"] == "x"]
    targets = [item for item in objects if is_pod(item) and item["metadata"]["namespace"] == "y"]
    if creating:
        sources += list(created_pods())
    seen = set()
    for source, target in product(sources, targets):
        for protocol, port in product(("TCP", "UDP"), (1, *PORTS, 83, 84)):
            seen.add(verdict(objects, source, target, protocol, port, known))
    expected = "yes" if "yes" in seen else "unknown" if "unknown" in seen else "no"
    assert crossing.truth.value == expected, crossing


def created_pods() -> list[Json]:
    """Pods with every set of labels and an address of no special range."""
    made = []
    for app, tier in product((None, *KEYS["app"], "other"), (None, *KEYS["tier"], "other")):
        labels = {key: value for key, value in (("app", app), ("tier", tier)) if value}
        meta = {"name": "made", "namespace": "x", "labels": labels}
        made.append(
            {
                "kind": "Pod",
                "metadata": meta,
                "spec": {"nodeName": "nowhere", "containers": []},
                "status": {"podIP": "172.16.0.1"},
            }
        )
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(objects=clusters(admin=1), known=known_facts)
def test_cross_is_any_pair_on_any_port(objects: list[Json], known: dict[str, str]) -> None:
    check_cross(objects, known, creating=False)


def without_blocks(objects: list[Json]) -> bool:
    text = str(objects)
    return "ipBlock" not in text and "networks" not in text


@settings(max_examples=50, deadline=None, suppress_health_check=SLOW)
@given(objects=clusters(admin=1, hosts=False).filter(without_blocks), known=known_facts)
def test_cross_tries_every_label_of_created_pods(objects: list[Json], known: dict[str, str]) -> None:
    check_cross(objects, known, creating=True)


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None, suppress_health_check=SLOW)
@given(objects=clusters(admin=2, most_pods=6), known=known_facts)
def test_cross_for_long(objects: list[Json], known: dict[str, str]) -> None:
    check_cross(objects, known, creating=False)


served_facts = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in FACTS.items()},
    optional={name: st.sampled_from(values) for name, values in SERVICE_FACTS.items()},
)


def check_services(objects: list[Json], known: dict[str, str]) -> None:
    """From x to y: the pods' own ways, and those through every Service that leads to a pod of y."""
    world = build_world(objects, Assumed({**ENFORCED, **known}, "named"))
    mine = tuple(pod for pod in world.pods.values() if pod.namespace == "x")
    others = tuple(pod for pod in world.pods.values() if pod.namespace == "y")
    crossing = cross_connections(world, Group("a", frozenset({"x"}), mine), Group("b", frozenset({"y"}), others))
    sources = [item for item in objects if is_pod(item) and item["metadata"]["namespace"] == "x"]
    targets = [item for item in objects if is_pod(item) and item["metadata"]["namespace"] == "y"]
    seen = {service_verdict(objects, way, known) for way in ways(objects, sources, targets)}
    plain = [item for item in objects if item["kind"] not in ("Service", "EndpointSlice")]
    for source, target in product(sources, targets):
        for protocol, port in product(("TCP", "UDP", "SCTP"), (1, *PORTS, 83, 84)):
            seen.add(verdict(plain, source, target, protocol, port, known))
    expected = "yes" if "yes" in seen else "unknown" if "unknown" in seen else "no"
    assert crossing.truth.value == expected, (crossing, seen)
    check_addresses(objects, known, sources)


def check_addresses(objects: list[Json], known: dict[str, str], sources: list[Json]) -> None:
    """One question for every address and node port: what the surest of its end points says."""
    world = build_world(objects, Assumed({**ENFORCED, **known}, "named"))
    pods = [item for item in objects if is_pod(item)]
    asked: dict[tuple[str, str, str, int], set[str]] = {}
    for way in ways(objects, sources, pods):
        source, target, service, entry, node = way
        address = service["spec"]["clusterIP"] if node is None else address_of(objects, node)
        port = entry["port"] if node is None else entry["nodePort"]
        found = asked.setdefault((name_of(source), address, entry["protocol"], port), set())
        # Whether policies hold a pod from itself through a Service the API leaves open.
        found.add("hairpin" if source is target else service_verdict(objects, way, known))
    for question, seen in asked.items():
        if "hairpin" in seen:
            continue
        expected = next(answer for answer in ("yes", "unknown", "no") if answer in seen)
        assert connect(world, *question).answer == expected, (question, seen)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(objects=served_clusters(), known=served_facts)
def test_cross_goes_through_every_service(objects: list[Json], known: dict[str, str]) -> None:
    check_services(objects, known)


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None, suppress_health_check=SLOW)
@given(objects=served_clusters(most=3), known=served_facts)
def test_cross_goes_through_every_service_for_long(objects: list[Json], known: dict[str, str]) -> None:
    check_services(objects, known)
