"""``ringfence rollback``: go back in production to a release that ran there."""

from typing import Annotated

import typer

from ringfence.cli.arguments import HERE, Actor, DryRun, LandscapeOption, Output
from ringfence.cli.output import Format, print_data, say
from ringfence.cli.promotion import Because, Timeout, show, workspace


def command(
    what: Annotated[
        str, typer.Argument(metavar="APP|DEPLOYMENT", help="An application: its production; or a deployment.")
    ],
    to: Annotated[str | None, typer.Option("--to", metavar="VERSION", help="Default: the one that ran before.")] = None,
    because: Because = None,
    force: Annotated[bool, typer.Option("--force", help="Whatever Git holds there now.")] = False,
    timeout: Timeout = 180.0,
    file: LandscapeOption = HERE,
    actor: Actor = None,
    output: Output = Format.TABLE,
    dry_run: DryRun = False,
) -> None:
    """Go back to a release that ran there before. The release that leaves is held, so that nothing brings it back."""
    from ringfence.flows.promotion.world import open_world
    from ringfence.flows.rollback import rollback

    opened = workspace(file, actor)
    answer = rollback(
        opened, open_world(opened, say), what, because, to=to, timeout=timeout, dry_run=dry_run, force=force
    )
    if not print_data(answer.to_json(), output):
        show(answer, output)
    raise typer.Exit(answer.exit_code)
