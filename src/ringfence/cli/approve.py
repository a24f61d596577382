"""``ringfence approve``: approve a promotion, as somebody other than its author."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.arguments import HERE, Actor, DryRun, LandscapeOption, Output
from ringfence.cli.output import Format, print_data
from ringfence.cli.promotion import Because, ReleaseName, workspace


def command(
    deployment: Annotated[str, typer.Argument(help="Where the release stands, such as portal/staging.")],
    to: Annotated[str, typer.Option("--to", metavar="STAGE", help="The stage that it may enter.")],
    release: ReleaseName = None,
    because: Because = None,
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Stand for an emergency; two different people must.")
    ] = False,
    impact: Annotated[
        Path | None, typer.Option(help="A document that analyses the change's impact on security; it is signed.")
    ] = None,
    file: LandscapeOption = HERE,
    actor: Actor = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Approve that the release at a deployment enters a stage. Its author's word does not count."""
    from ringfence.flows import standing

    opened = workspace(file, actor)
    subject = standing.find(opened, deployment, release)
    if impact is not None:
        from ringfence.flows.promotion.statements import sign

        sign(opened, subject.digest, impact, dry_run=dry_run)
    stage = to.rpartition("/")[2]
    answer = standing.approve(opened, subject, stage, because, emergency=emergency, dry_run=dry_run)
    if not print_data(answer.to_json(), output):
        says = "would say" if dry_run else "says"
        sys.stdout.write(f"{answer.application} {answer.version} may enter {to}, {says} {answer.by}\n")
