"""``ringfence loops``: how long changes take to be observed, and where the time goes."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.arguments import HERE, LandscapeOption, Output
from ringfence.cli.output import Format, Table, print_data, print_table, say
from ringfence.cli.promotion import workspace


def command(
    application: Annotated[str | None, typer.Argument(metavar="[APP]", help="An application; default: all.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture (SVG) to this file as well.")] = None,
    file: LandscapeOption = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show how long changes take until they can be observed at each stage, against the targets, and where it goes."""
    from ringfence.base.paths import write_atomically
    from ringfence.flows.loops import loops
    from ringfence.promote.loops import Part
    from ringfence.promote.picture import seconds_text

    found = loops(workspace(file, None), application)
    if picture is not None:
        write_atomically(picture, found.to_svg().encode(), mode=0o644)
        say(f"written to {picture}")
    if print_data(found.to_json(), output):
        return
    if not found.stages:
        say("no change has been promoted yet")
        return
    rows = tuple(
        (
            stage.stage,
            str(stage.count),
            seconds_text(stage.step.p50),
            seconds_text(stage.step.p90),
            seconds_text(stage.target) if stage.target is not None else "-",
            {True: "yes", False: "no", None: "-"}[stage.within],
            seconds_text(stage.whole.p50),
            *(seconds_text(stage.parts[part].p50) for part in Part),
        )
        for stage in found.stages
    )
    headers = ("stage", "times", "p50", "p90", "target", "within", "since release", *(part.value for part in Part))
    print_table(Table(headers, rows))
