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
from ringfence.decide.search import Outcome
from ringfence.decide.solve import solve_thoroughly
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


def feasible(topology: Topology) -> Topology:
    """The Topology, when it is one. Raises StateError when no Topology meets every requirement.

    Whoever builds, proves or removes asks this first: an impossible Topology has no clusters, so of it everything
    would hold, and everything that runs would have left it.
    """
    if topology.status is Status.INFEASIBLE:
        raise StateError(
            f"{topology.name}: there is no Topology that meets every requirement",
            reason="Infeasible",
            hint="ringfence plan FILE --explain shows which requirements exclude each other",
        )
    return topology


def standing(landscape: Landscape) -> Topology | None:
    """What ``topology.yaml`` beside the Landscape says, None when there is no such file. Raises InputError."""
    return topology_file.read(topology_path(landscape))


def topology_path(landscape: Landscape) -> Path:
    """Where the living Topology of a Landscape is kept."""
    return Path(landscape.folder) / topology_file.FILE


def write(landscape: Landscape, topology: Topology) -> Path:
    """Keep a Topology beside its Landscape. Raises StateError when it cannot be written."""
    feasible(topology)
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
    prices = move_prices(landscape)
    renamed = _renamed(landscape, requirements, problem, fresh_problem)
    living = _living(landscape, requirements, problem, fresh, renamed, standing)
    return Decision(
        replace(living, alternatives=fresh.alternatives, moves=moves(standing, living, prices)),
        requirements,
        problem,
        standing,
        fresh.price,
        moves(standing, renamed, prices),
    )


def _living(
    landscape: Landscape,
    requirements: Requirements,
    problem: Problem,
    fresh: Topology,
    renamed: Topology,
    standing: Topology,
) -> Topology:
    """The best Topology that starts from what stands.

    Where the cheapest of all moves nothing, nothing can be better. Where the search for the best with moves ended
    without proof, the cheapest of all with its moves may still be the better one.
    """
    prices = move_prices(landscape)
    cheapest = renamed.price == fresh.price and fresh.status is Status.OPTIMAL
    if cheapest and not moves(standing, renamed, prices):
        return _checked(landscape, requirements, replace(renamed, status=Status.OPTIMAL, bound=renamed.price))
    outcome = solve_thoroughly(problem)
    fallback = replace(renamed, status=Status.FEASIBLE, bound=min(fresh.bound, renamed.price))
    if outcome.arrangement is None:
        return _checked(landscape, requirements, fallback)
    found = _topology(landscape, requirements, problem, outcome)
    if outcome.proved or problem.previous is None:
        return found
    months = problem.previous.months

    def total(topology: Topology) -> Fraction:
        return topology.price * months + sum((move.price for move in moves(standing, topology, prices)), Fraction(0))

    return found if total(found) <= total(fallback) else _checked(landscape, requirements, fallback)


def _renamed(landscape: Landscape, requirements: Requirements, problem: Problem, fresh_problem: Problem) -> Topology:
    """The fresh Topology with the names of what stands, so that only true moves count."""
    outcome = solve_thoroughly(fresh_problem)
    assert outcome.arrangement is not None
    return lay_out(landscape.name, problem, requirements, outcome.arrangement, Status.FEASIBLE, Fraction(0))


def _solved(landscape: Landscape, requirements: Requirements, problem: Problem) -> Topology:
    return _topology(landscape, requirements, problem, solve_thoroughly(problem))


def _topology(landscape: Landscape, requirements: Requirements, problem: Problem, outcome: Outcome) -> Topology:
    assert outcome.arrangement is not None
    status = Status.OPTIMAL if outcome.proved else Status.FEASIBLE
    topology = lay_out(landscape.name, problem, requirements, outcome.arrangement, status, Fraction(0))
    bound = topology.price if outcome.proved else weigh(problem).least_price(outcome.floor)
    return _checked(landscape, requirements, replace(topology, bound=min(bound, topology.price)))


def _checked(landscape: Landscape, requirements: Requirements, topology: Topology) -> Topology:
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
