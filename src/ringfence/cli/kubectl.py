"""``ringfence kubectl``: kubectl of the clusters' own version, pointed at one of them."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths
from ringfence.cli.arguments import HERE


def command(
    cluster: Annotated[str, typer.Argument(help="The embedded cluster, such as production-1.")],
    words: Annotated[list[str] | None, typer.Argument(help="What kubectl is to do; put -- before it.")] = None,
    file: Annotated[
        Path, typer.Option("-f", "--file", help="The Landscape, its folder, or the name of a landscape.")
    ] = HERE,
) -> None:
    """Run kubectl on one of the embedded clusters: ringfence kubectl production-1 -- get pods -A."""
    from ringfence.engine import Engine, locate
    from ringfence.flows.down import name_of
    from ringfence.flows.kubectl import kubectl

    paths = Paths.from_environment()
    state = Engine(paths, SystemClock()).state(name_of(file))
    invocation = kubectl(state, locate(paths), cluster, words or [])
    sys.stdout.flush()
    os.execv(invocation.program, invocation.arguments)  # noqa: S606
