"""What an ``assume`` settles."""

from typing import Any

import pytest

from ringfence.prove.network.cni import PLUGINS, QUESTIONS, assumed


def facts(default: bool = False, **cni: Any) -> dict[str, str]:
    return dict(assumed({"cni": cni}, default_enforced=default).facts)


def test_nothing_assumed_settles_nothing_for_a_proof() -> None:
    assert assumed(None, default_enforced=False).facts == {}
    assert assumed({}, default_enforced=True).facts == {"networkPolicy": "enforced", "sctp": "enforced"}


@pytest.mark.parametrize("plugin", sorted(PLUGINS))
def test_the_table_holds_known_facts_only(plugin: str) -> None:
    for key, value in PLUGINS[plugin].items():
        assert value in QUESTIONS[key].values


@pytest.mark.parametrize(
    ("version", "old", "new"),
    [
        ("3.28.1", "ignored", "ignored"),
        ("v3.29", "enforced", "ignored"),
        ("3.31.0", "enforced", "ignored"),
        ("3.32", "ignored", "enforced"),
    ],
)
def test_calico_by_version(version: str, old: str, new: str) -> None:
    found = facts(name="calico", version=version)
    assert (found["adminNetworkPolicy"], found["clusterNetworkPolicy"]) == (old, new)
    assert "adminNetworkPolicy" not in facts(name="calico")


def test_names_may_be_written_in_many_ways() -> None:
    for name in ("OVN-Kubernetes", "ovnkubernetes", "ovn_kubernetes", " ovn-kubernetes "):
        assert assumed({"cni": {"name": name}}, default_enforced=False).plugin == "ovn-kubernetes"
    assert assumed({"cni": "calico"}, default_enforced=False).plugin == "calico"


def test_a_name_that_is_not_known_settles_nothing_and_is_said() -> None:
    found = assumed({"cni": {"name": "mystery"}}, default_enforced=True)
    assert found.facts == {}
    assert found.strange == ("cni.name: mystery",)


def test_single_facts_outweigh_the_plugin() -> None:
    assert facts(name="calico", ipBlockMatchesPods=False)["ipBlockPods"] == "unmatched"
    assert facts(enforces=["AdminNetworkPolicy"])["adminNetworkPolicy"] == "enforced"
    assert facts(hostNetwork="pod")["hostNetwork"] == "pod"


def test_what_is_not_understood_is_said() -> None:
    found = assumed({"cni": {"name": "calico", "endPort": "sometimes", "colour": "red"}}, default_enforced=False)
    assert set(found.strange) == {"cni.endPort: sometimes", "cni.colour: red"}
