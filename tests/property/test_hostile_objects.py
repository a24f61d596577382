"""Objects of any shape: never an exception, and never a certain answer that rests on one that cannot be read."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from property.network_worlds import clusters
from ringfence.prove.answer import Truth
from ringfence.prove.cel.bound import collect
from ringfence.prove.cel.policies import PodPolicies
from ringfence.prove.cel.values import known
from ringfence.prove.network.build import build_world
from ringfence.prove.network.cni import assumed
from ringfence.prove.network.connect import connect
from ringfence.prove.network.cross import cross_connections
from ringfence.prove.network.groups import GroupPlace, Powers, group_of
from ringfence.prove.performance.bounds import bounds_of, priority_gates
from ringfence.prove.performance.priorities import classes_of
from ringfence.prove.scheduling.could import could_land
from ringfence.prove.scheduling.land import land
from ringfence.prove.scheduling.view import build_placement

Json = dict[str, Any]
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 70_000),
    st.floats(allow_nan=False),
    st.sampled_from(("", "TCP", "x", "80", "10.0.0.1", "10.0.0.0/8", "Ingress", "\u202e", "<b>", "Exists")),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(("key", "a", "spec")), inner)),
    max_leaves=6,
)


@st.composite
def spoiled(draw: st.DrawFn, raw: Any) -> Any:
    """The same value with something else in one place."""
    if draw(st.integers(0, 5)) == 0 or not isinstance(raw, dict | list) or not raw:
        return draw(anything)
    if isinstance(raw, list):
        place = draw(st.integers(0, len(raw) - 1))
        return [draw(spoiled(item)) if number == place else item for number, item in enumerate(raw)]
    key = draw(st.sampled_from(sorted(raw)))
    return {**raw, key: draw(spoiled(raw[key]))}


SERVICE: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"namespace": "y", "name": "s"},
    "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
}
INGRESS: Json = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"namespace": "y", "name": "i"},
    "spec": {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}]},
}
ROUTE: Json = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"namespace": "y", "name": "r"},
    "spec": {"parentRefs": [{"name": "g"}], "rules": [{"backendRefs": [{"name": "s", "port": 80}]}]},
}
SLICE: Json = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"namespace": "y", "name": "e", "labels": {"kubernetes.io/service-name": "s"}},
    "ports": [{"port": 80}],
    "endpoints": [{"addresses": ["10.0.0.1"]}],
}


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(data=st.data(), objects=clusters(admin=1))
def test_networks_of_any_shape(data: st.DataObject, objects: list[Json]) -> None:
    objects = [*objects, SERVICE, INGRESS, ROUTE, SLICE]
    place = data.draw(st.integers(0, len(objects) - 1))
    broken = data.draw(spoiled(objects[place]))
    if not isinstance(broken, dict):
        return
    world = build_world([*objects[:place], broken, *objects[place + 1 :]], assumed(None, default_enforced=True))
    a = group_of(world, "a", [GroupPlace(frozenset({"x"}))], Powers(routes=frozenset({"x"})))
    cross_connections(world, a, group_of(world, "b", [GroupPlace(frozenset({"y"}))]))
    names = [f"{namespace}/{name}" for namespace, name in world.pods]
    for source in names[:2]:
        for target in (*names[:3], "10.0.0.1", "192.168.0.1"):
            assert connect(world, source, target, "TCP", 80).truth in set(Truth)


@settings(max_examples=120, deadline=None, suppress_health_check=SLOW)
@given(data=st.data())
def test_pods_nodes_policies_and_quotas_of_any_shape(data: st.DataObject) -> None:
    node = {
        "kind": "Node",
        "metadata": {"name": "n", "labels": {"a": "b"}},
        "spec": {"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]},
    }
    term = {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    spec = {"affinity": {"nodeAffinity": required}, "tolerations": [{"key": "a", "operator": "Exists"}]}
    pod = data.draw(spoiled({"metadata": {"name": "p"}, "spec": spec}))
    if isinstance(pod, dict):
        assert land(pod, "n", build_placement([node])).truth in set(Truth)
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    body = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "object.spec.a == 'b'"}]}
    policy = data.draw(spoiled({"metadata": {"name": "p"}, "spec": body}))
    bound = data.draw(spoiled({"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}}))
    if isinstance(policy, dict) and isinstance(bound, dict):
        found = PodPolicies("a", known({}), tuple(collect([policy], [bound], "a", {})))
        assert could_land(build_placement([node]), found, "n").truth in set(Truth)
    scope = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["a"]}]}
    quota = data.draw(spoiled({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}, "scopeSelector": scope}}))
    ranges = data.draw(spoiled({"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}))
    if isinstance(quota, dict) and isinstance(ranges, dict):
        bounds_of("a", [quota], [ranges])
        priority_gates("a", [quota])
    kind = data.draw(spoiled({"metadata": {"name": "c"}, "value": 3}))
    if isinstance(kind, dict):
        classes_of([kind])
