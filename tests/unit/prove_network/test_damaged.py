"""Policies that cannot be read: unknown where they might decide, and nowhere else."""

from typing import Any

import pytest

from ringfence.prove.network.build import world_of
from ringfence.prove.network.cni import assumed
from ringfence.prove.network.connect import connect
from unit.prove.proof_worlds import Object, cluster, pod, space

HERE, THERE = "a", "b"


def placed(name: str, namespace: str, address: str) -> Object:
    made = pod(name, namespace)
    made["status"]["podIP"] = address
    return made


PODS = [
    space(HERE),
    space(THERE),
    space("c"),
    placed("x", HERE, "10.0.0.1"),
    placed("y", THERE, "10.0.0.2"),
    placed("z", "c", "10.0.0.3"),
]


def damaged(api: str, kind: str, namespace: str = "", **spec: Any) -> Object:
    metadata = {"name": "p", **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec or "nothing"}


def answers(*objects: Object, **cni: Any) -> tuple[str, str]:
    """Whether a pod of ``a`` reaches one of ``b``, and one of ``c``."""
    snapshot = cluster([*PODS, *objects])
    world = world_of(snapshot, assumed({"cni": {"name": "calico", **cni}}, default_enforced=True))
    return (
        connect(world, "a/x", "b/y", "TCP", 80).answer,
        connect(world, "a/x", "c/z", "TCP", 80).answer,
    )


def test_nothing_damaged_is_open() -> None:
    assert answers() == ("yes", "yes")


@pytest.mark.parametrize(
    ("api", "kind"),
    [("networking.k8s.io/v1", "NetworkPolicy"), ("crd.projectcalico.org/v1", "NetworkPolicy")],
)
def test_a_policy_of_one_namespace_puts_only_that_one_in_doubt(api: str, kind: str) -> None:
    assert answers(damaged(api, kind, THERE)) == ("unknown", "yes")


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"),
        ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"),
        ("cilium.io/v2", "CiliumClusterwideNetworkPolicy"),
        ("crd.projectcalico.org/v1", "GlobalNetworkPolicy"),
    ],
)
def test_a_policy_of_the_cluster_puts_everything_in_doubt(api: str, kind: str) -> None:
    facts = {"adminNetworkPolicy": True, "clusterNetworkPolicy": True}
    assert answers(damaged(api, kind), **facts) == ("unknown", "unknown")
