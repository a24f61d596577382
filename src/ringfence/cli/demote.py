"""``ringfence demote``: send a change back one stage and hold it there."""

from typing import Annotated

import typer

from ringfence.cli.arguments import HERE, Actor, DryRun, LandscapeOption, Output
from ringfence.cli.output import Format, print_data, say
from ringfence.cli.promotion import Because, ReleaseName, Timeout, show, workspace


def command(
    deployment: Annotated[str, typer.Argument(help="Where the change stands, such as portal/staging.")],
    because: Because = None,
    release: ReleaseName = None,
    force: Annotated[bool, typer.Option("--force", help="Whatever Git holds there now.")] = False,
    timeout: Timeout = 180.0,
    file: LandscapeOption = HERE,
    actor: Actor = None,
    output: Output = Format.TABLE,
    dry_run: DryRun = False,
) -> None:
    """Send a change back one stage and hold it there with its reason, until `ringfence hold lift`.

    The deployment goes back to the release that ran there before. A promotion that is under way is given up.
    """
    from ringfence.flows.demote import demote
    from ringfence.flows.promotion.world import open_world

    opened = workspace(file, actor)
    answer = demote(
        opened, open_world(opened, say), deployment, because, release=release, timeout=timeout, dry_run=dry_run,
        force=force,
    )  # fmt: skip
    if not print_data(answer.to_json(), output):
        show(answer, output)
    raise typer.Exit(answer.exit_code)
