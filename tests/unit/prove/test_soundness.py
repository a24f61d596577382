"""Worlds worked out by hand, of which the proof once said what is not so: each with what is."""

from typing import Any

import pytest

from ringfence.prove.partition import People, Where
from ringfence.prove.proof import Dimension
from unit.prove.proof_worlds import (
    HERE,
    RBAC,
    THERE,
    Object,
    attack,
    base,
    bounded,
    deny_all,
    grant,
    node,
    pod,
    rule,
    space,
    subject,
    thing,
)

CREATE = rule("create", "pods")
ADMIT = "admissionregistration.k8s.io"
CERTIFICATES = "certificates.k8s.io"


def can(*rules: Object) -> list[Object]:
    return [*base(), *grant("user:alice", list(rules))]


def within(*rules: Object, namespace: str = HERE) -> list[Object]:
    return [*base(), *grant("user:alice", list(rules), namespace)]


def loose(level: str | None = None) -> list[Object]:
    """Without Pod Security, or with another level, in the testing namespace."""
    return [space(HERE, level) if item["metadata"]["name"] == HERE else item for item in base()]


def without(kind: str, namespace: str = HERE) -> list[Object]:
    return [item for item in base() if (item["kind"], item["metadata"].get("namespace")) != (kind, namespace)]


def bound(role: str) -> Object:
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
    return thing(f"{RBAC}/v1", "ClusterRoleBinding", "b", subjects=[subject("user:alice")], roleRef=reference)


def aggregate(selector: Object) -> list[Object]:
    rules = {"clusterRoleSelectors": [selector]}
    return [thing(f"{RBAC}/v1", "ClusterRole", "sum", aggregationRule=rules, rules=[]), bound("sum")]


def volume(name: str, claim: str = "", namespace: str = "", **spec: Any) -> Object:
    if claim:
        spec["claimRef"] = {"namespace": namespace, "name": claim}
    return thing("v1", "PersistentVolume", name, spec=spec)


def claim(namespace: str, bound_to: str, name: str = "data") -> Object:
    return thing("v1", "PersistentVolumeClaim", name, namespace, spec={"volumeName": bound_to})


def hook(kind: str, resource: str, group: str = "", **more: Any) -> list[Object]:
    watched = {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["*"], "resources": [resource]}
    service = {"namespace": HERE, "name": "hook"}
    one = {"name": "hook.example", "clientConfig": {"service": service}, "rules": [watched], **more}
    return [*base(), thing(f"{ADMIT}/v1", kind, "hook", webhooks=[one])]


def policy(namespace: str, **spec: Any) -> Object:
    return thing("networking.k8s.io/v1", "NetworkPolicy", "one", namespace, spec={"podSelector": {}, **spec})


def own_node(*, taints: list[Object] | None = None) -> list[Object]:
    """Testing is root on a node where production does not run."""
    kept = [item for item in loose() if (item["kind"], item["metadata"].get("namespace")) != ("Pod", HERE)]
    rooted = {"securityContext": {"privileged": True}}
    return [*kept, node("node-2", taints=taints or ()), pod("ci", HERE, "ci", on="node-2", container=rooted)]


def labelled(app: str) -> Where:
    return Where("prod", (HERE,), {"app": app})


NFS = {"server": "files.example", "path": "/"}
TAINT = {"key": "dedicated", "value": "testing", "effect": "NoSchedule"}
FRIEND = [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"role": "friend"}}}]
BY_LABEL = [policy(THERE, ingress=[{"from": FRIEND}]), policy(HERE, policyTypes=["Egress"], egress=[{}])]
EDGE: list[Object] = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}]
DOOR = [
    space("edge"),
    pod("proxy", "edge", container={"image": "registry.k8s.io/ingress-nginx/controller:v1.12.1"}),
    policy(HERE, policyTypes=["Egress"], egress=[{"to": EDGE}]),
    policy(THERE, ingress=[{"from": EDGE}]),
]
TOOLS = [space("tools"), deny_all("tools"), *bounded("tools")]
ROOT_PATH = {"hostPath": {"path": "/srv/data"}}

# What happens: (objects, verdicts by dimension, further arguments).
WORLDS: dict[str, tuple[list[Object], dict[str, str], dict[str, Any]]] = {
    "a role binding to cluster-admin relabels the namespace": (
        [*base(), *grant("user:alice", [rule("*", "*", "*")], HERE)], {"access": "broken"}, {}),
    "a role binding gives nothing over webhooks": (
        within(rule("create update", "*", ADMIT)), {"access": "holds"}, {}),
    "a role binding gives nobody to impersonate": (
        within(rule("impersonate", "users groups")), {"access": "holds"}, {}),
    "deleting one's own namespace harms nobody else": (
        can(rule("delete", "namespaces", names=HERE)), {"access": "holds"}, {}),
    "names are names of one resource": (
        [*base(), thing("v1", "ConfigMap", "settings", THERE, data={}),
         *grant("user:alice", [rule("update", "secrets configmaps", names="settings")])], {"access": "broken"}, {}),
    "what a role names and nobody sees is unknown": (
        within(rule("get", "secrets", names="gone"), namespace=THERE), {"access": "unknown"}, {}),
    "roles are aggregated by expressions": (
        [*base(), *aggregate({"matchExpressions": [{"key": "x", "operator": "Exists"}]}),
         thing(f"{RBAC}/v1", "ClusterRole", "part", labels={"x": "y"}, rules=[rule("get", "secrets")])],
        {"access": "broken"}, {}),
    "built-in roles are aggregated": (
        [*base(), *aggregate({"matchLabels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}})],
        {"access": "broken"}, {}),
    "view for the whole cluster may be bound": (
        can(rule("bind", "clusterroles", RBAC, "view"), rule("create", "clusterrolebindings", RBAC)),
        {"access": "broken"}, {}),
    "escalate of Roles does not rewrite ClusterRoles": (
        can(rule("escalate", "roles", RBAC), rule("update", "clusterroles", RBAC)), {"access": "holds"}, {}),
    "a ClusterRole that nobody of testing is bound to": (
        can(rule("escalate update", "clusterroles", RBAC, "others")), {"access": "unknown"}, {}),
    "the signer of kubelets makes one a node": (
        can(rule("create", "certificatesigningrequests", CERTIFICATES),
            rule("update", "certificatesigningrequests/approval", CERTIFICATES),
            rule("approve", "signers", CERTIFICATES, "kubernetes.io/kube-apiserver-client-kubelet")),
        {"access": "broken"}, {}),
    "an account that is not there may be impersonated": (
        [*base(), space("tools"), *grant("user:alice", [rule("impersonate", "serviceaccounts")], "tools", "i"),
         *grant("sa:tools/gone", [rule("get", "secrets")], THERE, "g")], {"access": "broken"}, {}),
    "what a role names and only one's own namespace has": (
        [*base(), thing("v1", "Secret", "mine", HERE, type="Opaque"),
         *grant("user:alice", [rule("get", "secrets", names="mine")])], {"access": "holds"}, {}),
    "and gives no token until it is made": (
        [*base(), space("tools"), *grant("user:alice", [rule("create", "serviceaccounts/token")], "tools", "i"),
         *grant("sa:tools/gone", [rule("get", "secrets")], THERE, "g")], {"access": "unknown"}, {}),
    "a role that is missing may give the whole network": (
        [*base(), bound("gone")], {"access": "unknown", "network": "unknown"}, {}),
    "the status of pods takes other labels": (
        [*within(rule("patch", "pods/status")), *BY_LABEL], {"network": "broken"}, {}),
    "and other addresses, which a Service leads to": (
        [*within(rule("patch", "pods/status")), *DOOR], {"network": "unknown"}, {}),
    "a look at the status of pods changes none": (
        [*within(rule("get", "pods/status")), *BY_LABEL], {"network": "holds"}, {}),
    "nor other addresses": (
        [*within(rule("get", "pods/status")), *DOOR], {"network": "holds"}, {}),
    "pods of a namespace that is yet to be made": (
        can(rule("create", "namespaces"), CREATE), {"network": "unknown"}, {}),
    "a namespace that is yet to be made without pods": (
        can(rule("create", "namespaces")), {"network": "holds"}, {}),
    "webhooks may be removed": (
        [*loose(), *hook("ValidatingWebhookConfiguration", "pods")[-1:], *grant("user:alice", [CREATE], HERE),
         *grant("user:alice", [rule("delete", "validatingwebhookconfigurations", ADMIT)], name="w")],
        {"access": "broken"}, {}),
    "removing webhooks shows no Secret": (
        can(rule("delete", "validatingwebhookconfigurations", ADMIT)), {"access": "holds"}, {}),
    "a mutating webhook over ConfigMaps": (
        hook("MutatingWebhookConfiguration", "configmaps"), {"access": "broken"}, {}),
    "a mutating webhook over StatefulSets": (
        hook("MutatingWebhookConfiguration", "statefulsets", "apps"), {"access": "broken"}, {}),
    "a validating webhook over pods": (
        hook("ValidatingWebhookConfiguration", "pods"), {"access": "broken"}, {}),
    "a webhook over some objects": (
        hook("ValidatingWebhookConfiguration", "secrets", objectSelector={"matchLabels": {"a": "b"}}),
        {"access": "unknown"}, {}),
    "a mutating webhook over bindings of the cluster": (
        hook("MutatingWebhookConfiguration", "clusterrolebindings", RBAC), {"access": "unknown"}, {}),
    "labels of pods that are there may be changed": (
        [*(item for item in base() if item["kind"] != "NetworkPolicy"),
         policy(HERE, policyTypes=["Egress"], egress=[{}]),
         policy(THERE, policyTypes=["Ingress"], ingress=[{"from": FRIEND}]),
         *grant("user:alice", [rule("patch", "pods")], HERE)], {"network": "broken"}, {}),
    "one's own namespace has no quota, another has": (
        [*without("ResourceQuota"), *TOOLS,
         *grant("user:alice", [CREATE], "tools")], {"performance": "broken"}, {}),
    "a webhook's Service may be pointed elsewhere": (
        [*base(), space("guards"),
         thing(f"{ADMIT}/v1", "MutatingWebhookConfiguration", "hook", webhooks=[{
             "name": "hook.example", "clientConfig": {"service": {"namespace": "guards", "name": "hook"}},
             "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}]}]),
         *grant("user:alice", [rule("update", "endpointslices", "discovery.k8s.io")], "guards")],
        {"access": "unknown"}, {}),
    "a project lets Applications of testing's own namespace in": (
        [*base(), space("argocd"), thing("argoproj.io/v1alpha1", "AppProject", "shop", "argocd", spec={
            "destinations": [{"name": "in-cluster", "namespace": "shop*"}], "sourceNamespaces": ["shop-*"]}),
         *grant("user:alice", [rule("create", "applications", "argoproj.io")], HERE)], {"access": "broken"}, {}),
    "nodes may be deleted": (can(rule("delete", "nodes")), {"performance": "broken"}, {}),
    "binding one's own pods starves nobody softly": (
        within(rule("create", "pods/binding")), {"performance": "holds"}, {}),
    "a local volume that nobody has claimed yet": (
        [*within(CREATE), claim(THERE, "disk"), volume("disk", local={"path": "/mnt/data"})], {"data": "broken"}, {}),
    "a changed volume is no new one": (
        [*can(rule("update", "persistentvolumes")), *grant("user:alice", [CREATE], HERE)], {"access": "holds"}, {}),
    "one share lies within the other": (
        [*base(), claim(HERE, "one"), claim(THERE, "two"), volume("one", "data", HERE, nfs=NFS),
         volume("two", "data", THERE, nfs={**NFS, "path": "/export"})], {"data": "broken"}, {}),
    "two volumes of one directory": (
        [*base(), claim(HERE, "one"), claim(THERE, "two"), volume("one", "data", HERE, **ROOT_PATH),
         volume("two", "data", THERE, **ROOT_PATH)], {"data": "unknown"}, {}),
    "a share that any pod may name": (
        [*loose("baseline"), *grant("user:alice", [CREATE], HERE), claim(THERE, "two"),
         volume("two", "data", THERE, nfs=NFS)], {"data": "unknown"}, {}),
    "storage classes of one's own": (
        [*can(rule("create", "storageclasses", "storage.k8s.io")), claim(THERE, "two"),
         volume("two", "data", THERE, nfs=NFS)], {"data": "unknown"}, {}),
    "the priorities of the API server": (
        can(rule("create", "flowschemas", "flowcontrol.apiserver.k8s.io")), {"performance": "unknown"}, {}),
    "projects that one makes": (
        can(rule("create", "projectrequests", "project.openshift.io")),
        {"network": "unknown", "performance": "unknown"}, {}),
    "classes of Ingresses": (
        can(rule("update", "ingressclasses", "networking.k8s.io")), {"network": "unknown"}, {}),
    "policies in a vendor's language": (
        within(rule("create", "ciliumnetworkpolicies", "cilium.io")), {"network": "unknown", "access": "holds"}, {}),
    "resources that weaken nothing": (
        within(rule("create", "certificates", "cert-manager.io"), rule("create", "sealedsecrets", "bitnami.com")),
        {"access": "holds"}, {}),
    "an operator that may do nothing": (
        [*within(rule("create", "widgets", "operators.example")),
         *grant("sa:tools/operator", [rule("watch", "widgets", "operators.example")], HERE, "watch")],
        {"access": "holds"}, {}),
    "pods may come to a node that one owns": (own_node(), {"access": "unknown"}, {}),
    "a taint keeps pods off a node that one owns": (own_node(taints=[TAINT]), {"access": "holds"}, {}),
    "exemptions from Pod Security are in a file": (
        [*within(CREATE), pod("kube-apiserver", "kube-system", container={
            "name": "kube-apiserver", "command": ["kube-apiserver", "--admission-control-config-file=/x"]})],
        {"access": "unknown"}, {}),
    "ports forwarded between neighbours": (
        [*base(), pod("b", HERE, "ci"), *grant("user:alice", [rule("create", "pods/portforward")], HERE)],
        {"network": "broken"},
        {"level": "labels", "here": labelled("ci"), "there": labelled("b")}),
    "a pool that no node is of": (base(), {"access": "unknown"}, {"there": Where("prod", (), {}, "gone")}),
    "labels that nothing carries": (base(), {"access": "unknown"}, {"there": Where("prod", (THERE,), {"app": "gone"})}),
    "whom users may be impersonated as, nobody need have bound": (
        can(rule("impersonate", "users")), {"access": "broken"}, {"their_people": People(users=("bob",))}),
}  # fmt: skip


def pools() -> list[Object]:
    """A tainted pool for each of the two, and a policy that keeps pods of testing to its own."""

    def kept(name: str) -> Object:
        tolerations = [{"key": "pool", "operator": "Equal", "value": name, "effect": "NoSchedule"}]
        return {"nodeSelector": {"pool": name}, "tolerations": tolerations, "on": name}

    watched = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}
    selector = "object.spec.nodeSelector"
    wanted = f"has({selector}) && 'pool' in {selector} && {selector}['pool'] == 'a'"
    policy = {"matchConstraints": {"resourceRules": [watched]}, "validations": [{"expression": wanted}]}
    spaces = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": HERE}}}
    bound = {"policyName": "pool", "validationActions": ["Deny"], "matchResources": spaces}
    return [
        *(item for item in base() if item["kind"] not in ("Node", "Pod")),
        *(
            node(name, "v1.36.1", [{"key": "pool", "value": name, "effect": "NoSchedule"}], pool=name)
            for name in ("a", "b")
        ),
        pod("ci", HERE, "ci", **kept("a")),
        pod("web", THERE, "web", **kept("b")),
        thing(f"{ADMIT}/v1", "ValidatingAdmissionPolicy", "pool", spec=policy),
        thing(f"{ADMIT}/v1", "ValidatingAdmissionPolicyBinding", "pool", spec=bound),
        *grant("user:alice", [CREATE], HERE),
    ]


@pytest.mark.parametrize(
    ("rights", "answer"),
    [
        ([], "holds"),
        ([rule("delete", "validatingadmissionpolicybindings", ADMIT)], "broken"),
        ([rule("patch", "nodes")], "broken"),
        ([rule("patch", "namespaces", names=HERE)], "holds"),
    ],
)
def test_pools_are_apart_while_what_keeps_them_so_stays(rights: list[Object], answer: str) -> None:
    objects = [*pools(), *(grant("user:alice", rights, name="more") if rights else [])]
    assert attack(objects, level="node").dimensions[Dimension.PERFORMANCE].answer.value == answer


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_what_is_so(name: str) -> None:
    objects, expected, more = WORLDS[name]
    pair = attack(objects, **more)
    assert {key: pair.dimensions[Dimension(key)].answer.value for key in expected} == expected, pair
