"""``ringfence regulations``: the packs, what they ask, and what they would ask of a Landscape."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.base.errors import UsageError
from ringfence.cli.arguments import Output
from ringfence.cli.output import Format, Table, print_data, print_table

if TYPE_CHECKING:
    from ringfence.flows.regulations import Asked
    from ringfence.landscape.packs import Clause


def command(
    pack: Annotated[str | None, typer.Argument(help="A pack's name or file; without it, all of them.")] = None,
    file: Annotated[
        Path | None, typer.Argument(help="A Landscape: how many of its pairs each clause speaks of.")
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """List the regulation packs and what they would ask of a Landscape.

    A pack is Ringfence's own reading of a regulation, with its source; it is no legal advice.
    """
    from ringfence.flows.regulations import look_up, to_json
    from ringfence.landscape.load import load_landscape

    pack, file = _arguments(pack, file)
    landscape = load_landscape(file) if file else None
    found = look_up(pack, landscape, Path())
    if print_data(to_json(found), output):
        return
    if pack is None:
        print_table(_table(found))
        sys.stdout.write("\n`ringfence regulations PACK` shows the reading and the source.\n")
    else:
        sys.stdout.write("\n".join(_details(found[0])) + "\n")


def _arguments(pack: str | None, file: Path | None) -> tuple[str | None, Path | None]:
    """``regulations FILE`` is meant where a Landscape stands in the place of a pack."""
    from ringfence.base.text import suggestion
    from ringfence.landscape.packs import is_file, pack_names

    if pack is None or pack in pack_names():
        return pack, file
    if file is None and (Path(pack).is_dir() or Path(pack).name == "ringfence.yaml" or _is_landscape(Path(pack))):
        return None, Path(pack)
    if not is_file(pack):
        raise UsageError(
            f"no regulation pack is called {pack!r}; {suggestion(pack, pack_names())}".rstrip("; "),
            reason="UnknownPack",
            hint="`ringfence regulations` lists them; a pack of your own is named by its file, ./packs/ours.yaml",
        )
    return pack, file


def _is_landscape(path: Path) -> bool:
    return path.is_file() and "kind: Landscape" in path.read_text(encoding="utf-8", errors="replace")[:4000]


def _table(found: "tuple[Asked, ...]") -> Table:
    counted = found and found[0].pairs is not None
    headers = ("regulation", "clause", *(("pairs",) if counted else ()), "asks")
    rows = []
    for each in found:
        for clause in each.pack.clauses:
            pairs = (str(each.pairs[clause.identifier]),) if each.pairs is not None else ()
            rows.append((each.pack.name, clause.clause, *pairs, _levels(clause)))
    return Table(headers, tuple(rows))


def _levels(clause: "Clause") -> str:
    """The levels and gates in a few words."""
    words = [f"{ask.strength} {'gate ' + ask.gate if ask.gate else ask.level}" for ask in clause.asks]
    return ", ".join(dict.fromkeys(words))


def _details(asked: "Asked") -> Iterator[str]:
    from ringfence.decide.explain import wrapped
    from ringfence.flows.regulations import asks_in_words

    yield f"{asked.pack.name}: {asked.pack.title}"
    for clause in asked.pack.clauses:
        yield ""
        yield f"{clause.clause}  ({clause.edition})" if clause.edition else clause.clause
        yield from wrapped(f"Says: {clause.summary}", 98, "  ")
        for line in asks_in_words(clause):
            yield from wrapped(f"Asks: {line}", 98, "  ")
        if asked.pairs is not None:
            yield f"  Here: {asked.pairs[clause.identifier]} pairs of deployments"
        if clause.reading:
            yield from wrapped(f"Read as: {clause.reading}", 98, "  ")
        checked = "the wording was checked" if clause.wording_checked else "the wording was not checked against it"
        yield from wrapped(f"Source: {clause.source or 'not given'} ({checked})", 98, "  ")
