"""Solving: the exact search first, the solver where that runs out of steps."""

from ringfence.decide.pooling import Pooling
from ringfence.decide.problem import Problem
from ringfence.decide.reduced import reduce
from ringfence.decide.search import Outcome, Search
from ringfence.decide.weights import weigh

STEPS = 5_000
"""Steps of the exact search, besides four for every deployment: half a second for small Landscapes."""

EFFORT = 4.0
"""Deterministic seconds of the solver for the answer of record."""


def solve(problem: Problem, steps: int = STEPS, most_environments: int | None = None) -> Outcome:
    """The best arrangement of a problem that has one, with the floor that is proved for its number; no solver.

    ``most_environments`` asks for the best arrangement with no more Environments than that; there may be none.
    """
    budget = steps + 4 * len(problem.names)
    return Search(reduce(problem), weigh(problem), Pooling(problem), budget, most_environments).run()


def solve_thoroughly(problem: Problem) -> Outcome:
    """The same, and where it could not be proved the solver goes on from there."""
    outcome = solve(problem)
    if outcome.proved or outcome.value is None:
        return outcome
    from ringfence.decide.solver import refine

    return refine(problem, weigh(problem), outcome, EFFORT)
