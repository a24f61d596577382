"""``ringfence evidence``: verify and export the ledger."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ringfence.base.clock import SystemClock
from ringfence.base.errors import ExitCode
from ringfence.base.paths import Paths, write_atomically
from ringfence.cli.arguments import Output
from ringfence.cli.output import Format, Table, print_data, print_table, say
from ringfence.flows.evidence import ExportFormat

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

Given = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="A Landscape file or name; default: ringfence.yaml here.")
]
LedgerFile = Annotated[Path | None, typer.Option("--ledger", help="A ledger file, such as one that was handed over.")]
Keys = Annotated[list[Path] | None, typer.Option("--key", help="A public key (PEM) that may have signed; repeatable.")]
Kept = Annotated[
    Path | None, typer.Option("--checkpoint", help="A checkpoint that was kept elsewhere; shows a cut end.")
]


@app.callback()
def evidence() -> None:
    """Verify and export the ledger of everything decided, proved, promoted, ordered and refused."""


@app.command()
def verify(
    file: Given = None,
    ledger: LedgerFile = None,
    key: Keys = None,
    checkpoint: Kept = None,
    output: Output = Format.TABLE,
) -> None:
    """Find any change, removal, reordering, truncation or forged key; exit 1 when there is one."""
    from ringfence.flows import evidence as flow

    found = flow.find_ledger(Paths.from_environment(), file, ledger, key or ())
    answer = flow.verify(found, checkpoint)
    if not print_data(answer.to_json(), output):
        say("\n".join(f"note: {note}" for note in answer.notes)) if answer.notes else None
        if answer.intact:
            sys.stdout.write(f"intact: {answer.entries} entries, the last {answer.head}\n")
        else:
            rows = [(one.fault.value, str(one.line or "-"), one.detail) for one in answer.findings]
            print_table(Table(("fault", "line", "what was found"), tuple(rows)))
    if not answer.intact:
        raise typer.Exit(ExitCode.FOUND)


@app.command()
def export(
    file: Given = None,
    form: Annotated[
        ExportFormat, typer.Option("-o", "--output", help="For governance tools, programs or people.")
    ] = ExportFormat.JSON,
    to: Annotated[Path | None, typer.Option("--to", help="Write to a file instead of standard output.")] = None,
    ledger: LedgerFile = None,
    key: Keys = None,
    checkpoint: Kept = None,
) -> None:
    """Hand over the ledger clause by clause, each observation with its raw facts; exit 1 when it is not intact."""
    from ringfence.flows import evidence as flow

    found = flow.find_ledger(Paths.from_environment(), file, ledger, key or ())
    answer = flow.export(found, form, SystemClock(), checkpoint)
    if to is None:
        sys.stdout.write(answer.text)
    else:
        write_atomically(to, answer.text.encode(), mode=0o644)
        say(f"written to {to}")
    if not answer.intact:
        say("the ledger is not as it was written: ringfence evidence verify says what was found")
        raise typer.Exit(ExitCode.FOUND)


@app.command("list")
def list_entries(
    file: Given = None,
    last: Annotated[int, typer.Option(help="How many of the latest entries; 0 for all.")] = 20,
    output: Output = Format.TABLE,
) -> None:
    """Show what the ledger holds, latest last; not verified."""
    from ringfence.flows import evidence as flow

    shown = flow.entries(Paths.from_environment(), file, SystemClock(), last)
    value = {"apiVersion": "ringfence.dev/v1", "kind": "LedgerEntries", "entries": [one.to_json() for one in shown]}
    if print_data(value, output):
        return
    rows = [
        (str(one.sequence), one.event.at.isoformat(timespec="seconds"), one.event.actor, one.event.kind,
         one.event.subject, one.event.because)
        for one in shown
    ]  # fmt: skip
    print_table(Table(("entry", "when", "who", "what", "on", "why"), tuple(rows)))


@app.command()
def checkpoint(
    to: Annotated[Path, typer.Option("--to", help="Where to write it: a place that whoever holds the ledger lacks.")],
    file: Given = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
) -> None:
    """Write a signed checkpoint, to be kept by somebody else; it later shows whether the end was cut off."""
    from ringfence.flows import evidence as flow

    count = flow.checkpoint(Paths.from_environment(), file, to, SystemClock(), dry_run=dry_run)
    if dry_run:
        say(f"{to}: a checkpoint of {count} entries would be written")
        return
    say(f"{to}: a checkpoint of {count} entries; give it to somebody who cannot write to the ledger")


@app.command()
def init(
    file: Given = None,
    git: Annotated[Path | None, typer.Option(help="Keep the ledger in this Git repository.")] = None,
    remote: Annotated[str | None, typer.Option(help="Share it by this Git remote, a name or an address.")] = None,
    sign_with: Annotated[
        list[str] | None,
        typer.Option(help="One word of a signing command (standard input to base64); repeat for each word."),
    ] = None,
    public_key: Annotated[Path | None, typer.Option(help="The public key (PEM) of the signing command.")] = None,
    trust: Annotated[list[Path] | None, typer.Option(help="Another machine's public key (PEM); repeatable.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
) -> None:
    """Say where the ledger is kept and who signs it; without it: a file, and a key of this machine."""
    from ringfence.base.errors import UsageError
    from ringfence.evidence.place import Settings
    from ringfence.flows import evidence as flow

    if bool(sign_with) != (public_key is not None):
        raise UsageError("a signing command and its public key belong together: give --sign-with and --public-key")
    if remote is not None and git is None:
        raise UsageError("a remote needs a repository here: give --git as well")
    settings = Settings(
        repository=None if git is None else str(git.resolve()),
        remote=remote,
        command=tuple(sign_with or ()),
        public=None if public_key is None else str(public_key.resolve()),
        trusted=tuple(str(path.resolve()) for path in trust or ()),
    )
    written = flow.configure(Paths.from_environment(), file, settings, dry_run=dry_run)
    say(f"written to {written}" if written else "nothing was written (dry run)")
