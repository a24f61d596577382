"""``ringfence prove``: does the separation hold, and if not, how is it broken?"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence.base.errors import ExitCode, Location, UsageError
from ringfence.base.text import printable, suggestion
from ringfence.cli.arguments import HERE, ContextsToRead, Kubeconfig, SnapshotsToRead, context_names, snapshot_paths
from ringfence.cli.output import Table, print_json, print_table, print_yaml, say

_MOST_ROWS = 24


class ProofFormat(StrEnum):
    """How a proof is printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    SARIF = "sarif"
    JUNIT = "junit"


def command(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A Landscape, or its folder.")] = None,
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
    from ringfence.base.clock import SystemClock
    from ringfence.base.paths import Paths
    from ringfence.flows.prove import ProveRequest, prove_request

    snapshots, contexts = snapshot_paths(snapshot), context_names(context)
    if file is not None and partition is None and file.is_file() and _is_partition(file):
        file, partition = None, file
    if file is None and partition is None and not init and not snapshots and not contexts and HERE.is_file():
        file = HERE
    request = ProveRequest(
        file, partition, snapshots, contexts, kubeconfig, cni=cni, ask=not no_dry_run, ask_engine=ask_engine
    )
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
    if record:
        from ringfence.flows.proof_record import check_recordable

        check_recordable(request)
    proved = prove_request(request, Paths.from_environment(), SystemClock(), say)
    if record and request.landscape is not None:
        from ringfence.flows.proof_record import record_proof

        said = record_proof(request.landscape, proved, Paths.from_environment(), SystemClock())
        say(f"recorded: {said}")
    for line in proved.asking:
        say(printable(line))
    if explain is not None:
        _explain(proved, *explain)
    else:
        _print(proved, output)
    code = {"holds": ExitCode.OK, "broken": ExitCode.FOUND, "unknown": ExitCode.UNKNOWN}[proved.proof.answer.value]
    raise typer.Exit(int(code))


def _is_partition(file: Path) -> bool:
    with file.open("rb") as stream:
        return b"kind: Partition" in stream.read(4096)


def _print(proved: Any, output: ProofFormat) -> None:
    from ringfence import __version__

    proof = proved.proof
    if output is ProofFormat.JSON:
        print_json(proof.to_json())
    elif output is ProofFormat.YAML:
        print_yaml(proof.to_json())
    elif output is ProofFormat.SARIF:
        from ringfence.observe.lines import locate
        from ringfence.prove.report.sarif import sarif

        print_json(sarif(proof, lambda name: _from_here(locate(proved.snapshot, name)), __version__))
    elif output is ProofFormat.JUNIT:
        from ringfence.prove.report.junit import junit

        sys.stdout.write(junit(proof))
    else:
        print_proof_table(proof, every=output is ProofFormat.WIDE)


def _from_here(place: Location | None) -> Location | None:
    """A file below the folder that one is in by its relative name: code hosts know no other."""
    if place is None:
        return None
    path, here = Path(place.file).resolve(), Path.cwd().resolve()
    return replace(place, file=str(path.relative_to(here))) if path.is_relative_to(here) else place


def print_proof_table(proof: Any, *, every: bool) -> None:
    """The proof for people: the pairs, the chains, the verdict; what is assumed goes to stderr."""
    from ringfence.prove.report.rows import HEADERS, LEGEND, chains, rows

    shown = rows(proof, most=None if every else _MOST_ROWS)
    print_table(Table(HEADERS, shown))
    sys.stdout.write(LEGEND + "\n")
    if len(shown) < len(proof.pairs):
        sys.stdout.write(f"{len(proof.pairs)} pairs; those alike share a row, -o wide shows each\n")
    lines = list(chains(proof, most=1000 if every else 10))
    if lines:
        sys.stdout.write("\n" + "\n".join(folded(lines)) + "\n")
    sys.stdout.write(f"\nverdict: {proof.answer.value}\n")
    say("assumed (what no API shows):")
    for text in proof.assumptions:
        say(f"  {text}")


def folded(lines: Iterable[str]) -> Iterator[str]:
    """Lines of at most 100 columns, what follows a fold indented below its line."""
    import textwrap

    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        yield from textwrap.wrap(line, 100, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _explain(proved: Any, pair: str, dimension: str) -> None:
    from ringfence.prove.proof import Dimension
    from ringfence.prove.report.explain import explain

    names = [part for part in pair.replace("->", " ").replace(",", " ").split() if part]
    known = [item.value for item in Dimension]
    if dimension not in known:
        raise UsageError(f"{dimension!r} is no dimension; {suggestion(dimension, known)}".rstrip("; "))
    if len(names) != 2:
        raise UsageError(
            "--explain takes a pair and a dimension", hint="--explain 'shop/testing shop/production' access"
        )
    try:
        found = proved.proof.pair(*names)
    except KeyError:
        deployments = [item.name for item in proved.partition.deployments]
        raise UsageError(f"there is no pair {' -> '.join(names)}; deployments are {', '.join(deployments)}") from None
    sys.stdout.write("\n".join(folded(explain(proved.proof, found, Dimension(dimension)))) + "\n")


def _init(request: Any) -> None:
    from ringfence.flows.first_partition import first_partition

    sys.stdout.write(first_partition(request))
