"""Cases in which tools are known to be wrong, and what is owned up to as unknown."""

from typing import Any

import pytest

from ringfence.prove.network.connect import DEFAULT_NOTE, connect
from unit.prove_network.objects import Json, admin, namespace, node, pod, policy, world

DENY_IN: Json = {"podSelector": {}, "policyTypes": ["Ingress"]}
DENY_OUT: Json = {"podSelector": {}, "policyTypes": ["Egress"]}
BASE = [
    namespace("a"),
    namespace("b", env="prod"),
    node("n1", "192.168.0.1"),
    node("n2", "192.168.0.2"),
    pod("a/client", "10.0.1.1", node="n1"),
    pod("b/web", "10.0.2.1", node="n2"),
    pod("b/db", "10.0.2.2", node="n2"),
    pod("a/host", "192.168.0.1", node="n1", hostNetwork=True),
    pod("b/host", "192.168.0.2", node="n2", hostNetwork=True),
]


def block(cidr: str, *excepted: str) -> Json:
    return {"ipBlock": {"cidr": cidr, **({"except": list(excepted)} if excepted else {})}}


def let_in(*peers: Json, **rule: Any) -> Json:
    return {**DENY_IN, "ingress": [{"from": list(peers), **rule}]}


def let_out(*peers: Json) -> Json:
    return {**DENY_OUT, "egress": [{"to": list(peers)}]}


def facing(face: str | None) -> dict[str, Any]:
    return {"hostNetwork": face} if face else {}


def ask(source: str, target: str, *objects: Json, port: int = 80, protocol: str = "TCP", **assume: Any) -> str:
    return connect(world(*BASE, *objects, **assume), source, target, protocol, port).answer


def test_a_pod_reaches_itself_and_its_node_whatever_policies_say() -> None:
    shut = [policy("a", {**DENY_IN, "policyTypes": ["Ingress", "Egress"]}), policy("b", DENY_IN)]
    assert ask("a/client", "a/client", *shut) == "yes"
    assert ask("a/client", "10.0.1.1", *shut) == "yes"
    assert ask("192.168.0.2", "b/web", *shut) == "yes"
    assert ask("a/client", "192.168.0.1", *shut) == "yes"
    assert ask("192.168.0.1", "b/web", *shut) == "no"
    assert ask("a/client", "192.168.0.2", *shut) == "no"


def test_a_pod_that_is_not_placed_may_be_on_any_node() -> None:
    waiting = pod("b/new", "10.0.2.9")
    del waiting["spec"]["nodeName"]
    assert ask("192.168.0.2", "b/new", waiting, policy("b", DENY_IN)) == "unknown"
    assert ask("192.168.0.2", "b/new", waiting) == "yes"
    assert ask("a/client", "b/new", waiting, policy("b", DENY_IN)) == "no"


def test_nodes_are_not_behind_policies() -> None:
    assert ask("192.168.0.1", "192.168.0.2", policy("b", DENY_IN), hostNetwork="node") == "yes"
    assert ask("192.168.0.1", "192.168.0.2", policy("b", DENY_IN)) == "unknown"  # a pod of b has that address too
    assert ask(OUTSIDE, "b/host", policy("b", DENY_IN), hostNetwork="node") == "yes"
    assert ask(OUTSIDE, "b/host", policy("b", DENY_IN), hostNetwork="pod") == "no"


def test_what_is_not_there_is_unknown() -> None:
    for source, target in (("a/gone", "b/web"), ("a/client", "b/gone"), ("nonsense", "b/web"), ("", "b/web")):
        assert ask(source, target) == "unknown"
    assert ask("a/client", "b/web", protocol="ICMP") == "unknown"
    assert ask("a/client", "b/web", port=0) == "unknown"
    assert ask("a/client", "b/web", port=70_000) == "unknown"


def test_an_address_is_the_pod_or_the_node_that_has_it() -> None:
    guarded = policy("b", let_in({"podSelector": {}}))
    assert ask("10.0.2.2", "10.0.2.1", guarded) == "yes"
    assert ask("10.0.1.1", "10.0.2.1", guarded) == "no"


def test_an_address_in_a_pod_range_that_no_pod_has_is_unknown() -> None:
    ranged = node("n3")
    ranged["spec"] = {"podCIDRs": ["10.0.9.0/24"]}
    assert ask("10.0.9.9", "b/web", ranged) == "unknown"
    assert ask("a/client", "10.0.9.9", ranged) == "unknown"


def test_finished_pods_have_no_address() -> None:
    done = pod("b/job", "10.0.7.7")
    done["status"]["phase"] = "Succeeded"
    only = policy("a", let_out(block("10.0.7.0/24")))
    assert ask("a/client", "10.0.7.7", done, only) == "yes"


@pytest.mark.parametrize(("matches", "expected"), [(None, "unknown"), (True, "yes"), (False, "no")])
def test_ip_blocks_against_pods(matches: bool | None, expected: str) -> None:
    assume: Json = {} if matches is None else {"ipBlockMatchesPods": matches}
    assert ask("a/client", "b/web", policy("b", let_in(block("10.0.0.0/8"))), **assume) == expected
    assert ask("a/client", "b/web", policy("a", let_out(block("10.0.0.0/8"))), **assume) == expected
    assert ask("a/client", "b/web", policy("b", let_in(block("10.9.0.0/16"))), **assume) == "no"


@pytest.mark.parametrize(("name", "expected"), [("calico", "yes"), ("cilium", "no"), ("ovn-kubernetes", "yes")])
def test_named_plugins_settle_it(name: str, expected: str) -> None:
    assert ask("a/client", "b/web", policy("b", let_in(block("10.0.0.0/8"))), name=name) == expected


def test_a_plugin_without_policies_lets_all_through() -> None:
    assert ask("a/client", "b/web", policy("b", DENY_IN), name="flannel") == "yes"


def test_except_is_no_deny() -> None:
    cut = let_in(block("10.0.0.0/8", "10.0.1.0/24"))
    assert ask("a/client", "b/web", policy("b", cut), ipBlockMatchesPods=True) == "no"
    again = policy("b", let_in({"namespaceSelector": {}}), "again")
    assert ask("a/client", "b/web", policy("b", cut), again, ipBlockMatchesPods=True) == "yes"


def test_both_ends_must_share_a_port() -> None:
    out_80 = policy("a", {**DENY_OUT, "egress": [{"ports": [{"port": 80}]}]})
    in_81 = policy("b", {**DENY_IN, "ingress": [{"ports": [{"port": 81}]}]})
    assert ask("a/client", "b/web", out_80, in_81, port=80) == "no"
    assert ask("a/client", "b/web", out_80, in_81, port=81) == "no"


def test_end_port() -> None:
    ranged = policy("b", {**DENY_IN, "ingress": [{"ports": [{"port": 80, "endPort": 90}]}]})
    assert ask("a/client", "b/web", ranged, port=85) == "unknown"
    assert ask("a/client", "b/web", ranged, port=91) == "no"
    assert ask("a/client", "b/web", ranged, port=85, name="calico") == "yes"
    assert ask("a/client", "b/web", ranged, port=85, endPort=False) == "no"


def test_the_default_is_named_as_one() -> None:
    shut = world(*BASE, policy("b", DENY_IN))
    assert DEFAULT_NOTE in connect(shut, "a/client", "b/web", "TCP", 80).because
    named = world(*BASE, policy("b", DENY_IN), name="calico")
    assert DEFAULT_NOTE not in connect(named, "a/client", "b/web", "TCP", 80).because


def test_a_proof_takes_no_default() -> None:
    shut = world(*BASE, policy("b", DENY_IN), proof=True)
    answer = connect(shut, "a/client", "b/web", "TCP", 80)
    assert answer.answer == "unknown"
    assert "assume.cni.name" in answer.settles[0]


@pytest.mark.parametrize(("face", "expected"), [(None, "unknown"), ("node", "no"), ("pod", "yes")])
def test_host_network_as_a_source(face: str | None, expected: str) -> None:
    from_a = policy("b", let_in({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "a"}}}))
    assert ask("a/host", "b/web", from_a, **facing(face)) == expected


@pytest.mark.parametrize(("face", "expected"), [(None, "unknown"), ("node", "yes"), ("pod", "no")])
def test_host_network_as_a_destination(face: str | None, expected: str) -> None:
    assert ask("a/client", "b/host", policy("b", DENY_IN), **facing(face)) == expected


OUTSIDE = "203.0.113.9"


def test_sources_outside_may_be_hidden() -> None:
    assert ask(OUTSIDE, "b/web") == "yes"
    assert ask(OUTSIDE, "b/web", policy("b", DENY_IN)) == "no"
    assert ask(OUTSIDE, "b/web", policy("b", let_in(block("203.0.113.0/24")))) == "unknown"
    assert ask(OUTSIDE, "b/web", policy("b", let_in(block("198.51.100.0/24")))) == "unknown"
    assert ask(OUTSIDE, "b/web", policy("b", let_in(block("0.0.0.0/0")))) == "yes"


def test_a_source_outside_may_come_in_by_a_node() -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "b", "name": "web"},
        "spec": {"type": "LoadBalancer", "selector": {"pod": "web"}, "ports": [{"port": 80}]},
    }
    assert ask(OUTSIDE, "b/web", service, policy("b", DENY_IN)) == "unknown"
    assert ask(OUTSIDE, "b/web", service, policy("b", DENY_IN), name="calico") == "no"


def test_destinations_outside_are_as_written() -> None:
    assert ask("a/client", OUTSIDE) == "yes"
    assert ask("a/client", OUTSIDE, policy("a", DENY_OUT)) == "no"
    assert ask("a/client", OUTSIDE, policy("a", let_out(block("203.0.113.0/24")))) == "yes"
    assert ask("a/client", OUTSIDE, policy("a", let_out(block("0.0.0.0/0", "203.0.113.0/24")))) == "no"
    assert ask("a/client", "192.168.0.2", policy("a", let_out(block("192.168.0.0/24")))) == "unknown"


def not_listed(resource: str, space: str | None = None) -> Json:
    spec = {"resource": resource, "reason": "Forbidden", **({"namespace": space} if space else {})}
    return {"apiVersion": "ringfence.dev/v1", "kind": "NotListed", "spec": spec}


def test_policies_that_were_not_listed_are_unknown_where_they_decide() -> None:
    hidden = not_listed("networkpolicies", "b")
    assert ask("a/client", "b/web", hidden) == "unknown"
    assert ask("a/client", "b/web", hidden, policy("b", DENY_IN)) == "unknown"
    assert ask("a/client", "b/web", hidden, policy("b", {**DENY_IN, "ingress": [{}]})) == "yes"
    assert ask("a/client", "b/web", hidden, policy("a", DENY_OUT)) == "no"
    assert ask("b/web", "a/client", not_listed("networkpolicies", "c")) == "yes"
    assert ask("b/web", "a/client", not_listed("networkpolicies.networking.k8s.io")) == "unknown"


def test_a_policy_that_cannot_be_read_is_unknown_where_it_decides() -> None:
    specs: tuple[Json, ...] = (
        {"podSelector": {"matchLabels": {"a": 1}}},
        {"podSelector": {}, "ingress": [{"from": [{}]}]},
        {"podSelector": {}, "policyTypes": ["Inward"]},
        {"podSelector": {}, "ingress": [{"ports": [{"port": "http", "endPort": 90}]}]},
        {"podSelector": {}, "ingress": [{"ports": [{"port": 90, "endPort": 80}]}]},
        {"podSelector": {}, "ingress": [{"ports": [{"port": 0}]}]},
        {"podSelector": {}, "ingress": [{"from": [block("10.0.0.0/8", "11.0.0.0/16")]}]},
        {"podSelector": {}, "ingress": [{"from": [block("10.0.0.0/33")]}]},
        {"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
        {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Like", "values": ["b"]}]}},
    )
    for spec in specs:
        assert ask("a/client", "b/web", policy("b", spec)) == "unknown", spec
        assert ask("b/web", "a/host", policy("b", spec), policy("b", DENY_OUT, "deny"), hostNetwork="node") != "yes"


def test_a_namespace_that_is_not_there_has_unknown_labels() -> None:
    lost = pod("lost/p", "10.0.3.1", node="n1")
    prod = {"namespaceSelector": {"matchLabels": {"env": "prod"}}}
    named = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "lost"}}}
    assert ask("lost/p", "b/web", lost, policy("b", let_in(prod))) == "unknown"
    assert ask("lost/p", "b/web", lost, policy("b", let_in(named))) == "yes"


def test_policies_of_vendors_are_unknown_where_they_decide() -> None:
    cilium = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"namespace": "b", "name": "x"}}
    istio = {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"namespace": "b", "name": "x"},
    }
    assert ask("a/client", "b/web", cilium) == "unknown"
    assert ask("a/client", "b/web", cilium, policy("b", DENY_IN)) == "unknown"
    assert ask("a/client", "b/web", istio, policy("b", DENY_IN)) == "no"


ALL: Json = {"namespaces": {}}


def cluster_wide(kind: str, action: str, priority: int = 10, name: str = "c", **more: Any) -> Json:
    spec: Json = {"subject": ALL, "ingress": [{"action": action, "from": [ALL]}], **more}
    if kind == "ClusterNetworkPolicy":
        spec.setdefault("tier", "Admin")
    if kind != "BaselineAdminNetworkPolicy":
        spec["priority"] = priority
    return admin(kind, name, spec)


@pytest.mark.parametrize(
    ("kind", "fact", "allow"),
    [
        ("AdminNetworkPolicy", "adminNetworkPolicy", "Allow"),
        ("ClusterNetworkPolicy", "clusterNetworkPolicy", "Accept"),
    ],
)
def test_admin_policies_count_where_assumed(kind: str, fact: str, allow: str) -> None:
    enforced: dict[str, Any] = {fact: True}
    assert ask("a/client", "b/web", cluster_wide(kind, "Deny")) == "unknown"
    assert ask("a/client", "b/web", cluster_wide(kind, "Deny"), **enforced) == "no"
    assert ask("a/client", "b/web", cluster_wide(kind, allow), policy("b", DENY_IN), **enforced) == "yes"
    assert ask("a/client", "b/web", cluster_wide(kind, "Pass"), policy("b", DENY_IN), **enforced) == "no"
    assert ask("a/client", "b/web", cluster_wide(kind, "Pass"), **enforced) == "yes"
    assert ask("a/client", "b/web", cluster_wide(kind, "Deny"), policy("b", DENY_IN)) == "no"
    first = cluster_wide(kind, allow, 1, "first")
    assert ask("a/client", "b/web", first, cluster_wide(kind, "Deny", 2), **enforced) == "yes"
    assert ask("a/client", "b/web", first, cluster_wide(kind, "Deny", 1), **enforced) == "unknown"
    both = [cluster_wide(kind, "Deny", 1, "first"), cluster_wide(kind, "Deny", 1)]
    assert ask("a/client", "b/web", *both, **enforced) == "no"


def test_the_baseline_is_asked_last() -> None:
    enforced: dict[str, Any] = {"baselineAdminNetworkPolicy": True, "adminNetworkPolicy": True}
    deny = cluster_wide("BaselineAdminNetworkPolicy", "Deny", name="default")
    assert ask("a/client", "b/web", deny, **enforced) == "no"
    assert ask("a/client", "b/web", deny, policy("b", {**DENY_IN, "ingress": [{}]}), **enforced) == "yes"
    passing = cluster_wide("AdminNetworkPolicy", "Pass", 1)
    assert ask("a/client", "b/web", deny, passing, **enforced) == "no"
    allow = cluster_wide("AdminNetworkPolicy", "Allow", 1)
    assert ask("a/client", "b/web", deny, allow, **enforced) == "yes"


def test_a_peer_of_an_unknown_type_fails_closed() -> None:
    def strange(action: str) -> Json:
        spec = {"subject": ALL, "priority": 1, "ingress": [{"action": action, "from": [{"galaxies": {}}]}]}
        return admin("AdminNetworkPolicy", "c", spec)

    enforced: dict[str, Any] = {"adminNetworkPolicy": True}
    assert ask("a/client", "b/web", strange("Allow"), policy("b", DENY_IN), **enforced) == "no"
    assert ask("a/client", "b/web", strange("Deny"), **enforced) == "no"
    assert ask("a/client", "b/web", strange("Pass"), **enforced) == "no"


def test_cluster_wide_policies_never_see_host_network_pods() -> None:
    enforced: dict[str, Any] = {"adminNetworkPolicy": True, "hostNetwork": "node"}
    deny = cluster_wide("AdminNetworkPolicy", "Deny")
    assert ask("a/host", "b/web", deny, **enforced) == "yes"
    assert ask("a/client", "b/host", deny, **enforced) == "yes"


def test_networks_match_traffic_inside_the_cluster() -> None:
    out = {"action": "Deny", "to": [{"networks": ["10.0.0.0/8"]}]}
    spec = {"subject": ALL, "priority": 1, "egress": [out]}
    enforced: dict[str, Any] = {"adminNetworkPolicy": True, "ipBlockMatchesPods": False}
    assert ask("a/client", "b/web", admin("AdminNetworkPolicy", "c", spec), **enforced) == "no"


def test_cluster_policies_of_a_version_that_is_not_known_are_unknown() -> None:
    future = cluster_wide("ClusterNetworkPolicy", "Accept")
    future["apiVersion"] = "policy.networking.k8s.io/v1"
    assert ask("a/client", "b/web", future, policy("b", DENY_IN), clusterNetworkPolicy=True) == "unknown"
