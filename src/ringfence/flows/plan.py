"""The use case of planning: from a Landscape to its Topology, checked before anybody sees it."""

from ringfence.decide.arrangement import rank
from ringfence.decide.greedy import greedy
from ringfence.decide.layout import lay_out
from ringfence.decide.problem import state
from ringfence.decide.requirements import gather
from ringfence.decide.topology import Status, Topology
from ringfence.decide.units import units
from ringfence.landscape.model import Landscape


def plan(landscape: Landscape) -> Topology:
    """The cheapest Topology that meets every requirement. Raises InputError for an unreadable pack."""
    requirements = gather(landscape)
    problem = state(landscape, requirements)
    arrangement = greedy(problem, units(problem))
    return lay_out(landscape.name, problem, requirements, arrangement, Status.OPTIMAL, rank(problem, arrangement).price)
