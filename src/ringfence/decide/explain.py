"""Why: the reasons of a Topology in words, with the clauses that give them.

Nothing is analysed a second time for show: a certificate is a set of deployments of which every two must be apart, read
off the problem; where there is none, the search is asked for the best answer with one Environment fewer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ringfence.base.text import listed, plural
from ringfence.decide.problem import CLUSTER, ENVIRONMENT, Problem, state
from ringfence.decide.requirements import Requirements, gather, natural
from ringfence.decide.solve import solve
from ringfence.decide.topology import Alternative, Reason, Status, Topology
from ringfence.landscape.model import Landscape, Level, Posture
from ringfence.landscape.packs import Attribute


@dataclass(frozen=True, slots=True)
class Section:
    """A question and its answer, one line a reason; a line that begins with two spaces belongs to the one above."""

    title: str
    lines: tuple[str, ...]


def explain(
    landscape: Landscape, requirements: Requirements, problem: Problem, topology: Topology
) -> tuple[Section, ...]:
    """The reasons of a Topology, the most asked first."""
    found = [
        _posture(landscape),
        _why_environments(requirements, problem, topology),
        _why_clusters(requirements, problem, topology),
        _who_is_apart(landscape, requirements, topology),
        _gates(requirements),
        _what_each_costs(topology),
        _what_else(landscape, topology),
        _not_asked(landscape, requirements),
    ]
    return _said_once(tuple(section for section in found if section.lines))


def _posture(landscape: Landscape) -> Section:
    if not landscape.regulations:
        return Section("", ())
    counts = {
        Posture.RECOMMENDED: "what clauses require and what they recommend both count",
        Posture.MINIMUM: "only what clauses require counts, not what they recommend",
    }
    return Section("What counts", (f"posture {landscape.posture.value}: {counts[landscape.posture]}.",))


def _said_once(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """The text of a clause where it is named first; after that its name is enough."""
    seen: set[str] = set()

    def shorter(line: str) -> str:
        head, found, _ = line.partition(": ")
        if not found or not line.startswith("  "):
            return line
        if line in seen:
            return f"{head} (as above)"
        seen.add(line)
        return line

    return tuple(Section(one.title, tuple(shorter(line) for line in one.lines)) for one in sections)


def _money(topology: Topology, alternative: Alternative) -> str:
    saved = topology.price - alternative.price
    if not saved:
        return "costs nothing: without it the price is the same"
    fewer = len(topology.environments) - alternative.environments
    what = f", with {plural(fewer, 'Environment')} fewer" if fewer > 0 else ""
    return f"costs {price(saved)} a month: without it {price(alternative.price)}{what}"


def price(value: object) -> str:
    """An amount as people write it: no decimals where there are none."""
    amount = float(value)  # type: ignore[arg-type]
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"


def clique(problem: Problem, least: int) -> list[int]:
    """Deployments of which every two must be at least that far apart: a large set, found greedily from each start."""
    count = len(problem.apart)
    first = [problem.kind_of.index(kind) for kind in range(count)]
    degree = [sum(distance >= least for distance in row) for row in problem.apart]
    order = sorted(range(count), key=lambda kind: (-degree[kind], first[kind]))
    best: list[int] = []
    for start in order[:50]:
        chosen = [start]
        for kind in order:
            if kind != start and all(problem.apart[kind][other] >= least for other in chosen):
                chosen.append(kind)
        if len(chosen) > len(best):
            best = chosen
    members = []
    for kind in best:
        alike = [index for index, each in enumerate(problem.kind_of) if each == kind]
        members += alike if problem.apart[kind][kind] >= least else alike[:1]
    return sorted(members)


def _certificate(requirements: Requirements, problem: Problem, least: int, level: Level) -> tuple[list[int], list[str]]:
    """A set that cannot share, and who says so."""
    members = clique(problem, least)
    if len(members) < 2:
        return members, []
    who: dict[str, None] = {}
    for position, a in enumerate(members):
        for b in members[position + 1 :]:
            asked = requirements.asked(requirements.subjects[a], requirements.subjects[b])
            for reason in requirements.reasons(asked):
                if reason.level.meets(level):
                    who.setdefault(blame(reason))
    return members, [f"  {each}" for each in who]


def blame(reason: Reason) -> str:
    """Who asks what, in a line: ``iso-27001 A.8.31 recommends environment: ...``."""
    verb = "recommends" if reason.recommended else "requires" if reason.clause else "asks for"
    name = f"{reason.source} {reason.clause}" if reason.clause else reason.source
    return f"{name} {verb} {reason.level}: {reason.because}"


def _why_environments(requirements: Requirements, problem: Problem, topology: Topology) -> Section:
    count = len(topology.environments)
    title = f"Why {plural(count, 'Environment')}" + (f", and not {count - 1}" if count > 1 else "")
    if count < 2:
        return Section(title, ("Nothing that is asked needs a second one, and each costs more.",) if count else ())
    members, lines = _certificate(requirements, problem, ENVIRONMENT, Level.ENVIRONMENT)
    gates = [requirements.requirements[gate.requirement].identifier for gate in requirements.gates
             if gate.gate.needs_non_production]  # fmt: skip
    if len(members) >= count:
        names = listed([problem.names[index] for index in members[:6]])
        line = f"Of these, for one, no two may share an Environment: {names}."
        if len(members) == 2:
            line = f"{names} may not share an Environment."
        return Section(title, (line, *lines))
    outcome = solve(problem, most_environments=count - 1)
    if outcome.value is None and outcome.complete:
        reason = (
            [f"{listed(sorted(set(gates)))} needs a non-production Environment that hosts a deployment."]
            if gates
            else []
        )
        return Section(
            title, ("No arrangement with fewer meets everything that is asked: all were searched.", *reason, *lines)
        )
    if outcome.value is not None and outcome.complete:
        return Section(title, ("One fewer is possible, but dearer.", *lines))
    return Section(title, ("The cheapest found has that many; fewer was not searched to the end.", *lines))


def _why_clusters(requirements: Requirements, problem: Problem, topology: Topology) -> Section:
    count = sum(len(environment.workloads) for environment in topology.environments)
    title = f"Why {plural(count, 'workload cluster')}"
    if count <= len(topology.environments):
        return Section(title, ("One in each Environment, the fewest there can be.",) if count else ())
    members, lines = _certificate(requirements, problem, CLUSTER, Level.CLUSTER)
    names = [problem.names[index] for index in members]
    shown = listed(names) if len(names) <= 6 else f"{', '.join(names[:6])} and {len(names) - 6} more"
    if len(members) >= count:
        return Section(title, (f"Of these, for one, no two may share a cluster: {shown}.", *lines))
    return Section(title, (f"At least {len(members)}, since no two of these may share one: {shown}.", *lines,
                           "More than that are cheaper than fewer, or the rules allow no fewer."))  # fmt: skip


def _who_is_apart(landscape: Landscape, requirements: Requirements, topology: Topology) -> Section:
    """Every rule that speaks of somebody: what it asks of whom, and how many pairs it holds for."""
    counts = [0] * len(requirements.rules)
    for i, a in enumerate(requirements.subjects):
        for b in requirements.subjects[:i]:
            mask = requirements.asked(a, b)
            while mask:
                low = mask & -mask
                counts[low.bit_length() - 1] += 1
                mask ^= low
    lines = []
    for rule, count in zip(requirements.rules, counts, strict=True):
        if count:
            who = requirements.requirements[rule.requirement]
            verb = rule.strength.value if who.regulation else "asks for"
            words = rule.words
            if Attribute.PROTECTION in rule.differ:
                words += f" ({_protections(landscape)})"
            lines.append(f"{who.identifier} {verb} {rule.level} between {words}: {plural(count, 'pair')}")
    return Section("Who must be apart", tuple(lines)) if topology.environments else Section("", ())


def _protections(landscape: Landscape) -> str:
    """``high: zone care; normal: zone office``: which applications differ is seen from their zones."""
    zones: dict[str, list[str]] = {}
    for zone in landscape.zones.values():
        zones.setdefault(zone.protection, []).append(zone.name)
    return "; ".join(f"{protection}: zone {listed(names)}" for protection, names in zones.items())


def _gates(requirements: Requirements) -> Section:
    lines = []
    for gate in requirements.gates:
        who = requirements.requirements[gate.requirement]
        needs = "; so one deployment at least lies in a non-production Environment"
        lines.append(
            f"{who.identifier} asks for the gate {gate.gate}: {gate.gate.words}"
            f"{needs if gate.gate.needs_non_production else ''}"
        )
    return Section("What is asked besides separation", tuple(dict.fromkeys(lines)))


def _what_each_costs(topology: Topology) -> Section:
    costly = sorted(
        (each for each in topology.alternatives if each.price != topology.price), key=lambda each: each.price
    )
    free = [each.without for each in topology.alternatives if each.price == topology.price]
    lines = [f"{each.without} {_money(topology, each)}" for each in costly]
    if free:
        lines.append(f"Leaving out any one of these alone does not change the price: {'; '.join(free)}")
    return Section("What each requirement costs, in the currency of `costs`", tuple(lines))


def _what_else(landscape: Landscape, topology: Topology) -> Section:
    if landscape.posture is Posture.MINIMUM or not landscape.regulations:
        return Section("", ())
    lean = replace(landscape, posture=Posture.MINIMUM)
    outcome = solve(state(lean, gather(lean)))
    if not outcome.proved or outcome.arrangement is None:
        return Section("", ())
    from ringfence.decide.arrangement import rank

    best = rank(state(lean, gather(lean)), outcome.arrangement)
    if best.price == topology.price:
        return Section("What else would change the answer", ("posture: minimum changes nothing here.",))
    counts = f"{plural(best.environments, 'Environment')} and {plural(best.clusters, 'workload cluster')}"
    line = f"posture: minimum (only what clauses require) has a price of {price(best.price)}, with {counts}."
    return Section("What else would change the answer", (line,))


def _not_asked(landscape: Landscape, requirements: Requirements) -> Section:
    """What a reader may think is covered and is not."""
    compared = {rule.requirement for rule in requirements.rules if any(each == "protection" for each in rule.differ)}
    zoneless = sorted({each.name for each in landscape.applications if each.zone is None}, key=natural)
    if not compared or not zoneless:
        return Section("", ())
    shown = listed(zoneless) if len(zoneless) <= 6 else f"{len(zoneless)} applications"
    who = listed([requirements.requirements[number].identifier for number in sorted(compared)])
    verb = "is" if len(zoneless) == 1 else "are"
    return Section("What is not asked", (f"{shown} {verb} in no zone: {who} compares zones and says nothing of it.",))


def conflict_lines(topology: Topology) -> Iterable[str]:
    """An impossible Landscape, in the user's words."""
    assert topology.status is Status.INFEASIBLE
    for item in topology.conflict:
        yield f"{item.rule}: {item.because}" + (f"  ({item.place})" if item.place else "")


def wrapped(line: str, width: int, indent: str) -> Sequence[str]:
    """A line folded at words, with what follows indented."""
    import textwrap

    lead = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line.strip(), width, initial_indent=indent + lead, subsequent_indent=indent + lead + "  ",
                         break_long_words=False, break_on_hyphens=False)  # fmt: skip
