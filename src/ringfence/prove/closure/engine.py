"""The least fixpoint: applies rules to capabilities until nothing new comes, cheapest chains first.

Dijkstra over chains ordered by (facts in doubt, steps): the first chain that gives a capability is a shortest one, and
one without doubt wins over any with. A capability that only doubtful chains give makes ``unknown``, a certain one
``broken``. Datalog engines were rejected: they give the fixpoint, and the shortest witness is what people need.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability
from ringfence.prove.proof import Step


@dataclass(frozen=True, slots=True)
class Derivation:
    """One application of a rule. ``step`` None: it follows without a step of its own. ``doubt`` names the fact that
    would have to be known for it to count; ``others`` are further premises besides the capability it came from."""

    gives: Capability
    rule: str
    step: Step | None = None
    doubt: str | None = None
    others: tuple[Capability, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """How a capability was first reached."""

    capability: Capability
    derivation: Derivation | None
    premise: Capability | None
    doubts: int
    steps: int


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain read off: its steps in order, the rules applied, and the facts in doubt (none: it is certain)."""

    steps: tuple[Step, ...]
    rules: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def certain(self) -> bool:
        """True when nothing about it is in doubt."""
        return not self.doubts


Expand = Callable[[Capability, "State"], Iterable[Derivation]]


@dataclass(slots=True)
class State:
    """What has been reached so far, and the indexes that rules with several premises look things up in."""

    reached: dict[Capability, Reached] = field(default_factory=dict)
    by_kind: dict[tuple[Can, str], list[Capability]] = field(default_factory=lambda: defaultdict(list))
    by_namespace: dict[tuple[str, str], list[Capability]] = field(default_factory=lambda: defaultdict(list))
    by_power: dict[tuple[str, str], list[Capability]] = field(default_factory=lambda: defaultdict(list))
    by_place: dict[tuple[str, str, str], list[Capability]] = field(default_factory=lambda: defaultdict(list))
    order: dict[Capability, int] = field(default_factory=dict)
    answered: set[Hashable] = field(default_factory=set)

    def take(self, reached: Reached) -> None:
        """Enter a capability that has been reached, the last of all."""
        capability = reached.capability
        can, cluster, namespace, name, _ = capability
        self.order[capability] = len(self.reached)
        self.reached[capability] = reached
        self.by_kind[can, cluster].append(capability)
        self.by_namespace[cluster, namespace].append(capability)
        if can is Can.POWER:
            self.by_power[cluster, name].append(capability)
            self.by_place[name, cluster, namespace].append(capability)
        elif can is Can.CREATE_PODS:
            self.by_place[can, cluster, namespace].append(capability)

    def first(self, question: Hashable) -> bool:
        """Whether nobody asked this before. What follows from many capabilities alike follows from the first of them,
        which no other was reached more cheaply than."""
        if question in self.answered:
            return False
        self.answered.add(question)
        return True

    def has(self, capability: Capability) -> bool:
        """Whether the capability has been reached."""
        return capability in self.reached

    def of(self, can: Can, cluster: str) -> list[Capability]:
        """The capabilities of one kind in one cluster, in the order reached."""
        return self.by_kind.get((can, cluster), [])

    def powers(self, cluster: str, power: str, namespace: str | None = None) -> Iterator[Capability]:
        """The powers of that name, in ``namespace`` (or everywhere) when one is given."""
        for capability in self.by_power.get((cluster, power), ()):
            if namespace is None or capability.namespace in (EVERYWHERE, namespace):
                yield capability

    def powers_meeting(self, cluster: str, power: str, namespace: str) -> list[Capability]:
        """The powers of that name whose place meets ``namespace``: equal to it, or one of the two is everywhere."""
        return (
            self.by_power.get((cluster, power), []) if namespace == EVERYWHERE else self._at(power, cluster, namespace)
        )

    def makers_meeting(self, cluster: str, namespace: str) -> list[Capability]:
        """The capabilities to make pods whose place meets ``namespace``, as for ``powers_meeting``."""
        if namespace == EVERYWHERE:
            return self.of(Can.CREATE_PODS, cluster)
        return self._at(Can.CREATE_PODS, cluster, namespace)

    def _at(self, what: str, cluster: str, namespace: str) -> list[Capability]:
        here = self.by_place.get((what, cluster, namespace), [])
        everywhere = self.by_place.get((what, cluster, EVERYWHERE), [])
        if not here or not everywhere:
            return here or everywhere
        return sorted([*here, *everywhere], key=self.order.__getitem__)

    def touching(self, cluster: str, namespace: str) -> Iterator[Capability]:
        """The capabilities in that namespace, and those in all namespaces."""
        yield from self.by_namespace.get((cluster, namespace), ())
        yield from self.by_namespace.get((cluster, EVERYWHERE), ())

    def chain(self, capability: Capability) -> Chain:
        """The chain by which a capability was first reached. Raises KeyError when it was not."""
        steps: dict[Step, None] = {}
        rules: dict[str, None] = {}
        doubts: dict[str, None] = {}
        self._walk(capability, steps, rules, doubts, set())
        return Chain(tuple(steps), tuple(rules), tuple(doubts))

    def _walk(
        self,
        capability: Capability,
        steps: dict[Step, None],
        rules: dict[str, None],
        doubts: dict[str, None],
        seen: set[Capability],
    ) -> None:
        path: list[Reached] = []
        current: Capability | None = capability
        while current is not None and current not in seen:
            seen.add(current)
            reached = self.reached[current]
            path.append(reached)
            current = reached.premise
        for reached in reversed(path):
            derivation = reached.derivation
            if derivation is None:
                continue
            for other in derivation.others:
                self._walk(other, steps, rules, doubts, seen)
            rules[derivation.rule] = None
            if derivation.step is not None:
                steps[derivation.step] = None
            if derivation.doubt is not None:
                doubts[derivation.doubt] = None


_Entry = tuple[Capability, Derivation | None, Capability | None]


@dataclass(slots=True)
class _Queue:
    """What is still to be looked at, by (facts in doubt, steps) and then in the order it came: a list for each of the
    few costs that there are, which a heap of single entries pays for with each of them."""

    waiting: dict[tuple[int, int], deque[_Entry]] = field(default_factory=dict)
    costs: list[tuple[int, int]] = field(default_factory=list)

    def put(self, cost: tuple[int, int], entry: _Entry) -> None:
        found = self.waiting.get(cost)
        if found is None:
            found = self.waiting[cost] = deque()
            heapq.heappush(self.costs, cost)
        found.append(entry)

    def __iter__(self) -> Iterator[tuple[tuple[int, int], _Entry]]:
        while self.costs:
            cost = self.costs[0]
            waiting = self.waiting[cost]
            if waiting:
                yield cost, waiting.popleft()
            else:
                heapq.heappop(self.costs)
                del self.waiting[cost]


def close(starts: Mapping[Capability, Derivation | None], expand: Expand) -> State:
    """Everything that follows from ``starts`` (each with the derivation that explains it, or None) under ``expand``.

    Terminates because capabilities name objects of finite snapshots; each is expanded once.
    """
    state = State()
    queue = _Queue()
    for capability, derivation in starts.items():
        step = 1 if derivation is not None and derivation.step is not None else 0
        doubt = 1 if derivation is not None and derivation.doubt is not None else 0
        queue.put((doubt, step), (capability, derivation, None))
    for (doubts, steps), (capability, derivation, premise) in queue:
        if capability in state.reached:
            continue
        state.take(Reached(capability, derivation, premise, doubts, steps))
        for new in expand(capability, state):
            if new.gives in state.reached:
                continue
            doubted, stepped = doubts + (new.doubt is not None), steps + (new.step is not None)
            for other in new.others:
                doubted += state.reached[other].doubts
                stepped += state.reached[other].steps
            queue.put((doubted, stepped), (new.gives, new, capability))
    return state
