"""Regulation packs: what clauses ask of deployments, as data that people can read, correct and add to.

One file a pack, Ringfence's own and users' alike in the same format. A pack says what it requires and what it
recommends, where Ringfence reads more into a clause than it says, and whether the wording was checked. Clauses in code
were rejected: those who know the regulations do not read Python.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from ringfence.base.document import Node, read_document
from ringfence.base.errors import InputError, Location
from ringfence.base.text import suggestion
from ringfence.landscape import fields
from ringfence.landscape.fields import Fields
from ringfence.landscape.ladder import STANDARD
from ringfence.landscape.model import EVERYTHING, Level, Selector

_FOLDER = Path(__file__).parent / "packs_data"
_STAGES = frozenset(stage.like for stage in STANDARD)


class Gate(StrEnum):
    """What a clause asks that is not separation. VERIFICATION and UPDATES need a non-production Environment."""

    PLANNED = "planned"
    VERIFICATION = "verification"
    UPDATES = "updates"
    IMPACT = "impact"
    LIVE_DATA = "live-data"

    @property
    def needs_non_production(self) -> bool:
        """True when at least one non-production Environment must host a deployment."""
        return self in {Gate.VERIFICATION, Gate.UPDATES}

    @property
    def words(self) -> str:
        """What the gate waits for, as one clause of a sentence."""
        return _GATE_WORDS[self]


_GATE_WORDS = {
    Gate.PLANNED: "how everything is separated was decided and kept before it goes live",
    Gate.VERIFICATION: "a release was verified outside production, on the same platform, before it goes there",
    Gate.UPDATES: "a platform update reaches production only after non-production ran it",
    Gate.IMPACT: "a change goes to production only with a signed impact analysis",
    Gate.LIVE_DATA: "no live data before production, unless it is kept there as in production",
}


class Attribute(StrEnum):
    """An attribute in which the two deployments of a pair must differ for a clause to speak of them."""

    APPLICATION = "application"
    ZONE = "zone"
    PROTECTION = "protection"
    TEAM = "team"
    DATA = "data"
    STAGE = "stage"


class Strength(StrEnum):
    """Whether a clause requires or recommends."""

    REQUIRES = "requires"
    RECOMMENDS = "recommends"


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that a clause asks: a level between two groups of deployments, or a gate.

    In a pack the selectors' ``stage`` means what a stage stands for (``Stage.like``), and ``unmarked`` selects
    applications that bear none of these marks. ``differ`` keeps only pairs whose attributes are known and not equal.
    """

    strength: Strength
    gate: Gate | None = None
    between: Selector = EVERYTHING
    others: Selector = EVERYTHING
    unmarked: tuple[str, ...] = ()
    differ: tuple[Attribute, ...] = ()
    level: Level = Level.LABELS


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause: where it stands, what it says in our own words, how it is read, and what it asks."""

    regulation: str
    clause: str
    edition: str
    summary: str
    source: str
    wording_checked: bool
    reading: str
    asks: tuple[Ask, ...]
    location: Location

    @property
    def identifier(self) -> str:
        """How reports name it: ``iso-27001 A.8.31``."""
        return f"{self.regulation} {self.clause}"


@dataclass(frozen=True, slots=True)
class Pack:
    """A regulation pack. ``file`` is where it was read from."""

    name: str
    title: str
    clauses: tuple[Clause, ...]
    file: str


def pack_names() -> tuple[str, ...]:
    """The names of Ringfence's own packs, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def is_file(regulation: str) -> bool:
    """True when a name in ``spec.regulations`` means a file of the user's and not a pack of Ringfence's."""
    return "/" in regulation or regulation.endswith((".yaml", ".yml", ".json"))


def load_pack(regulation: str, folder: Path) -> Pack:
    """The pack of that name, or in that file below ``folder``. Raises InputError."""
    path = folder / regulation if is_file(regulation) else _FOLDER / f"{regulation}.yaml"
    return _read(path)


@lru_cache(maxsize=64)
def _read(path: Path) -> Pack:
    return read_pack(read_document(path), str(path))


def read_pack(root: Node, file: str) -> Pack:
    """The pack that a document's nodes say. Raises InputError."""
    document = Fields(root, "")
    fields.expect(document, "RegulationPack")
    metadata = Fields(document.need("metadata", "metadata: {name: ours}"), "metadata")
    name = fields.name(metadata.need("name", "name: ours"), "metadata.name")
    metadata.close()
    spec = Fields(document.need("spec", "spec: {title: ..., clauses: [...]}"), "spec")
    document.close()
    title = spec.read("title", fields.text, name)
    clauses_node = spec.need("clauses", "clauses: [{clause: 4.2, summary: ..., requires: [...]}]")
    clauses = fields.items(clauses_node, "spec.clauses", lambda node, at: _clause(node, at, name))
    spec.close()
    seen: set[str] = set()
    for clause in clauses:
        if clause.clause in seen:
            raise InputError(f"the clause {clause.clause!r} is written twice", location=clause.location,
                             hint="put what it asks into one clause")  # fmt: skip
        seen.add(clause.clause)
    return Pack(name, title, clauses, file)


def _clause(node: Node, path: str, regulation: str) -> Clause:
    given = Fields(node, path)
    name = given.need("clause", 'clause: "4.2"')
    summary = given.need("summary", "summary: what the clause asks, in your own words")
    asks = (*_asks(given, Strength.REQUIRES), *_asks(given, Strength.RECOMMENDS))
    clause = Clause(
        regulation=regulation,
        clause=fields.text(name, f"{path}.clause"),
        edition=given.read("edition", fields.text, ""),
        summary=fields.text(summary, f"{path}.summary"),
        source=given.read("source", fields.text, ""),
        wording_checked=given.read("wordingChecked", fields.boolean, False),
        reading=given.read("reading", fields.text, ""),
        asks=asks,
        location=given.location,
    )
    given.close()
    return clause


def _asks(given: Fields, strength: Strength) -> tuple[Ask, ...]:
    return given.read(
        strength.value, lambda node, at: fields.items(node, at, lambda item, where: _ask(item, where, strength)), ()
    )


def _ask(node: Node, path: str, strength: Strength) -> Ask:
    given = Fields(node, path)
    gate = given.get("gate")
    if gate is not None:
        given.close()
        return Ask(strength, gate=fields.choice(gate, f"{path}.gate", Gate))
    between = Fields(given.need("between", "between: {stage: production}, or gate: verification"), f"{path}.between")
    others = Fields(given.need("and", "and: {stage: testing}"), f"{path}.and")
    level = given.need("level", "level: namespace")
    ask = Ask(
        strength,
        between=_selector(between),
        others=_selector(others),
        unmarked=others.read("unmarked", _names, ()),
        differ=given.read("differ", _attributes, ()),
        level=fields.choice(level, f"{path}.level", Level),
    )
    between.close()
    others.close()
    given.close()
    return ask


def _names(node: Node, path: str) -> tuple[str, ...]:
    return fields.one_or_more(node, path, fields.name)


def _attributes(node: Node, path: str) -> tuple[Attribute, ...]:
    return fields.one_or_more(node, path, lambda item, at: fields.choice(item, at, Attribute))


def _selector(given: Fields) -> Selector:
    return Selector(
        stage=given.read("stage", _stages, ()),
        application=given.read("application", _names, ()),
        zone=given.read("zone", _names, ()),
        team=given.read("team", _names, ()),
        data=given.read("data", _names, ()),
        protection=given.read("protection", _names, ()),
        marks=given.read("marks", _names, ()),
    )


def _stages(node: Node, path: str) -> tuple[str, ...]:
    found = _names(node, path)
    for stage in found:
        if stage not in _STAGES:
            raise InputError(
                f"{path}: packs speak of {', '.join(sorted(_STAGES))}, not {stage!r}", location=node.location,
                hint=suggestion(stage, _STAGES),
            )  # fmt: skip
    return found
