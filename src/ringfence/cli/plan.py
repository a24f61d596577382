"""``ringfence plan``: decide how many Environments, and where each deployment lives."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.output import Format, print_data


def command(
    file: Annotated[Path, typer.Argument(help="The Landscape, or its folder.")] = Path("ringfence.yaml"),
    output: Annotated[Format, typer.Option("-o", "--output", help="How to print.")] = Format.TABLE,
) -> None:
    """Decide how many Environments, and where each deployment lives."""
    from ringfence.decide.topology_json import to_json, to_text
    from ringfence.flows.plan import plan
    from ringfence.landscape.load import load_landscape

    topology = plan(load_landscape(file))
    if output is Format.JSON or not print_data(to_json(topology) if output is Format.YAML else {}, output):
        sys.stdout.write(to_text(topology))
