"""When nothing can be right: a minimal set of requirements that cannot be met together.

Only ``together`` rules pull, so a Landscape is impossible in two ways: deployments that are tied, directly or through
others, must also be apart; or every deployment is tied to a production one while a clause needs a non-production
Environment. Both are decided without a solver. A solver's own core was rejected: it is not minimal, and not in words.
"""

from collections.abc import Iterable

from ringfence.decide.problem import Bond, bonds
from ringfence.decide.requirements import Requirements
from ringfence.decide.units import IN_CLUSTER, IN_ENVIRONMENT, Groups
from ringfence.landscape.model import Landscape, Level, Shared

_TIES: tuple[tuple[frozenset[Shared], Level], ...] = (
    (frozenset({Shared.NAMESPACE}), Level.NAMESPACE),
    (frozenset({Shared.POOL}), Level.NODE),
    (IN_CLUSTER, Level.CLUSTER),
    (IN_ENVIRONMENT, Level.ENVIRONMENT),
)
"""What ties deployments, and the weakest level that those tied by it cannot have."""


def conflict(landscape: Landscape, requirements: Requirements) -> tuple[int, ...]:
    """The indices of a minimal set of requirements that cannot all be met, empty when all can.

    The set has no superfluous member: each was left out in turn, and the rest was possible. Of several, the one with
    the shortest chain of ties is given, the first in the order of the Landscape.
    """
    every = bonds(landscape.together, requirements)
    core = _shortest_clash(requirements, every)
    if core is None:
        if _gate_holds(requirements, every, frozenset(range(len(requirements.requirements)))):
            return ()
        gates = [gate.requirement for gate in requirements.gates if gate.gate.needs_non_production]
        core = [gates[0], *sorted({bond.requirement for bond in every})]
    return tuple(sorted(_shrunk(requirements, every, core)))


def possible(requirements: Requirements, every: Iterable[Bond], active: frozenset[int]) -> bool:
    """True when the requirements with these indices can all be met."""
    kept = [bond for bond in every if bond.requirement in active]
    mask = sum(requirements.bits(number) for number in active)
    for shared, level in _TIES:
        for group in _tied(requirements, kept, shared):
            if any(_breaks(requirements, a, b, level, mask) for a in group for b in group if a < b):
                return False
    return _gate_holds(requirements, kept, active)


def _shrunk(requirements: Requirements, every: tuple[Bond, ...], core: list[int]) -> list[int]:
    """Leave out, one by one, whatever the impossibility does not need."""
    kept = list(core)
    for number in sorted(core, reverse=True):
        rest = [other for other in kept if other != number]
        if not possible(requirements, every, frozenset(rest)):
            kept = rest
    return kept


def _breaks(requirements: Requirements, a: int, b: int, level: Level, mask: int) -> bool:
    asked = requirements.asked(requirements.subjects[a], requirements.subjects[b]) & mask
    return bool(asked) and requirements.level(asked).meets(level)


def _gate_holds(requirements: Requirements, every: Iterable[Bond], active: frozenset[int]) -> bool:
    """True when no active gate needs a non-production Environment, or some deployment is free to stand in one."""
    if not any(gate.gate.needs_non_production and gate.requirement in active for gate in requirements.gates):
        return True
    tied = _groups(requirements, every, IN_ENVIRONMENT)
    tainted = {tied.find(number) for number, subject in enumerate(requirements.subjects) if subject.production}
    return any(tied.find(number) not in tainted for number in range(len(requirements.subjects)))


def _groups(requirements: Requirements, every: Iterable[Bond], shared: frozenset[Shared]) -> Groups:
    tied = Groups(len(requirements.subjects))
    for bond in every:
        if bond.shared in shared:
            for member in bond.members[1:]:
                tied.join(bond.members[0], member)
    return tied


def _tied(requirements: Requirements, every: Iterable[Bond], shared: frozenset[Shared]) -> list[list[int]]:
    kept = list(every)
    tied = _groups(requirements, kept, shared)
    gathered: dict[int, list[int]] = {}
    for member in sorted({member for bond in kept if bond.shared in shared for member in bond.members}):
        gathered.setdefault(tied.find(member), []).append(member)
    return [group for group in gathered.values() if len(group) > 1]


def _shortest_clash(requirements: Requirements, every: tuple[Bond, ...]) -> list[int] | None:
    """A rule and the shortest chain of bonds that ties two deployments which it keeps apart."""
    best: list[int] | None = None
    for shared, level in _TIES:
        usable = [bond for bond in every if bond.shared in shared]
        for group in _tied(requirements, usable, shared):
            for a in group:
                chains = _chains(a, usable)
                for b in group:
                    if b <= a or (best is not None and len(chains[b]) + 1 >= len(best)):
                        continue
                    rule = _first_breaker(requirements, a, b, level)
                    if rule is not None:
                        best = [rule, *chains[b]]
    return best


def _first_breaker(requirements: Requirements, a: int, b: int, level: Level) -> int | None:
    asked = requirements.asked(requirements.subjects[a], requirements.subjects[b])
    for index, rule in enumerate(requirements.rules):
        if asked >> index & 1 and rule.level.meets(level):
            return rule.requirement
    return None


def _chains(start: int, usable: list[Bond]) -> dict[int, tuple[int, ...]]:
    """For everything tied to ``start``, the requirements of a shortest chain of bonds to it."""
    chains: dict[int, tuple[int, ...]] = {start: ()}
    left = list(usable)
    while True:
        reached = [bond for bond in left if any(member in chains for member in bond.members)]
        if not reached:
            return chains
        left = [bond for bond in left if bond not in reached]
        found: dict[int, tuple[int, ...]] = {}
        for bond in reached:
            nearest = min((chains[member] for member in bond.members if member in chains), key=len)
            for member in bond.members:
                if member not in chains:
                    found.setdefault(member, (*nearest, bond.requirement))
        chains |= found
