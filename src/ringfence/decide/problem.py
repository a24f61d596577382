"""The planning problem in whole numbers: what must be apart, what must be together, what everything costs.

Made once from a Landscape and its requirements; every solver, the validator's oracle and the explanation start from
the same value. Resources are scaled to integers per resource, so that no rounding can decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from ringfence.decide.living import Previous, previous_of
from ringfence.decide.requirements import Requirements, Subject
from ringfence.decide.topology import Topology
from ringfence.landscape.model import Landscape, Level, Resources, Shared, Together

APPS = "apps"
"""The role of application pools; every other role is a kind of service."""

NODE, CLUSTER, ENVIRONMENT = 1, 2, 3
"""How far apart a pair must be, as far as places go: namespaces cost nothing and are no part of the search."""

APART: Mapping[Level, int] = {
    Level.LABELS: 0,
    Level.NAMESPACE: 0,
    Level.NODE: NODE,
    Level.NODE_NAMESPACE: NODE,
    Level.CLUSTER: CLUSTER,
    Level.ENVIRONMENT: ENVIRONMENT,
}

Load = tuple[int, int]
"""CPU and memory, scaled."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices a month, and a node's usable capacity in the problem's scale."""

    environment: Fraction
    cluster: Fraction
    node: Fraction
    capacity: Load
    minimum: int

    def nodes(self, cpu: int, memory: int) -> int:
        """How many nodes a pool needs for these requests (contract, section 4)."""
        return max(self.minimum, -(-cpu // self.capacity[0]), -(-memory // self.capacity[1]))


@dataclass(frozen=True, slots=True)
class Bond:
    """Deployments, as indices, that a ``together`` rule keeps in one place; ``requirement`` is whose rule it is."""

    members: tuple[int, ...]
    shared: Shared
    requirement: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What a solver has to place: deployments are indices into ``names``, sorted by name.

    ``kind_of`` groups deployments whose requirements are equal; ``apart`` holds for each pair of kinds how far apart
    their deployments must stand. ``loads`` holds for each deployment the load per role. ``non_production`` is True
    when an Environment without production must host a deployment. ``previous`` is what stands already.
    """

    names: tuple[str, ...]
    production: tuple[bool, ...]
    kind_of: tuple[int, ...]
    apart: tuple[tuple[int, ...], ...]
    loads: tuple[Mapping[str, Load], ...]
    bonds: tuple[Bond, ...]
    prices: Prices
    non_production: bool
    previous: Previous | None = None

    def distance(self, a: int, b: int) -> int:
        """How far apart two deployments must stand: 0, NODE, CLUSTER or ENVIRONMENT."""
        return self.apart[self.kind_of[a]][self.kind_of[b]]


def state(
    landscape: Landscape,
    requirements: Requirements,
    without: frozenset[int] = frozenset(),
    standing: Topology | None = None,
) -> Problem:
    """The problem of a Landscape, leaving out the requirements of the given indices; ``standing`` is what is there."""
    kinds = _Kinds(requirements, without)
    scale = _scale(landscape)
    loads = tuple(
        {APPS: scale.of(subject.deployment.requests)}
        | {need: scale.of(landscape.services[need].requests) for need in subject.application.needs}
        for subject in requirements.subjects
    )
    gates = any(gate.gate.needs_non_production and gate.requirement not in without for gate in requirements.gates)
    names = tuple(subject.deployment.name for subject in requirements.subjects)
    prices = move_prices(landscape)
    months = landscape.costs.move.months
    return Problem(
        names=names,
        production=tuple(subject.production for subject in requirements.subjects),
        kind_of=kinds.of,
        apart=kinds.apart,
        loads=loads,
        bonds=bonds(landscape.together, requirements, without),
        prices=scale.prices,
        non_production=gates,
        previous=previous_of(standing, names, [prices[name] for name in names], months) if standing else None,
    )


def move_prices(landscape: Landscape) -> Mapping[str, Fraction]:
    """What moving each deployment costs once, by the data of its stage."""
    data = {stage.name: stage.data for stage in landscape.stages}
    return {each.name: landscape.costs.move.by_data[data[each.stage]] for each in landscape.deployments}


class _Kinds:
    """Groups subjects of which every rule asks the same place, and tables how far apart the groups must stand.

    Rules that ask no more than a namespace are left out, and an attribute in which pairs must differ counts only where
    both sides of a rule know its value: else a thousand applications would be a thousand kinds.
    """

    def __init__(self, requirements: Requirements, without: frozenset[int]) -> None:
        self._kept = sum(
            1 << index
            for index, rule in enumerate(requirements.rules)
            if APART[rule.level] and rule.requirement not in without
        )
        relevant = [self._relevant(requirements, position, bits) for position, bits in requirements.differ_masks]
        first_of: dict[tuple[object, ...], int] = {}
        of = []
        examples: list[Subject] = []
        for subject in requirements.subjects:
            values = tuple(value if value in known else None for value, known in
                           zip(subject.attributes, relevant, strict=True))  # fmt: skip
            key = (subject.first & self._kept, subject.second & self._kept, values,
                   tuple(value is None for value in subject.attributes))  # fmt: skip
            if key not in first_of:
                first_of[key] = len(examples)
                examples.append(subject)
            of.append(first_of[key])
        self.of = tuple(of)
        self.apart = tuple(
            tuple(APART[requirements.level(requirements.asked(a, b) & self._kept)] for b in examples) for a in examples
        )

    def _relevant(self, requirements: Requirements, position: int, bits: int) -> set[str | None]:
        """The values that subjects on both sides of rules about this attribute have."""
        bits &= self._kept
        first = {subject.attributes[position] for subject in requirements.subjects if subject.first & bits}
        second = {subject.attributes[position] for subject in requirements.subjects if subject.second & bits}
        return first & second


@dataclass(frozen=True, slots=True)
class _Scale:
    cpu: int
    memory: int
    prices: Prices

    def of(self, resources: Resources) -> Load:
        return int(resources.cpu * self.cpu), int(resources.memory * self.memory)


def _scale(landscape: Landscape) -> _Scale:
    node = landscape.costs.node
    usable = Resources(node.capacity.cpu * node.fill, node.capacity.memory * node.fill)
    everything = [usable, *(each.requests for each in landscape.deployments)]
    everything += [service.requests for service in landscape.services.values()]
    cpu = lcm(*(each.cpu.denominator for each in everything))
    memory = lcm(*(each.memory.denominator for each in everything))
    prices = Prices(
        landscape.costs.environment,
        landscape.costs.cluster,
        node.price,
        (int(usable.cpu * cpu), int(usable.memory * memory)),
        node.minimum_per_pool,
    )
    return _Scale(cpu, memory, prices)


def bonds(
    rules: tuple[Together, ...], requirements: Requirements, without: frozenset[int] = frozenset()
) -> tuple[Bond, ...]:
    """What ``together`` rules tie, but for the requirements of the given indices; sorted by members."""
    index_of = {subject.deployment.name: index for index, subject in enumerate(requirements.subjects)}
    number_of = {requirement.identifier: index for index, requirement in enumerate(requirements.requirements)}
    found = [
        Bond(tuple(sorted(index_of[name] for name in rule.deployments)), rule.shared, number_of[rule.identifier])
        for rule in rules
        if number_of[rule.identifier] not in without
    ]
    return tuple(sorted(found, key=lambda bond: (bond.members, bond.shared)))
