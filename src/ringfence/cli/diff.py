"""``ringfence diff``: what apply would change."""

from typing import Annotated

import typer

from ringfence.base.errors import ExitCode
from ringfence.cli.arguments import (
    HERE,
    ArgocdOptions,
    ContextOptions,
    File,
    Kubeconfig,
    Output,
    RepositoryOptions,
)
from ringfence.cli.changes import print_changes
from ringfence.cli.decided import brought, decide, warn_of_other_origin
from ringfence.cli.output import Format


def command(
    file: File = HERE,
    context: ContextOptions = None,
    kubeconfig: Kubeconfig = None,
    argocd: ArgocdOptions = None,
    repository: RepositoryOptions = None,
    prune_foreign: Annotated[
        bool, typer.Option("--prune-foreign", help="Count namespaces that hold what Ringfence did not make as well.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show what apply would change; exit 1 when there is something."""
    from ringfence.flows.apply import prepared
    from ringfence.flows.brought import take

    decided = decide(file)
    warn_of_other_origin(decided, file)
    said = brought(context, kubeconfig, argocd, repository)
    name = decided.landscape.name
    targets = take(name, decided.topology, decided.paths, decided.clock, said, remember=False)
    with prepared(decided.landscape, decided.topology, targets, foreign=prune_foreign) as ready:
        print_changes(ready.changes, "Differences", name, output)
        if not ready.changes.clean:
            raise typer.Exit(ExitCode.FOUND)
