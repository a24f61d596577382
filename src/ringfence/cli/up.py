"""``ringfence up``: bring the Environments up."""

from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.base.errors import ExitCode
from ringfence.cli.arguments import (
    HERE,
    ArgocdOptions,
    ContextOptions,
    DryRun,
    File,
    Kubeconfig,
    Output,
    RepositoryOptions,
)
from ringfence.cli.decided import brought, decide, warn_of_other_origin
from ringfence.cli.output import Format, Table, print_data, print_table, say

if TYPE_CHECKING:
    from ringfence.flows.up import UpResult


def command(
    file: File = HERE,
    context: ContextOptions = None,
    kubeconfig: Kubeconfig = None,
    argocd: ArgocdOptions = None,
    repository: RepositoryOptions = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="End clusters that left the Topology, with their data.")
    ] = False,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Bring the Environments up: clusters, nodes in their pools, an Argo CD each; idempotent."""
    from ringfence.flows.origin import remember_origin
    from ringfence.flows.up import up

    decided = decide(file)
    warn_of_other_origin(decided, file)
    said = brought(context, kubeconfig, argocd, repository)
    result = up(
        decided.landscape,
        decided.topology,
        decided.paths,
        decided.clock,
        brought=said,
        dry_run=dry_run,
        remove=remove,
        report=say,
    )
    if not dry_run:
        remember_origin(decided.paths, decided.landscape.name, file)
    if not print_data(result.to_json(), output):
        print_table(_clusters(result))
    for name in result.starting:
        say(f"would start {name}")
    for name in result.removing:
        say(f"would end {name} with its data")
    for gap in result.gaps:
        say(f"node pools: {gap}")
    for lack in result.lacking:
        say(f"missing right: {lack}")
    if result.lacking:
        raise typer.Exit(ExitCode.FOUND)


def _state(ready: bool) -> str:
    return "running" if ready else "stopped"


def _clusters(result: "UpResult") -> Table:
    rows = [
        (
            cluster.name,
            environment.name,
            cluster.role.value,
            _state(cluster.ready),
            str(len(cluster.nodes)),
            cluster.server,
        )
        for environment in result.engine.environments
        for cluster in environment.clusters
    ]
    rows += [(name, "", "", "existing", "", "") for name in result.existing]
    return Table(("cluster", "environment", "role", "state", "nodes", "server"), tuple(rows))
