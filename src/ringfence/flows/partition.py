"""From a Topology to the Partition that it implies: what ``prove`` holds the clusters to.

Promised is the level at which a pair is *placed*, not only the one that was asked: it is what was built and paid for,
and the stronger claim. A deployment's people are the groups that its stage lets in (stages.md, "Promotion"), as the
rendered RoleBindings name them, and its customers. A group that a stage lets into several deployments is common to them
by design: it counts between two only where it is not among the people of both, so developers count against production.
Whoever runs the platform is trusted, and said to be.
"""

import re
from collections import Counter

from ringfence.base.errors import InputError
from ringfence.decide.topology import Topology
from ringfence.landscape.model import Audience, DeclaredConnection, Landscape
from ringfence.prove.partition import (
    Assumptions,
    Declared,
    Partition,
    PartitionDeployment,
    PartitionEnvironment,
    People,
    PortRange,
    Promise,
    Where,
)
from ringfence.render.access import audience_groups, developers, observers
from ringfence.render.names import INSTANCE
from ringfence.render.tenancy import ARGOCD_USER, Tenancy, Tenant, tenancies

TRUSTED = People(
    users=(ARGOCD_USER, "ringfence:nodes"),
    groups=("ringfence:administrators", "system:masters"),
)
"""Who may reach everything on embedded clusters: their administrator, Argo CD and the nodes' own identity."""

_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(TCP|UDP|SCTP))?")


EMBEDDED = Assumptions({"cni": {"networkPolicy": "enforced", "sctp": "enforced"}})
"""What is assumed of embedded clusters: their nodes run no code, so no packet is sent that a plugin could let through;
the proof is about what a plugin that enforces NetworkPolicy would do. Nothing is assumed of clusters that exist."""


_NOTHING = Assumptions()


def _with_transformations(landscape: Landscape, assume: Assumptions) -> Assumptions:
    names = [one.name for one in landscape.transformations]
    return Assumptions({**assume.facts, "transformations": names}) if names else assume


def topology_partition(landscape: Landscape, topology: Topology, assume: Assumptions = _NOTHING) -> Partition:
    """The Partition of a Topology. Raises InputError when Landscape and Topology do not belong together.

    Its Applications are read from a repository that this program alone writes (promotion), so that is assumed too.
    """
    deployments = tuple(
        _deployment(landscape, tenancy, tenant)
        for tenancy in tenancies(landscape, topology)
        for tenant in tenancy.tenants
    )
    named = Counter(group for deployment in deployments for group in deployment.people.groups)
    return Partition(
        deployments=deployments,
        promises=tuple(Promise((pair.a, pair.b), pair.placed) for pair in topology.pairs),
        declared=tuple(_declared(connection) for connection in landscape.declared),
        environments=tuple(
            PartitionEnvironment(one.name, one.management.name, tuple(cluster.name for cluster in one.workloads))
            for one in topology.environments
        ),
        trusted=TRUSTED,
        assume=_with_transformations(landscape, Assumptions({"repositories": "platform", **assume.facts})),
        common=People(groups=tuple(sorted(group for group, count in named.items() if count > 1))),
    )


def _deployment(landscape: Landscape, tenancy: Tenancy, tenant: Tenant) -> PartitionDeployment:
    groups = {*observers(landscape, tenant), *developers(landscape, tenant)}
    if Audience.CUSTOMERS in tenant.stage.observers:
        groups.update(audience_groups(landscape, tenant.application, Audience.CUSTOMERS))
    labels = {INSTANCE: tenant.release} if tenancy.shared else {}
    return PartitionDeployment(
        name=tenant.name,
        stage=tenant.stage.name,
        where=(Where(tenancy.cluster.name, (tenancy.namespace,), labels),),
        people=People(groups=tuple(sorted(groups))),
    )


def _declared(connection: DeclaredConnection) -> Declared:
    ports: list[PortRange] = []
    for text in connection.ports:
        match = _PORTS.fullmatch(text)
        if match is None:
            raise InputError(
                f"{text!r} is not a port such as 443/TCP, 53/UDP or 8000-8010/TCP", location=connection.location
            )
        first = int(match[1])
        ports.append(PortRange(match[3] or "TCP", first, int(match[2] or first)))
    return Declared(connection.source, connection.destination, tuple(ports), connection.because)
