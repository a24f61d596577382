"""What each level renders: the properties that its promises rest on, and that rendering is a function."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.decide.topology import ClusterRole
from ringfence.landscape.model import Landscape, Level
from ringfence.render import KubernetesObject, Manifests, Options, Rendered, Sources, render, repository_files
from ringfence.render.argocd import DELIVERABLES
from ringfence.render.layout import yaml_documents
from ringfence.render.names import INSTANCE, LANDSCAPE, MANAGED_BY, NAME, OWNER, PART_OF, POOL
from topologies import LEVELS, Place, clinic, topology_of

CLINIC = clinic()
_POOLS = ("apps", "other")
_NAMESPACES = ("one", "two", "three")


def rendered(places: list[Place], landscape: Landscape = CLINIC) -> Manifests:
    return render(landscape, topology_of(landscape, places), {"portal": Sources({"Chart.yaml": b"name: portal\n"})})


def objects(manifests: Manifests, kind: str) -> list[KubernetesObject]:
    return [one.document for cluster in manifests.clusters for one in cluster.objects if one.key.kind == kind]


def everything(manifests: Manifests) -> Iterator[Rendered]:
    for cluster in manifests.clusters:
        yield from cluster.objects


def pod_templates(manifests: Manifests) -> list[Mapping[str, Any]]:
    return [one["spec"]["template"] for one in objects(manifests, "StatefulSet")]


@pytest.mark.parametrize("level", list(LEVELS))
def test_every_object_has_recommended_labels_and_its_owner(level: Level) -> None:
    for one in everything(rendered(LEVELS[level])):
        labels = one.document["metadata"]["labels"]
        assert {NAME, INSTANCE, PART_OF, MANAGED_BY, LANDSCAPE, OWNER} <= set(labels)
        assert labels[MANAGED_BY] == "ringfence"
        assert labels[OWNER] == one.owner.replace("/", ".")


@pytest.mark.parametrize("level", list(LEVELS))
def test_no_platform_object_looks_like_an_applications(level: Level) -> None:
    """An Argo CD that tracks by instance label would prune it."""
    manifests = rendered(LEVELS[level])
    applications = {one["metadata"]["name"] for one in objects(manifests, "Application")}
    assert not applications & {one.document["metadata"]["labels"][INSTANCE] for one in everything(manifests)}


@pytest.mark.parametrize("level", list(LEVELS))
def test_every_namespace_is_closed_bounded_and_restricted(level: Level) -> None:
    manifests = rendered(LEVELS[level])
    for namespace in objects(manifests, "Namespace"):
        name = namespace["metadata"]["name"]
        labels = namespace["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        assert labels["pod-security.kubernetes.io/enforce-version"] == "v1.33"
        deny = next(
            one
            for one in objects(manifests, "NetworkPolicy")
            if one["metadata"]["namespace"] == name and one["metadata"]["name"] == "default-deny"
        )
        assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        quotas = [one for one in objects(manifests, "ResourceQuota") if one["metadata"]["namespace"] == name]
        hard = next(one["spec"]["hard"] for one in quotas if "scopeSelector" not in one["spec"])
        assert {"limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.ephemeral-storage"} <= set(hard)
        assert any(one["spec"].get("scopeSelector") and one["spec"]["hard"] == {"pods": "0"} for one in quotas)
        accounts = [one for one in objects(manifests, "ServiceAccount") if one["metadata"]["namespace"] == name]
        assert "default" in {one["metadata"]["name"] for one in accounts}
        assert all(one["automountServiceAccountToken"] is False for one in accounts)


@pytest.mark.parametrize("level", list(LEVELS))
def test_every_opening_stays_in_the_deployment(level: Level) -> None:
    """With nothing declared: a deployment's own pods, and the name service."""
    for policy in objects(rendered(LEVELS[level]), "NetworkPolicy"):
        spec = policy["spec"]
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            for peer in rule.get("from", rule.get("to", [])):
                if "namespaceSelector" in peer:
                    assert peer["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
                    assert {port["port"] for port in rule["ports"]} == {53}
                else:
                    assert peer["podSelector"] == spec["podSelector"]
        if level in (Level.LABELS, Level.NODE) and policy["metadata"]["name"].startswith("allow-own"):
            assert spec["podSelector"]["matchLabels"][INSTANCE].startswith("portal-testing-")


@pytest.mark.parametrize("level", list(LEVELS))
def test_services_have_toleration_and_affinity_for_their_pool(level: Level) -> None:
    manifests = rendered(LEVELS[level])
    pools = {pool.name: pool for cluster in manifests.clusters for pool in cluster.pools}
    for template in pod_templates(manifests):
        spec = template["spec"]
        pool = spec["nodeSelector"][POOL]
        assert pools[pool].dedicated_to == template["metadata"]["labels"]["ringfence.dev/service"]
        terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        assert terms == [{"matchExpressions": [{"key": POOL, "operator": "In", "values": [pool]}]}]
        (toleration,) = spec["tolerations"]
        taints = [(one.key, one.value, one.effect) for one in pools[pool].taints]
        assert taints == [(toleration["key"], toleration["value"], toleration["effect"])]
        assert spec["automountServiceAccountToken"] is False


@pytest.mark.parametrize("level", list(LEVELS))
def test_argo_cd_may_change_what_its_applications_are_made_of_and_reads_no_secret(level: Level) -> None:
    manifests = rendered(LEVELS[level])
    roles = [one for one in objects(manifests, "Role") if one["metadata"]["name"] == "deliver"]
    assert [one["metadata"]["namespace"] for one in roles] == [
        one["metadata"]["name"] for one in objects(manifests, "Namespace")
    ]
    for role in roles:
        allowed = {(group, name) for rule in role["rules"] for group in rule["apiGroups"] for name in rule["resources"]}
        seen = {("", "pods"), ("apps", "replicasets")}
        assert allowed == seen | {(one.group, one.resource) for one in DELIVERABLES}
        assert all(rule["verbs"] == ["get", "list", "watch"] for rule in role["rules"] if seen & _of(rule))
        assert "*" not in str(role["rules"])
    bindings = [one for one in objects(manifests, "RoleBinding") if one["metadata"]["name"] == "deliver"]
    assert {one["subjects"][0]["name"] for one in bindings} == {"ringfence:argocd"}


def _of(rule: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(group, name) for group in rule["apiGroups"] for name in rule["resources"]}


def test_an_argo_cd_that_was_there_gets_no_rights_from_ringfence() -> None:
    topology = topology_of(CLINIC, LEVELS[Level.NAMESPACE])
    clusters = frozenset(cluster.name for one in topology.environments for cluster in one.clusters)
    manifests = render(CLINIC, topology, None, Options(existing=clusters))
    assert "ringfence:argocd" not in str([one.document for one in everything(manifests)])


def test_projects_are_restricted_to_one_repository_cluster_namespace_and_ordinary_kinds() -> None:
    manifests = rendered(LEVELS[Level.ENVIRONMENT])
    for project in objects(manifests, "AppProject"):
        spec = project["spec"]
        assert spec["clusterResourceWhitelist"] == []
        assert len(spec["sourceRepos"]) == len(spec["destinations"]) == 1
        assert "*" not in str(spec)
        kinds = {(one["group"], one["kind"]) for one in spec["namespaceResourceWhitelist"]}
        assert kinds == {(one.group, one.kind) for one in DELIVERABLES}
        assert not {"Secret", "Role", "RoleBinding", "ServiceAccount", "NetworkPolicy", "Pod"} & {k for _, k in kinds}
    repositories = {
        one["metadata"]["name"]: one["spec"]["source"]["repoURL"] for one in objects(manifests, "Application")
    }
    assert repositories["portal-testing-1"] != repositories["portal-testing-2"]


def priorities(*places: Place) -> dict[str, int]:
    classes = objects(rendered(list(places)), "PriorityClass")
    assert all(one["preemptionPolicy"] == "Never" and one["globalDefault"] is False for one in classes)
    return {one["metadata"]["labels"]["ringfence.dev/stage"]: one["value"] for one in classes}


def test_deployments_that_share_nodes_have_the_same_priority() -> None:
    values = priorities(
        *(
            Place(f"portal/{stage}", "one", "one-1", "apps", f"portal-{stage}")
            for stage in ("development", "testing-1", "staging", "production")
        )
    )
    assert len(set(values.values())) == 1


def test_production_on_nodes_of_its_own_stands_above_the_rest() -> None:
    values = priorities(
        Place("portal/staging", "one", "one-1", "apps", "portal-staging"),
        Place("portal/production", "one", "one-1", "apps-production", "portal-production"),
    )
    assert values["staging"] < values["production"]


@pytest.mark.parametrize(
    ("deployment", "looking", "changing"),
    [
        ("portal/development", {"portal-devs"}, {"portal-devs"}),
        ("portal/testing-1", {"portal-devs", "backoffice-devs", "qa"}, set()),
        ("portal/staging", {"portal-devs", "backoffice-devs", "qa", "product-management"}, set()),
        ("portal/production", set(), set()),
    ],
)
def test_people_are_let_in_as_the_ladder_says(deployment: str, looking: set[str], changing: set[str]) -> None:
    manifests = rendered([Place(deployment, "one", "one-1", "apps", "it")])
    bound = {
        one["metadata"]["name"]: {subject["name"] for subject in one["subjects"]}
        for one in objects(manifests, "RoleBinding")
        if one["metadata"]["name"] != "deliver"
    }
    assert bound == {name: who for name, who in (("observe", looking), ("develop", changing)) if who}


def test_the_image_of_a_service_that_the_landscape_names_is_the_only_one_its_pool_takes() -> None:
    image = f"registry.example.org/postgres:18.1@sha256:{'a' * 64}"
    services = {**CLINIC.services, "postgresql": replace(CLINIC.services["postgresql"], image=image)}
    manifests = rendered(LEVELS[Level.NAMESPACE], replace(CLINIC, services=services))
    images = {template["spec"]["containers"][0]["image"] for template in pod_templates(manifests)}
    assert image in images
    assert "docker.io/library/postgres:18.1" not in images
    policies = str(objects(manifests, "ValidatingAdmissionPolicy"))
    assert f"'postgresql': '{image}'" in policies.replace("\\", "")


def test_no_role_reaches_the_boundary_itself() -> None:
    places = [
        Place(f"portal/{stage}", "one", "one-1", "apps", f"portal-{stage}") for stage in ("development", "staging")
    ]
    for role in objects(rendered(places), "Role"):
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert not {"secrets", "serviceaccounts/token", "pods/ephemeralcontainers"} & set(rule["resources"])
            if not set(rule["verbs"]) <= {"get", "list", "watch"}:
                kept = {"roles", "rolebindings", "networkpolicies", "resourcequotas", "limitranges", "namespaces"}
                kept |= {"endpoints", "endpointslices", "serviceaccounts"}
                if role["metadata"]["name"] != "deliver":
                    kept |= {"services"}
                assert not kept & set(rule["resources"])


def test_in_a_shared_namespace_nobody_changes_anything_by_hand() -> None:
    places = [
        Place("portal/development", "one", "one-1", "apps", "shared"),
        Place("backoffice/development", "one", "one-1", "apps", "shared"),
    ]
    manifests = rendered(places)
    assert [one["metadata"]["name"] for one in objects(manifests, "RoleBinding")] == ["deliver", "observe"]
    assert "share the namespace shared" in manifests.notes[0].subject


def test_no_secret_is_rendered() -> None:
    for level in LEVELS:
        manifests = rendered(LEVELS[level])
        assert objects(manifests, "Secret") == []
        for name in {cluster.environment for cluster in manifests.clusters}:
            assert all(b"kind: Secret" not in content for content in repository_files(manifests, name).values())


def test_management_clusters_get_delivery_only() -> None:
    manifests = rendered(LEVELS[Level.NAMESPACE])
    (management,) = (one for one in manifests.clusters if one.role is ClusterRole.MANAGEMENT)
    assert {one.key.kind for one in management.objects} == {"AppProject", "Application"}


_STAGES = ("development", "testing-1", "testing-2", "testing-3", "staging", "production")
_DEPLOYMENTS = [f"{application}/{stage}" for application in ("portal", "backoffice") for stage in _STAGES]


@st.composite
def arrangements(draw: st.DrawFn) -> list[Place]:
    chosen = draw(st.lists(st.sampled_from(_DEPLOYMENTS), min_size=1, max_size=6, unique=True))
    return [
        Place(
            name,
            environment := draw(st.sampled_from(("near", "far"))),
            f"{environment}-{draw(st.integers(1, 2))}",
            draw(st.sampled_from(_POOLS)),
            draw(st.sampled_from(_NAMESPACES)),
        )
        for name in chosen
    ]


@settings(max_examples=30, deadline=None)
@given(arrangements())
def test_any_topology_renders_the_same_bytes_each_object_once_each_pod_on_one_pool(places: list[Place]) -> None:
    first, second = rendered(places), rendered(places)
    for name in {cluster.environment for cluster in first.clusters}:
        assert repository_files(first, name) == repository_files(second, name)
    for cluster in first.clusters:
        keys = [one.key for one in cluster.objects]
        assert len(keys) == len(set(keys))
        assert all(len(key.name) <= 253 for key in keys)
    namespaces = {(place.cluster, place.namespace) for place in places}
    policies = [
        one["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"][0]["values"]
        for one in objects(first, "ValidatingAdmissionPolicy")
        if "-place-" in one["metadata"]["name"]
    ]
    assert len(policies) == len(namespaces)
    for place in places:
        assert first.deployment(place.deployment).values["nodeSelector"] == {POOL: place.pool}


def test_options_name_repositories_destinations_and_storage() -> None:
    options = Options(
        repositories={"np": "ssh://git.example/np.git"},
        destinations={"np-1": {"server": "https://kubernetes.default.svc"}},
        argocd_namespaces={"np": "platform-argocd"},
        claims=True,
    )
    manifests = render(CLINIC, topology_of(CLINIC, LEVELS[Level.NAMESPACE]), None, options)
    application = objects(manifests, "Application")[0]
    assert application["metadata"]["namespace"] == "platform-argocd"
    assert application["spec"]["source"]["repoURL"] == "ssh://git.example/np.git"
    assert application["spec"]["destination"] == {"server": "https://kubernetes.default.svc", "namespace": "one"}
    assert all("volumeClaimTemplates" in one["spec"] for one in objects(manifests, "StatefulSet"))


def test_yaml_has_no_anchors() -> None:
    shared = {"a": 1}
    assert yaml_documents([{"one": shared, "two": shared}]) == b"one:\n  a: 1\ntwo:\n  a: 1\n"
