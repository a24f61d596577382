"""Verdicts that hang on two clusters, on levels, on what the Partition says, or on what nobody can know."""

from typing import Any

import pytest

from ringfence.landscape.model import TRANSFORMATION, Level
from ringfence.prove.partition import NOBODY, People, Where
from ringfence.prove.proof import Answer, Dimension, PairProof
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts.pairs import prove
from unit.prove.proof_worlds import (
    HERE,
    THERE,
    A,
    B,
    Object,
    account,
    attack,
    base,
    cluster,
    grant,
    node,
    partition,
    pod,
    proof,
    rule,
    space,
    thing,
    verdict,
)

GET = [rule("get", "secrets")]
ENVIRONMENTS = [("one", "hub", ("test", "prod"))]


def flags(issuer: str) -> Object:
    command = ["kube-apiserver", "--authorization-mode=Node,RBAC", f"--service-account-issuer={issuer}"]
    return pod("kube-apiserver", "kube-system", container={"name": "kube-apiserver", "command": command})


def split(issuers: tuple[str, str] = ("https://test.example", "https://prod.example"), **more: Any) -> PairProof:
    """The two deployments in clusters of their own."""
    extra: list[Object] = more.pop("extra", [])
    here = [item for item in base() if item["metadata"].get("namespace", HERE) == HERE]
    there = [item for item in base() if item["metadata"].get("namespace", THERE) == THERE]
    snapshot = snapshot_of(
        [cluster([*here, flags(issuers[0])], "test"), cluster([*there, flags(issuers[1]), *extra], "prod")]
    )
    return prove(partition(clusters=("test", "prod"), **more), snapshot).pair(A, B)


def test_clusters_of_their_own_hold_at_environment() -> None:
    pair = split(level="environment")
    assert pair.answer is Answer.HOLDS, pair
    assert pair.holds is Level.ENVIRONMENT


def test_a_person_is_the_same_in_every_cluster() -> None:
    pair = split(extra=grant("user:alice", GET, THERE))
    assert pair.dimensions[Dimension.ACCESS].answer is Answer.BROKEN


def test_a_service_account_is_one_within_its_issuer_only() -> None:
    extra = grant(f"sa:{HERE}/ci", GET, THERE)
    assert split(extra=extra).dimensions[Dimension.ACCESS].answer is Answer.HOLDS


@pytest.mark.parametrize(
    ("issuers", "answer"),
    [
        (("https://a.example", "https://a.example"), Answer.BROKEN),
        (("https://kubernetes.default.svc", "https://kubernetes.default.svc"), Answer.UNKNOWN),
        (("https://a.example", "https://b.example"), Answer.HOLDS),
    ],
)
def test_one_issuer_is_one_credential(issuers: tuple[str, str], answer: Answer) -> None:
    assert split(issuers).dimensions[Dimension.CREDENTIALS].answer is answer


def test_a_common_management_cluster_is_for_cluster_only() -> None:
    hub = snapshot_of([])
    assert not hub.clusters
    assert split(level="cluster", environments=ENVIRONMENTS).dimensions[Dimension.PLATFORM].answer is Answer.HOLDS
    assert split(level="environment", environments=ENVIRONMENTS).dimensions[Dimension.PLATFORM].answer is Answer.BROKEN


def test_a_promise_of_cluster_in_one_cluster_is_broken() -> None:
    pair = attack(base(), level="cluster")
    assert pair.answer is Answer.BROKEN
    assert pair.dimensions[Dimension.PLATFORM].answer is Answer.BROKEN
    assert pair.holds is Level.NAMESPACE


def test_people_of_both_break_access_unless_common_by_design() -> None:
    people = People(groups=("devs",))
    both: dict[str, Any] = {"people": people, "their_people": people}
    assert verdict("access", base(), **both).answer is Answer.BROKEN
    assert verdict("access", base(), **both, common=people).answer is Answer.HOLDS


def test_people_whom_nobody_names_are_unknown() -> None:
    bound = [*grant("group:ops", GET, HERE, "here"), *grant("group:ops", GET, THERE, "there")]
    assert verdict("access", [*base(), *bound]).answer is Answer.UNKNOWN
    assert verdict("access", [*base(), *bound], trusted=People(groups=("ops",))).answer is Answer.HOLDS
    assert People() == NOBODY


@pytest.mark.parametrize(
    ("resource", "dimension"),
    [
        ("rolebindings", "access"),
        ("clusterrolebindings", "access"),
        ("secrets", "credentials"),
        ("networkpolicies", "network"),
        ("resourcequotas", "performance"),
        ("*", "data"),
    ],
)
def test_what_may_not_be_listed_is_unknown(resource: str, dimension: str) -> None:
    marker = {
        "apiVersion": "ringfence.dev/v1",
        "kind": "NotListed",
        "spec": {"resource": resource, "reason": "Forbidden"},
    }
    found = verdict(dimension, [*base(), marker])
    assert found.answer is Answer.UNKNOWN
    assert any(resource in text for text in found.missing)


def test_an_unknown_kind_is_unknown_everywhere() -> None:
    pair = attack([*base(), {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}])
    assert {pair.dimensions[item].answer for item in Dimension} == {Answer.UNKNOWN, Answer.BROKEN}
    assert pair.dimensions[Dimension.PLATFORM].answer is Answer.BROKEN


def test_a_role_that_is_not_there_is_unknown() -> None:
    bound = [item for item in grant("user:alice", GET, THERE) if item["kind"] == "RoleBinding"]
    assert verdict("access", [*base(), *bound]).answer is Answer.UNKNOWN


def test_a_namespace_or_cluster_that_is_not_there_is_unknown() -> None:
    assert attack(base(), here=Where("prod", ("gone",))).answer is Answer.UNKNOWN
    assert attack(base(), here=Where("other", (HERE,))).answer is Answer.UNKNOWN


def test_a_witness_is_a_shortest_chain_and_its_mend_works() -> None:
    long = [*grant("user:alice", [rule("create", "pods")], HERE, "make"), *grant(f"sa:{HERE}/ci", GET, THERE, "long")]
    short = grant("user:alice", GET, THERE, "short")
    objects = [*base(), *long, *short]
    found = verdict("access", objects)
    assert len(found.witness) == 1
    assert found.mend is not None
    named = {step.object.rsplit("/", 1)[-1] for step in found.witness}
    assert named <= {"short", "long"}
    left = [item for item in objects if not (item["kind"] == "RoleBinding" and item["metadata"]["name"] in named)]
    again = verdict("access", left)
    assert again.answer is Answer.BROKEN
    last = {step.object.rsplit("/", 1)[-1] for step in again.witness if "rolebinding" in step.object}
    left = [item for item in left if not (item["kind"] == "RoleBinding" and item["metadata"]["name"] in last)]
    assert verdict("access", left).answer is Answer.HOLDS


def test_get_on_exec_is_harmless_from_1_35_on() -> None:
    tools = [space("tools"), account("robot", "tools"), pod("robot", "tools", "robot")]
    rights = [*grant("sa:tools/robot", GET, THERE, "r"), *grant("user:alice", [rule("get", "pods/exec")], "tools", "e")]
    plain = [item for item in base() if item["kind"] != "Node"]
    for version, answer in (("v1.34.9", Answer.BROKEN), ("v1.35.0", Answer.HOLDS)):
        assert verdict("access", [*plain, node("node-1", version), *tools, *rights]).answer is answer


def test_a_control_plane_node_gives_the_cluster() -> None:
    loose = [space(HERE, None) if item["metadata"]["name"] == HERE else item for item in base()]
    role: dict[str, Any] = {"node-role.kubernetes.io__control-plane": ""}
    master = node("cp", **role)
    objects = [*loose, master, *grant("user:alice", [rule("create", "deployments", "apps")], HERE)]
    found = verdict("platform", objects)
    assert found.answer is Answer.BROKEN
    assert verdict("network", objects).answer is Answer.BROKEN


@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
def test_an_opaque_webhook_as_the_only_guard(policy: str) -> None:
    loose = [space(HERE, None) if item["metadata"]["name"] == HERE else item for item in base()]
    hook = {
        "name": "guard.example",
        "failurePolicy": policy,
        "clientConfig": {"url": "https://guard.example"},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }
    objects = [
        *loose,
        *grant("user:alice", [rule("create", "pods")], HERE),
        thing("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "guard", webhooks=[hook]),
    ]
    wanted = Answer.UNKNOWN if policy == "Fail" else Answer.BROKEN
    assert verdict("access", objects).answer is wanted


def test_node_pools_that_admission_keeps_apart_hold() -> None:
    pool = "node-restriction.kubernetes.io/pool"
    labels: tuple[dict[str, Any], ...] = (
        {"node-restriction.kubernetes.io__pool": "test"},
        {"node-restriction.kubernetes.io__pool": "prod"},
    )

    def pinned(namespace: str, value: str) -> list[Object]:
        names = [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace]}]
        expression = f"has(object.spec.nodeSelector) && '{pool}' in object.spec.nodeSelector"
        expression += f" && object.spec.nodeSelector['{pool}'] == '{value}'"
        api = "admissionregistration.k8s.io/v1"
        rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}]
        constraints = {"namespaceSelector": {"matchExpressions": names}, "resourceRules": rules}
        spec = {"failurePolicy": "Fail", "matchConstraints": constraints, "validations": [{"expression": expression}]}
        bound = {"policyName": f"pin-{value}", "validationActions": ["Deny"]}
        return [
            thing(api, "ValidatingAdmissionPolicy", f"pin-{value}", spec=spec),
            thing(api, "ValidatingAdmissionPolicyBinding", f"pin-{value}", spec=bound),
        ]

    plain = [item for item in base() if item["kind"] not in ("Node", "Pod")]
    objects = [
        *plain,
        node("t1", **labels[0]),
        node("p1", **labels[1]),
        pod("ci", HERE, "ci", "t1", nodeSelector={pool: "test"}),
        pod("web", THERE, "web", "p1", nodeSelector={pool: "prod"}),
        *grant("user:alice", [rule("create", "pods")], HERE),
    ]
    assert verdict("performance", objects, level="node").answer is Answer.BROKEN
    apart = [*objects, *pinned(HERE, "test"), *pinned(THERE, "prod")]
    assert verdict("performance", apart, level="node").answer is Answer.HOLDS


def test_with_no_promise_nothing_is_called_kept() -> None:
    found = proof(base()[:8])
    assert found.pair(B, A).dimensions[Dimension.NETWORK].answer is not Answer.HOLDS


def _content(name: str, namespace: str, snapshot: str, **source: str) -> dict[str, Any]:
    spec = {"driver": "csi", "source": source, "volumeSnapshotRef": {"namespace": namespace, "name": snapshot}}
    return thing("snapshot.storage.k8s.io/v1", "VolumeSnapshotContent", name, spec=spec)


def _stored() -> list[dict[str, Any]]:
    spec = {"csi": {"driver": "csi", "volumeHandle": "disk-1"}, "claimRef": {"namespace": THERE, "name": "data"}}
    return [
        *base(),
        thing("v1", "PersistentVolumeClaim", "data", THERE, spec={"volumeName": "disk"}),
        thing("v1", "PersistentVolume", "disk", spec={"capacity": {"storage": "1Gi"}, **spec}),
    ]


def _copies(label: str = "") -> dict[str, list[dict[str, Any]]]:
    marked = {"labels": {TRANSFORMATION: label}} if label else {}
    reference = {"kind": "PersistentVolumeClaim", "name": "data", "namespace": THERE}
    api = "snapshot.storage.k8s.io/v1"
    mine = thing("v1", "PersistentVolumeClaim", "copy", HERE, spec={"dataSourceRef": reference})
    snapshot = thing(api, "VolumeSnapshot", "copy", HERE, spec={"source": {"volumeSnapshotContentName": "content"}})
    for document in (mine, snapshot):
        document["metadata"].update(marked)
    return {
        "a claim": [mine],
        "a snapshot of the volume": [snapshot, _content("content", HERE, "copy", volumeHandle="disk-1")],
        "a snapshot taken there": [
            snapshot,
            _content("theirs", THERE, "nightly", snapshotHandle="snap-1"),
            _content("content", HERE, "copy", snapshotHandle="snap-1"),
        ],
    }


@pytest.mark.parametrize("how", list(_copies()))
def test_a_copy_of_their_data_is_found_unless_a_named_transformation_made_it(how: str) -> None:
    found = verdict("data", [*_stored(), *_copies()[how]])
    assert found.answer is Answer.BROKEN
    assert found.rules[-1] == "storage/copied-from"
    trusting = {"cni": {"name": "calico"}, "transformations": ["anonymise"]}
    assert verdict("data", [*_stored(), *_copies("anonymise")[how]], assume=trusting).answer is Answer.HOLDS
    assert verdict("data", [*_stored(), *_copies("anonymise")[how]]).answer is Answer.BROKEN
    assert verdict("data", [*_stored(), *_copies("other")[how]], assume=trusting).answer is Answer.BROKEN
    assert verdict("data", _stored()).answer is Answer.HOLDS


@pytest.mark.parametrize(
    ("name", "answer"), [("ci", Answer.BROKEN), ("default", Answer.BROKEN), ("gone", Answer.UNKNOWN)]
)
def test_accounts_of_a_namespace_of_its_own_are_a_deployment_s_own(name: str, answer: Answer) -> None:
    """``default`` is in every namespace; one that only a binding names may not be there."""
    assert verdict("access", [*base(), *grant(f"sa:{HERE}/{name}", GET, THERE)]).answer is answer


def test_the_version_may_be_said() -> None:
    tools = [space("tools"), account("robot", "tools"), pod("robot", "tools", "robot")]
    rights = [*grant("sa:tools/robot", GET, THERE, "r"), *grant("user:alice", [rule("get", "pods/exec")], "tools", "e")]
    plain = [item for item in base() if item["kind"] != "Node"]
    for version, answer in (("1.34", Answer.BROKEN), ("1.36", Answer.HOLDS)):
        assume = {"cni": {"name": "calico"}, "version": version}
        assert verdict("access", [*plain, *tools, *rights], assume=assume).answer is answer


def test_a_mend_of_a_binding_keeps_its_role_and_its_other_subjects() -> None:
    import yaml

    role, binding = grant("user:alice", GET, THERE, "both")
    binding["subjects"].append({**binding["subjects"][0], "name": "bob"})
    found = verdict("access", [*base(), role, binding])
    assert found.mend is not None
    assert found.mend.patch is not None
    changed = yaml.safe_load(found.mend.patch)
    assert changed == {**binding, "subjects": binding["subjects"][1:]}
    assert verdict("access", [*base(), role, changed]).answer is Answer.HOLDS


def test_a_mend_names_the_account_whose_binding_it_takes_away() -> None:
    role, binding = grant(f"sa:{HERE}/ci", GET, THERE, "both")
    binding["subjects"].append({**binding["subjects"][0], "namespace": THERE, "name": "web"})
    found = verdict("access", [*base(), role, binding])
    assert found.mend is not None
    assert f"remove ServiceAccount {HERE}/ci from" in found.mend.text


def test_whoever_owns_the_cluster_breaks_every_dimension_by_a_chain() -> None:
    everything = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    pair = attack([*base(), *grant("user:alice", everything)])
    for dimension in (Dimension.ACCESS, Dimension.DATA, Dimension.NETWORK, Dimension.PERFORMANCE):
        found = pair.dimensions[dimension]
        assert found.answer is Answer.BROKEN, dimension
        assert "alice" in found.witness[0].step, dimension


def refusing(expression: str, namespace: str | None = None) -> list[Object]:
    api, name = "admissionregistration.k8s.io/v1", "no-pods"
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}]
    match: Object = {"resourceRules": rules}
    if namespace is not None:
        match["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    spec = {"matchConstraints": match, "validations": [{"expression": expression}]}
    bound = {"policyName": name, "validationActions": ["Deny"]}
    return [
        thing(api, "ValidatingAdmissionPolicy", name, spec=spec),
        thing(api, "ValidatingAdmissionPolicyBinding", name, spec=bound),
    ]


LOOSE = [space(HERE, None) if item["metadata"]["name"] == HERE else item for item in base()]
MAKES = grant("user:alice", [rule("create", "pods")], HERE, "makes")


@pytest.mark.parametrize(
    ("policies", "answer"),
    [
        ([], Answer.BROKEN),
        (refusing("false"), Answer.HOLDS),
        (refusing("false", HERE), Answer.HOLDS),
        (refusing("false", THERE), Answer.BROKEN),
        (refusing(f"namespaceObject.metadata.name != '{HERE}'"), Answer.HOLDS),
        (refusing("namespaceObject.metadata.uid == 'x'"), Answer.UNKNOWN),
        (refusing("!has(namespaceObject.metadata.creationTimestamp)"), Answer.UNKNOWN),
        (refusing("has(namespaceObject.metadata.creationTimes)"), Answer.HOLDS),
        (refusing(f"request.namespace != '{HERE}'"), Answer.HOLDS),
        (refusing(f"request.namespace != '{THERE}'"), Answer.BROKEN),
    ],
)
def test_an_admission_policy_guards_the_namespaces_that_it_speaks_of(policies: list[Object], answer: Answer) -> None:
    assert verdict("access", [*LOOSE, *MAKES, *policies]).answer is answer


def test_a_level_that_a_file_of_the_api_server_may_set_is_unknown() -> None:
    def server(*more: str) -> Object:
        command = ["kube-apiserver", "--authorization-mode=Node,RBAC", *more]
        return pod("kube-apiserver", "kube-system", container={"name": "kube-apiserver", "command": command})

    assert verdict("access", [*LOOSE, *MAKES, server()]).answer is Answer.BROKEN
    configured = server("--admission-control-config-file=/etc/kubernetes/admission.yaml")
    assert verdict("access", [*LOOSE, *MAKES, configured]).answer is Answer.UNKNOWN


def test_whoever_rewrites_admission_policies_uses_any_priority() -> None:
    """Only an admission policy keeps the high classes out; who may change it is not kept out."""
    open_gate = [item for item in base() if item["metadata"]["name"] != "no-priorities"]
    group = "admissionregistration.k8s.io"
    rewrites = grant("user:alice", [rule("patch", "validatingadmissionpolicies", group)], name="rewrites")
    guard = refusing("!has(object.spec.priorityClassName)")
    assert verdict("performance", [*open_gate, *MAKES]).answer is Answer.BROKEN
    assert verdict("performance", [*open_gate, *MAKES, *guard]).answer is Answer.HOLDS
    assert verdict("performance", [*open_gate, *MAKES, *guard, *rewrites]).answer is Answer.BROKEN


@pytest.mark.parametrize("resource", ["limitranges", "priorityclasses", "resourcequotas"])
def test_performance_is_unknown_where_its_guards_may_not_be_listed(resource: str) -> None:
    spec = {"resource": resource, "reason": "Forbidden"}
    marker = {"apiVersion": "ringfence.dev/v1", "kind": "NotListed", "spec": spec}
    assert verdict("performance", [*base(), *MAKES, marker]).answer is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("gone", "words"),
    [("capacity", "ResourceQuota bound limits"), ("containers", "LimitRange"), ("no-priorities", "PriorityClass")],
)
def test_the_mend_of_performance_names_the_guard_that_is_gone(gone: str, words: str) -> None:
    found = verdict("performance", [*(item for item in base() if item["metadata"]["name"] != gone), *MAKES])
    assert found.answer is Answer.BROKEN
    assert found.mend is not None
    assert words in found.mend.text


def test_whoever_relabels_its_namespace_comes_in_by_a_selector_of_labels() -> None:
    lets = {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"trusted": "yes"}}}]}],
    }
    opened = [item for item in base() if (item["kind"], item["metadata"].get("namespace")) != ("NetworkPolicy", HERE)]
    objects = [*opened, thing("networking.k8s.io/v1", "NetworkPolicy", "trusted", THERE, spec=lets)]
    assert verdict("network", objects).answer is Answer.HOLDS
    relabels = grant("user:alice", [rule("patch", "namespaces", names=HERE)], name="relabels")
    assert verdict("network", [*objects, *relabels]).answer is Answer.BROKEN


def test_a_plugin_that_ignores_policies_lets_everything_through() -> None:
    assert verdict("network", base()).answer is Answer.HOLDS
    assert verdict("network", base(), assume={"cni": {"name": "flannel"}}).answer is Answer.BROKEN
