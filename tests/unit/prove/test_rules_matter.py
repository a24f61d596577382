"""Every rule of the proof is needed: a world that it breaks, which is no longer known to be broken without it."""

from typing import Any

import pytest

from ringfence.prove.partition import People
from ringfence.prove.proof import Answer
from ringfence.prove.rules import load_rules
from ringfence.prove.rules.registry import RULES
from ringfence.prove.verdicts import pairs
from unit.prove.proof_worlds import (
    HERE,
    THERE,
    Object,
    account,
    base,
    grant,
    node,
    pod,
    rule,
    secret,
    space,
    thing,
    verdict,
)

load_rules()
assert pairs.PROMISES
SHARED = "Zr8-kPq3vTx71LmWn05q"
CREATE = rule("create", "pods")
ADMIT = "admissionregistration.k8s.io/v1"


def apart() -> list[Object]:
    return base()


def without_kind(kind: str, namespace: str = "") -> list[Object]:
    return [
        item
        for item in base()
        if item["kind"] != kind or (namespace and item["metadata"].get("namespace") != namespace)
    ]


def loose() -> list[Object]:
    """Without Pod Security in the testing namespace."""
    return [space(HERE, None) if item["metadata"]["name"] == HERE else item for item in base()]


def can(*rules: Object) -> list[Object]:
    return [*base(), *grant("user:alice", list(rules))]


def within(*rules: Object) -> list[Object]:
    return [*base(), *grant("user:alice", list(rules), HERE)]


def powerful(namespace: str = HERE, name: str = "robot") -> list[Object]:
    """A ServiceAccount that reads production's Secrets."""
    return [account(name, namespace), *grant(f"sa:{namespace}/{name}", [rule("get", "secrets")], THERE, "robot")]


def flags(*words: str) -> Object:
    return pod(
        "kube-apiserver", "kube-system", container={"name": "kube-apiserver", "command": ["kube-apiserver", *words]}
    )


def bound_cluster_admin() -> list[Object]:
    return [thing("rbac.authorization.k8s.io/v1", "ClusterRole", "cluster-admin", rules=[rule("*", "*", "*")])]


def volume(name: str, claim: str = "", namespace: str = "", **spec: Any) -> Object:
    if claim:
        spec["claimRef"] = {"namespace": namespace, "name": claim}
    return thing("v1", "PersistentVolume", name, spec={"capacity": {"storage": "1Gi"}, **spec})


def claim(name: str, namespace: str, bound: str, **spec: Any) -> Object:
    return thing("v1", "PersistentVolumeClaim", name, namespace, spec={"volumeName": bound, **spec})


def forbids_root(*, host_network: bool = False) -> list[Object]:
    """A policy that refuses privileged pods and mounts of the node, and pods on its network unless ``host_network``."""
    refused = [
        "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath))",
        *(
            f"{absent}object.spec.{group}.all(c, !has(c.securityContext) || "
            "((!has(c.securityContext.privileged) || !c.securityContext.privileged) && "
            "!has(c.securityContext.capabilities) && !has(c.securityContext.windowsOptions)))"
            for group, absent in (("containers", ""), ("initContainers", "!has(object.spec.initContainers) || "))
        ),
    ]
    if not host_network:
        refused.append("!has(object.spec.hostNetwork) || !object.spec.hostNetwork")
    return refusing("no-root", *refused)


def refusing(name: str, *expressions: str) -> list[Object]:
    """An admission policy over pods, and its binding."""
    watched = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}
    validations = [{"expression": text} for text in expressions]
    spec = {"matchConstraints": {"resourceRules": [watched]}, "validations": validations}
    bound = {"policyName": name, "validationActions": ["Deny"]}
    return [
        thing(ADMIT, "ValidatingAdmissionPolicy", name, spec=spec),
        thing(ADMIT, "ValidatingAdmissionPolicyBinding", name, spec=bound),
    ]


HANDLE: dict[str, Any] = {"csi": {"driver": "disk.example", "volumeHandle": "disk-7"}}
ROBOT_POD = pod("robot", "tools", "robot")
AS_A_NODE = {"people": People(users=("system:node:node-1",), groups=("system:nodes",))}


def of_a_node() -> list[Object]:
    """Production's pod has neither a token nor a Secret, and what is ours is no pod of the node's."""
    return [item for item in base() if item["kind"] != "Pod"]


ROBOT_TOKEN = thing(
    "v1",
    "Secret",
    "robot-token",
    "tools",
    annotations={"kubernetes.io/service-account.name": "robot"},
    type="kubernetes.io/service-account-token",
)
TOOLS = [space("tools"), *powerful("tools"), ROBOT_POD]

# rule: (dimension, objects, further arguments)
CASES: dict[str, tuple[str, list[Object], dict[str, Any]]] = {
    "rbac/bound": ("access", [*base(), *grant("user:alice", [rule("get", "secrets")], THERE)], {}),
    "identity/implied-groups": (
        "access",
        [*base(), *grant("group:system:serviceaccounts:shop-test", [rule("get", "secrets")], THERE)],
        {},
    ),
    "identity/openshift-groups": (
        "access",
        [
            *base(),
            *grant("group:ops", [rule("get", "pods")], THERE),
            thing("user.openshift.io/v1", "Group", "ops", users=["alice"]),
        ],
        {},
    ),
    "identity/masters": ("access", base(), {"people": People(groups=("system:masters",))}),
    "rbac/namespace-admin": (
        "access",
        [*base(), *grant("user:alice", [rule("*", "*", "*")], HERE), *powerful()[1:]],
        {},
    ),
    "apiserver/always-allow": ("access", [*base(), flags("--authorization-mode=AlwaysAllow")], {}),
    "pods/create": ("access", [*base(), *TOOLS, *grant("user:alice", [CREATE], "tools", "make")], {}),
    "pods/any-account": ("access", [*within(CREATE), *TOOLS, *grant("user:alice", [CREATE], "tools", "make")], {}),
    "pods/any-secret": (
        "access",
        [*base(), *grant("user:alice", [CREATE], THERE, "only-create")],
        {},
    ),
    "pods/root": ("access", [*loose(), *grant("user:alice", [CREATE], HERE)], {}),
    "namespaces/relabel": (
        "access",
        [*within(CREATE), *grant("user:alice", [rule("patch", "namespaces", names=HERE)], name="label")],
        {},
    ),
    "pods/host-network": (
        "network",
        [
            *loose(),
            node("node-2"),
            *forbids_root(host_network=True),
            *grant("user:alice", [CREATE], HERE),
        ],
        {},
    ),
    "namespaces/delete": ("access", can(rule("delete", "namespaces")), {}),
    "rbac/node-requests": (
        "access",
        can(rule("create", "certificatesigningrequests certificatesigningrequests/nodeclient", "certificates.k8s.io")),
        {},
    ),
    "identity/node": ("access", base(), {"people": People(users=("system:node:node-1",), groups=("system:nodes",))}),
    "nodes/their-accounts": (
        "access",
        [*of_a_node(), *TOOLS[:-1], pod("robot", "tools", "robot", automountServiceAccountToken=False)],
        AS_A_NODE,
    ),
    "nodes/their-secrets": (
        "access",
        [*of_a_node(), *TOOLS[:-1], ROBOT_TOKEN, pod("uses", "tools", imagePullSecrets=[{"name": "robot-token"}])],
        AS_A_NODE,
    ),
    "network/from-node": (
        "network",
        [
            *loose(),
            *refusing("no-host-network", "!has(object.spec.hostNetwork) || !object.spec.hostNetwork"),
            *grant("user:alice", [CREATE], HERE),
        ],
        {},
    ),
    "network/api-server": (
        "network",
        [*base(), *grant("user:alice", [rule("create", "pods/portforward")], THERE)],
        {},
    ),
    "pods/exec": ("access", [*base(), *TOOLS, *grant("user:alice", [rule("create", "pods/exec")], "tools", "e")], {}),
    "pods/exec-by-get": (
        "access",
        [
            *(item for item in base() if item["kind"] != "Node"),
            node("node-1", "v1.34.2"),
            *TOOLS,
            *grant("user:alice", [rule("get", "pods/exec")], "tools", "e"),
        ],
        {},
    ),
    "pods/inside": ("access", [*base(), *TOOLS, *grant("user:alice", [rule("create", "pods/exec")], "tools", "e")], {}),
    "pods/escape": (
        "access",
        [*loose(), pod("root", HERE, container={"securityContext": {"privileged": True}})],
        {},
    ),
    "nodes/root-pod": ("access", [*loose(), *grant("user:alice", [CREATE], HERE)], {}),
    "nodes/pods-on-it": (
        "access",
        [*loose(), pod("root", HERE, container={"securityContext": {"privileged": True}})],
        {},
    ),
    "nodes/proxy": ("access", can(rule("get", "nodes/proxy")), {}),
    "nodes/volumes": (
        "access",
        [*within(CREATE), *grant("user:alice", [rule("create", "persistentvolumes")], name="pv")],
        {},
    ),
    "rbac/escalate": ("access", can(rule("escalate update", "clusterroles", "rbac.authorization.k8s.io")), {}),
    "rbac/bind": (
        "access",
        can(
            rule("bind", "clusterroles", "rbac.authorization.k8s.io"),
            rule("create", "clusterrolebindings", "rbac.authorization.k8s.io"),
        ),
        {},
    ),
    "rbac/impersonate-users": (
        "access",
        [*can(rule("impersonate", "users", names="bob")), *grant("user:bob", [rule("get", "secrets")], THERE, "b")],
        {},
    ),
    "rbac/impersonate-groups": (
        "access",
        can(rule("impersonate", "users", names="nobody"), rule("impersonate", "groups", names="shop-admins")),
        {},
    ),
    "rbac/impersonate-accounts": (
        "access",
        [*base(), *TOOLS, *grant("user:alice", [rule("impersonate", "serviceaccounts")], "tools", "i")],
        {},
    ),
    "rbac/create-token": (
        "access",
        [*base(), *TOOLS, *grant("user:alice", [rule("create", "serviceaccounts/token")], "tools", "t")],
        {},
    ),
    "rbac/token-secret": (
        "access",
        [*base(), *TOOLS, *grant("user:alice", [rule("create get", "secrets")], "tools", "s")],
        {},
    ),
    "rbac/sign-certificates": (
        "access",
        can(
            rule("create", "certificatesigningrequests", "certificates.k8s.io"),
            rule("update", "certificatesigningrequests/approval", "certificates.k8s.io"),
            rule("approve", "signers", "certificates.k8s.io", "kubernetes.io/kube-apiserver-client"),
        ),
        {},
    ),
    "admission/mutating": (
        "access",
        can(rule("create", "mutatingwebhookconfigurations", "admissionregistration.k8s.io")),
        {},
    ),
    "admission/validating": (
        "access",
        can(rule("create", "validatingwebhookconfigurations", "admissionregistration.k8s.io")),
        {},
    ),
    "apiserver/custom-api": ("access", can(rule("create", "apiservices", "apiregistration.k8s.io")), {}),
    "eks/aws-auth": (
        "access",
        [
            *base(),
            thing("v1", "ConfigMap", "aws-auth", "kube-system", data={"mapRoles": "[]"}),
            *grant("user:alice", [rule("update", "configmaps")], "kube-system", "cm"),
        ],
        {},
    ),
    "secrets/read": (
        "access",
        [
            *base(),
            *TOOLS,
            thing(
                "v1",
                "Secret",
                "robot-token",
                "tools",
                annotations={"kubernetes.io/service-account.name": "robot"},
                type="kubernetes.io/service-account-token",
            ),
            *grant("user:alice", [rule("get", "secrets", names="robot-token")], "tools", "r"),
        ],
        {},
    ),
    "secrets/tokens": (
        "access",
        [
            *base(),
            *TOOLS,
            thing(
                "v1",
                "Secret",
                "robot-token",
                "tools",
                annotations={"kubernetes.io/service-account.name": "robot"},
                type="kubernetes.io/service-account-token",
            ),
            *grant("user:alice", [rule("get", "secrets", names="robot-token")], "tools", "r"),
        ],
        {},
    ),
    "argocd/application": (
        "access",
        [
            *base(),
            space("argocd"),
            thing(
                "argoproj.io/v1alpha1",
                "AppProject",
                "loose",
                "argocd",
                spec={"destinations": [{"server": "*", "namespace": "*"}], "sourceRepos": ["*"]},
            ),
            thing(
                "argoproj.io/v1alpha1",
                "Application",
                "testing",
                "argocd",
                spec={
                    "project": "loose",
                    "destination": {"server": "https://kubernetes.default.svc", "namespace": HERE},
                    "source": {"repoURL": "https://git.example/shop.git"},
                },
            ),
        ],
        {},
    ),
    "argocd/write-applications": (
        "access",
        [
            *base(),
            space("argocd"),
            thing("argoproj.io/v1alpha1", "AppProject", "default", "argocd", spec={}),
            *grant("user:alice", [rule("create", "applications", "argoproj.io")], "argocd", "apps"),
        ],
        {},
    ),
    "flux/write": (
        "access",
        [
            *within(rule("create", "kustomizations", "kustomize.toolkit.fluxcd.io")),
            pod("kustomize-controller-1", "flux-system"),
        ],
        {},
    ),
    "flux/owned": (
        "access",
        [
            *base(),
            thing(
                "kustomize.toolkit.fluxcd.io/v1",
                "Kustomization",
                "testing",
                HERE,
                spec={"sourceRef": {"kind": "GitRepository", "name": "shop"}},
            ),
        ],
        {},
    ),
    "admission/served-by-own-pods": (
        "access",
        [
            *base(),
            thing(
                ADMIT,
                "ValidatingWebhookConfiguration",
                "hook",
                webhooks=[
                    {
                        "name": "hook.example",
                        "clientConfig": {"service": {"namespace": HERE, "name": "hook"}},
                        "rules": [
                            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["secrets"]}
                        ],
                    }
                ],
            ),
        ],
        {},
    ),
    "services/external-addresses": (
        "network",
        [
            *without_kind("NetworkPolicy", THERE),
            thing(
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "in",
                THERE,
                spec={"podSelector": {}, "policyTypes": ["Ingress"]},
            ),
            flags("--authorization-mode=RBAC"),
            *grant("user:alice", [rule("create", "services")], HERE),
        ],
        {},
    ),
    "external-secrets/store": (
        "access",
        [
            *within(rule("create", "externalsecrets", "external-secrets.io")),
            thing(
                "external-secrets.io/v1", "ClusterSecretStore", "vault", spec={"provider": {"vault": {"server": "v"}}}
            ),
            thing(
                "external-secrets.io/v1",
                "ExternalSecret",
                "db",
                THERE,
                spec={
                    "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
                    "data": [{"secretKey": "p", "remoteRef": {"key": "prod/db"}}],
                },
            ),
        ],
        {},
    ),
    "storage/host-path-volume": (
        "access",
        [*within(CREATE, rule("create", "persistentvolumeclaims")), volume("root", hostPath={"path": "/"})],
        {},
    ),
    "accounts/recreate": (
        "access",
        [
            *within(CREATE, rule("create", "serviceaccounts")),
            *grant(f"sa:{HERE}/gone", [rule("get", "secrets")], THERE, "gone"),
        ],
        {},
    ),
    "network/connects": ("network", without_kind("NetworkPolicy"), {}),
    "credentials/equal-value": ("credentials", [*base(), secret("copied", HERE, password=SHARED)], {}),
    "credentials/cloud-identity": (
        "credentials",
        [
            *base(),
            account("a", HERE, annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/db"}),
            account("b", THERE, annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/db"}),
        ],
        {},
    ),
    "credentials/external-store": (
        "credentials",
        [
            *base(),
            *(
                thing(
                    "external-secrets.io/v1",
                    "ExternalSecret",
                    "db",
                    namespace,
                    spec={
                        "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
                        "data": [{"secretKey": "p", "remoteRef": {"key": "shared/db"}}],
                    },
                )
                for namespace in (HERE, THERE)
            ),
            thing(
                "external-secrets.io/v1", "ClusterSecretStore", "vault", spec={"provider": {"vault": {"server": "v"}}}
            ),
        ],
        {},
    ),
    "pods/any-volume": (
        "data",
        [*within(CREATE), claim("mine", HERE, "disk"), claim("data", THERE, "disk"), volume("disk", **HANDLE)],
        {},
    ),
    "storage/one-backend": (
        "data",
        [
            *base(),
            claim("mine", HERE, "one"),
            claim("data", THERE, "two"),
            volume("one", "mine", HERE, **HANDLE),
            volume("two", "data", THERE, **HANDLE),
        ],
        {},
    ),
    "storage/copied-from": (
        "data",
        [
            *base(),
            claim(
                "mine", HERE, "one", dataSourceRef={"kind": "PersistentVolumeClaim", "name": "data", "namespace": THERE}
            ),
            claim("data", THERE, "two"),
        ],
        {},
    ),
    "storage/free-volume": (
        "data",
        [
            *within(CREATE, rule("create", "persistentvolumeclaims")),
            claim("data", THERE, "two"),
            volume("free", **HANDLE),
            volume("two", "data", THERE, **HANDLE),
        ],
        {},
    ),
    "storage/host-path": (
        "data",
        [
            *base(),
            pod("a", HERE, volumes=[{"name": "v", "hostPath": {"path": "/srv/shared"}}]),
            pod("b", THERE, volumes=[{"name": "v", "hostPath": {"path": "/srv/shared/db"}}]),
        ],
        {},
    ),
    "network/exposed-webhook": (
        "data",
        [
            *(item for item in base() if item["metadata"].get("namespace") != HERE or item["kind"] != "NetworkPolicy"),
            space("ingress-nginx", None),
            account("ingress-nginx", "ingress-nginx"),
            pod(
                "controller",
                "ingress-nginx",
                "ingress-nginx",
                container={"image": "registry.k8s.io/ingress-nginx/controller:v1.11.1"},
            ),
            *grant("sa:ingress-nginx/ingress-nginx", [rule("get list watch", "secrets")], name="nginx"),
        ],
        {},
    ),
}
# Broken without the rule too, by another road: a bootstrap binding, a node's own identity, the touch that comes along.
ALSO_OTHERWISE = {
    "network/connects",
    "pods/any-secret",
    "pods/any-volume",
    "identity/masters",
    "nodes/pods-on-it",
}
# Rules whose conclusion another rule also gives, or that only ever leave something unknown: tested by name elsewhere.
ELSEWHERE = {
    "asked/admitted",
    "rbac/unseen-bindings",
    "storage/cross-namespace-source",
    "nodes/control-plane",
    "secrets/argocd-cluster",
    "storage/rewrite",
    "credentials/issuer",
    "access/of-both",
    "network/cluster-admin",
    "platform/cluster",
    "platform/management",
    "platform/delivery",
    "platform/store",
    "performance/starves",
    "performance/shared-node",
    "performance/changes-nodes",
}


def test_every_rule_has_a_case() -> None:
    assert set(RULES) == set(CASES) | ELSEWHERE


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_rule_breaks_the_promise(name: str) -> None:
    dimension, objects, more = CASES[name]
    found = verdict(dimension, objects, **more)
    assert found.answer is Answer.BROKEN, found
    assert found.witness
    assert all(step.object and step.by and step.step for step in found.witness)


@pytest.mark.parametrize("name", sorted(set(CASES) - ALSO_OTHERWISE))
def test_without_the_rule_it_is_not_broken(name: str) -> None:
    dimension, objects, more = CASES[name]
    found = verdict(dimension, objects, frozenset({name}), **more)
    assert found.answer is not Answer.BROKEN, found


def test_nothing_is_broken_to_begin_with() -> None:
    for dimension in ("network", "access", "credentials", "performance", "data"):
        found = verdict(dimension, base())
        assert found.answer is Answer.HOLDS, (dimension, found)
