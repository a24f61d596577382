"""All six levels on real clusters: applied, synced, and what each boundary refuses when somebody really asks."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from integration.conftest import EngineHome
from integration.landscapes import LEVEL_APPLICATIONS, six_levels
from ringfence.base.clock import SystemClock
from ringfence.base.errors import ForbiddenError, RingfenceError, StateError
from ringfence.decide.topology import Topology
from ringfence.deliver.changes import Action
from ringfence.flows.apply import ApplyResult, apply, prepared
from ringfence.flows.partition import EMBEDDED, topology_partition
from ringfence.flows.status import status
from ringfence.flows.targets import Targets, all_clusters, find_targets
from ringfence.flows.up import up
from ringfence.kube import (
    APPLICATIONS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    NAMESPACES,
    NODES,
    PODS,
    SECRETS,
    Cluster,
    RefusedError,
    Resource,
)
from ringfence.kube import Action as Right
from ringfence.landscape.model import TRANSFORMATION, Landscape, Level
from ringfence.observe.hashing import new_key
from ringfence.observe.live import read_cluster
from ringfence.prove.proof import Answer as ProofAnswer
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts.pairs import prove
from ringfence.render.names import POOL
from ringfence.render.tenancy import ARGOCD_USER
from topologies import between

pytestmark = pytest.mark.engine

QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota", True)
POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True)


@dataclass(frozen=True)
class Built:
    """The six levels, built."""

    landscape: Landscape
    topology: Topology
    targets: Targets
    result: ApplyResult

    def open(self, cluster: str = "main-1") -> Cluster:
        return self.targets.open(cluster)


@pytest.fixture(scope="module")
def built(engine_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    landscape, topology = six_levels(tmp_path_factory.mktemp("levels"))
    clock = SystemClock()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in engine_home.variables.items():
            patch.setenv(name, value)
        up(landscape, topology, engine_home.paths, clock)
        targets = find_targets(engine_home.paths, clock, landscape.name)
        with prepared(landscape, topology, targets) as ready:
            result = apply(ready, targets, timeout=120)
        yield Built(landscape, topology, targets, result)
    engine_home.engine().down(landscape.name, purge=True)


def pod(namespace: str, release: str, pool: str, landscape: str = "levels", **spec: Any) -> dict[str, Any]:
    """A pod that fulfils everything that is asked of one in its namespace, with some fields of its spec changed."""
    container = {
        "name": "probe",
        "image": "registry.invalid/probe",
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "10m", "memory": "16Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": namespace, "labels": {"app.kubernetes.io/instance": release}},
        "spec": {
            "automountServiceAccountToken": False,
            "containers": [container],
            "nodeSelector": {POOL: pool},
            "priorityClassName": f"ringfence-{landscape}-testing",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "tolerations": [{"key": POOL, "operator": "Equal", "value": pool, "effect": "NoSchedule"}],
            **spec,
        },
    }


def refused(cluster: Cluster, document: dict[str, Any]) -> str:
    """Why the API server does not take an object; fails when it does."""
    with pytest.raises((RefusedError, ForbiddenError)) as caught:
        cluster.create(document, dry_run=True)
    return caught.value.message


@pytest.mark.parametrize("level", list(LEVEL_APPLICATIONS))
def test_both_deployments_of_a_level_run_at_the_committed_revision(built: Built, level: Level) -> None:
    application = LEVEL_APPLICATIONS[level]
    for copy in (1, 2):
        name = f"{application}/testing-{copy}"
        environment = built.topology.placement(name).environment
        assert built.result.arrived[name].revision == built.result.revisions[environment]
    placed = next(
        pair.placed
        for pair in built.topology.pairs
        if pair.a.startswith(f"{application}/") and pair.b.startswith(f"{application}/")
    )
    assert placed is level


def test_pods_are_on_their_pools(built: Built) -> None:
    for placement in built.topology.placements:
        with built.open(placement.cluster) as cluster:
            pools = {
                item["metadata"]["name"]: item["metadata"]["labels"][POOL] for item in cluster.list_raw(NODES).items
            }
            release = placement.deployment.replace("/", "-")
            pods = cluster.list_raw(
                PODS, placement.namespace, label_selector=f"app.kubernetes.io/instance={release}"
            ).items
        where = {pools[item["spec"]["nodeName"]] for item in pods}
        assert where == {placement.pool, placement.services["postgresql"]}
        for item in pods:
            service = item["metadata"]["labels"].get("ringfence.dev/service")
            assert pools[item["spec"]["nodeName"]] == (placement.services[service] if service else placement.pool)


def test_nothing_differs_after_applying_and_status_agrees(built: Built) -> None:
    with prepared(built.landscape, built.topology, built.targets) as ready:
        assert ready.changes.changes == ()
    seen = status(built.landscape, built.topology, built.targets)
    assert {one.state for one in seen.deployments} == {"running"}
    assert all(node.ready for one in seen.environments for cluster in one.clusters for node in cluster.nodes)


def test_what_a_level_cannot_promise_is_said(built: Built) -> None:
    subjects = [note.subject for note in built.result.manifests.notes]
    assert len([one for one in subjects if "share the namespace" in one]) == 2


def test_the_proof_holds_every_level_to_its_promises(built: Built) -> None:
    partition = topology_partition(built.landscape, built.topology, EMBEDDED)
    key = new_key()
    found = []
    for _, cluster in all_clusters(built.topology):
        with built.open(cluster.name) as connection:
            found.append(read_cluster(cluster.name, connection, key))
    proof = prove(partition, snapshot_of(found))
    said = {
        (pair.source, pair.destination): {
            dimension: (verdict.answer, [step.step for step in verdict.witness], verdict.missing)
            for dimension, verdict in pair.dimensions.items()
        }
        for pair in proof.pairs
        if pair.answer is not ProofAnswer.HOLDS
    }
    assert said == {}


@pytest.mark.parametrize(
    ("spec", "because"),
    [
        ({"nodeSelector": {POOL: "nodespace-b"}}, "nodeSelector"),
        ({"nodeSelector": {}}, "nodeSelector"),
        ({"nodeSelector": {"kubernetes.io/hostname": "nodespace-b-1"}}, "nodeSelector"),
        ({"nodeName": "nodespace-b-1"}, "nodeName"),
        ({"tolerations": [{"operator": "Exists"}]}, "tolerated"),
        ({"tolerations": [{"key": POOL, "operator": "Exists"}]}, "tolerated"),
        ({"tolerations": [{"key": POOL, "value": "nodespace-b"}]}, "tolerated"),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": POOL, "operator": "In", "values": ["nodespace-b"]}]}
                            ]
                        }
                    }
                }
            },
            "affinity",
        ),
        ({"priorityClassName": "system-cluster-critical"}, "priorityClassName"),
        ({"priorityClassName": "system-node-critical"}, "priorityClassName"),
        ({"priorityClassName": ""}, "priorityClassName"),
    ],
)
def test_a_pod_that_asks_for_another_pool_is_refused_by_the_api_server(
    built: Built, spec: dict[str, Any], because: str
) -> None:
    with built.open() as cluster:
        cluster.create(pod("nodespace-a", "nodespace-testing-1", "nodespace-a"), dry_run=True)
        message = refused(cluster, pod("nodespace-a", "nodespace-testing-1", "nodespace-a", **spec))
    assert "ringfence-levels-place-nodespace-a" in message
    assert because in message


def test_in_a_shared_namespace_the_label_decides_the_pool(built: Built) -> None:
    with built.open() as cluster:
        cluster.create(pod("node-a", "node-testing-1", "node-a"), dry_run=True)
        cluster.create(pod("node-a", "node-testing-2", "node-b"), dry_run=True)
        assert "nodeSelector" in refused(cluster, pod("node-a", "node-testing-1", "node-b"))
        refused(cluster, pod("node-a", "stranger", "node-a"))


def test_the_pool_of_a_service_takes_nothing_else(built: Built) -> None:
    document = pod("nodespace-a", "nodespace-testing-1", "nodespace-a-postgresql")
    with built.open() as cluster:
        assert "nodeSelector" in refused(cluster, document)
        document["metadata"]["labels"]["ringfence.dev/service"] = "postgresql"
        assert "own images" in refused(cluster, document)


def test_only_the_scheduler_binds(built: Built) -> None:
    with built.open() as cluster:
        item = cluster.list_raw(PODS, "nodespace-a").items[0]["metadata"]["name"]
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": item, "namespace": "nodespace-a"},
            "target": {"apiVersion": "v1", "kind": "Node", "name": "nodespace-b-1"},
        }
        with pytest.raises(RingfenceError) as caught:
            cluster.request(
                "POST",
                f"/api/v1/namespaces/nodespace-a/pods/{item}/binding",
                parameters={"dryRun": "All"},
                body=binding,
            )
    assert "only the scheduler" in caught.value.message


def test_tolerations_cannot_be_added_later(built: Built) -> None:
    with built.open() as cluster:
        item = next(
            one
            for one in cluster.list_raw(PODS, "nodespace-a").items
            if "ringfence.dev/service" not in one["metadata"]["labels"]
        )
        name = item["metadata"]["name"]
        more = [*item["spec"]["tolerations"], {"operator": "Exists"}]
        with pytest.raises(RefusedError, match="tolerated"):
            cluster.patch(PODS, name, {"spec": {"tolerations": more}}, "nodespace-a", dry_run=True)
        cluster.patch(PODS, name, {"metadata": {"annotations": {"note": "fine"}}}, "nodespace-a", dry_run=True)


def test_a_privileged_pod_is_refused(built: Built) -> None:
    with built.open() as cluster:
        assert "PodSecurity" in refused(cluster, pod("nodespace-a", "nodespace-testing-1", "nodespace-a", hostPID=True))


@pytest.mark.parametrize(
    ("user", "groups", "other"),
    [
        ("ada", ("alpha-devs",), "namespace-b"),
        ("bob", ("beta-devs",), "namespace-a"),
        ("quinn", ("qa",), "namespace-a"),
        ("system:serviceaccount:namespace-a:namespace-testing-1", (), "namespace-b"),
        ("system:serviceaccount:namespace-a:default", (), "namespace-a"),
    ],
)
def test_secrets_are_closed_to_people_and_accounts(
    built: Built, user: str, groups: tuple[str, ...], other: str
) -> None:
    with built.open() as cluster:
        somebody = cluster.impersonating(user, (*groups, "system:authenticated"))
        with pytest.raises(ForbiddenError):
            somebody.list_raw(SECRETS, other)
        name = cluster.list_raw(SECRETS, other).items[0]["metadata"]["name"]
        with pytest.raises(ForbiddenError):
            somebody.get(SECRETS, name, other)
        for verb in ("get", "list", "watch", "create", "update", "delete"):
            assert not cluster.access_review(user, groups, Right(verb, "", "secrets", other)).allowed


def claim(label: str = "", **spec: Any) -> dict[str, Any]:
    """A claim among seed data."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "copy", "namespace": "namespace-a", "labels": {TRANSFORMATION: label} if label else {}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec},
    }


def test_no_data_comes_down_from_a_higher_class_but_by_a_named_transformation(built: Built) -> None:
    prepared_elsewhere = {"volumeName": "production-database", "storageClassName": ""}
    with built.open() as cluster:
        cluster.create(claim(), dry_run=True)
        assert "spec.volumeName must be empty" in refused(cluster, claim(**prepared_elsewhere))
        assert "only a transformation of the Landscape" in refused(cluster, claim("anonymise"))
        refused(cluster, claim("unheard-of", **prepared_elsewhere))
        maker = cluster.impersonating("system:serviceaccount:jobs:anonymise", ("system:masters",))
        maker.create(claim("anonymise", **prepared_elsewhere), dry_run=True)
        assert "spec.volumeName must be empty" in refused(maker, claim(**prepared_elsewhere))


def test_argo_cd_sees_and_changes_what_it_delivers_and_nothing_else(built: Built) -> None:
    """Asked as Argo CD itself, on the cluster to which it has delivered all of these."""
    with built.open() as cluster:
        argocd = cluster.impersonating(ARGOCD_USER, ("system:authenticated",))
        (mine, *_) = argocd.list_raw(DEPLOYMENTS, "namespace-a").items
        argocd.patch(
            DEPLOYMENTS, mine["metadata"]["name"], {"metadata": {"annotations": {"seen": "yes"}}}, "namespace-a"
        )
        assert argocd.list_raw(PODS, "namespace-a").items
        for resource, namespace in (
            (SECRETS, "namespace-a"),
            (POLICIES, "namespace-a"),
            (QUOTAS, "namespace-a"),
            (DEPLOYMENTS, "kube-system"),
            (DEPLOYMENTS, None),
            (SECRETS, None),
            (NAMESPACES, None),
            (NODES, None),
        ):
            with pytest.raises(ForbiddenError):
                argocd.list_raw(resource, namespace)
        with pytest.raises(ForbiddenError):
            argocd.create(pod("namespace-a", "namespace-testing-1", "namespace-a"), dry_run=True)
        with pytest.raises(ForbiddenError):
            argocd.create({**mine, "metadata": {"name": "elsewhere", "namespace": "default"}}, dry_run=True)
        for right in (
            Right("create", "rbac.authorization.k8s.io", "rolebindings", "namespace-a"),
            Right("impersonate", "", "users"),
            Right("create", "", "pods", "namespace-a", subresource="exec"),
            Right("get", "", "nodes", subresource="proxy"),
        ):
            assert not cluster.access_review(ARGOCD_USER, (), right).allowed
    with built.open("main-management") as management:
        for secret in management.list_raw(
            SECRETS, "argocd", label_selector="argocd.argoproj.io/secret-type=cluster"
        ).items:
            told = base64.b64decode(secret["data"]["namespaces"]).decode().split(",")
            name = base64.b64decode(secret["data"]["name"]).decode()
            assert told == sorted({one.namespace for one in built.topology.placements if one.cluster == name})
        argocd = management.impersonating(ARGOCD_USER, ("system:authenticated",))
        with pytest.raises(ForbiddenError):
            argocd.list_raw(SECRETS, "kube-system")


@pytest.mark.parametrize(
    ("group", "allowed"),
    [("alpha-devs", True), ("beta-devs", True), ("qa", True), ("product-management", False), ("customers", False)],
)
def test_observers_of_testing_may_look_and_change_nothing(built: Built, group: str, allowed: bool) -> None:
    with built.open() as cluster:
        somebody = cluster.impersonating("somebody", (group, "system:authenticated"))
        if allowed:
            assert somebody.list_raw(PODS, "namespace-a").items
        else:
            with pytest.raises(ForbiddenError):
                somebody.list_raw(PODS, "namespace-a")
        with pytest.raises(ForbiddenError):
            somebody.create(pod("namespace-a", "namespace-testing-1", "namespace-a"), dry_run=True)
        for right in (
            Right("create", "rbac.authorization.k8s.io", "rolebindings", "namespace-a"),
            Right("create", "", "serviceaccounts", "namespace-a", subresource="token"),
            Right("delete", "networking.k8s.io", "networkpolicies", "namespace-a"),
            Right("create", "", "pods", "namespace-a", subresource="exec"),
            Right("patch", "", "namespaces", "namespace-a", "namespace-a"),
            Right("list", "", "nodes"),
        ):
            assert not cluster.access_review("somebody", (group,), right).allowed


def test_passwords_are_in_the_cluster_and_nowhere_else(built: Built) -> None:
    import base64

    with built.open() as cluster:
        secret = cluster.get(SECRETS, "namespace-testing-1-postgresql", "namespace-a")
    assert secret is not None
    password = base64.b64decode(secret["data"]["password"])
    assert len(password) >= 32
    repository = built.targets.repository("main")
    assert all(password not in content for content in repository.files().values())
    assert not any(b"kind: Secret" in content for content in repository.files().values())


def test_drift_is_found_named_and_mended_and_nothing_else_is_written(built: Built) -> None:
    with built.open() as cluster:
        cluster.patch(QUOTAS, "capacity", {"spec": {"hard": {"pods": "9999"}}}, "namespace-a")
        cluster.delete(POLICIES, "default-deny", "namespace-b")
        before = cluster.list_raw(POLICIES, "namespace-a").items
    with prepared(built.landscape, built.topology, built.targets) as ready:
        found = {(change.action, str(change.key), change.fields) for change in ready.changes.changes}
        assert found == {
            (Action.UPDATE, "ResourceQuota namespace-a/capacity", ("spec.hard.pods",)),
            (Action.CREATE, "NetworkPolicy namespace-b/default-deny", ()),
        }
        apply(ready, built.targets, timeout=60)
    with built.open() as cluster:
        quota = cluster.get(QUOTAS, "capacity", "namespace-a")
        assert quota is not None
        assert quota["spec"]["hard"]["pods"] == "30"
        assert cluster.get(POLICIES, "default-deny", "namespace-b") is not None
        after = cluster.list_raw(POLICIES, "namespace-a").items
    assert [one["metadata"]["resourceVersion"] for one in before] == [
        one["metadata"]["resourceVersion"] for one in after
    ]


def test_another_landscapes_objects_are_not_taken(built: Built) -> None:
    with built.open() as cluster:
        cluster.patch(QUOTAS, "capacity", {"metadata": {"labels": {"ringfence.dev/landscape": "other"}}}, "namespace-a")
        try:
            with (
                pytest.raises(StateError, match="belongs to the landscape other"),
                prepared(built.landscape, built.topology, built.targets),
            ):
                pass
        finally:
            cluster.patch(
                QUOTAS, "capacity", {"metadata": {"labels": {"ringfence.dev/landscape": "levels"}}}, "namespace-a"
            )


def test_what_left_the_topology_is_pruned_but_not_what_others_put_there(built: Built) -> None:
    """Last in this file: it takes deployments away."""
    from topologies import Place, topology_of

    places = [
        Place(one.deployment, one.environment, one.cluster, one.pool, one.namespace)
        for one in built.topology.placements
        if one.deployment not in ("cluster/testing-1", "nodespace/testing-2")
    ]
    assert all(between(one, one) is Level.LABELS for one in places)
    smaller = topology_of(built.landscape, places)
    with built.open() as cluster:
        cluster.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": "nodespace-b"}}
        )
    with prepared(built.landscape, smaller, built.targets) as ready:
        assert not ready.changes.clean
        kept = [change for change in ready.changes.changes if change.action is Action.KEEP]
        assert [str(change.key) for change in kept] == ["Namespace nodespace-b"]
        assert "ConfigMap mine" in kept[0].because
        apply(ready, built.targets, timeout=60)
    with built.open() as cluster, built.open("main-management") as management:
        assert cluster.get(NAMESPACES, "cluster-a") is None
        assert cluster.get(CONFIG_MAPS, "mine", "nodespace-b") is not None
        assert management.get(APPLICATIONS, "nodespace-testing-2", "argocd") is None
        assert cluster.list_raw(PODS, "nodespace-b", label_selector="app.kubernetes.io/managed-by=Helm").items == []
    with prepared(built.landscape, smaller, built.targets, foreign=True) as ready:
        assert Action.KEEP not in {change.action for change in ready.changes.changes}
        apply(ready, built.targets, timeout=60)
    with built.open() as cluster:
        assert cluster.get(NAMESPACES, "nodespace-b") is None
    with prepared(built.landscape, smaller, built.targets) as ready:
        assert ready.changes.clean
