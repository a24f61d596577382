"""``ringfence snapshot``: write the objects of a cluster to a file, Secrets hashed."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ringfence.base.errors import UsageError
from ringfence.base.text import plural, printable
from ringfence.cli.output import say


def command(
    context: Annotated[
        str | None, typer.Option("--context", metavar="CONTEXT", help="The kubeconfig context of the cluster.")
    ] = None,
    kubeconfig: Annotated[Path | None, typer.Option("--kubeconfig", help="The kubeconfig.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="Objects in files instead of a cluster.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write; default: stdout.")] = None,
    namespace: Annotated[
        list[str] | None, typer.Option("--namespace", "-n", help="Ask here where listing everywhere is refused.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="A key file, so that two snapshots compare.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written; write nothing.")] = False,
) -> None:
    """Write the objects of a cluster to a file. Secret values never leave the process: the file holds keyed hashes."""
    from ringfence.flows.snapshot import read_key, take_files, take_live, write_snapshot

    if source is not None and (context is not None or kubeconfig is not None):
        raise UsageError("--from reads files, --context a cluster: give one of them")
    hashing = read_key(key)
    if source is not None:
        taken = take_files(source, hashing)
    else:
        taken = take_live(context, kubeconfig, tuple(namespace or ()), hashing)
    if not dry_run and output is not None:
        write_snapshot(output, taken)
    elif not dry_run:
        sys.stdout.buffer.write(taken.content)
    where = f" to {output}" if output is not None else ""
    say(f"{'would write' if dry_run else 'wrote'} {plural(taken.objects, 'object')}{where}")
    for text in taken.not_listed:
        say(f"  not seen: {printable(text)}")
    if taken.defects:
        say(f"  {plural(taken.defects, 'object')} cannot be read or are of a kind that Ringfence does not know")
