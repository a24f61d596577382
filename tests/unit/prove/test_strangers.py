"""Clusters that nobody here built: kinds that are not known are one question each, and somebody can answer it."""

import pytest

from ringfence.prove.catalogue import ENTRIES, touched_by_kind
from ringfence.prove.kinds import Kind
from ringfence.prove.proof import Answer, Dimension
from ringfence.prove.rules.custom import _acted_on
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts.pairs import prove
from unit.prove.proof_worlds import RBAC, A, B, Object, attack, base, cluster, grant, partition, rule, thing

EXTENSIONS = "apiextensions.k8s.io/v1"


def gadgets(count: int) -> list[Object]:
    return [thing("example.com/v1", "Gadget", f"g{number}", "shop", spec={}) for number in range(count)]


def defined(scope: str) -> Object:
    return thing(EXTENSIONS, "CustomResourceDefinition", "gadgets.example.com", spec={"scope": scope})


def everywhere(verbs: str, resources: str, *groups: str) -> list[Object]:
    """A ClusterRole and what binds everybody to it, as vendors make them."""
    rules = [{**rule(verbs, resources), "apiGroups": list(groups)}]
    role = thing(f"{RBAC}/v1", "ClusterRole", "vendor:all", rules=rules)
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "vendor:all"}
    subjects = [{"kind": "Group", "name": "system:authenticated", "apiGroup": RBAC}]
    return [role, thing(f"{RBAC}/v1", "ClusterRoleBinding", "vendor:all", roleRef=reference, subjects=subjects)]


def test_a_thousand_objects_of_an_unknown_kind_are_one_question() -> None:
    pair = attack([*base(), *gadgets(1000)])
    for dimension in (Dimension.NETWORK, Dimension.ACCESS, Dimension.DATA):
        (text,) = pair.dimensions[dimension].missing
        assert "prod:gadget.example.com/shop/g0 and 999 more" in text
        assert "assume.harmless" in text


@pytest.mark.parametrize("said", ["Gadget.example.com", "gadget.example.com", "*.example.com"])
def test_who_knows_what_a_kind_does_says_so(said: str) -> None:
    objects = [*base(), *gadgets(2)]
    proof = prove(partition(assume={"harmless": [said]}), snapshot_of([cluster(objects)]))
    assert proof.pair(A, B).dimensions[Dimension.ACCESS].answer is Answer.HOLDS
    assert any("weaken no separation" in text for text in proof.assumptions)


@pytest.mark.parametrize("said", ["Gadget", "*", "*.com", "Pod", "Gizmo.example.com", 7, None])
def test_what_is_said_of_other_kinds_does_not_count(said: object) -> None:
    proof = prove(partition(assume={"harmless": [said]}), snapshot_of([cluster([*base(), *gadgets(1)])]))
    assert proof.pair(A, B).dimensions[Dimension.ACCESS].answer is Answer.UNKNOWN


def test_an_object_that_the_api_would_refuse_is_never_harmless() -> None:
    broken = thing("v1", "Pod", "p", "shop", spec="words")
    proof = prove(partition(assume={"harmless": ["Pod", "pod.", "*."]}), snapshot_of([cluster([*base(), broken])]))
    assert proof.pair(A, B).dimensions[Dimension.ACCESS].answer is Answer.UNKNOWN


def test_rights_over_what_lives_in_no_namespace_are_no_access() -> None:
    verdict = attack([*base(), *everywhere("get list", "gadgets", "example.com"), defined("Cluster")])
    assert verdict.dimensions[Dimension.ACCESS].answer is Answer.HOLDS


def test_rights_over_what_lives_in_namespaces_are_access() -> None:
    verdict = attack([*base(), *everywhere("get list", "gadgets", "example.com"), defined("Namespaced")])
    assert verdict.dimensions[Dimension.ACCESS].answer is Answer.BROKEN


def test_where_nobody_says_what_a_resource_lives_in_it_is_unknown() -> None:
    verdict = attack([*base(), *everywhere("get list", "gadgets", "example.com")]).dimensions[Dimension.ACCESS]
    assert verdict.answer is Answer.UNKNOWN
    assert any("whether gadgets.example.com live in namespaces" in text for text in verdict.missing)


def test_a_role_in_the_namespace_says_it_itself() -> None:
    objects = [*base(), *grant("user:alice", [rule("get", "gadgets", "example.com")], "shop")]
    assert attack(objects).dimensions[Dimension.ACCESS].answer is Answer.BROKEN


@pytest.mark.parametrize(
    ("verbs", "resources", "groups"),
    [
        ("delete", "oauthaccesstokens oauthauthorizetokens", ("oauth.openshift.io", "")),
        ("create", "builds/docker", ("build.openshift.io", "")),
        ("create get", "buildconfigs/webhooks", ("build.openshift.io", "")),
        ("get list watch", "consolelinks consoleplugins", ("console.openshift.io",)),
        ("get list", "helmchartrepositories", ("helm.openshift.io",)),
        ("get list watch", "clusterversions infrastructures", ("config.openshift.io",)),
    ],
)
def test_what_openshift_gives_everybody_reaches_nobody(verbs: str, resources: str, groups: tuple[str, ...]) -> None:
    pair = attack([*base(), *everywhere(verbs, resources, *groups)])
    assert pair.dimensions[Dimension.ACCESS].answer is Answer.HOLDS, pair.dimensions[Dimension.ACCESS]


def test_a_name_that_the_core_has_counts_beside_other_groups() -> None:
    pair = attack([*base(), *everywhere("get", "secrets", "", "example.com")])
    assert pair.dimensions[Dimension.ACCESS].answer is Answer.BROKEN


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("cilium.io", "CiliumEndpoint"),
        ("crd.projectcalico.org", "IPPool"),
        ("networking.gke.io", "Network"),
        ("config.openshift.io", "Infrastructure"),
        ("helm.cattle.io", "HelmChart"),
    ],
)
def test_what_vendors_write_for_themselves_weakens_nothing_until_somebody_else_writes_it(group: str, kind: str) -> None:
    entry = ENTRIES[Kind(group, kind)]
    assert not touched_by_kind(entry.kind)
    assert _acted_on(group, entry.plural)


@pytest.mark.parametrize("kind", ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"])
def test_policies_of_vendors_stay_unknown_to_the_network(kind: str) -> None:
    assert Dimension.NETWORK in touched_by_kind(Kind("cilium.io", kind))
    assert Dimension.NETWORK in touched_by_kind(Kind("crd.projectcalico.org", "GlobalNetworkPolicy"))


def test_plugins_of_api_servers_that_show_no_flags_may_be_stated() -> None:
    objects = [*base(), *grant("user:alice", [rule("create", "services")], "shop-test")]

    def claims(assume: Object) -> list[str]:
        proof = prove(partition(assume=assume), snapshot_of([cluster(objects)]))
        return [text for text in proof.pair(A, B).dimensions[Dimension.NETWORK].missing if "externalIPs" in text]

    assert claims({}) != []
    assert "assume.admission" in claims({})[0]
    assert claims({"admission": ["DenyServiceExternalIPs"]}) == []


def stated(assume: Object) -> str:
    return "\n".join(prove(partition(assume=assume), snapshot_of([cluster(base())])).assumptions)


def test_every_fact_that_somebody_stated_is_listed() -> None:
    said = stated({"cni": {"name": "calico", "ipBlockMatchesPods": False}, "version": "1.33", "issuers": {"prod": "x"}})
    for text in ("plugin is calico", "ipBlockMatchesPods: False", "Kubernetes 1.33", "prod x"):
        assert text in said
    assert "not understood" not in said
    assert "plugin is calico" in stated({"cni": "calico"})


@pytest.mark.parametrize(
    "assume", [{"harmles": ["Gadget.example.com"]}, {"cni": {"nam": "calico"}}, {"cni": {"name": "foo"}}]
)
def test_what_is_not_understood_is_said_to_count_for_nothing(assume: Object) -> None:
    assert "not understood, and does not count" in stated(assume)


def test_facts_that_are_understood_are_not_said_to_be_strange() -> None:
    facts = {
        "adminNetworkPolicy": True,
        "repositories": "platform",
        "transformations": ["a"],
        "harmless": [],
        "admission": [],
    }
    assert "not understood" not in stated(facts)


def test_facts_behind_a_doubt_are_not_asked_for_before_it() -> None:
    spec = {"resource": "clusterrolebindings.rbac.authorization.k8s.io", "reason": "Forbidden"}
    marker = {"apiVersion": "ringfence.dev/v1", "kind": "NotListed", "spec": spec}
    for verdict in attack([*base(), marker]).dimensions.values():
        assert not any(
            "what comes of the right" in text or "is not in the snapshot" in text for text in verdict.missing
        )
    access = attack([*base(), marker]).dimensions[Dimension.ACCESS]
    assert access.answer is Answer.UNKNOWN
    assert any("list clusterrolebindings" in text for text in access.missing)
