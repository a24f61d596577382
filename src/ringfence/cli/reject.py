"""``ringfence reject``: reject a release for good."""

import sys
from typing import Annotated

import typer

from ringfence.cli.arguments import HERE, Actor, DryRun, LandscapeOption, Output
from ringfence.cli.output import Format, print_data
from ringfence.cli.promotion import Because, workspace


def command(
    what: Annotated[
        str, typer.Argument(metavar="DEPLOYMENT|APP", help="A deployment, or an application with a version.")
    ],
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="A version or digest.")] = None,
    because: Because = None,
    file: LandscapeOption = HERE,
    actor: Actor = None,
    output: Output = Format.TABLE,
    dry_run: DryRun = False,
) -> None:
    """Reject a release for good: it gives its copy back, and the same content is never released again."""
    from ringfence.flows import standing

    opened = workspace(file, actor)
    subject = standing.find(opened, what, version)
    answer = standing.reject(opened, subject, because, dry_run=dry_run)
    if not print_data(answer.to_json(), output):
        rejected = "would be rejected" if dry_run else "is rejected"
        sys.stdout.write(f"{answer.application} {answer.version} {rejected} for good: {answer.because}\n")
