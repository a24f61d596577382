"""Which webhooks stand in an attacker's way, and where a kubelet that is not to be trusted may draw pods to."""

from collections.abc import Callable
from typing import Any

import pytest

from ringfence.prove.admission.placement import could_come
from ringfence.prove.cel.bound import pod_policies
from ringfence.prove.cel.policies import Says
from ringfence.prove.cel.values import known
from ringfence.prove.facts.cluster import cluster_facts
from ringfence.prove.facts.territory import pool_nodes
from ringfence.prove.partition import Assumptions
from ringfence.prove.proof import Answer
from unit.prove.proof_worlds import HERE, Object, base, cluster, grant, node, pod, rule, space, thing, verdict

Change = Callable[[Object], Object]
MAKES = grant("user:alice", [rule("create", "pods")], HERE, "makes")
RELABELS = grant("user:alice", [rule("patch", "namespaces", names=HERE)], name="relabels")
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


def guarded(*more: Object, labels: dict[str, str] | None = None, **changes: Any) -> Answer:
    """Access, where a webhook is all that could stop a privileged pod in testing's namespace."""
    rules = {key: value for key, value in changes.items() if key in PODS}
    hook = {
        "name": "guard.example",
        "clientConfig": {"url": "https://guard.example"},
        "rules": [{**PODS, **rules}],
        **{key: value for key, value in changes.items() if key not in PODS},
    }
    plain = [item for item in base() if item["kind"] != "Namespace" or item["metadata"]["name"] != HERE]
    kind = "ValidatingWebhookConfiguration"
    configuration = thing("admissionregistration.k8s.io/v1", kind, "guard", webhooks=[hook])
    return verdict("access", [*plain, space(HERE, None, **(labels or {})), *MAKES, configuration, *more]).answer


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"failurePolicy": "Fail"},
        {"operations": ["*"]},
        {"apiGroups": ["*"], "resources": ["*"]},
        {"resources": ["*/*"]},
        {"objectSelector": {}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": HERE}}},
        {"namespaceSelector": {"matchLabels": {"guarded": "yes"}}},
    ],
)
def test_a_webhook_that_is_asked_and_must_answer_leaves_it_unknown(asked: Object) -> None:
    assert guarded(labels={"guarded": "yes"}, **asked) is Answer.UNKNOWN


@pytest.mark.parametrize(
    "absent",
    [
        {"failurePolicy": "Ignore"},
        {"operations": ["UPDATE", "DELETE"]},
        {"apiGroups": ["apps"]},
        {"resources": ["deployments", "pods/exec"]},
        {"objectSelector": {"matchLabels": {"guarded": "yes"}}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "elsewhere"}}},
        {"namespaceSelector": {"matchExpressions": [{"key": "guarded", "operator": "DoesNotExist"}]}},
        {"rules": []},
    ],
)
def test_a_webhook_that_is_not_asked_or_need_not_answer_is_no_guard(absent: Object) -> None:
    assert guarded(labels={"guarded": "yes"}, **absent) is Answer.BROKEN


def test_whoever_relabels_the_namespace_leads_it_out_of_a_selector_but_not_out_of_its_name() -> None:
    by_label = {"matchLabels": {"guarded": "yes"}}
    by_name = {"matchLabels": {"kubernetes.io/metadata.name": HERE}}
    assert guarded(*RELABELS, labels={"guarded": "yes"}, namespaceSelector=by_label) is Answer.BROKEN
    assert guarded(*RELABELS, namespaceSelector=by_name) is Answer.UNKNOWN
    assert guarded(*RELABELS) is Answer.UNKNOWN


TAINT = {"key": "dedicated", "value": "test", "effect": "NoSchedule"}
TOLERATES = [{"key": "dedicated", "operator": "Exists"}]


def affinity(*terms: Object) -> Object:
    required = {"nodeSelectorTerms": list(terms)}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def wants(key: str, value: str) -> Object:
    return {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}


KEPT, FREE = "node-restriction.kubernetes.io/pool", "pool"


def as_pod(spec: Object) -> Object:
    return pod("web", "shop", on=spec.pop("nodeName", None), **spec)


def as_deployment(spec: Object) -> Object:
    made = as_pod(spec)
    template = {"metadata": made["metadata"], "spec": made["spec"]}
    selector = {"matchLabels": made["metadata"]["labels"]}
    return thing("apps/v1", "Deployment", "web", "shop", spec={"template": template, "selector": selector})


def as_cron_job(spec: Object) -> Object:
    made = as_pod({**spec, "restartPolicy": "Never"})
    template = {"metadata": made["metadata"], "spec": made["spec"]}
    return thing(
        "batch/v1",
        "CronJob",
        "web",
        "shop",
        spec={"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}},
    )


@pytest.mark.parametrize("made", [as_pod, as_deployment, as_cron_job])
@pytest.mark.parametrize(
    ("spec", "taints", "comes"),
    [
        ({}, [], True),
        ({}, [TAINT], False),
        ({"tolerations": TOLERATES}, [TAINT], True),
        ({"nodeSelector": {FREE: "prod"}}, [], True),
        ({"nodeSelector": {KEPT: "prod"}}, [], False),
        ({"nodeSelector": {KEPT: "test", FREE: "prod"}}, [], True),
        ({"nodeSelector": {"topology.kubernetes.io/zone": "z"}}, [], True),
        ({"affinity": affinity(wants(FREE, "prod"))}, [], True),
        ({"affinity": affinity(wants(KEPT, "prod"))}, [], False),
        ({"affinity": affinity(wants(KEPT, "prod"), wants(KEPT, "test"))}, [], True),
        ({"affinity": affinity(wants(KEPT, "prod"), wants(FREE, "prod"))}, [], True),
    ],
)
def test_a_kubelet_draws_pods_by_the_labels_that_it_may_write(
    made: Change, spec: Object, taints: list[Object], comes: bool
) -> None:
    """A kubelet writes its node's labels but those of node-restriction.kubernetes.io, and none of its taints."""
    objects = [space("shop"), node("n1", taints=taints, **{KEPT.replace("/", "__"): "test"}), made(dict(spec))]
    facts = cluster_facts(cluster(objects), Assumptions())
    assert could_come(facts, facts.pods[0], "n1") is comes


def test_a_template_that_names_its_node_comes_to_that_node_only() -> None:
    objects = [space("shop"), node("n1"), node("n2"), as_deployment({"nodeName": "n2"})]
    facts = cluster_facts(cluster(objects), Assumptions())
    assert not could_come(facts, facts.pods[0], "n1")
    assert could_come(facts, facts.pods[0], "n2")


@pytest.mark.parametrize("kind", ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"])
def test_a_webhook_that_cannot_be_read_leaves_it_unknown(kind: str) -> None:
    broken = thing("admissionregistration.k8s.io/v1", kind, "odd", webhooks="none")
    assert guarded(rules=[]) is Answer.BROKEN
    assert guarded(broken, rules=[]) is Answer.UNKNOWN


def policy(expression: str, **match: Any) -> list[Object]:
    api = "admissionregistration.k8s.io/v1"
    rules = [{**PODS, "operations": ["CREATE", "UPDATE"]}]
    spec = {"matchConstraints": {"resourceRules": rules, **match}, "validations": [{"expression": expression}]}
    bound = {"policyName": "p", "validationActions": ["Deny"]}
    return [
        thing(api, "ValidatingAdmissionPolicy", "p", spec=spec),
        thing(api, "ValidatingAdmissionPolicyBinding", "p", spec=bound),
    ]


def test_whoever_relabels_the_namespace_leads_it_out_of_an_admission_policy() -> None:
    marked = {"guarded": "yes"}
    by_label = policy("false", namespaceSelector={"matchLabels": marked})
    by_name = policy("false", namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": HERE}})
    assert guarded(*by_label, labels=marked, rules=[]) is Answer.HOLDS
    assert guarded(*by_label, *RELABELS, labels=marked, rules=[]) is Answer.BROKEN
    assert guarded(*by_name, *RELABELS, labels=marked, rules=[]) is Answer.HOLDS


def selecting(operator: str, *values: str) -> Object:
    expression: Object = {"key": "exempt", "operator": operator}
    return {"matchExpressions": [{**expression, "values": list(values)} if values else expression]}


@pytest.mark.parametrize("selector", [selecting("DoesNotExist"), selecting("NotIn", "yes", "no")])
def test_whoever_relabels_the_namespace_puts_on_the_label_that_exempts_it(selector: Object) -> None:
    exempting = policy("false", namespaceSelector=selector)
    assert guarded(*exempting, rules=[]) is Answer.HOLDS
    assert guarded(*exempting, *RELABELS, rules=[]) is Answer.BROKEN
    exempting[0]["spec"]["matchConstraints"].pop("namespaceSelector")
    exempting[1]["spec"]["matchResources"] = {"namespaceSelector": selector}
    assert guarded(*exempting, rules=[]) is Answer.HOLDS
    assert guarded(*exempting, *RELABELS, rules=[]) is Answer.BROKEN


def test_no_choice_of_labels_leads_out_of_two_policies_that_share_all_between_them() -> None:
    one = policy("false", namespaceSelector=selecting("Exists"))
    other = policy("false", namespaceSelector=selecting("DoesNotExist"))
    for item in other:
        item["metadata"]["name"] = "other"
    other[1]["spec"]["policyName"] = "other"
    assert guarded(*one, *other, *RELABELS, rules=[]) is not Answer.BROKEN


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("!has(namespaceObject.metadata.labels.guarded)", {"guarded": "yes"}),
        ("has(namespaceObject.metadata.labels.exempt)", {}),
        ("has(namespaceObject.metadata.annotations) && has(namespaceObject.metadata.annotations.exempt)", {}),
    ],
)
def test_whoever_relabels_the_namespace_writes_what_policies_read_of_it(
    expression: str, labels: dict[str, str]
) -> None:
    """Labels and annotations alike; what a policy reads of the name stays."""
    assert guarded(*policy(expression), labels=labels, rules=[]) is Answer.HOLDS
    assert guarded(*policy(expression), *RELABELS, labels=labels, rules=[]) is not Answer.HOLDS
    by_name = policy(f"namespaceObject.metadata.name != '{HERE}'")
    assert guarded(*by_name, *RELABELS, labels=labels, rules=[]) is Answer.HOLDS


def test_a_namespace_that_is_not_in_the_snapshot_still_has_its_name() -> None:
    """Every namespace carries its name as a label, whatever else it carries."""

    def says(namespace: str, **selector: Any) -> Says:
        facts = cluster(policy("false", namespaceSelector=selector))
        return pod_policies(facts, namespace, None).verdict(known({"spec": {}})).says

    by_name = {"matchLabels": {"kubernetes.io/metadata.name": "team"}}
    assert says("team", **by_name) is Says.REFUSES
    assert says("other", **by_name) is Says.PASSES
    assert says("team", matchLabels={"guarded": "yes"}) is Says.MAYBE


@pytest.mark.parametrize(
    "hole",
    [
        "object.spec.volumes.exists(v, has(v.hostPath) && has(v.hostPath.type))",
        "object.spec.volumes.exists(v, has(v.hostPath) && v.hostPath.path.startsWith('/var'))",
        "object.spec.containers.exists(c, c.securityContext.privileged && has(c.resources))",
        "object.spec.hostPID && has(object.spec.subdomain)",
        "object.metadata.labels['odd'] == 'yes'",
    ],
)
def test_a_policy_that_lets_some_dangerous_pod_in_holds_nothing(hole: str) -> None:
    """The attack takes whichever form is let in, with whatever other fields that asks for."""
    assert guarded(*policy(hole), rules=[]) is not Answer.HOLDS


NO_ROOT = " && ".join(
    [
        "(!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath)))",
        *(
            f"({absent}object.spec.{group}.all(c, !has(c.securityContext) || "
            "((!has(c.securityContext.privileged) || !c.securityContext.privileged) && "
            "!has(c.securityContext.windowsOptions) && (!has(c.securityContext.capabilities) || CAPABILITIES))))"
            for group, absent in (("containers", ""), ("initContainers", "!has(object.spec.initContainers) || "))
        ),
        "(!has(object.spec.hostNetwork) || !object.spec.hostNetwork)",
    ]
)
FOUR = "!c.securityContext.capabilities.add.exists(a, a in ['ALL', 'SYS_ADMIN', 'SYS_MODULE', 'DAC_READ_SEARCH'])"
NO_PROCESSES = "(!has(object.spec.hostPID) || !object.spec.hostPID)"


def test_a_pod_that_may_own_its_node_on_some_leaves_it_unknown() -> None:
    """Whoever sees the node's processes, or holds a lesser capability, owns it on some nodes and not on others."""
    none, four = NO_ROOT.replace("CAPABILITIES", "false"), NO_ROOT.replace("CAPABILITIES", FOUR)
    assert guarded(*policy(f"{none} && {NO_PROCESSES}"), rules=[]) is Answer.HOLDS
    assert guarded(*policy(none), rules=[]) is Answer.UNKNOWN
    assert guarded(*policy(f"{four} && {NO_PROCESSES}"), rules=[]) is Answer.UNKNOWN


def on_the_node_network(*more: Object, level: str | None = "baseline", refused: bool = False) -> Answer:
    """Network, where alice makes pods in testing's namespace: nothing holds one that uses its node's network."""
    spaces = [item for item in base() if item["kind"] != "Namespace" or item["metadata"]["name"] != HERE]
    guard = policy(f"{NO_ROOT.replace('CAPABILITIES', 'false')} && {NO_PROCESSES}") if refused else []
    return verdict("network", [*spaces, space(HERE, level), *MAKES, *guard, *more]).answer


ADMISSION = "admissionregistration.k8s.io"


def test_pods_on_the_node_s_network_are_let_in_where_no_guard_stays() -> None:
    unguards = grant("user:alice", [rule("delete", "validatingadmissionpolicies", ADMISSION)], name="unguards")
    assert on_the_node_network(level=None) is Answer.BROKEN
    assert on_the_node_network() is Answer.HOLDS
    assert on_the_node_network(*RELABELS) is Answer.BROKEN
    assert on_the_node_network(level=None, refused=True) is Answer.HOLDS
    assert on_the_node_network(*RELABELS, refused=True) is Answer.HOLDS
    assert on_the_node_network(*unguards, level=None, refused=True) is Answer.BROKEN
    assert on_the_node_network(*unguards, refused=True) is Answer.HOLDS


@pytest.mark.parametrize("flag", ["--disable-admission-plugins=PodSecurity", "--feature-gates=PodSecurity=false"])
def test_pod_security_that_is_switched_off_guards_nothing(flag: str) -> None:
    def found(*flags: str) -> Answer:
        command = ["kube-apiserver", "--authorization-mode=Node,RBAC", *flags]
        server = pod("kube-apiserver", "kube-system", container={"name": "kube-apiserver", "command": command})
        return verdict("access", [*base(), *MAKES, server]).answer

    assert found() is Answer.HOLDS
    assert found(flag) is Answer.BROKEN


@pytest.mark.parametrize(
    ("key", "inside"),
    [
        ("node-restriction.kubernetes.io/pool", True),
        ("cloud.google.com/gke-nodepool", True),
        ("eks.amazonaws.com/nodegroup", True),
        ("kubernetes.azure.com/agentpool", True),
        ("example.com/node-pool", True),
        ("example.com/Node_Pool", True),
        ("topology.kubernetes.io/zone", False),
        ("example.com/pools-of-water", False),
    ],
)
def test_the_nodes_of_a_pool_are_those_whose_label_says_so(key: str, inside: bool) -> None:
    named: list[dict[str, Any]] = [{key.replace("/", "__"): value} for value in ("apps", "other")]
    objects = [node("n1", **named[0]), node("n2", **named[1])]
    facts = cluster_facts(cluster(objects), Assumptions())
    assert pool_nodes(facts, "apps") == ({"n1"} if inside else set())
