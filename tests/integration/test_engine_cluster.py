"""What a cluster of the embedded engine is: usable, private, and like no other."""

import json
import stat
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from ssl import create_default_context
from typing import Any

import psutil
import pytest

from patience import eventually
from ringfence.engine import Binaries, ClusterState, Engine, EngineState, EnvironmentState

pytestmark = pytest.mark.engine

_SECRET = "the-plain-text-of-a-secret-4711"


@pytest.fixture(scope="session")
def binaries(engine: Engine) -> Binaries:
    return engine.binaries()


class Kubectl:
    """kubectl against one cluster, as one user."""

    def __init__(self, program: Path, kubeconfig: Path) -> None:
        # The cache goes beside the state, where the home clears it away and no check of the state finds it.
        cache = kubeconfig.parents[5] / "kubectl"
        self._command = [str(program), f"--kubeconfig={kubeconfig}", f"--cache-dir={cache}"]

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._command, *arguments], capture_output=True, text=True, check=False, input=stdin, timeout=60
        )

    def do(self, *arguments: str, stdin: str | None = None) -> str:
        result = self.run(*arguments, stdin=stdin)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.do("get", *arguments, "-o", "json"))
        return document


@pytest.fixture
def admin(binaries: Binaries, one_cluster: ClusterState) -> Kubectl:
    return Kubectl(binaries.folder / "kubectl", one_cluster.kubeconfig)


def test_the_state_says_what_runs(one_cluster: ClusterState, engine: Engine) -> None:
    now = engine.state("one").cluster("one-1")
    assert now == one_cluster
    assert (now.ready, now.running, now.environment, now.nodes) == (
        True,
        True,
        "one",
        ("apps-1", "apps-2", "postgresql-1"),
    )
    assert now.version.startswith("v1.")
    assert now.server == f"https://127.0.0.1:{now.port}"


def test_nodes_are_ready_with_labels_and_taints(admin: Kubectl) -> None:
    # The node lifecycle controller takes its taint away a moment after a node is ready.
    eventually(lambda: "node.kubernetes.io/not-ready" not in json.dumps(admin.get("nodes")), "the nodes are ready")
    nodes = {node["metadata"]["name"]: node for node in admin.get("nodes")["items"]}
    assert sorted(nodes) == ["apps-1", "apps-2", "postgresql-1"]
    for node in nodes.values():
        assert {"type": "Ready", "status": "True"}.items() <= next(
            condition for condition in node["status"]["conditions"] if condition["type"] == "Ready"
        ).items()
    postgresql = nodes["postgresql-1"]
    assert postgresql["metadata"]["labels"]["node-restriction.kubernetes.io/pool"] == "postgresql"
    assert postgresql["spec"]["taints"] == [
        {"key": "ringfence.dev/pool", "value": "postgresql", "effect": "NoSchedule"}
    ]
    assert postgresql["status"]["allocatable"] == {"cpu": "4", "memory": "16Gi", "pods": "110"}


def test_pods_are_placed_where_taints_let_them_and_run(admin: Kubectl) -> None:
    admin.do("create", "deployment", "web", "--image=web", "--replicas=4")
    try:
        admin.do("rollout", "status", "deployment/web", "--timeout=30s")
        pods = admin.get("pods", "-l", "app=web")["items"]
        assert {pod["spec"]["nodeName"] for pod in pods} == {"apps-1", "apps-2"}
        assert {pod["status"]["phase"] for pod in pods} == {"Running"}
        addresses = {pod["status"]["podIP"] for pod in pods}
        assert len(addresses) == 4
    finally:
        admin.do("delete", "deployment", "web")
    eventually(lambda: not admin.get("pods", "-l", "app=web")["items"], "the pods are gone")


_STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  replicas: 2
  serviceName: store
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec: {containers: [{name: store, image: store, volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def test_volumes_are_claimed_and_reclaimed(admin: Kubectl) -> None:
    admin.do("apply", "-f", "-", stdin=_STATEFUL)
    try:
        admin.do("rollout", "status", "statefulset/store", "--timeout=30s")
        claims = admin.get("persistentvolumeclaims")["items"]
        assert [claim["status"]["phase"] for claim in claims] == ["Bound", "Bound"]
    finally:
        admin.do("delete", "statefulset", "store")
        admin.do("delete", "persistentvolumeclaims", "--all")
    eventually(lambda: not admin.get("persistentvolumes")["items"], "the volume is gone")


@pytest.mark.parametrize(
    "resource",
    [
        "deployments.apps",
        "roles.rbac.authorization.k8s.io",
        "networkpolicies.networking.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "storageclasses.storage.k8s.io",
        "cronjobs.batch",
        "poddisruptionbudgets.policy",
        "horizontalpodautoscalers.autoscaling",
        "priorityclasses.scheduling.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
    ],
)
def test_the_api_is_complete(admin: Kubectl, resource: str) -> None:
    admin.do("get", resource, "-A")


def test_pod_security_is_enforced(admin: Kubectl) -> None:
    admin.do("create", "namespace", "strict")
    try:
        admin.do("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted")
        refused = admin.run("-n", "strict", "run", "root", "--image=x", "--privileged")
        assert refused.returncode != 0
        assert "violates PodSecurity" in refused.stderr
    finally:
        admin.do("delete", "namespace", "strict")


def test_whoever_shows_no_credential_is_refused(one_cluster: ClusterState) -> None:
    context = create_default_context(cafile=str(one_cluster.certificate_authority))
    for path in ("/livez", "/version", "/api/v1/secrets"):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(one_cluster.server + path, context=context, timeout=10)
        assert refusal.value.code == 401
        refusal.value.close()


def test_another_cluster_s_credentials_are_refused(
    binaries: Binaries, one_cluster: ClusterState, environment: EnvironmentState
) -> None:
    other = environment.workloads[0]
    elsewhere = Kubectl(binaries.folder / "kubectl", other.kubeconfig)
    here = f"--server={one_cluster.server}"
    trusting = "--certificate-authority=" + str(one_cluster.certificate_authority)
    assert elsewhere.run("get", "nodes").returncode == 0
    with_certificate = elsewhere.run("get", "nodes", here, "--insecure-skip-tls-verify=true")
    assert with_certificate.returncode != 0
    assert "Unauthorized" in with_certificate.stderr or "must be logged in" in with_certificate.stderr
    token = elsewhere.do("create", "token", "default").strip()
    bare = subprocess.run(
        [
            str(binaries.folder / "kubectl"),
            "--kubeconfig=/dev/null",
            here,
            trusting,
            f"--token={token}",
            "get",
            "nodes",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert bare.returncode != 0
    assert "Unauthorized" in bare.stderr or "must be logged in" in bare.stderr


def test_secrets_are_encrypted_at_rest(admin: Kubectl, one_cluster: ClusterState) -> None:
    admin.do("create", "secret", "generic", "hidden", f"--from-literal=password={_SECRET}")
    admin.do("create", "configmap", "plain", "--from-literal=word=a-word-that-may-be-read")
    try:
        stored = b"".join(path.read_bytes() for path in (one_cluster.directory / "etcd").rglob("*") if path.is_file())
        assert b"a-word-that-may-be-read" in stored  # the search itself works
        assert _SECRET.encode() not in stored
    finally:
        admin.do("delete", "secret/hidden", "configmap/plain")


def test_the_audit_log_says_who_and_never_what(admin: Kubectl, one_cluster: ClusterState) -> None:
    admin.do("create", "secret", "generic", "noted", f"--from-literal=password={_SECRET}")
    try:
        lines = [json.loads(line) for line in one_cluster.audit_log.read_text().splitlines()]
        ours = [line for line in lines if line.get("objectRef", {}).get("name") == "noted"]
        assert [(line["user"]["username"], line["verb"]) for line in ours] == [("ringfence:admin", "create")]
        assert _SECRET not in one_cluster.audit_log.read_text()
    finally:
        admin.do("delete", "secret", "noted")


def test_only_the_owner_may_read_anything(environment: EnvironmentState) -> None:
    too_open = [
        path
        for path in environment.directory.rglob("*")
        if not path.is_symlink()
        and stat.S_IMODE(path.stat().st_mode) & 0o077
        and not path.is_relative_to(environment.repositories)
    ]
    assert too_open == []
    for folder in (environment.directory, environment.directory.parent, environment.repositories):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_no_credential_of_a_component_stays_on_the_disk(environment: EnvironmentState) -> None:
    for cluster in environment.clusters:
        assert not (cluster.directory / "run").exists()
        assert sorted(path.name for path in (cluster.directory / "kubeconfig").glob("*.yaml")) == [
            "admin.yaml",
            "argocd.yaml",
        ]


def test_everything_listens_on_the_loopback_address_only(environment: EnvironmentState) -> None:
    argocd = environment.argocd
    assert argocd is not None
    for pid in (*(cluster.pid for cluster in environment.clusters), argocd.process.pid):
        assert pid is not None
        listening = [
            one.laddr.ip for one in psutil.Process(pid).net_connections("inet") if one.status == psutil.CONN_LISTEN
        ]
        assert set(listening) == {"127.0.0.1"}
        assert len(listening) == 1


def test_the_port_of_argo_cd_answers_nothing(environment: EnvironmentState) -> None:
    argocd = environment.argocd
    assert argocd is not None
    connections = psutil.Process(argocd.process.pid).net_connections("inet")
    ports = [one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN]
    for path in ("/metrics", "/healthz", "/debug/pprof/heap"):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}{path}", timeout=10)
        assert refusal.value.code == 404
        refusal.value.close()


def test_clusters_share_no_key(environment: EnvironmentState) -> None:
    for name in ("ca.crt", "ca.key", "sa.key", "encryption.yaml", "apiserver.key"):
        contents = [(cluster.directory / "pki" / name).read_bytes() for cluster in environment.clusters]
        assert len(set(contents)) == len(contents)


def test_argo_cd_s_user_may_do_nothing_until_it_is_let_into_a_namespace(
    binaries: Binaries, one_cluster: ClusterState
) -> None:
    argocd = Kubectl(binaries.folder / "kubectl", one_cluster.argocd_kubeconfig)
    argocd.do("api-resources")  # what the API is, it may ask
    for verb, resource in [
        ("list", "secrets"),
        ("list", "pods"),
        ("create", "deployments.apps"),
        ("list", "namespaces"),
        ("create", "clusterrolebindings"),
        ("escalate", "clusterroles"),
        ("impersonate", "users"),
        ("delete", "nodes"),
        ("create", "validatingadmissionpolicies"),
        ("create", "namespaces"),
        ("create", "pods --subresource=exec"),
    ]:
        answer = argocd.run("auth", "can-i", verb, *resource.split(), "-A").stdout.strip()
        assert answer == "no", f"{verb} {resource}"
    assert "forbidden" in argocd.run("get", "secrets", "-n", "kube-system").stderr


def test_argo_cd_delivers_a_chart_from_a_file_repository(
    binaries: Binaries, environment: EnvironmentState, tmp_path: Path
) -> None:
    management = environment.management
    assert management is not None
    home = Kubectl(binaries.folder / "kubectl", management.kubeconfig)
    away = Kubectl(binaries.folder / "kubectl", environment.workloads[0].kubeconfig)
    repository = environment.repositories / "shop.git"
    work = tmp_path / "work"
    _write_chart(work)
    for command in (
        ["git", "init", "-q", "--bare", "-b", "main", str(repository)],
        ["git", "-C", str(work), "init", "-q", "-b", "main"],
        ["git", "-C", str(work), "add", "."],
        ["git", "-C", str(work), "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "Start"],
        ["git", "-C", str(work), "push", "-q", str(repository), "main"],
    ):
        subprocess.run(command, check=True)
    away.do("create", "namespace", "shop")
    away.do("create", "rolebinding", "deliver", "-n", "shop", "--clusterrole=edit", "--user=ringfence:argocd")
    let_in = '{"stringData": {"namespaces": "shop"}}'
    home.do("patch", "secret", "cluster-trial-1", "-n", "argocd", "-p", let_in)
    home.do("apply", "-f", "-", stdin=_application(repository))
    try:
        eventually(lambda: _synced(home), "the Application is synced", 60)
        assert len(away.get("pods", "-n", "shop")["items"]) == 2
        revision = subprocess.run(
            ["git", "-C", str(work), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
        ).stdout.strip()
        assert home.get("application", "shop", "-n", "argocd")["status"]["sync"]["revision"] == revision
    finally:
        home.do("delete", "application", "shop", "-n", "argocd", "--wait=false")
        home.do("patch", "secret", "cluster-trial-1", "-n", "argocd", "-p", '{"data": {"namespaces": null}}')
        away.do("delete", "namespace", "shop")


def _synced(home: Kubectl) -> bool:
    status = home.get("application", "shop", "-n", "argocd").get("status", {})
    return (status.get("sync", {}).get("status"), status.get("health", {}).get("status")) == ("Synced", "Healthy")


def _write_chart(work: Path) -> None:
    templates = work / "chart" / "templates"
    templates.mkdir(parents=True)
    (work / "chart" / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (work / "chart" / "values.yaml").write_text("replicas: 2\n")
    (templates / "deployment.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec:\n  replicas: {{ .Values.replicas }}\n"
        "  selector: {matchLabels: {app: shop}}\n  template:\n    metadata: {labels: {app: shop}}\n"
        "    spec: {containers: [{name: shop, image: shop}]}\n"
    )


def _application(repository: Path) -> str:
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {{name: shop, namespace: argocd}}
spec:
  sourceRepos: ["file://{repository}"]
  destinations: [{{name: trial-1, namespace: shop}}]
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: shop, namespace: argocd}}
spec:
  project: shop
  source: {{repoURL: "file://{repository}", path: chart, targetRevision: main}}
  destination: {{name: trial-1, namespace: shop}}
  syncPolicy: {{automated: {{prune: true, selfHeal: true}}}}
"""


def test_a_landscape_that_was_never_up_has_no_environments(engine: Engine) -> None:
    state = engine.state("never")
    assert isinstance(state, EngineState)
    assert (state.environments, state.ready, state.running) == ((), False, False)
