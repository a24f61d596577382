"""The use case of planning: from a Landscape to its Topology, checked before anybody sees it."""

from fractions import Fraction

from ringfence.decide.conflict import conflict
from ringfence.decide.layout import lay_out
from ringfence.decide.problem import state
from ringfence.decide.requirements import Requirements, gather
from ringfence.decide.solve import solve
from ringfence.decide.topology import ConflictItem, Status, Topology
from ringfence.decide.weights import weigh
from ringfence.landscape.model import Landscape


def plan(landscape: Landscape) -> Topology:
    """The cheapest Topology that meets every requirement. Raises InputError for an unreadable pack."""
    requirements = gather(landscape)
    clash = conflict(landscape, requirements)
    if clash:
        return _impossible(landscape.name, requirements, clash)
    problem = state(landscape, requirements)
    outcome = solve(problem)
    assert outcome.arrangement is not None
    status = Status.OPTIMAL if outcome.proved else Status.FEASIBLE
    bound = weigh(problem).least_price(outcome.floor)
    return lay_out(landscape.name, problem, requirements, outcome.arrangement, status, bound)


def _impossible(name: str, requirements: Requirements, clash: tuple[int, ...]) -> Topology:
    items = tuple(
        ConflictItem(requirements.requirements[index].identifier, requirements.requirements[index].because)
        for index in clash
    )
    nothing = Fraction(0)
    return Topology(name, Status.INFEASIBLE, nothing, nothing, (), (), (), (), items)
