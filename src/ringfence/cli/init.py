"""``ringfence init``: write a small Landscape to start from."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write.")] = Path(),
    example: Annotated[str | None, typer.Option("--example", help="An example to copy, such as clinic.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
) -> None:
    """Write a small Landscape to start from, or copy an example."""
    from ringfence.flows.init import start, write

    begun = start(folder, example)
    if not dry_run:
        write(begun)
    verb = "would write" if dry_run else "wrote"
    sys.stdout.write("".join(f"{verb} {path}\n" for path in sorted(begun.files)))
    sys.stderr.write(f"next: ringfence plan {begun.landscape} --explain\n")
