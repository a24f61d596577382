"""The search against a model that is built differently, for sizes that brute force cannot take."""

from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from property.decide.landscapes import landscape, specs
from ringfence.decide.conflict import conflict
from ringfence.decide.problem import state
from ringfence.decide.requirements import gather
from ringfence.decide.search import Outcome
from ringfence.decide.solve import solve
from ringfence.decide.solver import refine
from ringfence.decide.weights import weigh


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(most=12))
def test_the_solver_finds_nothing_better(spec: dict[str, Any]) -> None:
    """The solver is given the answer without its floor and asked for a better one."""
    found = landscape(spec)
    requirements = gather(found)
    assume(len(requirements.subjects) > 6)
    assume(not conflict(found, requirements))
    problem = state(found, requirements)
    ours = solve(problem)
    assert ours.arrangement is not None
    theirs = refine(problem, weigh(problem), Outcome(ours.arrangement, ours.value, 0, complete=False), limit=1.0)
    assert theirs.value is not None
    assert ours.floor <= theirs.value
    if ours.proved:
        assert theirs.value == ours.value
