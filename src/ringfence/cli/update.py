"""``ringfence update``: platform updates, non-production first."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.base.errors import ExitCode
from ringfence.base.paths import write_atomically
from ringfence.cli.arguments import HERE, Actor, DryRun, File, Output, Reason
from ringfence.cli.output import Format, Table, print_data, print_table, say
from ringfence.cli.update_records import Environment, open_file, register
from ringfence.update.due import WORKING_DAYS, UpdateKind

if TYPE_CHECKING:
    from ringfence.update.status import UpdateStatus

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

Command = Annotated[
    list[str] | None,
    typer.Option(help="One word of the command that updates an Environment; repeat for each word."),
]
ClusterApi = Annotated[
    str | None, typer.Option(help="The context of the Cluster API management cluster that has the Clusters.")
]
Namespace = Annotated[str, typer.Option("--cluster-api-namespace", help="Where its Cluster objects are.")]
Freezes = Annotated[
    list[str] | None, typer.Option("--freeze", help="Days without a start in production, FIRST/LAST[=REASON].")
]


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
    freeze: Freezes = None,
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
    counted = " ".join(day.isoformat() for day in value.counted) or "none"
    print_table(Table(("not before", "counted"), ((value.not_before.isoformat(), counted),)))


@app.command()
def plan(
    bundle: Annotated[Path, typer.Option(help="The bundle's file (kind: Bundle).")],
    file: File = HERE,
    wave: Annotated[
        list[str] | None, typer.Option(help="Environments of one wave, by commas; repeat in order; default: two waves.")
    ] = None,
    remote: Annotated[
        list[str] | None, typer.Option(help="An Environment that somebody else updates and sends records of.")
    ] = None,
    days: Annotated[int, typer.Option(min=0, help="How many working days production waits.")] = WORKING_DAYS,
    patch_waits: Annotated[bool, typer.Option("--patch-waits", help="Make a patch wait as well.")] = False,
    freeze: Freezes = None,
    record_days: Annotated[int, typer.Option(min=1, help="How long a record is believed, in days.")] = 30,
    actor: Actor = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Plan an update of every Environment, in waves, non-production first."""
    from ringfence.flows.updates import commands
    from ringfence.flows.updates.due import parse_freeze
    from ringfence.update.bundle_file import read_bundle

    request = commands.PlanRequest(
        bundle=read_bundle(bundle),
        waves=tuple(tuple(name.strip() for name in one.split(",")) for one in wave or ()),
        remote=tuple(remote or ()),
        working_days=days,
        patches_wait=patch_waits,
        freezes=tuple(parse_freeze(text) for text in freeze or ()),
        record_days=record_days,
    )
    _show(commands.plan_update(open_file(file, actor), request, dry_run=dry_run), output)


@app.command()
def start(
    file: File = HERE,
    environment: Annotated[str | None, typer.Option("--environment", "-e", help="Only this Environment.")] = None,
    record: Annotated[list[Path] | None, typer.Option(help="A record that arrived; repeatable.")] = None,
    command: Command = None,
    cluster_api: ClusterApi = None,
    cluster_api_namespace: Namespace = "default",
    accept_unknown: Annotated[
        str | None, typer.Option(metavar="REASON", help="Take on what the proof leaves unknown, with a reason.")
    ] = None,
    actor: Actor = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Update every Environment whose turn has come; what was interrupted goes on. Exit 1 when a gate is closed."""
    from ringfence.flows.updates import run
    from ringfence.flows.updates.choose import choose

    opened = open_file(file, actor)
    if dry_run:
        from ringfence.flows.updates.commands import status as look

        _show(look(opened), output)
        return
    chosen = choose(opened, file, tuple(command or ()), cluster_api, cluster_api_namespace, accept_unknown, say)
    result = run.start(opened, chosen.platform, chosen.looks, environment=environment, records=record or (), report=say)
    _show(result.status, output)
    if result.stopped is not None:
        say(f"stopped at {result.stopped}: ringfence update back -e {result.stopped} returns it to what ran before")
        raise typer.Exit(ExitCode.FOUND)


@app.command()
def back(
    environment: Environment,
    file: File = HERE,
    command: Command = None,
    cluster_api: ClusterApi = None,
    cluster_api_namespace: Namespace = "default",
    actor: Actor = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Return an Environment to what it ran before the present update."""
    from ringfence.flows.updates import run
    from ringfence.flows.updates.choose import choose

    opened = open_file(file, actor)
    opened.check(environment)
    if dry_run:
        before = opened.desk.state.environment(environment).previous
        say(f"{environment} would go back to {before.version}" if before else f"{environment} has no way back")
        return
    chosen = choose(opened, file, tuple(command or ()), cluster_api, cluster_api_namespace, None)
    _show(run.back(opened, environment, chosen.platform, report=say), output)


@app.command()
def status(
    file: File = HERE,
    output: Output = Format.TABLE,
    calendar: Annotated[Path | None, typer.Option("--ical", help="Write the dates as iCalendar to a file.")] = None,
) -> None:
    """Show for each Environment what runs, what is due, when it may start and why not before."""
    from ringfence.flows.updates import commands

    opened = open_file(file, None)
    if calendar is not None:
        write_atomically(calendar, commands.calendar(opened).encode(), mode=0o644)
        say(f"written to {calendar}")
    _show(commands.status(opened), output)


@app.command()
def pause(
    because: Reason, file: File = HERE, actor: Actor = None, dry_run: DryRun = False, output: Output = Format.TABLE
) -> None:
    """Let nothing new begin; what runs is finished."""
    from ringfence.flows.updates import commands

    _show(commands.pause(open_file(file, actor), because, dry_run=dry_run), output)


@app.command()
def resume(file: File = HERE, actor: Actor = None, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Let what was paused or stopped go on."""
    from ringfence.flows.updates import commands

    _show(commands.resume(open_file(file, actor), dry_run=dry_run), output)


@app.command()
def abandon(
    because: Reason, file: File = HERE, actor: Actor = None, dry_run: DryRun = False, output: Output = Format.TABLE
) -> None:
    """Give the planned update up; every Environment stays at what it runs."""
    from ringfence.flows.updates import commands

    _show(commands.abandon(open_file(file, actor), because, dry_run=dry_run), output)


@app.command()
def adopt(
    environment: Environment,
    bundle: Annotated[Path, typer.Option(help="The bundle that it runs.")],
    file: File = HERE,
    actor: Actor = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Say what an Environment runs that Ringfence did not update itself."""
    from ringfence.flows.updates import commands
    from ringfence.update.bundle_file import read_bundle

    _show(commands.adopt(open_file(file, actor), environment, read_bundle(bundle), dry_run=dry_run), output)


def _show(value: "UpdateStatus", output: Format) -> None:
    if print_data(value.to_json(), output):
        return
    rows = tuple(
        (
            one.name,
            one.designation.value,
            one.version or "-",
            one.next or "-",
            one.phase.value,
            one.not_before.isoformat(timespec="seconds") if one.not_before else "-",
            one.because,
        )
        for one in value.environments
    )
    print_table(Table(("environment", "designation", "version", "next", "state", "not before", "because"), rows))


register(app)
