"""Which platform an update drives, from what was said on the command line."""

from dataclasses import dataclass
from pathlib import Path

from ringfence.base.errors import UsageError
from ringfence.flows.updates.commands import Opened
from ringfence.flows.updates.own_gates import OwnGates
from ringfence.flows.updates.platforms import (
    CommandPlatform,
    EnginePlatform,
    Site,
    look_healthy,
    look_separation,
)
from ringfence.flows.updates.run import Looks, always
from ringfence.update.platform import Look, Platform, Report


@dataclass(frozen=True, slots=True)
class Chosen:
    """A platform and how its outcome is looked at."""

    platform: Platform
    looks: Looks


def looks_of(own: OwnGates, opened: Opened, separation: Look, report: Report) -> Looks:
    """How an update of this landscape is looked at: the proof, and the deployments' own gates."""
    plan = opened.desk.state.plan
    ready = always if plan is None else own.ready(plan.bundle)
    return Looks(separation, own.passed(report), ready, lambda environment: own.verified(environment, report))


def choose(
    opened: Opened,
    file: Path,
    command: tuple[str, ...],
    cluster_api: str | None,
    namespace: str,
    accept_unknown: str | None,
    report: Report = lambda _: None,
) -> Chosen:
    """The command where there is one, Cluster API where its context is named, else the embedded engine."""
    from ringfence.base.paths import Paths

    if command and cluster_api:
        raise UsageError(
            "an update is run by a command or by Cluster API, not by both", hint="leave --command or --cluster-api out"
        )
    site = Site(opened.landscape, opened.topology, file, Paths.from_environment(), opened.desk.clock)
    looks = looks_of(OwnGates(site, opened.desk.actor), opened, look_separation(site, accept_unknown), report)
    if command:
        return Chosen(CommandPlatform(command, look_healthy(site)), looks)
    if cluster_api is not None:
        from ringfence.flows.updates.clusterapi import ClusterApiPlatform

        return Chosen(ClusterApiPlatform(site, cluster_api, namespace), looks)
    return Chosen(EnginePlatform(site), looks)
