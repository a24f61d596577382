"""``can access`` against the API server's own answer: random roles and bindings, each probe a SubjectAccessReview.

The world is created on a real cluster, read back as a snapshot, and every probe is asked of both. The default run is
bounded; ``soak`` asks a hundred thousand.
"""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from ringfence.engine import ClusterState
from ringfence.kube import Action, Cluster, open_cluster
from ringfence.observe.hashing import new_key
from ringfence.observe.live import read_cluster
from ringfence.prove.answer import Truth
from ringfence.prove.platform.apiserver import api_server_flags
from ringfence.prove.rbac.access import AccessWorld, can_access
from ringfence.prove.rbac.index import build_index
from ringfence.prove.rbac.rules import Request

pytestmark = pytest.mark.engine

SPACES = ("oracle-a", "oracle-b")
USERS = (
    "alice",
    "Alice",
    "bob",
    "devs",
    "system:anonymous",
    "system:serviceaccount:oracle-a",
    "system:node:oracle",
    *(f"system:serviceaccount:{space}:{name}" for space in SPACES for name in ("ci", "default")),
)
GROUPS = (
    "devs",
    "ops",
    "alice",
    "system:authenticated",
    "system:serviceaccounts",
    "system:serviceaccounts:oracle-a",
    "system:unauthenticated",
)
BUILT_IN = ("view", "edit", "admin", "system:discovery", "system:node", "system:auth-delegator")
VERBS = (
    "get",
    "list",
    "watch",
    "create",
    "delete",
    "deletecollection",
    "patch",
    "escalate",
    "bind",
    "impersonate",
    "use",
    "",
    "*",
)
RESOURCES = (
    "pods",
    "pods/exec",
    "pods/log",
    "secrets",
    "configmaps",
    "*",
    "*/exec",
    "deployments",
    "deployments/scale",
    "pods/*",
    "*/scale",
    "/exec",
    "nodes",
    "things",
    "Pods",
)
API_GROUPS = ("", "apps", "batch", "x.io", "*")
NAMES = ("", "", "", "one", "two", "*", "ONE")
URLS = ("/healthz", "/metrics", "/metrics/*", "/metrics*", "/metrics/**", "*", "/version", "/m*s", "/", "/*", "metrics")
ASKED = (
    "/healthz",
    "/healthz/",
    "/metrics",
    "/metrics/",
    "/metrics/x",
    "/metricsx",
    "/mxs",
    "/x",
    "/",
    "metrics",
    "/apis",
)
RBAC = "rbac.authorization.k8s.io"


def _some(rng: random.Random, words: Sequence[str], most: int) -> list[str]:
    return rng.sample(words, rng.randint(1, most))


def _rule(rng: random.Random, *, urls: bool) -> dict[str, list[str]]:
    if urls and rng.random() < 0.2:
        return {"verbs": _some(rng, ("get", "post", "GET", "*"), 2), "nonResourceURLs": _some(rng, URLS, 2)}
    found = {
        "verbs": _some(rng, VERBS, 3),
        "apiGroups": _some(rng, API_GROUPS, 2),
        "resources": _some(rng, RESOURCES, 3),
    }
    if rng.random() < 0.3:
        found["resourceNames"] = _some(rng, ("one", "two", "three", "*", ""), 2)
    return found


def _subject(rng: random.Random, *, scoped: bool) -> dict[str, str]:
    if rng.random() < 0.3:
        account = {"kind": "ServiceAccount", "name": rng.choice(("ci", "default"))}
        return account if scoped and rng.random() < 0.3 else {**account, "namespace": rng.choice(SPACES)}
    if rng.random() < 0.5:
        return {"kind": "User", "apiGroup": RBAC, "name": rng.choice((*USERS, "*"))}
    return {"kind": "Group", "apiGroup": RBAC, "name": rng.choice(GROUPS)}


def _world(rng: random.Random) -> Iterator[dict[str, object]]:
    for space in SPACES:
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
    for number in range(12):
        space = SPACES[number % 2]
        for kind, place in (("Role", {"namespace": space}), ("ClusterRole", {})):
            rules = [_rule(rng, urls=kind == "ClusterRole") for _ in range(rng.randint(1, 3))]
            metadata: dict[str, object] = {"name": f"oracle-{number}", **place}
            if kind == "ClusterRole":
                metadata["labels"] = _some_labels(rng)
            yield {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": rules}
    yield from _aggregated(rng)
    for number in range(30):
        scoped = rng.random() < 0.7
        kind = rng.choice(("Role", "ClusterRole")) if scoped else "ClusterRole"
        place = {"namespace": rng.choice(SPACES)} if scoped else {}
        yield {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding" if scoped else "ClusterRoleBinding",
            "metadata": {"name": f"oracle-{number}", **place},
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": _role_name(rng, kind)},
            "subjects": [_subject(rng, scoped=scoped) for _ in range(rng.randint(1, 3))],
        }


def _role_name(rng: random.Random, kind: str) -> str:
    return rng.choice(BUILT_IN) if kind == "ClusterRole" and rng.random() < 0.3 else f"oracle-{rng.randrange(15)}"


def _some_labels(rng: random.Random) -> dict[str, str]:
    suffix = rng.choice(("view", "edit", "admin", "oracle", "none"))
    return {f"rbac.authorization.k8s.io/aggregate-to-{suffix}": "true"}


def _aggregated(rng: random.Random) -> Iterator[dict[str, object]]:
    """Three ClusterRoles whose rules the controller fills in; the last two from the first."""
    key = "rbac.authorization.k8s.io/aggregate-to-{}"
    selectors = (
        {"matchLabels": {key.format("oracle"): "true"}},
        {"matchExpressions": [{"key": key.format("view"), "operator": "Exists"}]},
        {"matchExpressions": [{"key": key.format("nested"), "operator": "In", "values": ["true", "yes"]}]},
    )
    for number, selector in enumerate(selectors, 12):
        labels = {key.format("nested"): "yes"} if number == 12 else {}
        yield {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": f"oracle-{number}", "labels": labels},
            "aggregationRule": {"clusterRoleSelectors": [selector]},
            "rules": [],
        }


@pytest.fixture(scope="module")
def cluster(one_cluster: ClusterState) -> Iterator[Cluster]:
    with open_cluster(one_cluster.kubeconfig) as found:
        world = list(_world(random.Random(20261123)))
        for document in world:
            found.apply(document)
        yield found
        # Rights first, and waited for: other tests of this cluster name the same people.
        for document in reversed(world):
            metadata = cast("dict[str, str]", document["metadata"])
            resource = found.resource_of(str(document["apiVersion"]), str(document["kind"]))
            found.delete(resource, metadata["name"], metadata.get("namespace"))


def _probe(rng: random.Random) -> tuple[str, tuple[str, ...], Request]:
    groups = tuple(rng.sample(("devs", "ops"), rng.randint(0, 2)))
    if rng.random() < 0.1:
        return (
            rng.choice(USERS),
            groups,
            Request(rng.choice(("get", "post", "GET", "*")), url=rng.choice(ASKED)),
        )
    resource, _, subresource = rng.choice([item for item in RESOURCES if item[0] != "/"]).partition("/")
    request = Request(
        verb=rng.choice([verb for verb in VERBS if verb]),
        group=rng.choice(API_GROUPS),
        resource=resource,
        subresource=subresource,
        namespace=rng.choice(("", "elsewhere", *SPACES)),
        name=rng.choice(NAMES),
    )
    return rng.choice(USERS), groups, request


def _implied(user: str) -> tuple[str, ...]:
    if user == "system:anonymous":
        return ("system:unauthenticated",)
    if user.startswith("system:serviceaccount:") and user.count(":") == 3:
        space = user.split(":")[2]
        return ("system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{space}")
    return ("system:authenticated",)


def _review(cluster: Cluster, user: str, groups: tuple[str, ...], request: Request) -> bool:
    everyone = (*groups, *_implied(user))
    if request.url is None:
        action = Action(
            request.verb, request.group, request.resource, request.namespace, request.name, request.subresource
        )
        return cluster.access_review(user, everyone, action).allowed
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user,
            "groups": list(everyone),
            "nonResourceAttributes": {"path": request.url, "verb": request.verb},
        },
    }
    answer = cluster.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=body)
    return bool(answer["status"].get("allowed"))


def _agree(cluster: Cluster, count: int, seed: int) -> None:
    snapshot = read_cluster("one-1", cluster, new_key())
    world = AccessWorld(snapshot, build_index(snapshot, 37), api_server_flags(snapshot))
    rng = random.Random(seed)
    probes = [_probe(rng) for _ in range(count)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        real = list(pool.map(lambda probe: _review(cluster, *probe), probes))
    found = [can_access(world, *probe) for probe in probes]
    # Some bindings name a role that is not there: the API server says no, and a snapshot alone cannot know.
    unsure = [answer for answer in found if answer.truth is Truth.UNKNOWN]
    assert all("not in the snapshot" in reason for answer in unsure for reason in answer.because), unsure[:3]
    assert len(unsure) < count / 2
    wrong = [
        (probe, allowed, answer.because)
        for probe, allowed, answer in zip(probes, real, found, strict=True)
        if answer.truth is not Truth.UNKNOWN and (answer.truth is Truth.YES) is not allowed
    ]
    assert not [
        probe for probe, allowed, answer in zip(probes, real, found, strict=True) if allowed and answer in unsure
    ]
    assert not wrong, wrong[:3]
    assert 0.02 < sum(real) / count < 0.98


def test_agrees_with_the_api_server(cluster: Cluster) -> None:
    _agree(cluster, 1500, 1)


@pytest.mark.soak
def test_agrees_with_the_api_server_a_hundred_thousand_times(cluster: Cluster) -> None:
    _agree(cluster, 100_000, 2)
