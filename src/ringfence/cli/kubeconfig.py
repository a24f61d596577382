"""``ringfence kubeconfig``: how kubectl reaches the embedded clusters."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths, write_atomically
from ringfence.cli.arguments import HERE
from ringfence.cli.output import say


def command(
    file: Annotated[Path, typer.Argument(help="The Landscape, its folder, or the name of a landscape.")] = HERE,
    cluster: Annotated[str | None, typer.Argument(help="One cluster; without it all.")] = None,
    merged: Annotated[
        Path | None, typer.Option("--merged", help="Merge the contexts into this kubeconfig and write it.")
    ] = None,
) -> None:
    """Print the kubeconfig of the clusters; writes nothing unless --merged names a file."""
    from ringfence.engine import Engine
    from ringfence.flows.down import name_of
    from ringfence.flows.kubeconfig import kubeconfig, read_existing

    state = Engine(Paths.from_environment(), SystemClock()).state(name_of(file))
    if merged is None:
        sys.stdout.write(kubeconfig(state, cluster))
        return
    write_atomically(merged.absolute(), kubeconfig(state, cluster, read_existing(merged)).encode())
    say(f"{merged}: contexts {', '.join(one.name for one in state.clusters if cluster in (None, one.name))}")
