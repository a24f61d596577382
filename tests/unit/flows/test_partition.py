"""The Partition that a Topology implies: every deployment, its place, its people, and what is promised."""

from ringfence.flows.partition import EMBEDDED, topology_partition
from ringfence.landscape.model import Level
from ringfence.prove.partition import PortRange
from ringfence.render.names import INSTANCE
from topologies import LEVELS, Place, clinic, topology_of

CLINIC = clinic()


def test_promised_is_the_level_at_which_a_pair_is_placed() -> None:
    for level, places in LEVELS.items():
        partition = topology_partition(CLINIC, topology_of(CLINIC, places))
        assert partition.promised("portal/testing-1", "portal/testing-2") is level
        shared = level in (Level.LABELS, Level.NODE)
        for deployment in partition.deployments:
            (where,) = deployment.where
            assert dict(where.labels) == ({INSTANCE: deployment.name.replace("/", "-")} if shared else {})


def test_people_are_the_ladders_and_count_against_production() -> None:
    places = [
        Place("portal/testing-1", "np", "np-1", "apps", "portal-testing-1"),
        Place("backoffice/testing-1", "np", "np-1", "apps", "backoffice-testing-1"),
        Place("portal/production", "production", "production-1", "apps", "portal-production"),
    ]
    partition = topology_partition(CLINIC, topology_of(CLINIC, places), EMBEDDED)
    groups = {one.name: set(one.people.groups) for one in partition.deployments}
    assert groups["portal/testing-1"] == {"portal-devs", "backoffice-devs", "qa"}
    assert groups["portal/production"] == {"customers"}
    both = partition.people_of_both("portal/testing-1", "backoffice/testing-1").groups
    assert set(both) == {"portal-devs", "backoffice-devs", "qa"}
    assert partition.people_of_both("portal/testing-1", "portal/production").groups == ()
    assert [one.management for one in partition.environments] == ["np-management", "production-management"]


def test_declared_ports_become_ranges() -> None:
    from dataclasses import replace

    from ringfence.landscape.model import DeclaredConnection

    connection = DeclaredConnection("portal/testing-1", "portal/testing-2", ("443/TCP", "8000-8010/UDP", "53"), "tests")
    landscape = replace(CLINIC, declared=(connection,))
    (declared,) = topology_partition(landscape, topology_of(landscape, LEVELS[Level.NAMESPACE])).declared
    assert declared.ports == (PortRange("TCP", 443, 443), PortRange("UDP", 8000, 8010), PortRange("TCP", 53, 53))
