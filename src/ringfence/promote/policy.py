"""Which gates stand in front of which stage: from the stage itself, the regulations, and what the user writes.

The user's part is ``spec.promotion`` of the Landscape::

    promotion:
      groups: {release-managers: [carol@clinic.example]}
      gates:
        - {gate: approval, stage: production, people: 2, group: release-managers}
        - {gate: soak, stage: production, for: 2h}
      seed: {testing: [./load-seed-data.sh]}

A gate that is there by itself (separation, health, a regulation's) is changed by writing one of the same kind and
stage; it cannot be removed: leaving a gate out would be a promotion policy that nobody wrote down.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ringfence.base.document import Block, Node
from ringfence.base.errors import InputError
from ringfence.base.text import listed, suggestion
from ringfence.landscape import fields
from ringfence.landscape.fields import Fields
from ringfence.landscape.model import DataClass, Landscape
from ringfence.promote.gates.facts import Health, Impact, Separation, Verification
from ringfence.promote.gates.question import Gate
from ringfence.promote.gates.registry import KINDS, named


@dataclass(frozen=True, slots=True)
class Policy:
    """Gates by stage, people by group, and the commands that load seed data by stage."""

    gates: Mapping[str, tuple[Gate, ...]]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the gates by stage."""
        return {stage: tuple(gate.name for gate in gates) for stage, gates in self.gates.items()}


@dataclass(frozen=True, slots=True)
class _Written:
    stage: str
    gate: Gate


def policy_of(landscape: Landscape, asked: Iterable[str], written: Node | None) -> Policy:
    """The policy of a Landscape. ``asked`` are the gates that its regulation packs ask for, ``written`` the node of
    ``spec.promotion``. Raises InputError, with the place, for what makes no sense."""
    given = Fields(written, "spec.promotion") if written is not None else None
    stages = [stage.name for stage in landscape.stages if stage.placed]
    rules: tuple[_Written, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = {}
    seed: Mapping[str, tuple[str, ...]] = {}
    if given is not None:
        rules = given.read(
            "gates", lambda node, at: fields.items(node, at, lambda item, where: _rule(item, where, stages)), ()
        )
        groups = given.read("groups", _lists, {})
        seed = given.read("seed", _lists, {})
        given.close()
    gates: dict[str, tuple[Gate, ...]] = {}
    for stage in stages:
        own = [rule.gate for rule in rules if rule.stage == stage]
        gates[stage] = _unique([*_inherent(landscape, stage, set(asked), own), *own])
    return Policy(gates, groups, seed)


def _inherent(landscape: Landscape, name: str, asked: set[str], own: list[Gate]) -> list[Gate]:
    stage = landscape.stage(name)
    found: list[Gate] = []
    if stage.data is not DataClass.THROW_AWAY:
        found += [Separation(), Health()]
    if stage.production and "verification" in asked:
        found.append(Verification())
    if stage.production and "impact" in asked:
        found.append(Impact())
    written = {type(gate) for gate in own}
    return [gate for gate in found if type(gate) not in written]


def _unique(gates: list[Gate]) -> tuple[Gate, ...]:
    counts: dict[str, int] = {}
    result = []
    for gate in gates:
        counts[gate.name] = counts.get(gate.name, 0) + 1
        number = counts[gate.name]
        result.append(gate if number == 1 else named(gate, f"{gate.name}-{number}"))
    return tuple(result)


def _rule(node: Node, path: str, stages: list[str]) -> _Written:
    given = Fields(node, path)
    kind_node = given.need("gate", "gate: approval")
    kind = fields.text(kind_node, f"{path}.gate")
    if kind not in KINDS:
        raise InputError(
            f"{path}.gate is {fields.short(kind)}, which is no kind of gate; {suggestion(kind, KINDS)}",
            location=kind_node.location,
            hint=f"the kinds are {listed(sorted(KINDS))}",
        )
    stage_node = given.need("stage", "stage: production")
    stage = fields.text(stage_node, f"{path}.stage")
    if stage not in stages:
        raise InputError(
            f"{path}.stage is {fields.short(stage)}; {suggestion(stage, stages) or 'no such stage'}",
            location=stage_node.location,
            hint=f"gates stand in front of {listed(stages)}",
        )
    name = given.read("name", fields.name, "")
    gate = KINDS[kind].read(given)
    given.close()
    return _Written(stage, named(gate, name) if name else gate)


def _lists(node: Node, path: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(node, Block):
        raise fields.wrong(node, path, "a mapping of names to lists")
    return {key: fields.items(entry.value, f"{path}.{key}", fields.text) for key, entry in node.entries.items()}
