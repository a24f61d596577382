"""The facts of Kubernetes' end-to-end NetworkPolicy cases: what each says may and may not pass.

Source of the facts: test/e2e/network/netpol/network_policy.go of Kubernetes 1.37. Written anew as a table.
"""

from fnmatch import fnmatch
from typing import Any

import pytest

from ringfence.prove.network.connect import connect
from unit.prove_network.objects import policy, triple, world

A = {"matchLabels": {"pod": "a"}}
B = {"matchLabels": {"pod": "b"}}
IN_X = {"matchLabels": {"ns": "x"}}
IN_Y = {"matchLabels": {"ns": "y"}}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    body: dict[str, Any] = {"key": key, "operator": operator}
    return {"matchExpressions": [{**body, "values": list(values)} if values else body]}


def ingress(pods: Any, *rules: Any, space: str = "x", name: str = "policy") -> Any:
    return policy(space, {"podSelector": pods, "policyTypes": ["Ingress"], "ingress": list(rules)}, name)


def egress(pods: Any, *rules: Any, space: str = "x", name: str = "policy") -> Any:
    return policy(space, {"podSelector": pods, "policyTypes": ["Egress"], "egress": list(rules)}, name)


ON_81 = [{"port": 81, "protocol": "TCP"}]
ON_80 = [{"port": 80, "protocol": "TCP"}]
# name, policies, port, protocol, what is blocked (source>destination with wildcards), what passes nevertheless
CASES: list[tuple[str, list[Any], int, str, list[str], list[str]]] = [
    ("default deny ingress", [ingress({})], 80, "TCP", ["*>x/*"], []),
    (
        "default deny all",
        [policy("x", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})],
        80,
        "TCP",
        ["*>x/*", "x/*>*"],
        [],
    ),
    (
        "pod selector within the namespace",
        [ingress(A, {"from": [{"podSelector": B}]})],
        80,
        "TCP",
        ["*>x/a"],
        ["x/b>x/a"],
    ),
    ("all namespaces", [ingress(A, {"from": [{"namespaceSelector": {}}]})], 80, "TCP", [], []),
    ("one namespace", [ingress(A, {"from": [{"namespaceSelector": IN_Y}]})], 80, "TCP", ["*>x/a"], ["y/*>x/a"]),
    (
        "match expressions on pods",
        [ingress(A, {"from": [{"podSelector": expression("pod", "In", "b")}]})],
        80,
        "TCP",
        ["*>x/a"],
        ["x/b>x/a"],
    ),
    (
        "match expressions on namespaces",
        [ingress(A, {"from": [{"namespaceSelector": expression("ns", "In", "y")}]})],
        80,
        "TCP",
        ["*>x/a"],
        ["y/*>x/a"],
    ),
    (
        "pod selector or namespace selector",
        [ingress(A, {"from": [{"namespaceSelector": expression("ns", "NotIn", "x")}, {"podSelector": B}]})],
        80,
        "TCP",
        ["x/c>x/a"],
        [],
    ),
    (
        "pod selector and namespace selector",
        [ingress(A, {"from": [{"namespaceSelector": expression("ns", "NotIn", "x"), "podSelector": B}]})],
        80,
        "TCP",
        ["*>x/a"],
        ["y/b>x/a", "z/b>x/a"],
    ),
    (
        "several pods and namespaces",
        [
            ingress(
                A,
                {
                    "from": [
                        {
                            "namespaceSelector": expression("ns", "NotIn", "x"),
                            "podSelector": expression("pod", "In", "b", "c"),
                        }
                    ]
                },
            )
        ],
        80,
        "TCP",
        ["*>x/a"],
        ["y/b>x/a", "y/c>x/a", "z/b>x/a", "z/c>x/a"],
    ),
    (
        "any of two pod selectors",
        [ingress(A, {"from": [{"podSelector": B}, {"podSelector": {"matchLabels": {"pod": "c"}}}]})],
        80,
        "TCP",
        ["*>x/a"],
        ["x/b>x/a", "x/c>x/a"],
    ),
    (
        "port, right one",
        [ingress(A, {"from": [{"namespaceSelector": IN_Y}], "ports": ON_81})],
        81,
        "TCP",
        ["*>x/a"],
        ["y/*>x/a"],
    ),
    (
        "port, other one",
        [ingress(A, {"from": [{"namespaceSelector": IN_Y}], "ports": ON_81})],
        80,
        "TCP",
        ["*>x/a"],
        [],
    ),
    (
        "stacked policies",
        [
            ingress(A, {"from": [{"namespaceSelector": IN_Y}], "ports": ON_81}),
            ingress(A, {"from": [{"namespaceSelector": IN_Y}], "ports": ON_80}, name="other"),
        ],
        80,
        "TCP",
        ["*>x/a"],
        ["y/*>x/a"],
    ),
    ("allow all", [ingress({}, {})], 80, "TCP", [], []),
    ("named port, right one", [ingress({}, {"ports": [{"port": "serve-81-tcp"}]})], 81, "TCP", [], []),
    ("named port, other one", [ingress({}, {"ports": [{"port": "serve-81-tcp"}]})], 80, "TCP", ["*>x/*"], []),
    (
        "named port of another protocol",
        [ingress({}, {"ports": [{"port": "serve-80-udp", "protocol": "TCP"}]})],
        80,
        "TCP",
        ["*>x/*"],
        [],
    ),
    ("named port on egress", [egress({}, {"ports": [{"port": "serve-80-tcp"}]})], 80, "TCP", [], []),
    ("other port on egress", [egress({}, {"ports": [{"port": "serve-80-tcp"}]})], 81, "TCP", ["x/*>*"], []),
    ("no such named port", [ingress(A, {"ports": [{"port": "no-such-port"}]})], 80, "TCP", ["*>x/a"], []),
    ("deny egress of one pod", [egress(A)], 80, "TCP", ["x/a>*"], []),
    ("deny egress of a namespace", [egress({})], 80, "TCP", ["x/*>*"], []),
    (
        "both directions, right port",
        [
            policy(
                "x",
                {
                    "podSelector": A,
                    "policyTypes": ["Egress", "Ingress"],
                    "ingress": [{"from": [{"podSelector": B}]}],
                    "egress": [{"ports": [{"port": 80}]}],
                },
            )
        ],
        80,
        "TCP",
        ["*>x/a"],
        ["x/b>x/a"],
    ),
    (
        "both directions, other port",
        [
            policy(
                "x",
                {
                    "podSelector": A,
                    "policyTypes": ["Egress", "Ingress"],
                    "ingress": [{"from": [{"podSelector": B}]}],
                    "egress": [{"ports": [{"port": 80}]}],
                },
            )
        ],
        81,
        "TCP",
        ["*>x/a", "x/a>*"],
        ["x/b>x/a"],
    ),
    (
        "egress denies what ingress allows",
        [
            egress(A, {"to": [{"namespaceSelector": IN_Y, "podSelector": A}]}),
            ingress(A, {"from": [{"namespaceSelector": IN_X, "podSelector": A}]}, space="y"),
            ingress(B, {"from": [{"namespaceSelector": IN_X, "podSelector": A}]}, space="y", name="other"),
        ],
        80,
        "TCP",
        ["x/a>*", "*>y/a", "*>y/b"],
        ["x/a>y/a"],
    ),
    ("one protocol, any port", [ingress(A, {"ports": [{"protocol": "TCP"}]})], 80, "TCP", [], []),
    ("one protocol, another", [ingress(A, {"ports": [{"protocol": "TCP"}]})], 80, "UDP", ["*>x/a"], []),
    ("allow all outweighs deny", [ingress({}), ingress({}, {}, name="allow")], 81, "TCP", [], []),
    ("allow all egress outweighs deny", [egress({}), egress({}, {}, name="allow")], 81, "TCP", [], []),
    ("independent directions", [egress(A, {}), ingress(A, name="deny")], 80, "TCP", ["*>x/a"], []),
    (
        "SCTP is not TCP",
        [ingress({}), ingress(A, {"ports": [{"protocol": "SCTP", "port": 81}]}, name="sctp")],
        81,
        "TCP",
        ["*>x/*"],
        [],
    ),
    ("SCTP rules isolate", [ingress(A, {"ports": [{"protocol": "SCTP", "port": 80}]})], 81, "TCP", ["*>x/a"], []),
    ("SCTP on its port", [ingress(A, {"ports": [{"protocol": "SCTP", "port": 81}]})], 81, "SCTP", [], []),
    ("UDP is not TCP", [ingress(A, {"ports": [{"protocol": "UDP", "port": 81}]})], 81, "TCP", ["*>x/a"], []),
    (
        "the name label of namespaces",
        [ingress(A, {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "y"}}}]})],
        80,
        "TCP",
        ["*>x/a"],
        ["y/*>x/a"],
    ),
    (
        "the name label of namespaces, negated",
        [ingress(A, {"from": [{"namespaceSelector": expression("kubernetes.io/metadata.name", "NotIn", "x")}]})],
        80,
        "TCP",
        ["x/*>x/a"],
        [],
    ),
]
PODS = [f"{space}/{name}" for space in "xyz" for name in "abc"]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_case(case: tuple[str, list[Any], int, str, list[str], list[str]]) -> None:
    _, policies, port, protocol, blocked, passing = case
    here = world(*triple(), *policies)
    for source in PODS:
        for destination in PODS:
            pair = f"{source}>{destination}"
            closed = any(fnmatch(pair, pattern) for pattern in blocked)
            open_again = source == destination or any(fnmatch(pair, pattern) for pattern in passing)
            expected = "no" if closed and not open_again else "yes"
            assert connect(here, source, destination, protocol, port).answer == expected, pair


@pytest.mark.parametrize(
    ("spec", "source", "destination", "expected"),
    [
        ({"podSelector": {}}, "y/a", "x/a", "no"),
        ({"podSelector": {}}, "x/a", "y/a", "yes"),
        ({}, "y/a", "x/a", "no"),
        ({"podSelector": {}, "policyTypes": []}, "y/a", "x/a", "no"),
        ({"podSelector": {}, "egress": []}, "x/a", "y/a", "yes"),
        ({"podSelector": {}, "egress": []}, "y/a", "x/a", "no"),
        ({"podSelector": {}, "egress": [{"ports": [{"port": 1}]}]}, "x/a", "y/a", "no"),
        ({"podSelector": {}, "egress": [{}]}, "y/a", "x/a", "no"),
        ({"podSelector": {}, "policyTypes": ["Egress"], "ingress": []}, "y/a", "x/a", "yes"),
        ({"podSelector": {}, "policyTypes": ["Egress"]}, "x/a", "y/a", "no"),
        ({"podSelector": {}, "policyTypes": ["Ingress"], "egress": [{"ports": [{"port": 1}]}]}, "x/a", "y/a", "yes"),
        ({"podSelector": {"matchLabels": {"pod": "zz"}}, "policyTypes": ["Ingress"]}, "y/a", "x/a", "yes"),
        ({"podSelector": {}, "ingress": [{"from": [], "ports": []}]}, "y/a", "x/a", "yes"),
        ({"podSelector": expression("gone", "NotIn", "v")}, "y/a", "x/a", "no"),
        ({"podSelector": expression("gone", "DoesNotExist")}, "y/a", "x/a", "no"),
        ({"podSelector": expression("gone", "Exists")}, "y/a", "x/a", "yes"),
        ({"podSelector": expression("gone", "In", "v")}, "y/a", "x/a", "yes"),
        ({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}, "x/b", "x/a", "yes"),
        ({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}, "y/b", "x/a", "no"),
        ({"podSelector": {}, "ingress": None}, "y/b", "x/a", "no"),
    ],
)
def test_defaults(spec: Any, source: str, destination: str, expected: str) -> None:
    here = world(*triple(), policy("x", spec))
    assert connect(here, source, destination, "TCP", 80).answer == expected
