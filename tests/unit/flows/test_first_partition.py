"""The first Partition of a cluster that Ringfence did not build: readable, and loud about what it did not see."""

from pathlib import Path

import pytest
import yaml

from ringfence.base.errors import StateError
from ringfence.flows.first_partition import first_partition
from ringfence.flows.prove import ProveRequest
from ringfence.observe.partition import load_partition
from ringfence.prove.catalogue import ALL_DIMENSIONS, touched_by_resource
from ringfence.prove.proof import Answer, Dimension
from unit.prove.proof_worlds import Object, base, grant, pod, rule, space, thing, verdict


def partition(tmp_path: Path, *objects: Object) -> str:
    file = tmp_path / "objects.yaml"
    file.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return first_partition(ProveRequest(None, None, {"prod": file}, {}))


def daemons(name: str) -> Object:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, "image": name}]}}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    return thing("apps/v1", "DaemonSet", name, "kube-system", spec=spec)


def test_it_can_be_read_back(tmp_path: Path) -> None:
    text = partition(tmp_path, space("shop-prod"), space("shop-test"), space("kube-system"), pod("web", "shop-prod"))
    file = tmp_path / "partition.yaml"
    file.write_text(text, encoding="utf-8")
    found = load_partition(file)
    assert {(one.name, one.stage) for one in found.deployments} == {
        ("shop-prod", "production"),
        ("shop-test", "testing"),
    }
    assert found.promised("shop-test", "shop-prod") is not None
    assert found.assume.cni_name is None


def test_the_network_plugin_is_said_and_not_assumed(tmp_path: Path) -> None:
    text = partition(tmp_path, space("shop-prod"), daemons("aws-node"), daemons("node-exporter"))
    assert "# seen in prod: DaemonSet kube-system/aws-node; if it enforces: cni: {name: aws}" in text
    assert "node-exporter" not in text
    assert yaml.safe_load(text)["spec"]["assume"] == {}


def test_what_was_not_seen_is_named(tmp_path: Path) -> None:
    spec = {"resource": "namespaces", "reason": "Forbidden"}
    unseen = {"apiVersion": "ringfence.dev/v1", "kind": "NotListed", "spec": spec}
    assert "# not seen, so there may be more: prod: list namespaces: Forbidden" in partition(
        tmp_path, unseen, pod("web", "shop-prod")
    )
    with pytest.raises(StateError, match="list namespaces: Forbidden"):
        partition(tmp_path, unseen)


@pytest.mark.parametrize("resource", ["events.example.org", "users.example.org", "podmonitors.example.org"])
def test_a_known_plural_in_an_unknown_group_is_not_known(resource: str) -> None:
    assert touched_by_resource(resource) == ALL_DIMENSIONS


def test_vendors_network_policies_touch_the_network_only() -> None:
    assert touched_by_resource("ciliumnetworkpolicies.cilium.io") == {Dimension.NETWORK, Dimension.DATA}
    assert touched_by_resource("secrets") == touched_by_resource("secrets") != ALL_DIMENSIONS


@pytest.mark.parametrize("resource", ["allowlistsynchronizers.auto.gke.io", "podmonitorings.monitoring.googleapis.com"])
def test_writing_what_a_vendors_controllers_act_on_never_holds(resource: str) -> None:
    plural, _, group = resource.partition(".")
    found = verdict("access", [*base(), *grant("user:alice", [rule("create", plural, group)])])
    assert found.answer is not Answer.HOLDS
