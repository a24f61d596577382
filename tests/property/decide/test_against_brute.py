"""The planner against every arrangement there is, for a handful of deployments."""

from typing import Any

from hypothesis import HealthCheck, given, settings

from property.decide.brute import brute, things
from property.decide.landscapes import landscape, specs
from ringfence.decide.topology import ClusterRole, Status
from ringfence.flows.plan import plan


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(most=6))
def test_the_planner_finds_what_brute_force_finds(spec: dict[str, Any]) -> None:
    topology = plan(landscape(spec))
    if not things(spec):
        return
    best = brute(spec)
    if best is None:
        assert topology.status is Status.INFEASIBLE
        return
    assert topology.status is Status.OPTIMAL
    clusters = [each for environment in topology.environments for each in environment.clusters]
    workloads = [each for each in clusters if each.role is ClusterRole.WORKLOAD]
    nodes = sum(pool.nodes for each in workloads for pool in each.pools)
    assert (topology.price, len(topology.environments), len(workloads), nodes) == (
        best.price, best.environments, best.clusters, best.nodes
    )  # fmt: skip
    assert topology.bound == topology.price
