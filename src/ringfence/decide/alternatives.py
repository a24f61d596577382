"""What each requirement costs: the price of the best Topology without it.

Every requirement is left out in turn. Where nothing of the problem changes (another requirement asks the same) there is
nothing to solve; where the search cannot prove the price, no price is given.
"""

from dataclasses import dataclass

from ringfence.decide.arrangement import rank
from ringfence.decide.problem import Problem, state
from ringfence.decide.reduced import Reduced, reduce
from ringfence.decide.requirements import Requirements
from ringfence.decide.solve import solve
from ringfence.decide.topology import Alternative, Topology
from ringfence.landscape.model import Landscape

STEPS = 1_500
"""Search steps for one alternative, besides those that its size needs."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What of a problem decides its answer, to see whether two are the same."""

    base_of: tuple[int, ...]
    node: tuple[int, ...]
    rest: tuple[object, ...]


def alternatives(
    landscape: Landscape, requirements: Requirements, problem: Problem, topology: Topology
) -> tuple[Alternative, ...]:
    """One for each requirement whose price is proved, in the order of the Landscape."""
    found = []
    same = _shape(problem, reduce(problem))
    asking = {rule.requirement for rule in requirements.rules}
    asking |= {gate.requirement for gate in requirements.gates if gate.gate.needs_non_production}
    asking |= {bond.requirement for bond in problem.bonds}
    for number, requirement in enumerate(requirements.requirements):
        if number not in asking:
            continue
        relaxed = state(landscape, requirements, frozenset({number}))
        if _shape(relaxed, reduce(relaxed)) == same:
            found.append(Alternative(requirement.identifier, topology.price, len(topology.environments)))
            continue
        outcome = solve(relaxed, STEPS)
        if outcome.proved and outcome.arrangement is not None:
            best = rank(relaxed, outcome.arrangement)
            found.append(Alternative(requirement.identifier, best.price, best.environments))
    return tuple(found)


def _shape(problem: Problem, reduced: Reduced) -> _Shape:
    ties = tuple((bond.members, bond.shared) for bond in problem.bonds)
    return _Shape(reduced.base_of, reduced.node, (reduced.kinds, ties, problem.non_production))
