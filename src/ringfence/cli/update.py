"""``ringfence update``: platform updates, non-production first."""

from typing import Annotated

import typer

from ringfence.cli.output import Format, Table, print_data, print_table, say
from ringfence.update.due import WORKING_DAYS, UpdateKind

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Output = Annotated[Format, typer.Option("-o", "--output", help="How the answer is printed.")]


@app.callback()
def update() -> None:
    """Update platforms, non-production first; major and minor updates wait five working days before production."""


@app.command()
def due(
    finished: Annotated[
        str, typer.Option(help="When the last non-production Environment finished, such as 2026-12-18T14:00:00+01:00.")
    ],
    kind: Annotated[UpdateKind, typer.Option(help="Which part of the version the update raises.")],
    timezone: Annotated[str, typer.Option(help="The IANA time zone whose wall clocks count.")],
    country: Annotated[
        str | None, typer.Option(help="Whose public holidays count, such as SE or DE-BY; without: Monday to Friday.")
    ] = None,
    days: Annotated[int, typer.Option(help="How many working days have to pass.")] = WORKING_DAYS,
    also_off: Annotated[list[str] | None, typer.Option(help="A day off of your own, such as 2026-12-24.")] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option(help="Days on which nothing starts in production, FIRST/LAST[=REASON]; repeatable."),
    ] = None,
    patch_waits: Annotated[bool, typer.Option("--patch-waits", help="Make a patch wait as well.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Say when an update may reach production, and which working days were counted."""
    from ringfence.flows.updates.due import due as answer

    value = answer(
        finished=finished,
        kind=kind,
        country=country,
        timezone=timezone,
        days=days,
        also_off=also_off or (),
        freezes=freeze or (),
        patches_wait=patch_waits,
    )
    if print_data(value.to_json(), output):
        return
    say(f"production may start at {value.not_before.isoformat()} ({value.not_before:%A}), not before")
    print_table(
        Table(
            ("not before", "counted"),
            ((value.not_before.isoformat(), " ".join(day.isoformat() for day in value.counted) or "none"),),
        )
    )
