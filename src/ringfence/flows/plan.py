"""The use case of planning: from a Landscape to its Topology, checked before anybody sees it."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from ringfence.base.errors import RingfenceError, StateError
from ringfence.base.paths import write_atomically
from ringfence.decide import topology_file
from ringfence.decide.alternatives import alternatives
from ringfence.decide.check import faults
from ringfence.decide.conflict import conflict
from ringfence.decide.layout import lay_out
from ringfence.decide.living import moves
from ringfence.decide.problem import Problem, move_prices, state
from ringfence.decide.requirements import Requirements, gather
from ringfence.decide.solve import solve, solve_thoroughly
from ringfence.decide.topology import ConflictItem, Move, Status, Topology
from ringfence.decide.weights import weigh
from ringfence.landscape.model import Landscape


@dataclass(frozen=True, slots=True)
class Decision:
    """A Topology with what it was decided from, for whoever explains it. ``problem`` is None when it is impossible.

    ``standing`` is what ``topology.yaml`` had. Where something stands, ``fresh_price`` is that of starting anew and
    ``fresh_moves`` what that would move.
    """

    topology: Topology
    requirements: Requirements
    problem: Problem | None
    standing: Topology | None = None
    fresh_price: Fraction | None = None
    fresh_moves: tuple[Move, ...] = ()


def plan(landscape: Landscape, *, fresh: bool = False) -> Topology:
    """The best Topology that meets every requirement, starting from ``topology.yaml`` beside the Landscape if any.

    ``fresh`` ignores that file. Raises InputError for an unreadable pack or file.
    """
    return decide(landscape, standing=None if fresh else standing(landscape)).topology


def standing(landscape: Landscape) -> Topology | None:
    """What ``topology.yaml`` beside the Landscape says, None when there is no such file. Raises InputError."""
    return topology_file.read(topology_path(landscape))


def topology_path(landscape: Landscape) -> Path:
    """Where the living Topology of a Landscape is kept."""
    return Path(landscape.folder) / topology_file.FILE


def write(landscape: Landscape, topology: Topology) -> Path:
    """Keep a Topology beside its Landscape. Raises StateError when it cannot be written."""
    if topology.status is Status.INFEASIBLE:
        raise StateError("there is no Topology to write", reason="Infeasible")
    path = topology_path(landscape)
    write_atomically(path, topology_file.to_text(topology).encode(), mode=0o644)
    return path


def decide(landscape: Landscape, *, standing: Topology | None = None, price_requirements: bool = True) -> Decision:
    """The Topology and what it follows from; ``price_requirements`` also asks what each requirement costs.

    Raises InputError for an unreadable pack, and RingfenceError when the check finds a fault in the answer, which is a
    defect of Ringfence and never shown as an answer.
    """
    requirements = gather(landscape)
    clash = conflict(landscape, requirements)
    if clash:
        return Decision(_impossible(landscape.name, requirements, clash), requirements, None, standing)
    fresh_problem = state(landscape, requirements)
    fresh = _solved(landscape, requirements, fresh_problem)
    if price_requirements:
        fresh = replace(fresh, alternatives=alternatives(landscape, requirements, fresh_problem, fresh))
    if standing is None:
        return Decision(fresh, requirements, fresh_problem)
    problem = state(landscape, requirements, standing=standing)
    living = replace(_solved(landscape, requirements, problem), alternatives=fresh.alternatives)
    prices = move_prices(landscape)
    return Decision(
        replace(living, moves=moves(standing, living, prices)),
        requirements,
        problem,
        standing,
        fresh.price,
        moves(standing, _renamed(landscape, requirements, problem, fresh_problem), prices),
    )


def _renamed(landscape: Landscape, requirements: Requirements, problem: Problem, fresh_problem: Problem) -> Topology:
    """The fresh Topology with the names of what stands, so that only true moves count."""
    outcome = solve(fresh_problem)
    assert outcome.arrangement is not None
    return lay_out(landscape.name, problem, requirements, outcome.arrangement, Status.FEASIBLE, Fraction(0))


def _solved(landscape: Landscape, requirements: Requirements, problem: Problem) -> Topology:
    outcome = solve_thoroughly(problem)
    assert outcome.arrangement is not None
    status = Status.OPTIMAL if outcome.proved else Status.FEASIBLE
    topology = lay_out(landscape.name, problem, requirements, outcome.arrangement, status, Fraction(0))
    bound = topology.price if outcome.proved else weigh(problem).least_price(outcome.floor)
    topology = replace(topology, bound=min(bound, topology.price))
    found = faults(landscape, requirements, topology)
    if found:
        raise RingfenceError(
            f"the plan did not pass its own check and is not shown: {found[0]}",
            reason="CheckFailed",
            hint="this is a defect in ringfence; report it with the Landscape",
        )
    return topology


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
