"""Solving: the exact search first, the solver where that runs out of steps, both for the same answer."""

from ringfence.decide.pooling import Pooling
from ringfence.decide.problem import Problem
from ringfence.decide.reduced import reduce
from ringfence.decide.search import Outcome, Search
from ringfence.decide.weights import weigh

STEPS = 5_000
"""Steps of the exact search, besides four for every deployment: half a second for small Landscapes."""


def solve(problem: Problem, steps: int = STEPS, most_environments: int | None = None) -> Outcome:
    """The best arrangement of a problem that has one, with the floor that is proved for its number.

    ``most_environments`` asks for the best arrangement with no more Environments than that; there may be none.
    """
    budget = steps + 4 * len(problem.names)
    return Search(reduce(problem), weigh(problem), Pooling(problem), budget, most_environments).run()
