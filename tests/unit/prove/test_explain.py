"""The whole argument: who is who, what was found, on which facts, by which rules, and what closes it."""

import yaml

from ringfence.prove.proof import Answer, Dimension
from ringfence.prove.report.explain import explain
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts.pairs import prove
from unit.prove.proof_worlds import A, B, Object, base, cluster, deny_all, grant, partition, rule, space, thing

WIDE = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}


def argument(objects: list[Object], dimension: Dimension) -> str:
    snapshot, claimed = snapshot_of([cluster(objects)]), partition()
    proof = prove(claimed, snapshot)
    return "\n".join(explain(proof, proof.pair(A, B), dimension, claimed, snapshot))


def opened(objects: list[Object]) -> list[Object]:
    """Without any NetworkPolicy."""
    return [item for item in objects if item["kind"] != "NetworkPolicy"]


def test_it_says_who_is_who_and_what_was_seen() -> None:
    spec = {"resource": "secrets", "namespace": "shop", "reason": "Forbidden"}
    marker = {"apiVersion": "ringfence.dev/v1", "kind": "NotListed", "spec": spec}
    text = argument([*base(), *grant("user:alice", [rule("get", "secrets")], "shop"), marker], Dimension.ACCESS)
    assert "verdict: broken: this is a shortest chain that leads there" in text
    assert "shop/testing: namespace shop-test of prod; people: user alice" in text
    assert "shop/production: namespace shop of prod; people: group shop-admins" in text
    assert "RoleBinding" in text.partition("facts that can bear on access:")[2]
    assert "prod: not seen: list secrets in shop: Forbidden" in text
    assert "rbac/bound: " in text


def test_every_missing_fact_is_there() -> None:
    gadgets = [thing(f"example{number}.com/v1", "Gadget", "g", "shop") for number in range(12)]
    text = argument([*base(), *gadgets], Dimension.ACCESS)
    assert text.count("missing: what prod:gadget.example") == 12
    assert "more fact" not in text


def test_what_was_not_promised_is_said_to_be_reported_all_the_same() -> None:
    assert "not promised" in argument(base(), Dimension.PLATFORM)
    assert "not promised" not in argument(base(), Dimension.ACCESS)


def patched(objects: list[Object]) -> Answer:
    """The answer on the network once the patch of its mend is applied."""
    snapshot, claimed = snapshot_of([cluster(objects)]), partition()
    verdict = prove(claimed, snapshot).pair(A, B).dimensions[Dimension.NETWORK]
    assert verdict.answer is Answer.BROKEN
    assert verdict.mend is not None
    assert verdict.mend.patch is not None
    applied = [*objects, *yaml.safe_load_all(verdict.mend.patch)]
    return prove(claimed, snapshot_of([cluster(applied)])).pair(A, B).dimensions[Dimension.NETWORK].answer


def test_the_patch_closes_what_no_policy_closed() -> None:
    assert patched(opened(base())) is Answer.HOLDS


def test_no_patch_is_offered_that_would_change_nothing() -> None:
    policy = thing("networking.k8s.io/v1", "NetworkPolicy", "wide", "shop", spec=WIDE)
    text = argument([*opened(base()), policy], Dimension.NETWORK)
    assert "mend: in prod, let NetworkPolicy shop/wide admit it no more, or declare the connection" in text
    assert "patch:" not in text


def test_policies_that_select_nothing_are_not_joined_by_one_of_their_name() -> None:
    narrow = {"podSelector": {"matchLabels": {"app": "nobody"}}, "policyTypes": ["Ingress"]}
    policy = thing("networking.k8s.io/v1", "NetworkPolicy", "default-deny", "shop", spec=narrow)
    text = argument([*opened(base()), policy, space("other"), deny_all("other")], Dimension.NETWORK)
    assert "let the NetworkPolicies of shop admit what is declared alone" in text
