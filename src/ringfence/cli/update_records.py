"""The verbs of ``ringfence update`` that hand signed records over between Environments which share nothing."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths, write_atomically
from ringfence.cli.arguments import HERE, Actor, DryRun, File, LandscapeOption
from ringfence.cli.output import say

if TYPE_CHECKING:
    from ringfence.flows.updates.commands import Opened

Environment = Annotated[str, typer.Option("--environment", "-e", help="The Environment.")]


def register(app: typer.Typer) -> None:
    """Add these verbs to ``ringfence update``."""
    app.command()(record)
    app.command()(receive)
    app.command()(trust)
    app.command("key")(key_file)


def open_file(file: Path, actor: str | None) -> "Opened":
    """Open the update of the Landscape in ``file``."""
    from ringfence.flows.updates.commands import open_update

    return open_update(file, Paths.from_environment(), SystemClock(), actor)


def record(
    environment: Environment,
    to: Annotated[Path, typer.Option(help="Where to write the signed record.")],
    file: File = HERE,
    actor: Actor = None,
    dry_run: DryRun = False,
) -> None:
    """Sign a new record that an Environment runs what it runs, for those who share nothing with it."""
    from ringfence.flows.updates import commands

    if dry_run:
        known = commands.recordable(open_file(file, actor), environment)
        say(f"a record that {environment} runs {known} would be signed and written to {to}")
        return
    path = commands.issue(open_file(file, actor), environment)
    write_atomically(to, path.read_bytes(), mode=0o644)
    say(f"written to {to}")


def receive(
    records: Annotated[list[Path], typer.Argument(help="Records that arrived as files.")],
    file: LandscapeOption = HERE,
    actor: Actor = None,
    dry_run: DryRun = False,
) -> None:
    """Take records that arrived; a forged, foreign, stale or replayed one is refused with exit 1."""
    from ringfence.flows.updates import commands
    from ringfence.flows.updates.run import read_file
    from ringfence.update.record import read_record

    opened = open_file(file, actor)
    for path in records:
        text = read_file(path)
        if dry_run:
            found = read_record(text, opened.desk.trusted(), opened.landscape.name)
        else:
            found = commands.receive(opened, text)
        say(f"{path}: {found.environment} runs {found.version} since {found.finished.isoformat()}")


def trust(
    key: Annotated[Path, typer.Argument(help="The public key (PEM) that signs the records of an Environment.")],
    environment: Environment,
    file: LandscapeOption = HERE,
    dry_run: DryRun = False,
) -> None:
    """Believe the records of an Environment that a key signed."""
    from ringfence.evidence.signing import read_public_key
    from ringfence.flows.updates import commands

    commands.trust(open_file(file, None), environment, read_public_key(key), dry_run=dry_run)
    say(f"records of {environment} {'would be' if dry_run else 'are'} believed from this key")


def key_file() -> None:
    """Print the public key of this machine, to be given to those who are to believe its records."""
    from ringfence.evidence.place import key_path
    from ringfence.evidence.signing import file_signer

    sys.stdout.write(file_signer(key_path(Paths.from_environment())).public.pem)
