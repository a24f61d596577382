"""The trade: every choice that is not worse in everything than another, over price, waiting and blast radius.

Choices are the Topologies that meet every requirement and keep groups of stages, and applications, further apart than
asked, with more or fewer testing copies. How the three figures are computed, and what is assumed, is in
docs/explanation/decision.md; the figures compare choices of one Landscape and mean nothing beside another's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from ringfence.decide.arrangement import rank
from ringfence.decide.check import read_level
from ringfence.decide.conflict import conflict
from ringfence.decide.layout import lay_out
from ringfence.decide.problem import state
from ringfence.decide.requirements import gather
from ringfence.decide.solve import solve
from ringfence.decide.topology import Status, Topology
from ringfence.landscape.model import Application, DataClass, Landscape, Level, Selector, Separate

CHANGES_AN_HOUR = 0.5
"""Changes that an application brings to testing, in working hours (assumed)."""

HOURS_A_CHANGE = 1.0
"""How long a change holds a testing copy (assumed)."""

CROSSING: Mapping[Level, float] = {
    Level.ENVIRONMENT: 20.0,
    Level.CLUSTER: 5.0,
}
"""Minutes that a promotion takes longer when it leaves a cluster or an Environment (assumed)."""

EXPOSURE: Mapping[Level, float] = {
    Level.LABELS: 1.0,
    Level.NODE: 0.7,
    Level.NAMESPACE: 0.5,
    Level.NODE_NAMESPACE: 0.25,
    Level.CLUSTER: 0.05,
    Level.ENVIRONMENT: 0.0,
}
"""The part of another deployment lost with one, by the level between them (assumed; only its order is known)."""

WORTH: Mapping[DataClass, float] = {
    DataClass.THROW_AWAY: 0.0,
    DataClass.SEED: 1.0,
    DataClass.REALISTIC: 10.0,
    DataClass.CUSTOMER: 100.0,
}
"""What the data of a stage is worth, customers' data 100 (assumed)."""

_MOST_STAGES = 5
_STEPS = 800
_MOST_COPIES = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice. ``waiting`` is minutes a change, ``blast`` the part (0 to 1) of all data's worth lost beside one.

    ``words`` says what it does beyond what is asked; ``recommended`` marks the two Environments of the recommendation.
    """

    words: str
    price: Fraction
    waiting: float
    blast: float
    environments: int
    clusters: int
    copies: int | None
    planned: bool
    recommended: bool
    dominated: bool = False


@dataclass(frozen=True, slots=True)
class _Option:
    words: str
    groups: tuple[tuple[str, ...], ...]
    level: Level
    applications: Level | None


def frontier(landscape: Landscape) -> tuple[Choice, ...]:
    """Every undominated choice, the cheapest first; the recommendation is there even where it is dominated."""
    found: list[tuple[Choice, _Option]] = []
    for option in _options(landscape):
        choice = _tried(landscape, option, None)
        if choice is not None:
            found.append((choice, option))
    best = _undominated([choice for choice, _ in found])
    for _, option in [pair for pair in found if pair[0] in best]:
        for copies in _copies(landscape):
            other = _tried(landscape, option, copies)
            if other is not None:
                found.append((other, option))
    choices = list(dict.fromkeys(choice for choice, _ in found))
    best = _undominated(choices)
    kept = [*best, *(replace(each, dominated=True) for each in _landmarks(choices) if each not in best)]
    return tuple(sorted(_distinct(kept), key=lambda each: (each.price, each.waiting, each.blast, each.words)))


def _landmarks(choices: Sequence[Choice]) -> list[Choice]:
    """The plan itself, and the cheapest choice with the two Environments of the recommendation."""
    recommended = sorted((each for each in choices if each.recommended), key=lambda each: (each.price, each.blast))
    return [each for each in choices if each.planned] + recommended[:1]


def _distinct(choices: list[Choice]) -> list[Choice]:
    """One choice for each set of figures: the plainest in words; marks are joined."""
    found: dict[tuple[object, ...], Choice] = {}
    for each in choices:
        key = (each.price, each.waiting, each.blast)
        other = found.get(key)
        if other is None:
            found[key] = each
            continue
        plainer = min(each, other, key=lambda choice: (choice.dominated, not choice.planned, len(choice.words)))
        found[key] = replace(plainer, planned=each.planned or other.planned,
                             recommended=each.recommended or other.recommended)  # fmt: skip
    return list(found.values())


def _undominated(choices: Sequence[Choice]) -> list[Choice]:
    def worse(one: Choice, other: Choice) -> bool:
        same = (one.price, one.waiting, one.blast) == (other.price, other.waiting, other.blast)
        return not same and one.price >= other.price and one.waiting >= other.waiting and one.blast >= other.blast

    return [each for each in choices if not any(worse(each, other) for other in choices)]


def _options(landscape: Landscape) -> Iterator[_Option]:
    used = {deployment.stage for deployment in landscape.deployments}
    stages = [stage.name for stage in landscape.stages if stage.placed and stage.name in used]
    many = len(stages) > _MOST_STAGES
    for groups in _divisions(stages) if not many else _cuts(stages):
        levels = [Level.ENVIRONMENT, Level.CLUSTER] if len(groups) > 1 else [Level.ENVIRONMENT]
        for level in levels:
            for applications in (None, Level.NODE_NAMESPACE, Level.CLUSTER):
                if applications is not None and len(landscape.applications) < 2:
                    continue
                yield _Option(_words(groups, level, applications), groups, level, applications)


def _words(groups: tuple[tuple[str, ...], ...], level: Level, applications: Level | None) -> str:
    parts = []
    if len(groups) > 1:
        parts.append(f"{level} each: " + " | ".join("+".join(group) for group in groups))
    if applications is not None:
        parts.append(f"applications apart: {applications}")
    return "; ".join(parts) or "only what is asked"


def _divisions(stages: Sequence[str]) -> Iterator[tuple[tuple[str, ...], ...]]:
    """Every way to divide stages into groups."""
    if not stages:
        yield ()
        return
    first, rest = stages[0], stages[1:]
    for smaller in _divisions(rest):
        yield ((first,), *smaller)
        for number, group in enumerate(smaller):
            yield (*smaller[:number], (first, *group), *smaller[number + 1 :])


def _cuts(stages: Sequence[str]) -> Iterator[tuple[tuple[str, ...], ...]]:
    """Ways to divide long ladders: at one rung, or at every rung."""
    yield (tuple(stages),)
    for cut in range(1, len(stages)):
        yield (tuple(stages[:cut]), tuple(stages[cut:]))
    yield tuple((stage,) for stage in stages)


def _copies(landscape: Landscape) -> Iterator[int]:
    """Other numbers of testing copies than the Landscape has."""
    most = max((len(_testing(landscape, each)) for each in landscape.applications), default=0)
    if most:
        yield from (number for number in range(1, min(most + 2, _MOST_COPIES) + 1) if number != most)


def _testing(landscape: Landscape, application: Application) -> list[str]:
    like = {stage.name: stage.like for stage in landscape.stages}
    return [each.name for each in application.deployments if like[each.stage] == "testing"]


def _with_copies(landscape: Landscape, copies: int) -> Landscape | None:
    """The Landscape with another number of testing copies; None where a rule names one of them."""
    named = {name for rule in landscape.together for name in rule.deployments}
    applications = []
    for application in landscape.applications:
        testing = _testing(landscape, application)
        if set(testing) & named:
            return None
        kept = []
        for deployment in application.deployments:
            if deployment.name not in testing:
                kept.append(deployment)
            elif deployment.name == testing[0]:
                kept += [replace(deployment, name=f"{application.name}/{deployment.stage}-{number}", copy=number)
                         for number in range(1, copies + 1)]  # fmt: skip
        applications.append(replace(application, deployments=tuple(kept)))
    return replace(landscape, applications=tuple(applications))


def _tried(landscape: Landscape, option: _Option, copies: int | None) -> Choice | None:
    """The figures of one option; None where it is impossible or its price was not proved."""
    changed = landscape if copies is None else _with_copies(landscape, copies)
    if changed is None:
        return None
    changed = replace(changed, separate=(*changed.separate, *_rules(option, changed)))
    requirements = gather(changed)
    if conflict(changed, requirements):
        return None
    problem = state(changed, requirements)
    outcome = solve(problem, _STEPS)
    if not outcome.proved or outcome.arrangement is None:
        return None
    drawn = outcome.arrangement
    topology = lay_out(changed.name, problem, requirements, drawn, Status.OPTIMAL, Fraction(0), pairs=False)
    best = rank(problem, outcome.arrangement)
    words = option.words if copies is None else f"{option.words}; testing copies: {copies}"
    return Choice(
        words.removeprefix("only what is asked; "),
        best.price,
        round(waiting(changed, topology), 1),
        round(blast(changed, topology), 3),
        best.environments,
        best.clusters,
        copies,
        planned=copies is None and option.words == "only what is asked",
        recommended=copies is None and _is_recommended(changed, topology),
    )


def _rules(option: _Option, landscape: Landscape) -> list[Separate]:
    rules: list[Separate] = []
    for number, group in enumerate(option.groups):
        for other in option.groups[:number]:
            between, others = Selector(stage=group), Selector(stage=other)
            rules.append(Separate(f"choice[{len(rules)}]", between, others, option.level, ""))
    if option.applications is not None:
        names = [each.name for each in landscape.applications]
        for number, name in enumerate(names[1:], start=1):
            rules.append(Separate(f"choice[{len(rules)}]", Selector(application=(name,)),
                                  Selector(application=tuple(names[:number])), option.applications, ""))  # fmt: skip
    return rules


def _is_recommended(landscape: Landscape, topology: Topology) -> bool:
    """Two Environments: one with production only, one with everything else."""
    production = {stage.name for stage in landscape.stages if stage.production}
    stage_of = {each.name: each.stage for each in landscape.deployments}
    inside: dict[str, set[bool]] = {}
    for placement in topology.placements:
        inside.setdefault(placement.environment, set()).add(stage_of[placement.deployment] in production)
    return len(inside) == 2 and all(len(kinds) == 1 for kinds in inside.values())


def waiting(landscape: Landscape, topology: Topology) -> float:
    """Minutes that a change waits on its way to production, for a free testing copy and at crossings; a mean."""
    places = {placement.deployment: placement for placement in topology.placements}
    rank_of = {stage.name: stage.rank for stage in landscape.stages}
    totals = []
    for application in landscape.applications:
        way: list[str] = []
        for deployment in sorted(application.deployments, key=lambda each: rank_of[each.stage]):
            if deployment.name in places and (not way or _stage(landscape, way[-1]) != deployment.stage):
                way.append(deployment.name)
        if not way:
            continue
        crossings = sum(CROSSING.get(read_level(places[a], places[b]), 0.0) for a, b in pairwise(way))
        totals.append(crossings + 60 * queue(len(_testing(landscape, application))))
    return sum(totals) / len(totals) if totals else 0.0


def _stage(landscape: Landscape, name: str) -> str:
    return landscape.deployment(name).stage


def queue(copies: int) -> float:
    """Hours that a change waits for a free copy: Erlang's formula for ``copies`` servers; 0 without a testing stage."""
    if copies == 0:
        return 0.0
    load = CHANGES_AN_HOUR * HOURS_A_CHANGE
    if load >= copies:
        return float("inf")
    blocked = 1.0
    for number in range(1, copies + 1):
        blocked = load * blocked / (number + load * blocked)
    busy = blocked / (1 - load / copies * (1 - blocked))
    return busy * HOURS_A_CHANGE / (copies - load)


def blast(landscape: Landscape, topology: Topology) -> float:
    """The part of all data's worth that is lost, besides its own, with one deployment; mean over all deployments."""
    data = {stage.name: stage.data for stage in landscape.stages}
    worth = {each.name: WORTH[data[each.stage]] for each in landscape.deployments}
    counts: dict[tuple[str, str, str, str], list[float]] = {}
    for each in topology.placements:
        entry = counts.setdefault((each.environment, each.cluster, each.pool, each.namespace), [0.0, 0.0])
        entry[0] += 1
        entry[1] += worth[each.deployment]
    total = sum(entry[1] for entry in counts.values())
    number = len(topology.placements)
    if not total or not number:
        return 0.0
    lost = 0.0
    places = list(counts.items())
    for one, (here, _) in places:
        for other, (_, there) in places:
            lost += here * there * EXPOSURE[_level(one, other)]
    lost -= sum(worth[each.deployment] for each in topology.placements)
    return lost / number / total


def _level(a: tuple[str, str, str, str], b: tuple[str, str, str, str]) -> Level:
    if a[0] != b[0]:
        return Level.ENVIRONMENT
    if a[1] != b[1]:
        return Level.CLUSTER
    if a[2] == b[2]:
        return Level.LABELS if a[3] == b[3] else Level.NAMESPACE
    return Level.NODE if a[3] == b[3] else Level.NODE_NAMESPACE
