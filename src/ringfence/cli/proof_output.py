"""How a proof is printed: for people, for programs, for code hosts and CI, and one verdict with its whole argument."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.base.errors import ExitCode, Location, UsageError
from ringfence.base.text import printable, suggestion
from ringfence.cli.output import Table, print_json, print_table, print_yaml, say

if TYPE_CHECKING:
    from ringfence.flows.prove import Proved
    from ringfence.prove.proof import Answer, Proof

_MOST_ROWS = 24
_CODES = {"holds": ExitCode.OK, "broken": ExitCode.FOUND, "unknown": ExitCode.UNKNOWN}


class ProofFormat(StrEnum):
    """How a proof is printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    SARIF = "sarif"
    JUNIT = "junit"


def code_of(answer: "Answer") -> ExitCode:
    """The exit code that tells a verdict (contract, section 6)."""
    return _CODES[answer.value]


def print_proof(proved: "Proved", output: ProofFormat, promised_in: Path | None = None) -> None:
    """Write the proof to stdout in that format; what is assumed goes to stderr where it is no part of the format.
    ``promised_in`` is the file of the Partition or Landscape."""
    from ringfence import __version__

    proof = proved.proof
    if output is ProofFormat.JSON:
        print_json(proof.to_json())
    elif output is ProofFormat.YAML:
        print_yaml(proof.to_json())
    elif output is ProofFormat.SARIF:
        from ringfence.observe.lines import locate
        from ringfence.prove.report.sarif import sarif

        origin = None if promised_in is None else _from_here(Location(str(promised_in), 1))
        print_json(sarif(proof, lambda name: _from_here(locate(proved.snapshot, name)), __version__, origin))
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


def print_proof_table(proof: "Proof", *, every: bool) -> None:
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
    for line in folded(f"  {printable(text)}" for text in proof.assumptions):
        say(line)


def folded(lines: Iterable[str]) -> Iterator[str]:
    """Lines of at most 100 columns, what follows a fold indented below its line."""
    import textwrap

    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        yield from textwrap.wrap(line, 100, subsequent_indent=indent, break_on_hyphens=False) or [""]


def print_argument(proved: "Proved", pair: str, dimension: str) -> None:
    """Write the whole argument for one verdict. Raises UsageError for a pair or dimension that there is not."""
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
    sys.stdout.write(
        "\n".join(folded(explain(proved.proof, found, Dimension(dimension), proved.partition, proved.snapshot))) + "\n"
    )
