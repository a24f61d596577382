"""Can one deployment connect to another, in every state that its people and accounts can bring about?

First the upper bound in bit sets, which clears nearly all pairs; then each pair that is left is asked exactly, port
cell by port cell, until a certain connection is found. ``no`` is said only when nothing is left to try.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import cast

from ringfence.prove.answer import Answer, Truth
from ringfence.prove.network.cells import Span, port_cells, relevant_for_destination, relevant_rules
from ringfence.prove.network.certain import Certainty
from ringfence.prove.network.cni import POLICY, SCTP
from ringfence.prove.network.entrances import services_of
from ringfence.prove.network.flow import Dialled
from ringfence.prove.network.groups import Group, attacked, relabelled
from ringfence.prove.network.packets import Packet, connect_parties
from ringfence.prove.network.reach import reach
from ringfence.prove.network.roadways import roads_into
from ringfence.prove.network.space import Cells, Space, classes, make_space
from ringfence.prove.network.told import told_apart
from ringfence.prove.network.values import Pod
from ringfence.prove.network.wild import label_choices
from ringfence.prove.network.world import World

MOST_PAIRS = 20_000
MOST_SPACES = 4096
ENOUGH_UNKNOWN = 64
MOST_RELABELLED = 4096
SOME_NODE = "the node of the destination"


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection that is possible (``yes``) or that cannot be ruled out (``unknown``)."""

    source: str
    destination: str
    protocol: str
    port: int
    answer: Answer
    created: bool = False
    through: str = ""

    def __str__(self) -> str:
        """For a step of a witness."""
        who = f"a pod that could be created in {self.source}" if self.created else self.source
        if self.through:
            return f"{who} connects to {self.destination} through {self.through}"
        return f"{who} connects to {self.destination} on {self.port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Crossing:
    """What comes of two deployments: ``yes`` (they can connect), ``no``, or ``unknown``, and the connections found."""

    truth: Truth
    connections: tuple[Connection, ...] = ()
    missing: tuple[str, ...] = ()


NOTHING = Crossing(Truth.NO)


@dataclass(frozen=True, slots=True)
class _Relabelled:
    """The worlds and the forms of one destination that relabelling leads to; ``complete``: there are no others."""

    worlds: list[World]
    pods: list[Pod]
    complete: bool


def cross_connections(world: World, a: Group, b: Group, declared: Iterable[Span] = ()) -> Crossing:
    """May any pod of ``a``, present or to be created, open a connection to a pod of ``b`` that is not declared?

    From pod to pod, and through what both share: Ingresses, Gateways, ports of nodes. One certain connection is
    enough; up to a few uncertain ones are kept when there is none.
    """
    if not a.pods and not a.powers.create_pods:
        return NOTHING
    spans = tuple(declared)
    changed = attacked(world, a.powers)
    direct = pod_connections(changed, a, b, spans)
    if direct.truth is Truth.YES:
        return direct
    unsure = list(direct.connections)
    missing = dict.fromkeys(direct.missing)

    def cross(one: Group, other: Group, without: Iterable[Span]) -> Truth:
        return pod_connections(changed, one, other, tuple(without)).truth

    for road in roads_into(changed, a, b, spans, cross):
        found = Connection(
            f"namespace/{min(a.namespaces, default=a.name)}",
            road.destination.ref,
            road.protocol,
            road.port,
            road.answer,
            through=road.through,
        )
        if road.answer.truth is Truth.YES:
            return Crossing(Truth.YES, (found,))
        if len(unsure) < ENOUGH_UNKNOWN:
            unsure.append(found)
            missing.update(dict.fromkeys(road.answer.settles))
    if not unsure and not missing:
        return NOTHING
    return Crossing(Truth.UNKNOWN, tuple(unsure), tuple(missing))


def pod_connections(world: World, a: Group, b: Group, declared: tuple[Span, ...] = ()) -> Crossing:
    """The connections from pod to pod alone, in this world as it is."""
    return _Search(world, a, declared).run(b)


@dataclass(slots=True)
class _Search:
    """One search from one group."""

    world: World
    a: Group
    declared: tuple[Span, ...]

    def run(self, b: Group) -> Crossing:
        hosts = self._hosted(self.a) or self._hosted(b)
        sources = self._space(self.a, hosts, wild=True)
        destinations = self._space(b, hosts, wild=False)
        unsure: list[Connection] = []
        certainty = Certainty(self.world, sources)
        for asked, (source, destination) in enumerate(_candidates(self.world, sources, destinations, self.declared), 1):
            found = None
            if len(unsure) < ENOUGH_UNKNOWN or certainty.may_be(source, destinations.pods[destination]):
                created = source >= sources.wild_from
                found = self._ask(sources.pods[source], destinations.pods[destination], created=created)
            if found is not None and found.answer.truth is Truth.YES:
                return Crossing(Truth.YES, (found,))
            if found is not None and len(unsure) < ENOUGH_UNKNOWN:
                unsure.append(found)
            if asked >= MOST_PAIRS:
                why = f"more than {MOST_PAIRS} pairs of pods could connect and none surely does"
                return Crossing(Truth.UNKNOWN, tuple(unsure), (why,))
        return self._conclude(sources, destinations, unsure)

    def _hosted(self, group: Group) -> bool:
        return bool(self._kept(("hosted", id(group)), group, lambda: any(pod.host_network for pod in group.pods)))

    def _space(self, group: Group, hosts: bool, *, wild: bool) -> Space:
        """The classes of a group's pods as bits. The same for everybody whom it meets, so made once; the group is
        kept with it, so that no other can come to have its identity."""
        free, changed = self.a.powers.labels, self.a.powers.pod_labels

        def made() -> Space:
            told = told_apart(self.world)
            cells = Cells(told.keys, told.ends, hosts)
            present = classes(group.pods, cells, self._behind if told.ends and not wild else None)
            if wild:
                return make_space(self.world, present, _wild_pods(group), free)
            fixed = [pod for pod in present if pod.namespace not in changed]
            return make_space(self.world, fixed, [pod for pod in present if pod.namespace in changed], free)

        return cast("Space", self._kept(("space", id(group), hosts, wild, free, changed), group, made))

    def _behind(self, pod: Pod) -> object:
        """The Services that lead to a pod, where policies may see their addresses: they tell pods apart too."""
        return services_of(self.world, pod)

    def _kept(self, key: Hashable, group: Group, work: Callable[[], object]) -> object:
        kept = self.world.spaces
        found = kept.get(key)
        if found is None:
            if len(kept) >= MOST_SPACES:
                kept.clear()
            found = kept[key] = (group, work())
        return found[1]

    def _conclude(self, sources: Space, destinations: Space, unsure: list[Connection]) -> Crossing:
        if not unsure and not (self.world.facts.get(POLICY.key) and self.world.facts.get(SCTP.key) == "enforced"):
            unsure = list(self._ambient(sources, destinations))
        if not unsure:
            return NOTHING
        missing = dict.fromkeys(text for connection in unsure for text in connection.answer.settles)
        return Crossing(Truth.UNKNOWN, tuple(unsure), tuple(missing))

    def _ambient(self, sources: Space, destinations: Space) -> Iterator[Connection]:
        """The upper bound takes policies as enforced; where that is not known, any pair may show it."""
        for source in sources.pods[:ENOUGH_UNKNOWN]:
            for destination in destinations.pods[:ENOUGH_UNKNOWN]:
                found = self._ask_pods(self.world, source, destination, created=False)
                if found is not None:
                    yield found
                    return

    def _ask(self, source: Pod, destination: Pod, *, created: bool) -> Connection | None:
        """The surest connection between two pods, over all labels where the source or its namespace is free."""
        if created and source.host_network and source.node is None:
            # Whoever makes the pod also says on which node: on the destination's own.
            destination = replace(destination, node=destination.node or SOME_NODE)
            source = replace(source, node=destination.node)
        powers = self.a.powers
        if destination.namespace not in powers.pod_labels | (powers.labels - {source.namespace}):
            return self._ask_as_it_is(self.world, source, destination, created=created)
        made = self._relabelled(source, destination)
        best: Connection | None = None
        for world, changed in islice(product(made.worlds, made.pods), MOST_RELABELLED):
            found = self._ask_as_it_is(world, source, changed, created=created)
            if found is not None and found.answer.truth is Truth.YES:
                return found
            best = best or found
        if best is None and (not made.complete or len(made.worlds) * len(made.pods) > MOST_RELABELLED):
            why = f"too many sets of labels could be given to {destination.ref} to try them all"
            best = Connection(source.ref, destination.ref, "TCP", 0, Answer(Truth.UNKNOWN, (why,), (why,)), created)
        return best

    def _relabelled(self, source: Pod, destination: Pod) -> _Relabelled:
        """What a destination could be made to look like by who may write its labels or those of its namespace."""
        rules = relevant_for_destination(self.world, source.namespace, destination)
        space = destination.namespace
        found = _Relabelled([self.world], [destination], True)
        if space in self.a.powers.labels and space != source.namespace:
            spaces = label_choices(rules.namespace_selectors)
            worlds = [relabelled(self.world, space, tried) for tried in spaces.tried]
            found = replace(found, worlds=[*found.worlds, *worlds], complete=spaces.complete)
        if space in self.a.powers.pod_labels:
            labels = label_choices(rules.pod_selectors)
            pods = [replace(destination, labels=tried) for tried in labels.tried]
            found = replace(found, pods=[*found.pods, *pods], complete=found.complete and labels.complete)
        return found

    def _ask_as_it_is(self, here: World, source: Pod, destination: Pod, *, created: bool) -> Connection | None:
        """The surest connection to a destination that stays as it is."""
        if not created and source.namespace not in self.a.powers.labels:
            return self._ask_pods(here, source, destination, created=False)
        rules = relevant_rules(here, source.namespace, destination)
        pods = label_choices(rules.pod_selectors) if created else None
        spaces = label_choices(rules.namespace_selectors) if source.namespace in self.a.powers.labels else None
        worlds = [relabelled(here, source.namespace, tried) for tried in spaces.tried] if spaces else [here]
        choices: Iterable[Mapping[str, str]] = pods.tried if pods else (source.labels,)
        best: Connection | None = None
        for world in worlds:
            for labels in choices:
                found = self._ask_pods(world, replace(source, labels=labels), destination, created=created)
                if found is not None and found.answer.truth is Truth.YES:
                    return found
                best = best or found
        if best is None and not ((pods is None or pods.complete) and (spaces is None or spaces.complete)):
            why = f"too many sets of labels could be given to pods of {source.namespace} to try them all"
            best = Connection(source.ref, destination.ref, "TCP", 0, Answer(Truth.UNKNOWN, (why,), (why,)), created)
        return best

    def _ask_pods(self, world: World, source: Pod, destination: Pod, *, created: bool) -> Connection | None:
        best: Connection | None = None
        for protocol, port in port_cells(world, source, destination, self.declared):
            answer = connect_parties(world, Packet(source, destination, protocol, port))
            if answer.truth is Truth.NO:
                continue
            who = source.namespace if created else source.ref
            found = Connection(who, destination.ref, protocol, port, answer, created)
            if answer.truth is Truth.YES:
                return found
            best = best or found
        if source.host_network or not any(policy.egress for policy in world.selecting(source, "egress")):
            return best
        return self._ask_services(world, source, destination, created=created) or best

    def _ask_services(self, world: World, source: Pod, destination: Pod, *, created: bool) -> Connection | None:
        """As ``_ask_pods``, by the addresses of Services that lead to the destination, which egress may see."""
        best: Connection | None = None
        for entry in services_of(world, destination):
            if any(span.holds(entry.protocol, entry.number) for span in self.declared):
                continue
            ways = [Dialled(address.version, address) for address in entry.addresses]
            ways += [Dialled(nameless=entry.ref)] if entry.nameless else []
            for dialled in ways:
                answer = connect_parties(world, Packet(source, destination, entry.protocol, entry.number, dialled))
                if answer.truth is Truth.NO:
                    continue
                who = source.namespace if created else source.ref
                found = Connection(who, destination.ref, entry.protocol, entry.number, answer, created, entry.ref)
                if answer.truth is Truth.YES:
                    return found
                best = best or found
        return best


def _candidates(
    world: World, sources: Space, destinations: Space, declared: tuple[Span, ...]
) -> Iterator[tuple[int, int]]:
    """The pairs that the upper bound leaves, every destination once before any a second time."""
    bound = reach(world, sources, destinations, declared)
    waiting = [(place, bound.into(place)) for place in range(len(destinations.pods))]
    while waiting:
        left = []
        for destination, found in waiting:
            source = next(found, None)
            if source is not None:
                yield source, destination
                left.append((destination, found))
        waiting = left


def _wild_pods(a: Group) -> list[Pod]:
    """One pod of any labels for every namespace where the group can create pods, and one more on the host's network."""
    made = [Pod(space, "created", {}, ref=f"namespace/{space}") for space in sorted(a.powers.create_pods)]
    for space in sorted(a.powers.host_network & a.powers.create_pods):
        for node in sorted(a.powers.nodes) if a.powers.nodes is not None else [None]:
            made.append(Pod(space, "created", {}, host_network=True, node=node, ref=f"namespace/{space}"))
    return made
