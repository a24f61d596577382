"""``ringfence status``: the Environments and what runs in them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ringfence.cli.arguments import HERE, File, Output
from ringfence.cli.decided import decide
from ringfence.cli.output import Format, Table, print_data, print_table, say

if TYPE_CHECKING:
    from ringfence.flows.status import LandscapeStatus
    from ringfence.flows.where import DeploymentRelease


def command(file: File = HERE, output: Output = Format.TABLE) -> None:
    """Show the Environments, their clusters and nodes, and which revision of each deployment runs."""
    from ringfence.flows.status import status
    from ringfence.flows.targets import find_targets
    from ringfence.flows.where import where

    decided = decide(file)
    targets = find_targets(decided.paths, decided.clock, decided.landscape.name)
    seen = status(decided.landscape, decided.topology, targets)
    ladder = where(file, decided.paths, decided.clock, decided.landscape.name)
    document = seen.to_json()
    for one in document["deployments"]:
        one["ladder"] = ladder[one["deployment"]].to_json() if one["deployment"] in ladder else None
    if print_data(document, output):
        return
    print_table(_clusters(seen))
    print_table(_deployments(seen, ladder, wide=output is Format.WIDE))
    for note in dict.fromkeys(note for one in ladder.values() for note in one.notes):
        say(f"note: {note}")


def _clusters(seen: "LandscapeStatus") -> Table:
    rows = tuple(
        (
            environment.name,
            cluster.name,
            cluster.role,
            cluster.state,
            f"{sum(node.ready for node in cluster.nodes)}/{len(cluster.nodes)}",
            environment.argocd if cluster.role == "management" else "",
            cluster.version or cluster.message,
        )
        for environment in seen.environments
        for cluster in environment.clusters
    )
    return Table(("environment", "cluster", "role", "state", "nodes", "argo cd", "version"), rows)


def _deployments(seen: "LandscapeStatus", ladder: "Mapping[str, DeploymentRelease]", *, wide: bool) -> Table:
    """Each deployment with what runs there; ``wide``: and what Argo CD says of it."""
    rows = tuple(
        (
            one.deployment,
            one.cluster,
            one.namespace,
            one.state,
            (ladder[one.deployment].runs if one.deployment in ladder else None) or "",
            (one.observed.revision or "")[:12] if one.observed else "",
            one.observed.sync if one.observed else "",
            one.observed.health if one.observed else "",
            *((one.observed.message if one.observed else "",) if wide else ()),
        )
        for one in seen.deployments
    )
    headers = ("deployment", "cluster", "namespace", "state", "release", "revision", "sync", "health")
    return Table(headers + (("message",) if wide else ()), rows)
