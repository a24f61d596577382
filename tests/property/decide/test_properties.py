"""What must be true of every plan, for random Landscapes larger than brute force can take."""

import random
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from property.decide.landscapes import landscape, specs
from ringfence.decide.check import faults
from ringfence.decide.conflict import conflict, possible
from ringfence.decide.problem import bonds
from ringfence.decide.requirements import gather
from ringfence.decide.topology import Status
from ringfence.decide.topology_json import to_json, to_text
from ringfence.flows.plan import decide, plan

_SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@_SETTINGS
@given(specs(most=14), st.randoms(use_true_random=False))
def test_permuting_the_input_changes_nothing_but_order(spec: dict[str, Any], shuffler: random.Random) -> None:
    first = to_json(plan(landscape(spec)))
    shuffled = dict(spec)
    for key in ("applications", "regulations", "separate", "together"):
        shuffled[key] = shuffler.sample(spec[key], len(spec[key]))
    shuffled["applications"] = [
        each | {"deployments": dict(shuffler.sample(list(each["deployments"].items()), len(each["deployments"])))}
        for each in shuffled["applications"]
    ]
    second = to_json(plan(landscape(shuffled)))
    if "feasible" in (first["status"], second["status"]):
        # Out of time, one order may have come further than the other: neither may pass what the other has shown.
        assert first["price"] >= second["bound"]
        assert second["price"] >= first["bound"]
        return
    for key in ("status", "price", "bound", "environments", "placements"):
        assert first[key] == second[key]


@_SETTINGS
@given(specs(most=12), specs(most=12))
def test_adding_a_requirement_never_lowers_the_price(spec: dict[str, Any], other: dict[str, Any]) -> None:
    before = plan(landscape(spec))
    assume(before.status is Status.OPTIMAL)
    names = {each["name"] for each in spec["applications"]}
    added = [rule for rule in other["separate"]
             if all(set(rule[side].get("application", [])) <= names for side in ("between", "and"))]  # fmt: skip
    after = plan(landscape(spec | {"separate": [*spec["separate"], *added]}))
    if after.status is Status.OPTIMAL:
        assert after.price >= before.price
    if after.status is not Status.INFEASIBLE:
        # Out of time, the bound of the harder search may be the weaker one; no answer passes the other's bound.
        assert after.price >= after.bound
        assert after.price >= before.bound


@settings(_SETTINGS, max_examples=400)
@given(specs(most=8))
def test_a_conflict_is_minimal(spec: dict[str, Any]) -> None:
    found = landscape(spec)
    requirements = gather(found)
    core = conflict(found, requirements)
    every = bonds(found.together, requirements)
    assert possible(requirements, every, frozenset(range(len(requirements.requirements)))) == (not core)
    if core:
        assert not possible(requirements, every, frozenset(core))
        for number in core:
            assert possible(requirements, every, frozenset(core) - {number})


@_SETTINGS
@given(specs(most=14))
def test_alternatives_are_no_dearer_and_answers_are_the_same_twice(spec: dict[str, Any]) -> None:
    decision = decide(landscape(spec))
    assert to_text(decision.topology) == to_text(decide(landscape(spec)).topology)
    for each in decision.topology.alternatives:
        assert each.price <= decision.topology.price
    if decision.topology.status is not Status.INFEASIBLE:
        assert not faults(landscape(spec), decision.requirements, decision.topology)


@settings(_SETTINGS, max_examples=80)
@given(specs(most=12))
def test_the_next_plan_moves_nothing(spec: dict[str, Any]) -> None:
    first = plan(landscape(spec))
    assume(first.status is Status.OPTIMAL)
    again = decide(landscape(spec), standing=first, price_requirements=False)
    assert again.topology.moves == ()
    assert again.topology.placements == first.placements
    assert again.topology.price == first.price
