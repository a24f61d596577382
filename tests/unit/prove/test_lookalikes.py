"""Whoever comes into pods at large comes into each of them: pods that look alike and give what others do not."""

from typing import Any

import pytest

from ringfence.prove.partition import People, Where
from ringfence.prove.proof import Answer
from unit.prove.proof_worlds import THERE, Object, base, grant, node, pod, rule, secret, space, thing, verdict
from unit.prove.test_rules_matter import flags, token

SHARED = "shared"
PROXY = grant("user:alice", [rule("get", "nodes/proxy")], name="proxy")
ROOT = [space("tools", None), *grant("user:alice", [rule("create", "pods")], "tools", "root")]
ALL_NODES = pytest.mark.parametrize("way", [PROXY, ROOT], ids=["nodes/proxy", "root on any node"])


def quiet(name: str, namespace: str, on: str, **spec: Any) -> Object:
    """A pod without a token, told from others of its app by its name alone."""
    return pod(name, namespace, on=on, labels={"app": "one"}, automountServiceAccountToken=False, **spec)


@ALL_NODES
def test_pods_of_one_namespace_are_of_two_deployments_by_their_pools(way: list[Object]) -> None:
    places: dict[str, Any] = {
        "here": Where("prod", (SHARED,), pool="test"),
        "there": Where("prod", (SHARED,), pool="prod"),
        "their_people": People(),
    }
    world = [
        space(SHARED),
        node("n-test", pool="test"),
        node("n-prod", pool="prod"),
        quiet("a", SHARED, "n-test"),
        quiet("b", SHARED, "n-prod"),
    ]
    assert verdict("access", world, level="labels", **places).answer is Answer.HOLDS
    assert verdict("access", [*world, *way], level="labels", **places).answer is Answer.BROKEN


def test_what_no_node_runs_is_of_no_pool() -> None:
    places: dict[str, Any] = {
        "here": Where("prod", (SHARED,), pool="test"),
        "there": Where("prod", (SHARED,), pool="prod"),
    }
    world = [space(SHARED), node("n-test", pool="test"), node("n-prod", pool="prod")]
    pods = [quiet("a", SHARED, "n-test"), quiet("b", SHARED, "n-prod")]
    held = secret("held", SHARED, password="Zr8-kPq3vTx71LmWn05q")
    assert verdict("credentials", [*world, *pods, held], level="labels", **places).answer is Answer.HOLDS
    mounts: dict[str, Any] = {"volumes": [{"name": "v", "secret": {"secretName": "held"}}]}
    both = [quiet("a", SHARED, "n-test", **mounts), quiet("b", SHARED, "n-prod", **mounts)]
    assert verdict("credentials", [*world, *both, held], level="labels", **places).answer is Answer.BROKEN


def test_pods_of_one_namespace_are_of_two_deployments_by_what_numbers_them() -> None:
    def place(number: str) -> Where:
        return Where("prod", (SHARED,), {"apps.kubernetes.io/pod-index": number})

    world = [space(SHARED), node("node-1")]
    for number in ("0", "1"):
        item = quiet(f"web-{number}", SHARED, "node-1")
        item["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = number
        world.append(item)
    places: dict[str, Any] = {"here": place("0"), "there": place("1"), "their_people": People()}
    assert verdict("access", world, level="labels", **places).answer is Answer.HOLDS
    assert verdict("access", [*world, *PROXY], level="labels", **places).answer is Answer.BROKEN


ISSUER = flags("--service-account-issuer=https://prod.example")
TOKEN: Object = {"env": [{"name": "TOKEN", "value": token(THERE, "web")}]}
MOUNTED: Object = {"volumes": [{"name": "v", "configMap": {"name": "held"}}]}


@pytest.mark.parametrize("holder", [0, 1])
@pytest.mark.parametrize("held", [{"container": TOKEN}, MOUNTED], ids=["environment", "config map"])
def test_one_of_two_pods_holds_a_token(held: Object, holder: int) -> None:
    """The node is none of production's, whose account's token the pod of a third party holds."""
    on_node_2 = grant("user:alice", [rule("get", "nodes/proxy", names="node-2")], name="proxy")
    reads = grant(f"sa:{THERE}/web", [rule("get", "secrets")], THERE, "reads")
    content = thing("v1", "ConfigMap", "held", "tools", data={"token": token(THERE, "web")})
    world = [*base(), ISSUER, node("node-2"), space("tools"), content, *on_node_2, *reads]
    pods = [quiet(name, "tools", "node-2") for name in ("x", "y")]
    assert verdict("access", [*world, *pods]).answer is Answer.HOLDS
    pods[holder] = quiet("xy"[holder], "tools", "node-2", **held)
    assert verdict("access", [*world, *pods]).answer is Answer.BROKEN


def test_an_agent_on_every_node_leads_out_to_each() -> None:
    """Root on the node of the first agent is none on production's: that takes the agent there."""
    rooted: Object = {"container": {"securityContext": {"privileged": True}}}
    agents = [quiet(f"agent-{number}", "tools", f"node-{number}", **rooted) for number in (0, 1)]
    world = [*base(), node("node-0"), space("tools", None), *agents]
    assert verdict("network", world).answer is Answer.HOLDS
    assert verdict("network", [*world, *PROXY]).answer is Answer.BROKEN
    assert verdict("performance", [*world, *PROXY]).answer is Answer.BROKEN
