"""``ringfence diff``: what apply would change."""

from typing import Annotated

import typer

from ringfence.base.errors import ExitCode
from ringfence.cli.arguments import HERE, File, Output, decide
from ringfence.cli.changes import print_changes
from ringfence.cli.output import Format


def command(
    file: File = HERE,
    prune_foreign: Annotated[
        bool, typer.Option("--prune-foreign", help="Count namespaces that hold what Ringfence did not make as well.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show what apply would change; exit 1 when there is something."""
    from ringfence.flows.apply import prepared
    from ringfence.flows.targets import find_targets

    decided = decide(file)
    targets = find_targets(decided.paths, decided.clock, decided.landscape.name)
    with prepared(decided.landscape, decided.topology, targets, foreign=prune_foreign) as ready:
        print_changes(ready.changes, "Differences", decided.landscape.name, output)
        if not ready.changes.clean:
            raise typer.Exit(ExitCode.FOUND)
