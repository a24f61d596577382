"""``ringfence history``: what was released, promoted, demoted, held and refused."""

from typing import Annotated

import typer

from ringfence.base.errors import InputError
from ringfence.base.text import suggestion
from ringfence.cli.arguments import HERE, LandscapeOption, Output
from ringfence.cli.output import Format, Table, print_data, print_table, say
from ringfence.cli.promotion import workspace


def command(
    what: Annotated[
        str | None, typer.Argument(metavar="[APP|DEPLOYMENT]", help="An application or a deployment; default: all.")
    ] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many entries, newest first.")] = 20,
    event: Annotated[
        str | None, typer.Option(help="Only these: promoted, demoted, rolled-back, refused, held, lifted, ...")
    ] = None,
    file: LandscapeOption = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show what was released, promoted, demoted, held and refused, newest first."""
    from ringfence.flows.history import EVENTS, history

    if event is not None and event not in EVENTS:
        raise InputError(f"{event!r} is no event; {suggestion(event, EVENTS)}".rstrip("; "), reason="UnknownEvent")
    found = history(workspace(file, None), what, event=event, limit=limit)
    if print_data(found.to_json(), output):
        return
    if not found.entries:
        say("nothing has happened yet" if found.total == 0 else "no entry is about that")
        return
    rows = []
    for entry in found.entries:
        body = entry.body
        places = dict.fromkeys(str(body[key]) for key in ("from", "to") if body.get(key))
        way = " → ".join(places) or entry.place or "-"
        why = str(body.get("because") or "")
        rows.append(
            (entry.at.isoformat(timespec="seconds"), entry.event, f"{entry.application} {body.get('version') or ''}",
             way, str(body.get("by", "")), why if output is Format.WIDE or len(why) < 60 else why[:57] + "...")
        )  # fmt: skip
    print_table(Table(("when", "what", "release", "where", "who", "why"), tuple(rows)))
