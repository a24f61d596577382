"""``ringfence local``: run an application's local deployment on a cluster of your own."""

import json
import sys
from typing import Annotated

import typer

from ringfence.cli.arguments import HERE, Actor, DryRun, LandscapeOption, Output
from ringfence.cli.output import Format, print_data, say
from ringfence.cli.promotion import Timeout, workspace


def command(
    application: Annotated[str, typer.Argument(metavar="APP", help="The application.")],
    once: Annotated[bool, typer.Option("--once", help="Apply once and return, instead of at every change.")] = False,
    down: Annotated[bool, typer.Option("--down", help="End the cluster; its data is thrown away.")] = False,
    timeout: Timeout = 120.0,
    file: LandscapeOption = HERE,
    actor: Actor = None,
    output: Output = Format.TABLE,
    dry_run: DryRun = False,
) -> None:
    """Run an application's local deployment on a cluster of your own, and apply it again whenever a file changes.

    The cluster stands outside every Environment. Nothing is committed and nothing is released. Ctrl-C stops watching;
    `ringfence local APP --down` ends the cluster with its throw-away data.
    """
    from ringfence.flows import local

    opened = workspace(file, actor)
    opened.application(application)
    name = local.engine_name(opened.landscape.name)
    if dry_run:
        say(
            f"would {'end' if down else 'bring up'} the cluster {name}" + ("" if down else f", and apply {application}")
        )
        return
    if down:
        local.stop(opened)
        say(f"{name}: no process and no file is left")
        return
    for turn in local.turns(opened, application, once=once, timeout=timeout, report=say):
        if once and print_data(turn.to_json(), output):
            return
        if output is Format.JSON:
            sys.stdout.write(json.dumps(turn.to_json(), ensure_ascii=False) + "\n")
        else:
            words = (
                f"{turn.deployment}: {turn.written} written, {turn.removed} removed, healthy after {turn.healthy:.1f} s"
            )
            sys.stdout.write(words + "\n")
        sys.stdout.flush()
        if not once:
            say(f"kubeconfig {turn.kubeconfig}; watching for changes, Ctrl-C stops")
