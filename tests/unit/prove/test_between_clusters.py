"""Deployments in clusters of their own: only what lets no address through keeps A from B's cluster."""

from typing import Any

import pytest

from ringfence.prove.proof import Answer, Dimension
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts.pairs import prove
from unit.prove.proof_worlds import HERE, THERE, A, B, Object, base, cluster, grant, partition, pod, rule, thing

MAKES = grant("user:alice", [rule("create", "pods")], HERE, "makes")


def egress(*to: Object, selects: Object | None = None, types: tuple[str, ...] = ("Egress",)) -> Object:
    rules = [{"to": list(to)}] if to else []
    spec = {"podSelector": selects or {}, "policyTypes": list(types), "egress": rules}
    if "Egress" not in types:
        del spec["egress"]
    return thing("networking.k8s.io/v1", "NetworkPolicy", "own", HERE, spec=spec)


def network(*ours: Object, assume: Any = None) -> Answer:
    """Whether testing connects to production in another cluster, with these objects in testing's own."""
    plain = [item for item in base() if item["kind"] != "NetworkPolicy"]
    here = [item for item in plain if item["metadata"].get("namespace", HERE) == HERE]
    there = [item for item in plain if item["metadata"].get("namespace", THERE) == THERE]
    snapshot = snapshot_of([cluster([*here, *ours], "test"), cluster(there, "prod")])
    facts = assume or {"cni": {"name": "calico"}}
    proof = prove(partition(level="environment", clusters=("test", "prod"), assume=facts), snapshot)
    return proof.pair(A, B).dimensions[Dimension.NETWORK].answer


TO_PODS: Object = {"podSelector": {}}
TO_SPACES = {"namespaceSelector": {"matchLabels": {"team": "dns"}}}
TO_ADDRESSES = {"ipBlock": {"cidr": "203.0.113.0/24"}}


@pytest.mark.parametrize("policies", [[egress()], [egress(TO_PODS)], [egress(TO_SPACES, TO_PODS)]])
def test_rules_of_pods_alone_let_no_address_through(policies: list[Object]) -> None:
    assert network(*policies) is Answer.HOLDS
    assert network(*policies, *MAKES) is Answer.HOLDS


@pytest.mark.parametrize(
    "policies",
    [
        [],
        [egress(TO_ADDRESSES)],
        [egress(TO_PODS, TO_ADDRESSES)],
        [egress(types=("Ingress",))],
        [egress(selects={"matchLabels": {"app": "other"}})],
        [egress(), pod("agent", HERE, hostNetwork=True)],
    ],
)
def test_what_lets_some_address_through_leaves_it_unknown(policies: list[Object]) -> None:
    assert network(*policies) is Answer.UNKNOWN


def test_pods_that_can_be_made_carry_any_labels() -> None:
    """A policy that selects the pods that are there isolates none that A makes with other labels."""
    narrow = egress(selects={"matchLabels": {"app": "ci"}})
    assert network(narrow) is Answer.HOLDS
    assert network(narrow, *MAKES) is Answer.UNKNOWN
    # Two policies, one for every pod and shut, one that opens for some: a pod that is made takes the labels of those.
    opening = egress(TO_ADDRESSES, selects={"matchLabels": {"app": "free"}})
    opening["metadata"]["name"] = "opening"
    assert network(egress(), opening) is Answer.HOLDS
    assert network(egress(), opening, *MAKES) is Answer.UNKNOWN


def test_policies_that_nobody_enforces_close_nothing() -> None:
    assert network(egress(), assume={"version": "1.36"}) is Answer.UNKNOWN
    assert network(egress(), assume={"cni": {"name": "flannel"}}) is Answer.UNKNOWN
