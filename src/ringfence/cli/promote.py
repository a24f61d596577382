"""``ringfence promote``: bring a release one stage closer to customers."""

import sys
from typing import Annotated

import typer

from ringfence.cli.arguments import HERE, Actor, DryRun, LandscapeOption, Output
from ringfence.cli.output import Format, Table, print_data, print_table, say
from ringfence.cli.promotion import Because, ReleaseName, Timeout, show, workspace

_DAY = 86400.0


def command(
    deployment: Annotated[str, typer.Argument(help="Where the release stands, such as portal/testing-1.")],
    to: Annotated[str, typer.Option("--to", metavar="STAGE", help="The stage, or a copy such as testing-2.")],
    release: ReleaseName = None,
    skip: Annotated[bool, typer.Option("--skip", help="Pass over stages; their gates are asked all the same.")] = False,
    because: Because = None,
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Pass gates that are not open; needs two people and a reason.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for gates and for a free copy.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Stop waiting for a copy of the stage.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Take over a place where Git holds what this machine did not put there.")
    ] = False,
    timeout: Timeout = 180.0,
    file: LandscapeOption = HERE,
    actor: Actor = None,
    output: Output = Format.TABLE,
    dry_run: DryRun = False,
) -> None:
    """Bring a release one stage closer to customers, through its gates, Git and Argo CD.

    Done means that the cluster runs the new revision and is healthy at it. Exit 1 when a gate is closed or the release
    has to wait; the same command, run again, goes on from where it stands.
    """
    from ringfence.flows.promote import promote
    from ringfence.flows.promotion.asking import Request
    from ringfence.flows.promotion.world import open_world

    opened = workspace(file, actor)
    request = Request(
        deployment, to, release, skip, because, emergency, _DAY if wait else 0.0, timeout, dry_run, withdraw, force
    )
    answer = promote(opened, open_world(opened, say), request)
    if not print_data(answer.to_json(), output):
        if answer.gates:
            rows = tuple((gate.name, gate.state.value, gate.because) for gate in answer.gates)
            print_table(Table(("gate", "state", "because"), rows))
            sys.stdout.write("\n")
        show(answer, output)
    raise typer.Exit(answer.exit_code)
