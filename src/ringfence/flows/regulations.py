"""The use case of looking regulations up: what each pack says, and what it would ask of a Landscape."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ringfence.decide.requirements import gather
from ringfence.landscape.model import Landscape
from ringfence.landscape.packs import Clause, Pack, load_pack, pack_names
from ringfence.landscape.words import describe_ask


@dataclass(frozen=True, slots=True)
class Asked:
    """A pack, and for each clause the number of pairs that each of its asks speaks of; None without a Landscape."""

    pack: Pack
    pairs: dict[str, int] | None


def look_up(name: str | None, landscape: Landscape | None, folder: Path) -> tuple[Asked, ...]:
    """One pack, or all of Ringfence's own and those that the Landscape lists. Raises InputError."""
    names = [name] if name else list(pack_names())
    if landscape is not None:
        folder = Path(landscape.folder)
        names += [each for each in landscape.regulations if not name and each not in names]
    return tuple(_asked(load_pack(each, folder), each, landscape) for each in names)


def _asked(pack: Pack, regulation: str, landscape: Landscape | None) -> Asked:
    """How many pairs each clause would speak of, were the pack the only one listed."""
    if landscape is None:
        return Asked(pack, None)
    alone = gather(replace(landscape, regulations=(regulation,), separate=(), together=()))
    counts = {clause.identifier: 0 for clause in pack.clauses}
    for i, a in enumerate(alone.subjects):
        for b in alone.subjects[:i]:
            mask = alone.asked(a, b)
            if mask:
                asking = {rule.requirement for index, rule in enumerate(alone.rules) if mask >> index & 1}
                for requirement in asking:
                    counts[alone.requirements[requirement].identifier] += 1
    return Asked(pack, counts)


def asks_in_words(clause: Clause) -> tuple[str, ...]:
    """What a clause asks, one line each."""
    return tuple(
        f"{ask.strength} a gate: {ask.gate}" if ask.gate else f"{ask.strength} {ask.level} between {describe_ask(ask)}"
        for ask in clause.asks
    )


def to_json(found: tuple[Asked, ...]) -> dict[str, Any]:
    """The packs as plain values."""
    return {
        "apiVersion": "ringfence.dev/v1",
        "kind": "RegulationList",
        "regulations": [
            {
                "name": each.pack.name,
                "title": each.pack.title,
                "clauses": [_clause(clause, each.pairs) for clause in each.pack.clauses],
            }
            for each in found
        ],
    }


def _clause(clause: Clause, pairs: dict[str, int] | None) -> dict[str, Any]:
    return {
        "clause": clause.clause,
        "edition": clause.edition,
        "summary": clause.summary,
        "source": clause.source,
        "wordingChecked": clause.wording_checked,
        "reading": clause.reading,
        "asks": list(asks_in_words(clause)),
    } | ({} if pairs is None else {"pairs": pairs[clause.identifier]})
