"""The use case of planning: from a Landscape to its Topology, checked before anybody sees it."""

from dataclasses import dataclass, replace
from fractions import Fraction

from ringfence.base.errors import RingfenceError
from ringfence.decide.alternatives import alternatives
from ringfence.decide.check import faults
from ringfence.decide.conflict import conflict
from ringfence.decide.layout import lay_out
from ringfence.decide.problem import Problem, state
from ringfence.decide.requirements import Requirements, gather
from ringfence.decide.solve import solve
from ringfence.decide.topology import ConflictItem, Status, Topology
from ringfence.decide.weights import weigh
from ringfence.landscape.model import Landscape


@dataclass(frozen=True, slots=True)
class Decision:
    """A Topology with what it was decided from, for whoever explains it. ``problem`` is None when it is impossible."""

    topology: Topology
    requirements: Requirements
    problem: Problem | None


def plan(landscape: Landscape) -> Topology:
    """The cheapest Topology that meets every requirement. Raises InputError for an unreadable pack."""
    return decide(landscape).topology


def decide(landscape: Landscape, *, price_requirements: bool = True) -> Decision:
    """The Topology and what it follows from; ``price_requirements`` also asks what each requirement costs.

    Raises InputError for an unreadable pack, and RingfenceError when the check finds a fault in the answer, which is a
    defect of Ringfence and never shown as an answer.
    """
    requirements = gather(landscape)
    clash = conflict(landscape, requirements)
    if clash:
        return Decision(_impossible(landscape.name, requirements, clash), requirements, None)
    problem = state(landscape, requirements)
    outcome = solve(problem)
    assert outcome.arrangement is not None
    status = Status.OPTIMAL if outcome.proved else Status.FEASIBLE
    bound = weigh(problem).least_price(outcome.floor)
    topology = lay_out(landscape.name, problem, requirements, outcome.arrangement, status, bound)
    found = faults(landscape, requirements, topology)
    if found:
        raise RingfenceError(
            f"the plan did not pass its own check and is not shown: {found[0]}",
            reason="CheckFailed",
            hint="this is a defect in ringfence; report it with the Landscape",
        )
    if price_requirements:
        topology = replace(topology, alternatives=alternatives(landscape, requirements, problem, topology))
    return Decision(topology, requirements, problem)


def _impossible(name: str, requirements: Requirements, clash: tuple[int, ...]) -> Topology:
    items = tuple(
        ConflictItem(
            requirements.requirements[index].identifier,
            requirements.requirements[index].because,
            requirements.requirements[index].place,
        )
        for index in clash
    )
    nothing = Fraction(0)
    return Topology(name, Status.INFEASIBLE, nothing, nothing, (), (), (), (), items)
