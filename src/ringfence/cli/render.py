"""``ringfence render``: the Kubernetes objects as files."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ringfence.base.text import plural
from ringfence.cli.arguments import HERE, DryRun, File
from ringfence.cli.decided import decide
from ringfence.cli.output import say


def command(
    file: File = HERE,
    folder: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder to write; without it all goes to stdout.")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Write the Kubernetes objects, one folder for each Environment and cluster; needs no cluster."""
    from ringfence.flows.render import render_landscape, rendered_files, write_files

    decided = decide(file)
    manifests = render_landscape(decided.landscape, decided.topology)
    files = rendered_files(manifests)
    if folder is None:
        for path, content in files.items():
            if path.endswith(".yaml") and "/clusters/" in path:
                sys.stdout.write(f"---\n# {path}\n{content.decode()}")
    elif dry_run:
        for path in files:
            sys.stdout.write(f"{path}\n")
    else:
        write_files(files, folder)
        say(f"{folder}: {plural(len(files), 'file')} for {plural(len(manifests.clusters), 'cluster')}")
    for note in manifests.notes:
        say(f"note: {note.subject}: {note.text}")
