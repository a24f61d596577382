"""``ringfence hold``: hold a release where it is, lift a hold, list them."""

import sys
from typing import Annotated

import typer

from ringfence.cli.arguments import HERE, Actor, DryRun, LandscapeOption, Output
from ringfence.cli.output import Format, Table, print_data, print_table, say
from ringfence.cli.promotion import Because, workspace

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

What = Annotated[str, typer.Argument(metavar="DEPLOYMENT|APP", help="A deployment, or an application with a version.")]
Version = Annotated[str | None, typer.Argument(metavar="[VERSION]", help="A version or digest.")]


@app.callback()
def hold() -> None:
    """Hold a release where it is, or lift a hold."""


@app.command("set")
def set_hold(
    what: What, version: Version = None, because: Because = None, file: LandscapeOption = HERE, actor: Actor = None,
    dry_run: DryRun = False, output: Output = Format.TABLE,
) -> None:  # fmt: skip
    """Hold a release: nothing promotes or demotes it until the hold is lifted."""
    from ringfence.flows import standing

    opened = workspace(file, actor)
    answer = standing.hold(opened, standing.find(opened, what, version), because, dry_run=dry_run)
    if not print_data(answer.to_json(), output):
        is_held = "would be held" if dry_run else "is held"
        sys.stdout.write(f"{answer.application} {answer.version} {is_held} at {answer.place}: {answer.because}\n")


@app.command()
def lift(
    what: What, version: Version = None, because: Because = None, file: LandscapeOption = HERE, actor: Actor = None,
    dry_run: DryRun = False, output: Output = Format.TABLE,
) -> None:  # fmt: skip
    """Lift a hold. Nothing moves by that; it may be promoted again."""
    from ringfence.flows import standing

    opened = workspace(file, actor)
    answer = standing.lift(opened, standing.find(opened, what, version), because, dry_run=dry_run)
    if not print_data(answer.to_json(), output):
        free = "would no longer be held" if dry_run else "is no longer held"
        sys.stdout.write(f"{answer.application} {answer.version} at {answer.place} {free}\n")


@app.command("list")
def list_holds(
    application: Annotated[str | None, typer.Argument(metavar="[APP]", help="An application; default: all.")] = None,
    file: LandscapeOption = HERE,
    output: Output = Format.TABLE,
) -> None:
    """List the releases that are held, with the reasons."""
    from ringfence.flows import standing

    found = standing.held(workspace(file, None), application)
    document = {"apiVersion": "ringfence.dev/v1", "kind": "Holds", "holds": [one.to_json() for one in found]}
    if print_data(document, output):
        return
    if not found:
        say("nothing is held")
    else:
        rows = tuple(
            (one.application, one.version, one.place or "-", one.note.by, one.note.at.isoformat(timespec="minutes"),
             one.note.because)
            for one in found
        )  # fmt: skip
        print_table(Table(("application", "version", "at", "by", "since", "because"), rows))
