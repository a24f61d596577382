"""``ringfence prove``: does the separation hold, and if not, how is it broken?"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.base.errors import ExitCode, UsageError
from ringfence.base.text import printable
from ringfence.cli.arguments import (
    HERE,
    ContextsToRead,
    Kubeconfig,
    SnapshotsToRead,
    context_names,
    snapshot_paths,
)
from ringfence.cli.output import say
from ringfence.cli.proof_output import ProofFormat, code_of, print_argument, print_proof

if TYPE_CHECKING:
    from ringfence.flows.prove import ProveRequest


def command(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A Landscape, its folder, or a Partition.")
    ] = None,
    partition: Annotated[
        Path | None, typer.Option("--partition", help="Which objects are whose, and what is promised.")
    ] = None,
    snapshot: SnapshotsToRead = None,
    context: ContextsToRead = None,
    kubeconfig: Kubeconfig = None,
    output: Annotated[ProofFormat, typer.Option("--output", "-o", help="How to print.")] = ProofFormat.TABLE,
    explain: Annotated[
        tuple[str, str] | None,
        typer.Option("--explain", metavar="PAIR DIMENSION", help="The whole argument; PAIR is 'FROM TO' or FROM,TO."),
    ] = None,
    cni: Annotated[
        str | None, typer.Option("--cni", help="The clusters' network plugin, when the Partition names none.")
    ] = None,
    no_dry_run: Annotated[
        bool, typer.Option("--no-dry-run", help="Ask live API servers nothing; only read them.")
    ] = False,
    ask_engine: Annotated[
        bool, typer.Option("--ask-engine", help="Ask an embedded API server in place of clusters given as files.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay, and tell every change of a verdict as it happens.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Write what was proved into the Landscape's ledger.")
    ] = False,
    init: Annotated[bool, typer.Option("--init", help="Write a first Partition from what is there.")] = False,
) -> None:
    """Prove that the separation holds, or show how it breaks."""
    from ringfence.flows.prove import ProveRequest

    request = ProveRequest(
        file,
        partition,
        snapshot_paths(snapshot),
        context_names(context),
        kubeconfig,
        cni=cni,
        ask=not no_dry_run,
        ask_engine=ask_engine,
    )
    request = _understood(request, init=init)
    if init:
        _init(request)
        return
    if watch and record:
        raise UsageError(
            "--watch records nothing", hint="ringfence prove FILE --record, when there is something to keep"
        )
    if watch:
        from ringfence.cli.prove_watch import watch_proof

        raise typer.Exit(int(watch_proof(request, output, explain)))
    raise typer.Exit(int(_prove(request, output, explain, record=record)))


def _understood(request: "ProveRequest", *, init: bool) -> "ProveRequest":
    """A Partition may be given as FILE; where nothing is given it is the Landscape that is here."""
    file = request.landscape
    if file is not None and request.partition is None and file.is_file() and _is_partition(file):
        return replace(request, landscape=None, partition=file)
    given = file or request.partition or request.snapshots or request.contexts
    if not given and not init and HERE.is_file():
        return replace(request, landscape=HERE)
    return request


def _is_partition(file: Path) -> bool:
    with file.open("rb") as stream:
        return b"kind: Partition" in stream.read(4096)


def _prove(request: "ProveRequest", output: ProofFormat, explain: tuple[str, str] | None, *, record: bool) -> ExitCode:
    """Prove once, and print it."""
    from ringfence.base.clock import SystemClock
    from ringfence.base.paths import Paths
    from ringfence.flows.prove import prove_request

    paths, clock = Paths.from_environment(), SystemClock()
    if record:
        from ringfence.flows.proof_record import check_recordable

        check_recordable(request)
    proved = prove_request(request, paths, clock, say)
    if record and request.landscape is not None:
        from ringfence.flows.proof_record import record_proof

        say(f"recorded: {record_proof(request.landscape, proved, paths, clock)}")
    for line in proved.asking:
        say(printable(line))
    if explain is not None:
        print_argument(proved, *explain)
    else:
        print_proof(proved, output, _promises(request))
    return code_of(proved.proof.answer)


def _promises(request: "ProveRequest") -> Path | None:
    """The file that says what is promised: the Partition, or the Landscape, which may be given as its folder."""
    file = request.partition or request.landscape
    return file / HERE if file is not None and file.is_dir() else file


def _init(request: "ProveRequest") -> None:
    from ringfence.flows.first_partition import first_partition

    sys.stdout.write(first_partition(request))
