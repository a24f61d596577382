"""The frontier: its figures against their definitions, its choices against plans of Landscapes that ask the same."""

import json
import re
from functools import cache
from itertools import pairwise
from math import factorial, inf, isclose
from pathlib import Path
from typing import Any

import pytest

from ringfence.decide.frontier import EXPOSURE, WORTH, Choice, blast, frontier, queue, waiting
from ringfence.decide.topology import Topology
from ringfence.flows.plan import plan
from ringfence.landscape.load import parse_landscape
from ringfence.landscape.model import Landscape

STAGES = ("testing", "staging", "production")


def landscape(*separate: dict[str, Any], copies: int = 2) -> Landscape:
    deployments: dict[str, Any] = {"local": {}, "testing": {"copies": copies}, "staging": {}, "production": {}}
    spec = {
        "applications": [
            {"name": name, "requests": {"cpu": "1", "memory": "1Gi"}, "deployments": deployments} for name in ("a", "b")
        ],
        "separate": list(separate),
        "costs": {
            "environment": 300,
            "cluster": 75,
            "node": {"cpu": "4", "memory": "8Gi", "price": 40, "fill": 1, "minPerPool": 1},
        },
    }
    head = {"apiVersion": "ringfence.dev/v1", "kind": "Landscape", "metadata": {"name": "x"}}
    return parse_landscape(json.dumps({**head, "spec": spec}), Path("/nowhere/ringfence.yaml"))


@cache
def choices() -> tuple[Choice, ...]:
    return frontier(landscape())


def asked(words: str) -> Landscape:
    """The Landscape of somebody who writes down what a choice does beyond what is asked."""
    rules: list[dict[str, Any]] = []
    copies = 2
    for part in words.split("; "):
        if found := re.fullmatch(r"testing copies: (\d+)", part):
            copies = int(found[1])
        elif part.startswith("applications apart: "):
            rules.append(
                {"between": {"application": "a"}, "and": {"application": "b"}, "level": part.split(": ")[1]},
            )
        elif found := re.fullmatch(r"(\S+) each: (.*)", part):
            groups = [group.split("+") for group in found[2].split(" | ")]
            rules += [
                {"between": {"stage": one}, "and": {"stage": other}, "level": found[1]}
                for number, one in enumerate(groups)
                for other in groups[:number]
            ]
        else:
            assert part == "only what is asked"
    return landscape(*rules, copies=copies)


def test_each_choice_has_the_figures_of_the_plan_that_asks_for_it() -> None:
    assert len(choices()) > 5
    for choice in choices():
        wanted = asked(choice.words)
        topology = plan(wanted)
        assert choice.price == topology.price, choice
        assert choice.environments == len(topology.environments), choice
        assert choice.copies in (None, len([each for each in topology.placements if "a/testing" in each.deployment]))


def test_no_choice_is_worse_in_everything_than_another() -> None:
    def figures(choice: Choice) -> tuple[Any, ...]:
        return (choice.price, choice.waiting, choice.blast)

    def worse(one: Choice, other: Choice) -> bool:
        pairs = list(zip(figures(one), figures(other), strict=True))
        return all(mine >= theirs for mine, theirs in pairs) and figures(one) != figures(other)

    for choice in choices():
        assert choice.dominated == any(worse(choice, other) for other in choices()), choice
    assert len({figures(choice) for choice in choices()}) == len(choices())
    assert list(choices()) == sorted(choices(), key=lambda each: (each.price, each.waiting, each.blast, each.words))


def test_the_plan_and_the_recommendation_are_among_them() -> None:
    planned = [choice for choice in choices() if choice.planned]
    assert [choice.price for choice in planned] == [plan(landscape()).price]
    recommended = [choice for choice in choices() if choice.recommended]
    assert recommended
    assert all(choice.environments == 2 for choice in recommended)


@pytest.mark.parametrize("copies", [1, 2, 3, 6])
def test_the_wait_for_a_copy_is_erlang_s(copies: int) -> None:
    """The textbook sum for M/M/c: half a change an hour, an hour each."""
    load = 0.5
    full = load**copies / factorial(copies) * copies / (copies - load)
    waits = full / (sum(load**k / factorial(k) for k in range(copies)) + full)
    assert isclose(queue(copies), waits / (copies - load))
    assert queue(0) == 0
    assert queue(copies) < inf


def level_of(topology: Topology, one: str, other: str) -> str:
    a, b = topology.placement(one), topology.placement(other)
    if a.environment != b.environment:
        return "environment"
    if a.cluster != b.cluster:
        return "cluster"
    pools, spaces = a.pool != b.pool, a.namespace != b.namespace
    return {(False, False): "labels", (True, False): "node", (False, True): "namespace"}.get(
        (pools, spaces), "node+namespace"
    )


RULES: list[list[dict[str, Any]]] = [
    [],
    [{"between": {"stage": "production"}, "and": {"stage": ["testing", "staging"]}, "level": "environment"}],
    [{"between": {"stage": "production"}, "and": {"stage": ["testing", "staging"]}, "level": "cluster"}],
    [{"between": {"application": "a"}, "and": {"application": "b"}, "level": "node"}],
]


@pytest.mark.parametrize("rules", RULES)
def test_waiting_and_blast_are_what_their_definitions_say(rules: list[dict[str, Any]]) -> None:
    """Pair by pair and promotion by promotion, over places that are read by eye."""
    land = landscape(*rules)
    topology = plan(land)
    data = {stage.name: stage.data for stage in land.stages}
    worth = {each.name: WORTH[data[each.stage]] for each in land.deployments}
    placed = [each.deployment for each in topology.placements]
    exposed = {str(level): part for level, part in EXPOSURE.items()}
    lost = sum(
        worth[other] * exposed[level_of(topology, one, other)] for one in placed for other in placed if one != other
    )
    assert isclose(blast(land, topology), lost / len(placed) / sum(worth[each] for each in placed), abs_tol=1e-9)
    minutes = 0.0
    for name in ("a", "b"):
        way = [f"{name}/testing-1", f"{name}/staging", f"{name}/production"]
        for one, other in pairwise(way):
            minutes += {"environment": 20.0, "cluster": 5.0}.get(level_of(topology, one, other), 0.0)
        minutes += 60 * queue(2)
    assert isclose(waiting(land, topology), minutes / 2)
