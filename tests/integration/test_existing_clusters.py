"""The same up, apply and status against clusters that already exist, with rights and without."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from integration.conftest import EngineHome, home_at, trial
from integration.killing import ringfence
from integration.landscapes import write_landscape, write_manifests
from ringfence.engine import Engine, EnvironmentState
from ringfence.kube import NAMESPACES, PODS, SERVICES, open_cluster

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Existing:
    """A Landscape, a home of its own, and a kubeconfig with the contexts ``mine-management`` and ``mine-1``."""

    folder: Path
    home: EngineHome
    kubeconfig: Path

    def contexts(self) -> list[str]:
        return [
            "--kubeconfig",
            str(self.kubeconfig),
            "--context",
            "non-production-management=mine-management",
            "--context",
            "non-production-1=mine-1",
        ]


@pytest.fixture(scope="module")
def environment(engine: Engine) -> Iterator[EnvironmentState]:
    """One that nobody else uses: what an Argo CD may see is for it to find out once, at its first look."""
    yield from trial(engine, "somebody-elses")


@pytest.fixture(scope="module")
def existing(environment: EnvironmentState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Existing]:
    folder = tmp_path_factory.mktemp("existing")
    write_manifests(folder / "flat", "flat")
    write_manifests(folder / "layered", "layered", kustomization=True)
    write_landscape(
        folder,
        "brought",
        dict.fromkeys(("shop", "flat", "layered"), "{testing: {}}"),
        sources={"flat": "manifests: flat", "layered": "kustomize: layered"},
    )
    _let_argo_cd_deliver_everywhere(environment)
    home = home_at(tmp_path_factory.mktemp("existing-home"))
    merged: dict[str, object] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
    for name, cluster in (("mine-management", environment.management), ("mine-1", environment.workloads[0])):
        assert cluster is not None
        one = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
        for part, content in (
            ("clusters", {"cluster": one["clusters"][0]["cluster"]}),
            ("users", {"user": one["users"][0]["user"]}),
            ("contexts", {"context": {"cluster": name, "user": name}}),
        ):
            entries = merged[part]
            assert isinstance(entries, list)
            entries.append({"name": name, **content})
    kubeconfig = tmp_path_factory.mktemp("kube") / "config"
    kubeconfig.write_text(yaml.safe_dump(merged), encoding="utf-8")
    yield Existing(folder, home, kubeconfig)
    for context in ("mine-management", "mine-1"):
        with open_cluster(kubeconfig, context) as connection:
            for item in connection.list_raw(NAMESPACES, label_selector="ringfence.dev/landscape=brought").items:
                connection.delete(NAMESPACES, item["metadata"]["name"])
    with open_cluster(kubeconfig, "mine-1") as connection:
        binding = connection.resource_of("rbac.authorization.k8s.io/v1", "ClusterRoleBinding")
        connection.delete(binding, "somebody-elses-argocd")


def _let_argo_cd_deliver_everywhere(environment: EnvironmentState) -> None:
    """As somebody who runs an Argo CD of their own may have it; Ringfence gives rights to its own only."""
    name = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ringfence:argocd"}
    with open_cluster(environment.workloads[0].kubeconfig) as cluster:
        cluster.apply(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "somebody-elses-argocd"},
                "roleRef": {"apiGroup": name["apiGroup"], "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [name],
            }
        )


def test_up_makes_no_cluster_and_finds_what_is_there(existing: Existing) -> None:
    ended = ringfence(["up", str(existing.folder), *existing.contexts(), "-o", "json"], existing.home.variables)
    assert ended.code == 0, ended.output
    answer = json.loads(ended.output[ended.output.index("{") : ended.output.rindex("}") + 1])
    assert answer["environments"] == []
    assert answer["existing"] == ["non-production-1", "non-production-management"]
    assert answer["lacking"] == []
    assert any("without its taint" in gap for gap in answer["gaps"])
    assert existing.home.engine().state("brought").environments == ()


def test_apply_uses_the_argocd_that_is_there(existing: Existing) -> None:
    assert ringfence(["up", str(existing.folder), *existing.contexts()], existing.home.variables).code == 0
    ended = ringfence(["apply", str(existing.folder), "--timeout", "90"], existing.home.variables)
    assert ended.code == 0, ended.output
    ended = ringfence(["diff", str(existing.folder)], existing.home.variables)
    assert ended.code == 0, ended.output
    ended = ringfence(["status", str(existing.folder), "-o", "json"], existing.home.variables)
    seen = json.loads(ended.output)
    assert [one["state"] for one in seen["deployments"]] == ["running", "running", "running"]
    assert {cluster["embedded"] for one in seen["environments"] for cluster in one["clusters"]} == {False}


@pytest.mark.parametrize("application", ["shop", "flat", "layered"])
def test_every_kind_of_source_is_delivered_with_what_the_platform_says(
    existing: Existing, environment: EnvironmentState, application: str
) -> None:
    """A chart, plain manifests and a Kustomize base: the pods are in their pool, with their account and priority."""
    assert ringfence(["up", str(existing.folder), *existing.contexts()], existing.home.variables).code == 0
    assert ringfence(["apply", str(existing.folder)], existing.home.variables).code == 0
    namespace = f"{application}-testing"
    with open_cluster(environment.workloads[0].kubeconfig) as cluster:
        pods = cluster.list_raw(PODS, namespace, label_selector=f"app.kubernetes.io/instance={namespace}").items
        services = cluster.list_raw(SERVICES, namespace).items
        # What Argo CD delivered is not taken for something that Ringfence left behind.
        assert ringfence(["diff", str(existing.folder)], existing.home.variables).code == 0
        assert [one["metadata"]["uid"] for one in cluster.list_raw(SERVICES, namespace).items] == [
            one["metadata"]["uid"] for one in services
        ]
    assert pods
    for pod in pods:
        spec = pod["spec"]
        assert pod["status"]["phase"] == "Running"
        assert spec["nodeSelector"] == {"node-restriction.kubernetes.io/pool": "apps"}
        assert spec["serviceAccountName"] == namespace
        assert spec["priorityClassName"] == "ringfence-brought-testing"
        assert spec["automountServiceAccountToken"] is False
    assert len(services) == 1


def test_rights_that_are_missing_are_all_named_before_anything_is_written(
    existing: Existing, environment: EnvironmentState, tmp_path: Path
) -> None:
    with open_cluster(environment.workloads[0].kubeconfig) as cluster:
        token = cluster.request(
            "POST",
            "/api/v1/namespaces/default/serviceaccounts/default/token",
            body={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
        )["status"]["token"]
        document = yaml.safe_load(existing.kubeconfig.read_text(encoding="utf-8"))
    next(one for one in document["users"] if one["name"] == "mine-1")["user"] = {"token": token}
    poor = tmp_path / "config"
    poor.write_text(yaml.safe_dump(document), encoding="utf-8")
    home = home_at(tmp_path / "home")
    arguments = [str(poor) if one == str(existing.kubeconfig) else one for one in existing.contexts()]
    ended = ringfence(["up", str(existing.folder), *arguments], home.variables)
    assert ended.code == 1, ended.output
    assert "missing right: non-production-1: create namespaces" in ended.output
    assert "missing right: non-production-1: patch networkpolicies.networking.k8s.io in shop-testing" in ended.output
    assert token not in ended.output
    assert base64.b64encode(token.encode()).decode() not in ended.output
    ended = ringfence(["apply", str(existing.folder)], home.variables)
    assert ended.code == 2
    assert "forbidden" in ended.output
    assert "Traceback" not in ended.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--context", "non-production-1"], "CLUSTER=CONTEXT"),
        (["--context", "production-9=mine-1"], "no cluster 'production-9'"),
        (["--context", "non-production-1=mine-1"], "there is no Argo CD on this cluster"),
        (["--context", "non-production-management=mine-management"], "non-production-1"),
        (
            ["--context", "non-production-1=nowhere", "--context", "non-production-management=mine-management"],
            "no context 'nowhere'",
        ),
    ],
)
def test_contexts_that_do_not_fit_are_explained(
    existing: Existing, tmp_path: Path, arguments: list[str], words: str
) -> None:
    home = home_at(tmp_path / "home")
    ended = ringfence(
        ["up", str(existing.folder), "--kubeconfig", str(existing.kubeconfig), *arguments], home.variables
    )
    assert ended.code == 2
    assert words in ended.output
    assert "Traceback" not in ended.output
