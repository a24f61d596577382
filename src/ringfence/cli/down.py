"""``ringfence down``: stop the embedded Environments."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence.base.text import listed, suggestion
from ringfence.cli.arguments import HERE, DryRun
from ringfence.cli.output import say


def command(
    file: Annotated[Path, typer.Argument(help="The Landscape, its folder, or the name of a landscape.")] = HERE,
    purge: Annotated[bool, typer.Option("--purge", help="Remove every file of it as well.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Every landscape of this user; FILE does not count.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Stop the Environments: no process is left; with --purge no file either. Clusters that you brought stay."""
    from ringfence.flows.down import down, landscapes, name_of

    names = landscapes() if everything else (name_of(file),)
    said: list[str] = []

    def report(line: str) -> None:
        said.append(line)
        say(line)

    for name in names:
        down(name, purge=purge, dry_run=dry_run, report=report)
    if said:
        return
    known = landscapes()
    unknown = [name for name in names if name not in known]
    if unknown and not file.exists():
        say(
            f"{unknown[0]}: nothing of a landscape of that name is kept here; {suggestion(unknown[0], known)}".rstrip(
                "; "
            )
        )
    else:
        say(f"{listed(names)}: nothing runs here" if names else "no landscape is kept here")
