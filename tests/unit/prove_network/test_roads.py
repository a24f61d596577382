"""Ways round: Services of all types, shared Ingresses and Gateways, ports of nodes."""

from typing import Any

import pytest

from ringfence.prove.answer import Truth
from ringfence.prove.network.cells import Span
from ringfence.prove.network.connect import connect
from ringfence.prove.network.cross import cross_connections
from ringfence.prove.network.groups import Group, GroupPlace, Powers, group_of
from unit.prove_network.objects import Json, namespace, node, pod, policy, world

DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
FROM_PROXY: Json = {
    "podSelector": {},
    "policyTypes": ["Ingress"],
    "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}]}],
}
TO_PROXY = {
    "podSelector": {},
    "policyTypes": ["Egress"],
    "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}]}],
}


def service(place: str, spec: Json) -> Json:
    space, name = place.split("/")
    ports = [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": space, "name": name},
        "spec": {"ports": ports, **spec},
    }


def ingress(place: str, backend: str, chosen: str | None = "nginx") -> Json:
    space, name = place.split("/")
    path = {"backend": {"service": {"name": backend, "port": {"number": 80}}}}
    spec: Json = {"rules": [{"http": {"paths": [path]}}]}
    if chosen:
        spec["ingressClassName"] = chosen
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"namespace": space, "name": name},
        "spec": spec,
    }


def ingress_class(name: str = "nginx", controller: str = "k8s.io/ingress-nginx") -> Json:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": name},
        "spec": {"controller": controller},
    }


def proxy(image: str = "registry.k8s.io/ingress-nginx/controller:v1.12") -> Json:
    made = pod("edge/proxy", "10.0.9.1", labels={"app.kubernetes.io/name": "proxy"})
    made["spec"]["containers"][0]["image"] = image
    return made


BASE = [
    namespace("a"),
    namespace("b"),
    namespace("edge"),
    node("n1", "192.168.0.1"),
    node("n2", "192.168.0.2"),
    pod("a/client", "10.0.1.1"),
    pod("b/web", "10.0.2.1", node="n2", labels={"app": "web"}),
]
GUARDED = [policy("a", DENY), policy("a", TO_PROXY, "to"), policy("b", DENY), policy("b", FROM_PROXY, "from")]
WEB = service("b/web", {"selector": {"app": "web"}})
CALICO = {"name": "calico"}


def crossing(*objects: Json, powers: Powers | None = None, declared: tuple[Span, ...] = (), **assume: Any) -> Truth:
    here = world(*BASE, *objects, proof=True, **(assume or CALICO))
    a = group_of(here, "a", [GroupPlace(frozenset({"a"}))], powers or Powers())
    return cross_connections(here, a, group_of(here, "b", [GroupPlace(frozenset({"b"}))]), declared).truth


def test_without_a_door_the_guards_hold() -> None:
    assert crossing(*GUARDED, proxy(), WEB) is Truth.NO


def test_a_shared_ingress_is_a_connection() -> None:
    assert crossing(*GUARDED, proxy(), WEB, ingress("b/site", "web"), ingress_class()) is Truth.YES


def to(name: str, port: Json) -> Json:
    return {"service": {"name": name, "port": port}}


@pytest.mark.parametrize(
    "spec",
    [
        {"defaultBackend": to("web", {"number": 80})},
        {"defaultBackend": to("web", {"name": "http"})},
        {
            "rules": [
                {"http": {"paths": [{"backend": to("gone", {"number": 1})}, {"backend": to("web", {"number": 80})}]}}
            ]
        },
        {
            "rules": [
                {"http": {"paths": [{"backend": to("web", {"name": "http"})}]}},
                {"http": {"paths": [{"backend": to("gone", {"number": 1})}]}},
                {"host": "nothing.example"},
            ]
        },
    ],
)
def test_every_back_end_of_an_ingress_counts(spec: Json) -> None:
    web = service("b/web", {"selector": {"app": "web"}})
    web["spec"]["ports"][0]["name"] = "http"
    made = ingress("b/site", "web")
    made["spec"] = {"ingressClassName": "nginx", **spec}
    assert crossing(*GUARDED, proxy(), web, made, ingress_class()) is Truth.YES


@pytest.mark.parametrize("port", [{"number": 81}, {"name": "other"}])
def test_a_back_end_that_names_no_port_of_the_service_leads_nowhere(port: Json) -> None:
    made = ingress("b/site", "web")
    made["spec"]["rules"] = [{"http": {"paths": [{"backend": to("web", port)}]}}]
    assert crossing(*GUARDED, proxy(), WEB, made, ingress_class()) is Truth.NO


def test_a_proxy_of_another_class_is_not_surely_it() -> None:
    other = proxy("traefik:v3")
    assert crossing(*GUARDED, other, WEB, ingress("b/site", "web"), ingress_class()) is Truth.UNKNOWN


def test_a_proxy_that_cannot_be_reached_leads_nowhere() -> None:
    guarded = [item for item in GUARDED if item["metadata"]["name"] != "to"]
    assert crossing(*guarded, proxy(), WEB, ingress("b/site", "web"), ingress_class()) is Truth.NO


def test_a_proxy_that_may_not_reach_the_pod_leads_nowhere() -> None:
    guarded = [item for item in GUARDED if item["metadata"]["name"] != "from"]
    assert crossing(*guarded, proxy(), WEB, ingress("b/site", "web"), ingress_class()) is Truth.NO


def test_an_ingress_without_a_proxy_in_the_snapshot_is_unknown_where_it_decides() -> None:
    assert crossing(*GUARDED, WEB, ingress("b/site", "web"), ingress_class()) is Truth.UNKNOWN
    closed = [policy("a", DENY), policy("b", DENY)]
    assert crossing(*closed, WEB, ingress("b/site", "web"), ingress_class()) is Truth.NO


def test_a_declared_port_is_no_finding() -> None:
    declared = (Span("TCP", 8080, 8080),)
    found = crossing(*GUARDED, proxy(), WEB, ingress("b/site", "web"), ingress_class(), declared=declared)
    assert found is Truth.NO


def test_an_external_name_leads_into_another_namespace() -> None:
    alias = service("a/alias", {"type": "ExternalName", "externalName": "web.b.svc.cluster.local"})
    mine = ingress("a/mine", "alias")
    assert crossing(*GUARDED, proxy(), WEB, alias, mine, ingress_class()) is Truth.YES


def test_written_end_points_lead_into_another_namespace() -> None:
    bare = service("a/bare", {})
    piece = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"namespace": "a", "name": "bare-1", "labels": {"kubernetes.io/service-name": "bare"}},
        "ports": [{"port": 8080}],
        "endpoints": [{"addresses": ["10.0.2.1"]}],
    }
    assert crossing(*GUARDED, proxy(), WEB, bare, piece, ingress("a/mine", "bare"), ingress_class()) is Truth.YES


@pytest.mark.parametrize(("port", "expected"), [(8080, Truth.YES), (9, Truth.NO)])
def test_written_end_points_of_the_old_kind_lead_there_too(port: int, expected: Truth) -> None:
    only = {**FROM_PROXY, "ingress": [{**FROM_PROXY["ingress"][0], "ports": [{"port": 8080}]}]}
    guarded = [item for item in GUARDED if item["metadata"]["name"] != "from"]
    written = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"namespace": "a", "name": "bare"},
        "subsets": [{"addresses": [{"ip": "10.0.2.1"}], "ports": [{"port": port}]}],
    }
    objects = [*guarded, policy("b", only, "from"), proxy(), WEB, service("a/bare", {}), written]
    assert crossing(*objects, ingress("a/mine", "bare"), ingress_class()) is expected


def test_who_can_make_doors_leaves_it_unknown() -> None:
    powers = Powers(routes=frozenset({"a"}))
    assert crossing(*GUARDED, proxy(), WEB, powers=powers) is Truth.UNKNOWN


def test_a_gateway_route_is_a_connection() -> None:
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"namespace": "edge", "name": "g"},
        "spec": {
            "gatewayClassName": "eg",
            "listeners": [
                {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
            ],
        },
    }
    kind = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "eg"},
        "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
    }
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"namespace": "b", "name": "r"},
        "spec": {
            "parentRefs": [{"name": "g", "namespace": "edge"}],
            "rules": [{"backendRefs": [{"name": "web", "port": 80}]}],
        },
    }
    assert crossing(*GUARDED, proxy("envoyproxy/envoy:v1.33"), WEB, gateway, kind, route) is Truth.YES


NODES_IN = {
    "podSelector": {},
    "policyTypes": ["Ingress"],
    "ingress": [{"from": [{"ipBlock": {"cidr": "192.168.0.0/24"}}]}],
}


@pytest.mark.parametrize(
    ("kind", "policies", "assume", "expected"),
    [
        ({"type": "NodePort"}, [], CALICO, Truth.NO),
        ({"type": "NodePort"}, [], {"name": "antrea"}, Truth.UNKNOWN),
        ({"type": "NodePort"}, [policy("b", NODES_IN, "nodes")], CALICO, Truth.YES),
        ({"type": "LoadBalancer"}, [policy("b", NODES_IN, "nodes")], CALICO, Truth.YES),
        ({"externalIPs": ["203.0.113.1"]}, [policy("b", NODES_IN, "nodes")], CALICO, Truth.YES),
        ({"type": "NodePort", "externalTrafficPolicy": "Local"}, [], {"name": "antrea"}, Truth.NO),
        ({}, [policy("b", NODES_IN, "nodes")], CALICO, Truth.NO),
    ],
)
def test_node_ports(kind: Json, policies: list[Json], assume: Json, expected: Truth) -> None:
    way_in = [policy("b", DENY), *policies, service("b/web", {"selector": {"app": "web"}, **kind})]
    assert crossing(*way_in, **assume) is expected
    # Who may speak to nobody still meets the own node, which may look at policies before translation. That node then
    # stands in for it, and is another than the pod's own.
    own_node = expected is Truth.YES and kind.get("type") in {"NodePort", "LoadBalancer"}
    assert crossing(policy("a", DENY), *way_in, **assume) is (Truth.UNKNOWN if own_node else Truth.NO)


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "203.0.113.0/24"])
def test_out_of_the_cluster_and_in_again(cidr: str) -> None:
    """A load balancer outside shows its clients with an address of their way there, which nobody knows here."""
    public = {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"ipBlock": {"cidr": cidr}}]}],
    }
    balancer = service("b/web", {"type": "LoadBalancer", "selector": {"app": "web"}})
    cilium: dict[str, Any] = {"name": "cilium", "ipBlockMatchesNodes": False}
    assert crossing(policy("b", public), balancer, **cilium) is Truth.UNKNOWN
    assert crossing(policy("a", DENY), policy("b", public), balancer, **cilium) is Truth.NO
    assert crossing(policy("b", public), WEB, **cilium) is Truth.NO


def test_a_service_address_is_its_end_points() -> None:
    web = service("b/web", {"selector": {"app": "web"}, "clusterIP": "10.96.0.1"})
    here = world(*BASE, web)
    assert connect(here, "a/client", "10.96.0.1", "TCP", 80).answer == "yes"
    assert connect(here, "a/client", "10.96.0.1", "TCP", 81).answer == "unknown"
    only_80 = {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}
    assert connect(world(*BASE, web, policy("b", only_80)), "a/client", "10.96.0.1", "TCP", 80).answer == "no"
    only_8080 = {"podSelector": {}, "ingress": [{"ports": [{"port": 8080}]}]}
    assert connect(world(*BASE, web, policy("b", only_8080)), "a/client", "10.96.0.1", "TCP", 80).answer == "yes"


def test_a_port_of_a_node_is_not_the_node_s_own() -> None:
    web = service("b/web", {"type": "NodePort", "selector": {"app": "web"}})
    web["spec"]["ports"][0]["nodePort"] = 30080
    here = world(*BASE, web)
    assert connect(here, "a/client", "192.168.0.2", "TCP", 30080).answer == "yes"
    closed = world(*BASE, web, policy("b", DENY))
    assert connect(closed, "a/client", "192.168.0.2", "TCP", 30080).answer == "unknown"
    assert connect(closed, "a/client", "192.168.0.1", "TCP", 30080).answer == "no"
    assert connect(here, "a/client", "192.168.0.2", "UDP", 30080).answer == "yes"
    assert connect(here, "a/client", "192.168.0.2", "TCP", 22).answer == "yes"


def test_nobody_there_connects_to_nobody() -> None:
    here = world(*BASE, proof=True, **CALICO)
    target = group_of(here, "b", [GroupPlace(frozenset({"b"}))])
    assert cross_connections(here, Group("a", frozenset(), ()), target).truth is Truth.NO
