"""``ringfence down``: stop the embedded Environments."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.arguments import HERE, DryRun
from ringfence.cli.output import say


def command(
    file: Annotated[Path, typer.Argument(help="The Landscape, its folder, or the name of a landscape.")] = HERE,
    purge: Annotated[bool, typer.Option("--purge", help="Remove every file of it as well.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Stop the Environments: no process is left; with --purge no file either. Clusters that you brought stay."""
    from ringfence.flows.down import down, name_of

    down(name_of(file), purge=purge, dry_run=dry_run, report=say)
