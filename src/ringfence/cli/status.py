"""``ringfence status``: the Environments and what runs in them."""

from ringfence.cli.arguments import HERE, File, Output, decide
from ringfence.cli.output import Format, Table, print_data, print_table


def command(file: File = HERE, output: Output = Format.TABLE) -> None:
    """Show the Environments, their clusters and nodes, and which revision of each deployment runs."""
    from ringfence.flows.status import status
    from ringfence.flows.targets import find_targets

    decided = decide(file)
    targets = find_targets(decided.paths, decided.clock, decided.landscape.name)
    seen = status(decided.landscape, decided.topology, targets)
    if print_data(seen.to_json(), output):
        return
    clusters = tuple(
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
    print_table(Table(("environment", "cluster", "role", "state", "nodes", "argo cd", "version"), clusters))
    rows = tuple(
        (
            one.deployment,
            one.cluster,
            one.namespace,
            one.state,
            (one.observed.revision or "")[:12] if one.observed else "",
            one.observed.sync if one.observed else "",
            one.observed.health if one.observed else "",
            *((one.observed.message if one.observed else "",) if output is Format.WIDE else ()),
        )
        for one in seen.deployments
    )
    headers = ("deployment", "cluster", "namespace", "state", "revision", "sync", "health")
    print_table(Table(headers + (("message",) if output is Format.WIDE else ()), rows))
