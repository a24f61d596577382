"""Every rule of the proof is needed: a world that it breaks, which is no longer known to be broken without it."""

import base64
import json
import re
from typing import Any

import pytest

from ringfence.prove.partition import People
from ringfence.prove.proof import Answer, Dimension, PairProof
from ringfence.prove.rules import load_rules
from ringfence.prove.rules.registry import RULES
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts import pairs
from ringfence.prove.verdicts.pairs import prove
from unit.prove.proof_worlds import (
    HERE,
    RBAC,
    THERE,
    A,
    B,
    Object,
    account,
    base,
    cluster,
    deny_all,
    grant,
    node,
    partition,
    pod,
    rule,
    secret,
    space,
    thing,
    verdict,
)

load_rules()
assert pairs.PROMISES
OBJECT = re.compile(r"(prod:[a-z0-9.]+|partition:people)/[^/ ]+(/[^/ ]+)?")
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
    """A policy that refuses privileged pods, mounts of the node and a look at its processes, and pods on its network
    unless ``host_network``."""
    refused = [
        "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath))",
        *(
            f"{absent}object.spec.{group}.all(c, !has(c.securityContext) || "
            "((!has(c.securityContext.privileged) || !c.securityContext.privileged) && "
            "!has(c.securityContext.capabilities) && !has(c.securityContext.windowsOptions)))"
            for group, absent in (("containers", ""), ("initContainers", "!has(object.spec.initContainers) || "))
        ),
    ]
    refused.append("!has(object.spec.hostPID) || !object.spec.hostPID")
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


def token(namespace: str, name: str) -> str:
    """A token as ``https://prod.example`` would sign it for a ServiceAccount; nobody checks the signature here."""
    claims = {"iss": "https://prod.example", "sub": f"system:serviceaccount:{namespace}:{name}"}
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, claims))
    return ".".join((*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2lnbmVkLWhlcmU"))


DEVELOPED = thing(
    "argoproj.io/v1alpha1",
    "AppProject",
    "shop",
    "argocd",
    spec={
        "destinations": [{"name": "in-cluster", "namespace": THERE}],
        "roles": [
            {"name": "dev", "groups": ["devs"], "policies": ["p, proj:shop:dev, applications, create, shop/*, allow"]}
        ],
    },
)
SMALL = {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "64Mi"}
WIDGETS = thing(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "widgets.operators.example",
    spec={"group": "operators.example", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"}},
)


def not_listed(resource: str, namespace: str) -> Object:
    spec = {"resource": resource, "namespace": namespace, "reason": "Forbidden"}
    return {"apiVersion": "ringfence.dev/v1", "kind": "NotListed", "metadata": {"name": "x"}, "spec": spec}


def application(namespace: str, repository: str, target: str = "in-cluster") -> list[Object]:
    """An Application of the namespace, and a project of its own that lets it deploy Deployments there."""
    destination = {"name": target, "namespace": namespace}
    kinds = [{"group": "apps", "kind": "Deployment"}]
    project = {"destinations": [destination], "sourceRepos": ["*"], "namespaceResourceWhitelist": kinds}
    spec = {"project": namespace, "destination": destination, "source": {"repoURL": repository, "path": namespace}}
    return [
        thing("argoproj.io/v1alpha1", "AppProject", namespace, "argocd", spec=project),
        thing("argoproj.io/v1alpha1", "Application", namespace, "argocd", spec=spec),
    ]


def split(here: list[Object], there: list[Object], without: frozenset[str] = frozenset(), **more: Any) -> PairProof:
    """The two deployments in clusters of their own, with issuers of their own unless ``issuers`` says others."""
    names = more.pop("issuers", ("test", "prod"))

    def issuer(name: str) -> Object:
        return flags("--authorization-mode=Node,RBAC", f"--service-account-issuer=https://{name}.example")

    snapshot = snapshot_of([cluster([*here, issuer(names[0])], "test"), cluster([*there, issuer(names[1])], "prod")])
    return prove(partition(clusters=("test", "prod"), **more), snapshot, without).pair(A, B)


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
    "nodes/control-plane": (
        "access",
        [
            *(item for item in loose() if item["metadata"].get("namespace") != THERE),
            *(item for item in base() if item["metadata"].get("namespace") == THERE and item["kind"] != "Pod"),
            node("node-2", "v1.36.1", (), **{"node-role.kubernetes.io__control-plane": ""}),
            pod("root", HERE, on="node-2", container={"securityContext": {"privileged": True}}),
        ],
        {},
    ),
    "storage/rewrite": (
        "data",
        [
            *within(CREATE),
            *grant("user:alice", [rule("patch", "persistentvolumes")], name="pv"),
            claim("data", THERE, "disk"),
            volume("disk", "data", THERE, **HANDLE),
        ],
        {},
    ),
    "access/of-both": ("access", base(), {"their_people": People(users=("alice",))}),
    "network/cluster-admin": ("network", can(rule("*", "*", "*")), {}),
    "platform/cluster": ("platform", base(), {"level": "cluster"}),
    "performance/starves": ("performance", without_kind("LimitRange"), {}),
    "performance/shared-node": ("performance", base(), {"level": "node"}),
    "performance/changes-nodes": ("performance", can(rule("patch", "nodes")), {}),
    "performance/root-on-node": (
        "performance",
        [
            *loose(),
            pod("root", HERE, container={"securityContext": {"privileged": True}, "resources": {"limits": SMALL}}),
        ],
        {},
    ),
    "argocd/global-roles": (
        "access",
        [
            *base(),
            space("argocd"),
            thing("v1", "ConfigMap", "argocd-rbac-cm", "argocd", data={"policy.csv": "g, devs, role:admin\n"}),
        ],
        {"people": People(groups=("devs",))},
    ),
    "eks/mapped-role": (
        "access",
        [
            *base(),
            account("uploads", HERE, annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/ops"}),
            thing(
                "v1",
                "ConfigMap",
                "aws-auth",
                "kube-system",
                data={"mapRoles": "- {rolearn: 'arn:aws:iam::1:role/ops', username: ops, groups: ['system:masters']}"},
            ),
        ],
        {},
    ),
    "argocd/project-roles": (
        "access",
        [*base(), space("argocd"), DEVELOPED],
        {"people": People(groups=("devs",))},
    ),
    "pods/debug": (
        "access",
        [*loose(), *grant("user:alice", [rule("patch", "pods/ephemeralcontainers")], HERE)],
        {},
    ),
    "nodes/read": ("access", can(rule("get", "nodes/log")), {}),
    "secrets/tokens-elsewhere": (
        "access",
        [
            *base(),
            *TOOLS[:-1],
            pod("uses", HERE, container={"env": [{"name": "TOKEN", "value": token("tools", "robot")}]}),
            flags("--authorization-mode=RBAC", "--service-account-issuer=https://prod.example"),
        ],
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
    "network/kubelet": ("network", [*base(), *grant("user:alice", [rule("get", "nodes/proxy")])], {}),
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
            thing(
                "argoproj.io/v1alpha1",
                "AppProject",
                "default",
                "argocd",
                spec={"destinations": [{"server": "*", "namespace": "*"}]},
            ),
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
    "flux/source": (
        "access",
        [
            *base(),
            thing("source.toolkit.fluxcd.io/v1", "GitRepository", "src", HERE, spec={"url": "https://git.example/a"}),
            thing(
                "kustomize.toolkit.fluxcd.io/v1",
                "Kustomization",
                "web",
                THERE,
                spec={"sourceRef": {"kind": "GitRepository", "name": "src", "namespace": HERE}},
            ),
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
# Rules that only ever leave something in doubt: unknown with them, holds without.
DOUBTS: dict[str, tuple[str, list[Object], dict[str, Any]]] = {
    "pods/names": (
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
            space("kube-system"),
            node("node-2"),
            pod("coredns", "kube-system", on="node-2", labels={"k8s-app": "kube-dns"}),
            deny_all("kube-system"),
            *grant("user:alice", [rule("create", "pods/exec")], "kube-system"),
        ],
        {},
    ),
    "flux/shared-repository": (
        "access",
        [
            *base(),
            *(
                item
                for place, account_name in ((HERE, "ci"), (THERE, "web"))
                for item in (
                    thing(
                        "source.toolkit.fluxcd.io/v1",
                        "GitRepository",
                        "src",
                        place,
                        spec={"url": "https://git.example/all"},
                    ),
                    thing(
                        "kustomize.toolkit.fluxcd.io/v1",
                        "Kustomization",
                        "all",
                        place,
                        spec={
                            "serviceAccountName": account_name,
                            "sourceRef": {"kind": "GitRepository", "name": "src"},
                        },
                    ),
                )
            ),
        ],
        {},
    ),
    "images/shared-repository": (
        "access",
        [
            *base(),
            secret(
                "pull",
                HERE,
                **{
                    ".dockerconfigjson": '{"auths": {"registry.example": {"username": "a", '
                    '"password": "Zr8-kPq3vTx71LmWn05q"}}}'
                },
            ),
        ],
        {},
    ),
    "rbac/impersonate-for-some": (
        "access",
        [
            *base(),
            *grant(
                "user:alice",
                [
                    rule("impersonate:user-info", "users", "authentication.k8s.io"),
                    rule("impersonate-on:user-info:get", "secrets"),
                ],
            ),
        ],
        {},
    ),
    "rbac/unseen-bindings": ("access", [*base(), not_listed("rolebindings", THERE)], {}),
    "storage/cross-namespace-source": (
        "data",
        [
            *base(),
            thing(
                "gateway.networking.k8s.io/v1beta1",
                "ReferenceGrant",
                "copies",
                THERE,
                spec={
                    "from": [{"group": "", "kind": "PersistentVolumeClaim", "namespace": HERE}],
                    "to": [{"group": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot"}],
                },
            ),
        ],
        {},
    ),
    "secrets/argocd-cluster": (
        "access",
        [
            *base(),
            thing("v1", "Secret", "remote", HERE, labels={"argocd.argoproj.io/secret-type": "cluster"}, type="Opaque"),
        ],
        {"elsewhere": True},
    ),
    "argocd/settings": (
        "access",
        [
            *base(),
            space("argocd"),
            thing("v1", "ConfigMap", "argocd-rbac-cm", "argocd", data={}),
            *grant("user:alice", [rule("update", "configmaps")], "argocd", "cm"),
        ],
        {},
    ),
    "secrets/bootstrap-tokens": (
        "access",
        [
            *base(),
            thing("v1", "Secret", "bootstrap-token-abcdef", "kube-system", type="bootstrap.kubernetes.io/token"),
            *grant("group:system:bootstrappers:x", [rule("get", "secrets")], THERE, "join"),
            *grant("user:alice", [rule("get", "secrets")], "kube-system", "k"),
        ],
        {},
    ),
    "apiserver/served-by-own-pods": (
        "access",
        [
            *base(),
            thing(
                "apiregistration.k8s.io/v1",
                "APIService",
                "v1.x.example",
                spec={"group": "x.example", "version": "v1", "service": {"namespace": HERE, "name": "x"}},
            ),
        ],
        {},
    ),
    "argocd/shared-repository": (
        "access",
        [
            *base(),
            space("argocd"),
            *(item for place in (HERE, THERE) for item in application(place, "https://git.example/shop.git")),
        ],
        {},
    ),
    "argocd/application-sets": (
        "access",
        [*base(), space("argocd"), thing("argoproj.io/v1alpha1", "ApplicationSet", "all", "argocd", spec={})],
        {},
    ),
    "custom/write": ("access", within(rule("create", "widgets", "operators.example")), {}),
    "custom/controllers": ("access", within(rule("create", "widgets", "operators.example")), {}),
    "custom/namespace-admin": (
        "access",
        [*within(rule("escalate update", "roles", RBAC)), *forbids_root(), WIDGETS],
        {},
    ),
    "custom/definitions": (
        "access",
        [*can(rule("update", "customresourcedefinitions", "apiextensions.k8s.io")), WIDGETS],
        {},
    ),
    "pods/steered": (
        "access",
        [
            *base(),
            *TOOLS[:-1],
            pod("robot", "tools", "robot", volumes=[{"name": "c", "configMap": {"name": "settings"}}]),
            *grant("user:alice", [rule("update", "configmaps")], "tools", "c"),
        ],
        {},
    ),
}
# Broken without the rule too, by another road: a bootstrap binding, a node's own identity, the touch that comes along.
ALSO_OTHERWISE = {"pods/any-secret", "pods/any-volume", "identity/masters", "nodes/pods-on-it"}
# Rules whose tests are by name elsewhere: what the embedded engine answers, and equal names in two clusters.
ELSEWHERE = {"asked/admitted", "credentials/workload-pool"}


def test_every_rule_has_a_case() -> None:
    assert set(RULES) == set(CASES) | set(DOUBTS) | set(APART) | ELSEWHERE


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_rule_breaks_the_promise(name: str) -> None:
    dimension, objects, more = CASES[name]
    found = verdict(dimension, objects, **more)
    assert found.answer is Answer.BROKEN, found
    assert found.witness
    assert set(found.rules) <= set(RULES)
    assert all(OBJECT.fullmatch(step.object) and step.by and step.step for step in found.witness), found.witness


@pytest.mark.parametrize("name", sorted(set(CASES) - ALSO_OTHERWISE))
def test_without_the_rule_it_is_not_broken(name: str) -> None:
    dimension, objects, more = CASES[name]
    found = verdict(dimension, objects, frozenset({name}), **more)
    assert found.answer is not Answer.BROKEN, found


def parted(objects: list[Object], without: frozenset[str] = frozenset(), **more: Any) -> PairProof:
    """The deployments in clusters of their own: what has no namespace is in both."""
    here = [item for item in objects if item["metadata"].get("namespace", HERE) != THERE]
    there = [item for item in objects if item["metadata"].get("namespace", THERE) != HERE]
    return split(here, there, without, **more)


def answers(name: str, without: frozenset[str]) -> Answer:
    dimension, objects, more = DOUBTS[name]
    rest = dict(more)
    if rest.pop("elsewhere", False):
        return parted(objects, without, **rest).dimensions[Dimension(dimension)].answer
    return verdict(dimension, objects, without, **rest).answer


ARGO = [
    item
    for place, name in ((HERE, "test"), (THERE, "prod"))
    for item in application(place, f"https://git.example/{place}.git", name)
]
VAULT = thing(
    "external-secrets.io/v1", "ClusterSecretStore", "vault", spec={"provider": {"vault": {"server": "https://v"}}}
)
# Rules about two clusters: (dimension, objects, further arguments).
APART: dict[str, tuple[str, list[Object], dict[str, Any]]] = {
    "credentials/issuer": ("credentials", base(), {"issuers": ("same", "same")}),
    "platform/management": (
        "platform",
        base(),
        {"level": "environment", "environments": [("one", "test", ("test", "prod"))]},
    ),
    "platform/delivery": ("platform", [*base(), space("argocd"), *ARGO], {"level": "environment"}),
    "platform/store": ("platform", [*base(), VAULT], {"level": "environment"}),
}


@pytest.mark.parametrize("name", sorted(APART))
def test_the_rule_breaks_the_promise_between_clusters(name: str) -> None:
    dimension, objects, more = APART[name]
    found = parted(objects, **more).dimensions[Dimension(dimension)]
    assert found.answer is Answer.BROKEN, found
    left = parted(objects, frozenset({name}), **more).dimensions[Dimension(dimension)]
    assert left.answer is not Answer.BROKEN, left


@pytest.mark.parametrize("name", sorted(DOUBTS))
def test_the_rule_leaves_it_unknown(name: str) -> None:
    assert answers(name, frozenset()) is Answer.UNKNOWN
    assert answers(name, frozenset({name})) is Answer.HOLDS


def test_nothing_is_broken_to_begin_with() -> None:
    for dimension in ("network", "access", "credentials", "performance", "data"):
        found = verdict(dimension, base())
        assert found.answer is Answer.HOLDS, (dimension, found)
