"""Rights, as RBAC and the API server read them: verbs, subresources, names, versions."""

import pytest

from unit.prove.by_hand import MAKES_PODS, Case, Cases, alice
from unit.prove.proof_worlds import HERE, RBAC, THERE, account, base, grant, node, rule, space, thing

CASES = Cases()
add = CASES.add
OLD = [node("node-1", "v1.34.2") if item["kind"] == "Node" else item for item in base()]

everything = dict.fromkeys(("access", "credentials", "performance", "data", "network"), "holds")
add("nothing", everything, base())
# What no request can be about gives nothing.
add("pods/* matches nothing", "holds", alice(rule("get list", "pods/*"), place=THERE))
add("deployments in the core group", "holds", alice(rule("get list", "deployments"), place=THERE))
add("a singular", "holds", alice(rule("get list create", "pod"), place=THERE))
add("a verb of nothing", "holds", alice(rule("use", "pods"), place=THERE))
add("logs of everything", "broken", alice(rule("get", "*/log"), place=THERE))
add("scale of everything", "broken", alice(rule("update", "*/scale", "apps"), place=THERE))
# Labels of namespaces may be changed through subresources.
add("namespaces/status", "broken", alice(rule("patch", "namespaces/status")))
add("namespaces/finalize", "broken", alice(rule("update", "namespaces/finalize")))
# Names.
add("a workload that is not there", "unknown", alice(rule("patch", "deployments", "apps", "ghost"), place=THERE))
add("a Secret that is not there", "unknown", alice(rule("get", "secrets", "", "ghost"), place=THERE))
add("exec into a pod that is not there", "unknown", alice(rule("create", "pods/exec", "", "ghost"), place=THERE))
add("create cannot be named", "holds", alice(rule("create", "pods", "", "ghost"), place=THERE))
add("deletecollection cannot be named", "holds", alice(rule("deletecollection", "pods", "", "web"), place=THERE))
add("delete of a named pod", "broken", alice(rule("delete", "pods", "", "web"), place=THERE))
add("a name of the other namespace", "holds", alice(rule("get", "secrets", "", "database"), place=HERE))
# Versions.
add("get pods/exec in 1.36", "holds", alice(rule("get", "pods/exec pods/attach"), place=THERE))
add("get pods/exec in 1.34", "broken", [*OLD, *grant("user:alice", [rule("get", "pods/exec")], THERE)])
add(
    "get portforward in 1.36",
    {"access": "holds", "network": "holds"},
    alice(rule("get", "pods/portforward"), place=THERE),
)
forwards = grant("user:alice", [rule("get", "pods/portforward")], THERE)
add("get portforward in 1.34", {"access": "broken", "network": "broken"}, [*OLD, *forwards])
add("create portforward", {"network": "broken"}, alice(rule("create", "pods/portforward"), place=THERE))
add("put through pods/proxy", {"network": "broken"}, alice(rule("update", "pods/proxy"), place=THERE))
constrained = [rule("impersonate:arbitrary-node", "nodes", "authentication.k8s.io")]
add("constrained impersonation in 1.36", "unknown", alice(*constrained))
add("constrained impersonation in 1.34", "holds", [*OLD, *grant("user:alice", constrained)])
# What is above namespaces takes a ClusterRoleBinding.
add("get nodes/proxy", "broken", alice(rule("get", "nodes/proxy")))
add("list nodes/proxy, which no request is", "holds", alice(rule("list watch", "nodes/proxy")))
add("get nodes/proxy by a RoleBinding", "holds", alice(rule("get", "nodes/proxy"), place=THERE))
add("impersonation by a RoleBinding", "holds", alice(rule("impersonate", "users groups"), place=THERE))
add("figures of nodes", "holds", alice(rule("get", "nodes/metrics nodes/stats nodes/configz nodes/spec")))
add("lists of what is no deployment's", "holds", alice(rule("get list watch", "nodes namespaces persistentvolumes")))
add("metrics", "holds", alice(rule("get list", "pods nodes", "metrics.k8s.io")))
add("reviews", "holds", alice(rule("create", "localsubjectaccessreviews", "authorization.k8s.io"), place=THERE))
# Subjects.
of_all = [rule("list", "pods")]
add("accounts of the own namespace", "broken", [*base(), *grant(f"group:system:serviceaccounts:{HERE}", of_all, THERE)])
add("accounts of the other", "holds", [*base(), *grant(f"group:system:serviceaccounts:{THERE}", of_all, THERE)])
add("everybody", "broken", [*base(), *grant("group:system:authenticated", of_all, THERE)])
add("nobody in particular", "broken", [*base(), *grant("group:system:unauthenticated", of_all, THERE)])
add("an account as a user", "broken", [*base(), *grant(f"user:system:serviceaccount:{HERE}:ci", of_all, THERE)])
add("a star is a name", "holds", [*base(), *grant("user:*", of_all, THERE)])
add("a role that is not there", "unknown", [*base(), grant("user:alice", [], THERE)[1]])
ghost = grant(f"sa:{HERE}/ghost", of_all, THERE, "ghosts")
add("an account of nowhere", "holds", [*base(), *grant("sa:nowhere/ghost", of_all, THERE)])
makes_accounts = alice(rule("create", "serviceaccounts"), place=HERE)
add("an account that can be made", "broken", [*makes_accounts, *MAKES_PODS, *ghost])
# Impersonation, tokens, certificates, roles.
add("accounts of the other namespace", "broken", alice(rule("impersonate", "serviceaccounts"), place=THERE))
add("accounts of the own namespace only", "holds", alice(rule("impersonate", "serviceaccounts"), place=HERE))
add("a group without a user", "holds", alice(rule("impersonate", "groups")))
add("extras alone", "holds", alice(rule("impersonate", "userextras uids", "authentication.k8s.io")))
strong = [account("root", HERE), *grant(f"sa:{HERE}/root", of_all, THERE, "strong")]
mine = alice(rule("create", "secrets"), rule("get", "secrets", "", "mine"), place=HERE)
add("a token in a Secret of a name that is free", {"access": "broken"}, [*mine, *strong])
add("a token of the other's account", "broken", alice(rule("create", "serviceaccounts/token", "", "web"), place=THERE))
add("a token of one's own", "holds", alice(rule("create", "serviceaccounts/token"), place=HERE))
for signer, answer in (
    ("kubernetes.io/kube-apiserver-client", "broken"),
    ("kubernetes.io/kube-apiserver-client-kubelet", "broken"),
    ("kubernetes.io/kubelet-serving", "holds"),
    ("example.com/*", "holds"),
):
    rules = [
        rule("create", "certificatesigningrequests", "certificates.k8s.io"),
        rule("update", "certificatesigningrequests/approval", "certificates.k8s.io"),
        rule("approve", "signers", "certificates.k8s.io", signer),
    ]
    add(f"a certificate of {signer}", answer, alice(*rules))
add("bind alone", "holds", alice(rule("bind", "clusterroles", RBAC)))
add("escalate alone", "holds", alice(rule("escalate", "clusterroles", RBAC)))
add("bindings of what one has", "holds", alice(rule("create", "clusterrolebindings", RBAC)))
urls = thing(f"{RBAC}/v1", "ClusterRole", "given", rules=[{"verbs": ["*"], "nonResourceURLs": ["*"]}])
add("every URL", "holds", [*base(), urls, grant("user:alice", [])[1]])
# Quotas count by their status.
makes = rule("create", "pods")
add(
    "resourcequotas/status",
    {"performance": "broken"},
    alice(rule("update", "resourcequotas/status"), makes, place=HERE),
)
add("a look at it", {"performance": "holds"}, alice(rule("get", "resourcequotas/status"), makes, place=HERE))
add("another namespace's role that is not there", "unknown", [*base(), space("x"), grant("user:alice", [], "x")[1]])


@pytest.mark.parametrize("case", CASES.listed, ids=lambda case: case.name)
def test_rights_as_worked_out_by_hand(case: Case) -> None:
    case.check()
