"""Two deployments in one namespace, told apart by labels: whose an account, a Secret, a pod or an identity is."""

from typing import Any

import pytest

from ringfence.prove.partition import People, Where
from ringfence.prove.proof import Answer
from unit.prove.proof_worlds import (
    Object,
    account,
    deny_all,
    grant,
    node,
    pod,
    rule,
    secret,
    space,
    thing,
    verdict,
)

SHARED = "shared"
OURS, THEIRS = {"stage": "testing"}, {"stage": "production"}
PLACES: dict[str, Any] = {
    "here": Where("prod", (SHARED,), OURS),
    "there": Where("prod", (SHARED,), THEIRS),
    "people": People(),
    "their_people": People(),
}
PASSWORD = "Zr8-kPq3vTx71LmWn05q"
ARN = "arn:aws:iam::123456789012:role/both"
READS = grant("sa:shared/runner", [rule("get", "secrets", names="database")], SHARED)


def labelled(item: Object, labels: dict[str, str]) -> Object:
    item["metadata"]["labels"] = {**item["metadata"].get("labels", {}), **labels}
    return item


def world(*more: Object) -> list[Object]:
    return [
        space(SHARED),
        node("node-1"),
        account("runner", SHARED),
        pod("ci", SHARED, labels=OURS, automountServiceAccountToken=False),
        pod("web", SHARED, labels=THEIRS, automountServiceAccountToken=False),
        labelled(secret("database", SHARED, password=PASSWORD), THEIRS),
        deny_all(SHARED),
        *more,
    ]


def access(*more: Object) -> Answer:
    return verdict("access", world(*more), level="labels", **PLACES).answer


def credentials(*more: Object) -> Answer:
    return verdict("credentials", world(*more), level="labels", **PLACES).answer


def test_an_account_that_nobody_s_labels_claim_is_nobody_s() -> None:
    assert access(*READS) is Answer.HOLDS


def test_an_account_with_the_labels_of_one_is_its_own() -> None:
    assert access(labelled(account("other", SHARED), OURS), *READS) is Answer.HOLDS
    mine = grant("sa:shared/other", [rule("get", "secrets", names="database")], SHARED)
    assert access(labelled(account("other", SHARED), OURS), *mine) is Answer.BROKEN
    assert access(labelled(account("other", SHARED), THEIRS), *mine) is Answer.HOLDS


WORKLOADS = [
    ("v1", "Pod", lambda body: body["spec"]),
    ("apps/v1", "Deployment", lambda body: {"template": body, "selector": {"matchLabels": OURS}}),
    ("batch/v1", "Job", lambda body: {"template": body}),
    ("batch/v1", "CronJob", lambda body: {"schedule": "@daily", "jobTemplate": {"spec": {"template": body}}}),
]


@pytest.mark.parametrize(("api", "kind", "spec"), WORKLOADS, ids=lambda item: str(item))
def test_what_a_workload_runs_as_is_its_owner_s(api: str, kind: str, spec: Any) -> None:
    body = {
        "metadata": {"labels": OURS},
        "spec": {
            "serviceAccountName": "runner",
            "containers": [{"name": "main", "image": "registry.example/app:1"}],
            "restartPolicy": "Always" if kind in ("Pod", "Deployment") else "Never",
        },
    }
    made = thing(api, kind, "work", SHARED, labels=OURS, spec=spec(body))
    assert access(made, *READS) is Answer.BROKEN


COPIES: dict[str, dict[str, Any]] = {
    "volume": {"volumes": [{"name": "v", "secret": {"secretName": "copy"}}]},
    "environment": {"container": {"envFrom": [{"secretRef": {"name": "copy"}}]}},
    "projected": {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "copy"}}]}}]},
}


@pytest.mark.parametrize("way", sorted(COPIES))
def test_a_secret_that_a_pod_mounts_is_its_own(way: str) -> None:
    """The copy carries no labels: who mounts it owns it."""
    copy = secret("copy", SHARED, password=PASSWORD)
    assert credentials(copy) is Answer.HOLDS
    assert credentials(copy, pod("reader", SHARED, labels=OURS, **COPIES[way])) is Answer.BROKEN


def test_a_config_map_that_a_pod_mounts_is_its_own() -> None:
    copy = thing("v1", "ConfigMap", "copy", SHARED, data={"url": f"postgres://app:{PASSWORD}@db/app"})
    mounts: dict[str, Any] = {"volumes": [{"name": "v", "configMap": {"name": "copy"}}]}
    assert credentials(copy) is Answer.HOLDS
    assert credentials(copy, pod("reader", SHARED, labels=OURS, **mounts)) is Answer.BROKEN


def test_a_registry_login_that_a_pod_pulls_with_is_its_own() -> None:
    login = '{"auths":{"registry.example":{"auth":"dXNlcjpWcTItbUx3OHpSdDU1S25YYjkwYw=="}}}'
    logins = [
        {**secret(name, SHARED, **{".dockerconfigjson": login}), "type": "kubernetes.io/dockerconfigjson"}
        for name in ("pull-a", "pull-b")
    ]
    pulls = [
        pod(f"p-{name}", SHARED, labels=labels, imagePullSecrets=[{"name": name}])
        for name, labels in (("pull-a", OURS), ("pull-b", THEIRS))
    ]
    assert credentials(*logins, pulls[0]) is Answer.HOLDS
    assert credentials(*logins, *pulls) is Answer.BROKEN


def test_a_secret_with_the_labels_of_one_is_its_own() -> None:
    assert credentials(labelled(secret("copy", SHARED, password=PASSWORD), OURS)) is Answer.BROKEN


@pytest.mark.parametrize("on", ["pod", "account", "account of a pod"])
def test_one_cloud_identity_opens_both(on: str) -> None:
    key = "iam.amazonaws.com/role" if on == "pod" else "eks.amazonaws.com/role-arn"

    def bearer(name: str, labels: dict[str, str]) -> list[Object]:
        marks = {key: ARN}
        if on == "pod":
            made = pod(name, SHARED, labels=labels)
            made["metadata"]["annotations"] = marks
            return [made]
        if on == "account":
            return [labelled(account(name, SHARED, annotations=marks), labels)]
        return [account(name, SHARED, annotations=marks), pod(name, SHARED, name, labels=labels)]

    assert credentials(*bearer("one", OURS)) is Answer.HOLDS
    assert credentials(*bearer("one", OURS), *bearer("two", THEIRS)) is Answer.BROKEN


def external(called: str, labels: dict[str, str], reference: dict[str, str]) -> Object:
    spec = {"secretStoreRef": reference, "data": [{"secretKey": "k", "remoteRef": {"key": "team/database"}}]}
    return thing("external-secrets.io/v1", "ExternalSecret", called, SHARED, labels=labels, spec=spec)


def store(name: str, path: str) -> Object:
    provider = {"vault": {"server": "https://vault.example", "path": path, "auth": {"token": {"key": name}}}}
    return thing("external-secrets.io/v1", "SecretStore", name, SHARED, spec={"provider": provider})


@pytest.mark.parametrize(
    ("ours", "theirs", "answer"),
    [
        ({"name": "s"}, {"name": "s", "kind": "SecretStore"}, Answer.BROKEN),
        ({"name": "s"}, {"name": "t"}, Answer.UNKNOWN),
        ({"name": "s"}, {"name": "s", "kind": "ClusterSecretStore"}, Answer.UNKNOWN),
        ({"name": "s", "kind": "ClusterSecretStore"}, {"name": "s", "kind": "ClusterSecretStore"}, Answer.BROKEN),
        ({"name": "first"}, {"name": "second"}, Answer.BROKEN),
        ({"name": "first"}, {"name": "third"}, Answer.HOLDS),
    ],
)
def test_one_entry_of_one_external_store_is_one_value(
    ours: dict[str, str], theirs: dict[str, str], answer: Answer
) -> None:
    """Two stores with one provider are one store, however each logs in; of those that are not there nobody knows."""
    stores = [store("first", "a"), store("second", "a"), store("third", "b")]
    assert credentials(*stores, external("one", OURS, ours), external("two", THEIRS, theirs)) is answer


def test_pods_that_have_ended_have_no_token_left() -> None:
    ended = pod("work", SHARED, "runner", labels=OURS)
    assert access(ended, *READS) is Answer.BROKEN
    for phase in ("Succeeded", "Failed"):
        assert access({**ended, "status": {"phase": phase}}, *READS) is Answer.HOLDS


def test_a_pod_reads_what_it_mounts_whosever_it_is() -> None:
    mounts: dict[str, Any] = {"volumes": [{"name": "v", "secret": {"secretName": "database"}}]}
    assert access(pod("reader", SHARED, labels=OURS, **mounts)) is Answer.BROKEN
    assert access(pod("reader", SHARED, labels=THEIRS, **mounts)) is Answer.HOLDS


def test_a_secret_of_one_that_the_other_mounts_is_of_both() -> None:
    mounts: dict[str, Any] = {"volumes": [{"name": "v", "secret": {"secretName": "mine"}}]}
    mine = labelled(secret("mine", SHARED, password="Bw4-tYq8cVn63HsJd17z"), OURS)
    assert access(mine) is Answer.HOLDS
    assert access(mine, pod("user", SHARED, labels=THEIRS, **mounts)) is Answer.BROKEN
