"""The closure against a second opinion: random rights in a small cluster, tried one by one until nothing new comes."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from property.naive_closure import RBAC, Naive
from ringfence.prove.partition import People
from ringfence.prove.proof import Answer
from ringfence.prove.rbac.bootstrap import bootstrap_objects
from unit.prove.proof_worlds import HERE, THERE, Object, account, grant, node, pod, secret, space, verdict

SPACES = (HERE, THERE, "tools")
WHO = (
    "user:alice", "user:bob", "group:devs", f"sa:{HERE}/ci", "sa:tools/robot", "sa:tools/default", f"sa:{THERE}/web",
    f"group:system:serviceaccounts:{HERE}", "group:system:authenticated",
)  # fmt: skip
RIGHTS: tuple[tuple[str, str, str], ...] = (
    ("create", "", "pods"), ("patch", "", "pods"), ("get", "", "pods"), ("create", "", "pods/exec"),
    ("patch", "", "pods/ephemeralcontainers"), ("create", "apps", "deployments"), ("update", "batch", "jobs"),
    ("get", "", "secrets"), ("list", "", "secrets"), ("create", "", "secrets"), ("get create", "", "secrets"),
    ("create", "", "serviceaccounts/token"), ("impersonate", "", "serviceaccounts"), ("impersonate", "", "users"),
    ("impersonate", "", "groups"), ("impersonate", "", "users groups"), ("bind", RBAC, "clusterroles"),
    ("bind", RBAC, "roles"), ("escalate", RBAC, "roles"), ("escalate", RBAC, "clusterroles"),
    ("create", RBAC, "rolebindings"), ("create", RBAC, "clusterrolebindings"), ("update", RBAC, "roles"),
    ("update", RBAC, "clusterroles"), ("escalate update", RBAC, "roles"), ("bind create", RBAC, "roles rolebindings"),
    ("patch", "", "namespaces"), ("delete", "", "namespaces"), ("get", "", "nodes/proxy"), ("get", "", "nodes"),
    ("create", "", "persistentvolumes"), ("list", "", "namespaces"), ("*", "", "*"), ("*", "*", "*"),
    ("get list watch", "", "*"), ("*", RBAC, "*"), ("create", "", "*/exec"), ("get", "", "configmaps"),
    ("update", "networking.k8s.io", "networkpolicies"), ("create", "", "pods/portforward"),
)  # fmt: skip
NAMED = {"pods": ("web", "robot", "ci"), "secrets": ("database", "other"), "serviceaccounts": ("robot", "web")}


def base(loose: bool) -> list[Object]:
    return [
        *(space(name, None if loose and name == "tools" else "restricted") for name in (*SPACES, "kube-system")),
        node("node-1", "v1.37.0"),
        account("ci", HERE), account("web", THERE), account("robot", "tools"),
        pod("ci", HERE, "ci"), pod("web", THERE, "web"), pod("robot", "tools", "robot"),
        secret("database", THERE, password="Zr8-kPq3vTx71LmWn05q"), secret("other", "tools", key="x"),
    ]  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> Object:
    verbs, group, resources = draw(st.sampled_from(RIGHTS))
    found: dict[str, Any] = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    names = NAMED.get(resources.partition("/")[0])
    if names and draw(st.integers(0, 4)) == 0:
        found["resourceNames"] = [draw(st.sampled_from(names))]
    return found


@st.composite
def worlds(draw: st.DrawFn) -> list[Object]:
    objects = base(draw(st.booleans()))
    for number in range(draw(st.integers(1, 5))):
        who = draw(st.sampled_from(WHO))
        place = draw(st.sampled_from((HERE, "tools", "tools", HERE, "", "", THERE)))
        objects += grant(who, draw(st.lists(rules(), min_size=1, max_size=2)), place, f"g{number}")
    return objects


def made_by_every_cluster() -> list[Object]:
    """The bootstrap RBAC, as plain objects. Its ServiceAccounts are not in these worlds."""
    return [json.loads(json.dumps(item)) for item in bootstrap_objects("1.37")]


def naive_answer(objects: list[Object]) -> Answer:
    cluster = Naive([*objects, *made_by_every_cluster()], [("User", "", "alice")], HERE)
    cluster.close()
    return Answer.BROKEN if cluster.harms(THERE) else Answer.HOLDS


SLOW = list(HealthCheck)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(worlds())
def test_the_closure_comes_to_what_trying_comes_to(objects: list[Object]) -> None:
    agree(objects)


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None, suppress_health_check=SLOW)
@given(worlds())
def test_the_closure_comes_to_what_trying_comes_to_ten_thousand_times(objects: list[Object]) -> None:
    agree(objects)


def agree(objects: list[Object]) -> None:
    found = verdict("access", objects, trusted=People(users=("bob",), groups=("devs",)))
    expected = naive_answer(objects)
    if found.answer is Answer.UNKNOWN and all(text.endswith("is not in the snapshot") for text in found.missing):
        # What roles name and the snapshot lacks is unknown by contract: the second opinion takes it for absent.
        assert expected is Answer.HOLDS
    else:
        assert found.answer is expected, (found.witness, found.missing)
