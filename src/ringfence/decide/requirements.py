"""What is asked of every pair of deployments, and by whom: clauses of regulations and the user's own rules.

Every rule is one bit. A deployment carries two masks, the rules whose first and whose second group it belongs to, so
that what is asked of a pair is a few integer operations however many rules there are; a pair's level and reasons are
looked up by that mask. A table of pairs was rejected: a thousand deployments have half a million.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ringfence.base.errors import Location
from ringfence.base.text import listed
from ringfence.decide.topology import Reason
from ringfence.landscape.model import Application, Deployment, Landscape, Level, Posture, Selector
from ringfence.landscape.packs import Attribute, Clause, Gate, Strength, load_pack
from ringfence.landscape.words import describe_ask, describe_pairs


@dataclass(frozen=True, slots=True)
class Requirement:
    """A clause or a rule of the user's, the unit in which requirements are dropped, blamed and priced.

    ``identifier`` is how it is named: ``iso-27001 A.8.31``, ``separate[0]``, ``together[1]``.
    """

    identifier: str
    because: str
    regulation: str | None = None
    clause: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One level asked between two groups, in ``words``. ``requirement`` is who asks, as an index."""

    requirement: int
    level: Level
    strength: Strength
    differ: tuple[Attribute, ...]
    words: str = ""


@dataclass(frozen=True, slots=True)
class GateAsk:
    """One gate that a clause asks for."""

    requirement: int
    gate: Gate


@dataclass(frozen=True, slots=True)
class Subject:
    """A deployment as rules see it: its masks and the attributes that pairs may have to differ in."""

    deployment: Deployment
    application: Application
    production: bool
    first: int
    second: int
    attributes: tuple[str | None, ...]


@dataclass(slots=True)
class Requirements:
    """Everything asked of the placed deployments of a Landscape; subjects are sorted by name."""

    subjects: tuple[Subject, ...]
    requirements: tuple[Requirement, ...]
    rules: tuple[Rule, ...]
    gates: tuple[GateAsk, ...]
    differ_masks: tuple[tuple[int, int], ...]
    _levels: dict[int, Level] = field(default_factory=dict)
    _reasons: dict[int, tuple[Reason, ...]] = field(default_factory=dict)

    def asked(self, a: Subject, b: Subject) -> int:
        """The rules, as bits, that speak of the pair."""
        mask = (a.first & b.second) | (b.first & a.second)
        if mask:
            for position, bits in self.differ_masks:
                if mask & bits:
                    one, other = a.attributes[position], b.attributes[position]
                    if one is None or other is None or one == other:
                        mask &= ~bits
        return mask

    def level(self, mask: int) -> Level:
        """The weakest level that meets all of these rules."""
        level = self._levels.get(mask)
        if level is None:
            level = Level.LABELS
            for rule in self._of(mask):
                level = level.joined(rule.level)
            self._levels[mask] = level
        return level

    def reasons(self, mask: int) -> tuple[Reason, ...]:
        """Who asks, one reason a rule, clauses first in the order of the Landscape."""
        found = self._reasons.get(mask)
        if found is None:
            found = tuple(self._reason(rule) for rule in self._of(mask))
            self._reasons[mask] = found
        return found

    def bits(self, requirement: int) -> int:
        """The rules of one requirement."""
        return sum(1 << index for index, rule in enumerate(self.rules) if rule.requirement == requirement)

    def _of(self, mask: int) -> Iterable[Rule]:
        while mask:
            low = mask & -mask
            yield self.rules[low.bit_length() - 1]
            mask ^= low

    def _reason(self, rule: Rule) -> Reason:
        who = self.requirements[rule.requirement]
        source = who.regulation or who.identifier
        return Reason(source, who.clause, rule.level, who.because, rule.strength is Strength.RECOMMENDS)


def gather(landscape: Landscape) -> Requirements:
    """Read the packs that the Landscape lists and its own rules, and find whom each speaks of. Raises InputError."""
    gathering = _Gathering(landscape)
    for regulation in landscape.regulations:
        for clause in load_pack(regulation, Path(landscape.folder)).clauses:
            gathering.clause(clause, _place(landscape.regulation_places.get(regulation, clause.location)))
    for rule in landscape.separate:
        words = describe_pairs(rule.between, rule.others)
        because = rule.because or f"{rule.level} between {words}"
        requirement = gathering.requirement(Requirement(rule.identifier, because, place=_place(rule.location)))
        asked = Rule(requirement, rule.level, Strength.REQUIRES, (), words)
        gathering.rule(asked, rule.between, rule.others, (), pack=False)
    for together in landscape.together:
        because = together.because or f"{listed(together.deployments)} share their {together.shared}"
        gathering.requirement(Requirement(together.identifier, because, place=_place(together.location)))
    return gathering.done()


def _place(location: Location | None) -> str | None:
    return str(location) if location else None


class _Gathering:
    """Collects rules and, for each, the bit in the masks of whom it selects."""

    def __init__(self, landscape: Landscape) -> None:
        self._landscape = landscape
        stages = {stage.name: stage for stage in landscape.stages}
        self._stages = stages
        self._pairs = sorted(
            (
                (deployment, application)
                for application in landscape.applications
                for deployment in application.deployments
                if stages[deployment.stage].placed
            ),
            key=lambda pair: natural(pair[0].name),
        )
        self._first = [0] * len(self._pairs)
        self._second = [0] * len(self._pairs)
        self._requirements: list[Requirement] = []
        self._rules: list[Rule] = []
        self._gates: list[GateAsk] = []

    def requirement(self, requirement: Requirement) -> int:
        self._requirements.append(requirement)
        return len(self._requirements) - 1

    def clause(self, clause: Clause, place: str | None) -> None:
        """Add what a clause asks in the Landscape's posture."""
        number = self.requirement(
            Requirement(clause.identifier, clause.summary, clause.regulation, clause.clause, place)
        )
        for ask in clause.asks:
            if ask.strength is Strength.RECOMMENDS and self._landscape.posture is Posture.MINIMUM:
                continue
            if ask.gate is not None:
                self._gates.append(GateAsk(number, ask.gate))
            else:
                rule = Rule(number, ask.level, ask.strength, ask.differ, describe_ask(ask))
                self.rule(rule, ask.between, ask.others, ask.unmarked, pack=True)

    def rule(self, rule: Rule, between: Selector, others: Selector, unmarked: tuple[str, ...], *, pack: bool) -> None:
        bit = 1 << len(self._rules)
        self._rules.append(rule)
        for index, (deployment, application) in enumerate(self._pairs):
            if self._selects(between, deployment, application, pack=pack):
                self._first[index] |= bit
            if self._selects(others, deployment, application, pack=pack) and not set(unmarked) & set(application.marks):
                self._second[index] |= bit

    def _selects(self, selector: Selector, deployment: Deployment, application: Application, *, pack: bool) -> bool:
        stage = self._stages[deployment.stage]
        zone = self._landscape.zones.get(application.zone) if application.zone else None
        return (
            (not selector.stage or (stage.like if pack else stage.name) in selector.stage)
            and (not selector.application or application.name in selector.application)
            and (not selector.zone or application.zone in selector.zone)
            and (not selector.team or application.team in selector.team)
            and (not selector.data or application.data in selector.data)
            and (not selector.protection or (zone is not None and zone.protection in selector.protection))
            and (not selector.marks or bool(set(selector.marks) & set(application.marks)))
        )

    def done(self) -> Requirements:
        used = tuple(attribute for attribute in Attribute if any(attribute in rule.differ for rule in self._rules))
        subjects = tuple(
            Subject(
                deployment,
                application,
                self._stages[deployment.stage].production,
                self._first[index],
                self._second[index],
                tuple(self._attribute(attribute, deployment, application) for attribute in used),
            )
            for index, (deployment, application) in enumerate(self._pairs)
        )
        masks = tuple(
            (position, sum(1 << index for index, rule in enumerate(self._rules) if attribute in rule.differ))
            for position, attribute in enumerate(used)
        )
        return Requirements(subjects, tuple(self._requirements), tuple(self._rules), tuple(self._gates), masks)

    def _attribute(self, attribute: Attribute, deployment: Deployment, application: Application) -> str | None:
        if attribute is Attribute.PROTECTION:
            return self._landscape.zones[application.zone].protection if application.zone else None
        return {
            Attribute.APPLICATION: application.name,
            Attribute.ZONE: application.zone,
            Attribute.TEAM: application.team,
            Attribute.DATA: application.data,
            Attribute.STAGE: self._stages[deployment.stage].like,
        }[attribute]


def natural(name: str) -> tuple[tuple[str, int], ...]:
    """A sort key that puts ``testing-2`` before ``testing-10``."""
    parts: list[tuple[str, int]] = []
    word, number = "", ""
    for character in name:
        if character.isdigit():
            number += character
            continue
        if number:
            parts.append((word, int(number)))
            word, number = "", ""
        word += character
    parts.append((word, int(number) if number else -1))
    return tuple(parts)
