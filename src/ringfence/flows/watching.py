"""The proof kept current: clusters are followed by watches, and every change of a verdict is told as it happens.

A verdict is only ever told while every cluster is current, before and after it was worked out. When one is not, that is
told at once, with since when; nothing that was proved before counts any more until everything is current again.
"""

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ringfence.base.errors import UsageError
from ringfence.flows.live_reading import locate, namespaces_of, partition_of
from ringfence.flows.watch_asking import Answering, Answers, Silent, asking_of
from ringfence.observe.follow import UNREAD, Following, Standing
from ringfence.observe.hashing import HashingKey, new_key
from ringfence.observe.partition import load_partition
from ringfence.prove.partition import Partition
from ringfence.prove.proof import Answer, Dimension, PairProof, Proof, Verdict
from ringfence.prove.prover import Prover
from ringfence.prove.snapshot import ClusterSnapshot, Snapshot, snapshot_of

if TYPE_CHECKING:
    from ringfence.base.clock import Clock
    from ringfence.base.paths import Paths
    from ringfence.flows.prove import ProveRequest
    from ringfence.kube import Cluster

_CALM = 0.15
_LONGEST_CALM = 1.0
_WAKE = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict that is another than before; ``dimension`` None: the pair's own. ``before`` None: there was none."""

    source: str
    destination: str
    dimension: Dimension | None
    before: Answer | None
    after: Answer
    verdict: Verdict | None = None

    def to_json(self) -> dict[str, Any]:
        """One entry of ``changes``."""
        document: dict[str, Any] = {
            "from": self.source,
            "to": self.destination,
            "dimension": self.dimension.value if self.dimension else None,
            "before": self.before.value if self.before else None,
            "after": self.after.value,
        }
        return {**document, **({"verdict": self.verdict.to_json()} if self.verdict else {})}


@dataclass(frozen=True, slots=True)
class Current:
    """The proof as of ``at``. ``first``: nothing was told before; ``again``: it was not current until now; ``said``:
    what API servers answered, in lines, when that is new."""

    at: datetime
    proof: Proof
    changes: tuple[Change, ...]
    seconds: float
    first: bool
    again: bool
    asking: "AskingState" = field(default_factory=lambda: AskingState(False, None))
    said: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One line of ``-o json``; the whole proof with the first."""
        document: dict[str, Any] = {
            **_HEAD,
            "at": self.at.isoformat(),
            "current": True,
            "verdict": self.proof.answer.value,
            "changes": [change.to_json() for change in self.changes],
            "seconds": round(self.seconds, 3),
            "asking": self.asking.state,
        }
        document |= {"said": list(self.said)} if self.said else {}
        return {**document, "proof": self.proof.to_json()} if self.first or self.again else document


@dataclass(frozen=True, slots=True)
class AskingState:
    """How far asking is: ``asks`` says whether anybody is asked, ``told`` what is answered, None: nothing yet."""

    asks: bool
    told: Answers | None

    @property
    def state(self) -> str:
        """``off``, ``pending`` or ``answered``."""
        return "off" if not self.asks else "pending" if self.told is None else "answered"


@dataclass(frozen=True, slots=True)
class NotCurrent:
    """No verdict counts: ``because`` says of each cluster that is not current why, since ``since``."""

    at: datetime
    since: datetime
    because: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """One line of ``-o json``; it has no verdict."""
        times = {"at": self.at.isoformat(), "current": False, "since": self.since.isoformat()}
        return {**_HEAD, **times, "because": dict(self.because)}


_HEAD = {"apiVersion": "ringfence.dev/v1", "kind": "ProofUpdate"}
Update = Current | NotCurrent


@dataclass(frozen=True, slots=True)
class Followed:
    """What is watched: a Partition, clusters that stay as they were read, and those that are followed."""

    partition: Partition
    still: tuple[ClusterSnapshot, ...]
    live: Mapping[str, "Callable[[], Cluster]"]
    key: HashingKey
    ask: bool = False


class Followable(Protocol):
    """A cluster that says whether it is current, and how it is."""

    name: str

    def start(self) -> None:
        """Begin to read."""
        ...

    def stop(self) -> None:
        """Read no more."""
        ...

    def standing(self) -> Standing:
        """Whether it is current now."""
        ...

    def snapshot(self) -> ClusterSnapshot:
        """The cluster as it is known."""
        ...


class Watch:
    """Follows clusters and proves. ``updates`` yields until it is closed; ``last`` is the verdict that counts now."""

    def __init__(
        self,
        followed: Followed,
        clock: "Clock",
        prove: Callable[[Snapshot], Proof] | None = None,
        following: Sequence[Followable] = (),
        answering: Answering | None = None,
    ) -> None:
        if not followed.live and not following:
            raise UsageError(
                "--watch needs a live cluster",
                hint="files do not change by themselves: add --context NAME=CONTEXT, or name a Landscape that is up",
            )
        prover = Prover()
        self._prove = prove or (lambda snapshot: prover.prove(followed.partition, snapshot))
        self._followed = followed
        self._clock = clock
        self._news = threading.Event()
        self._following: list[Followable] = [
            Following(name, opener, followed.key, namespaces_of(followed.partition, name), clock, self._news.set)
            for name, opener in followed.live.items()
        ]
        self._following.extend(following)
        if answering is None and followed.ask:
            answering = asking_of(followed.partition, followed.live, clock, self._news.set)
        self._answering: Answering = answering or Silent()
        self.last: Proof | None = None

    def updates(self) -> Generator[Update, None, None]:
        """What there is to tell, as it happens."""
        for one in self._following:
            one.start()
        try:
            yield from self._updates()
        finally:
            for one in self._following:
                one.stop()

    def _updates(self) -> Iterator[Update]:
        told: Proof | None = None
        said: tuple[str, ...] = ()
        silent: NotCurrent | None = None
        counts: tuple[int, ...] = ()
        first = True
        while True:
            standings = self._standings()
            if not all(one.current for one in standings):
                self.last = None
                update = self._not_current(standings)
                # At first nothing has been read, which is no news; that a cluster does not answer is.
                if (self._failed(standings) or not first) and (
                    silent is None or {*silent.because} != {*update.because}
                ):
                    silent = update
                    yield update
            elif silent is not None or self._counts(standings) != counts:
                self._calm()
                found = self._proved()
                if found is None:
                    continue
                proof, counts, seconds = found
                changes = tuple(_changes(told, proof))
                again = silent is not None and not first
                self.last = proof
                asking = AskingState(self._answering.asks, self._answering.told())
                lines = asking.told.lines if asking.told is not None else said
                news = lines if lines != said else ()
                if first or again or changes or news:
                    yield Current(self._clock.now(), proof, changes, seconds, first, again, asking, news)
                told, silent, first, said = proof, None, False, lines
                continue
            self._news.wait(_WAKE)
            self._news.clear()

    def _standings(self) -> list[Standing]:
        return [one.standing() for one in self._following]

    def _counts(self, standings: Sequence[Standing]) -> tuple[int, ...]:
        return (self._answering.count(), *(one.count for one in standings))

    def _failed(self, standings: Sequence[Standing]) -> bool:
        return any(not one.current and one.because != UNREAD for one in standings)

    def _not_current(self, standings: Sequence[Standing]) -> NotCurrent:
        late = {
            one.name: standing for one, standing in zip(self._following, standings, strict=True) if not standing.current
        }
        since = min(standing.since for standing in late.values())
        return NotCurrent(self._clock.now(), since, {name: one.because for name, one in late.items()})

    def _calm(self) -> None:
        """Changes come in flocks: wait until there is a moment without one."""
        until = self._clock.monotonic() + _LONGEST_CALM
        self._news.clear()
        while self._news.wait(_CALM) and self._clock.monotonic() < until:
            self._news.clear()

    def _proved(self) -> tuple[Proof, tuple[int, ...], float] | None:
        """A proof of what was current before and after it; None when something broke meanwhile."""
        before = self._standings()
        if not all(one.current for one in before):
            return None
        clusters = [*self._followed.still, *(one.snapshot() for one in self._following)]
        counts = self._counts(before)
        begun = self._clock.monotonic()
        proof = self._prove(self._answering.known(snapshot_of(clusters), [one.since for one in before]))
        answers = self._answering.told()
        proof = proof if answers is None else replace(proof, asked=answers.asked)
        after = self._standings()
        if not all(one.current for one in after) or any(
            one.since != other.since for one, other in zip(before, after, strict=True)
        ):
            return None
        return proof, counts, self._clock.monotonic() - begun


def _changes(before: Proof | None, after: Proof) -> Iterator[Change]:
    known = {(pair.source, pair.destination): pair for pair in before.pairs} if before is not None else {}
    if before is None:
        return
    for pair in after.pairs:
        yield from _of_pair(known.get((pair.source, pair.destination)), pair)


def _of_pair(old: PairProof | None, new: PairProof) -> Iterator[Change]:
    before = old.answer if old is not None else None
    if before is not new.answer:
        yield Change(new.source, new.destination, None, before, new.answer)
    for dimension, verdict in new.dimensions.items():
        was = old.dimensions[dimension].answer if old is not None else None
        if was is not verdict.answer:
            yield Change(new.source, new.destination, dimension, was, verdict.answer, verdict)


def followed(request: "ProveRequest", paths: "Paths", clock: "Clock") -> Followed:
    """What a request would have followed; clusters given as files are read, live ones not yet.

    Raises what ``ringfence prove`` raises for the same request.
    """
    from ringfence.flows.prove import live_of, read_files, with_cni

    key = request.key or new_key()
    request = replace(request, key=key)
    if request.partition is not None:
        partition = load_partition(request.partition)
        found = Followed(partition, tuple(read_files(request, key)), live_of(request), key)
    elif request.landscape is not None:
        found = _of_landscape(request, request.landscape, key, paths, clock)
    else:
        raise UsageError("nothing to watch is given", hint="ringfence prove FILE --watch, or --partition and --context")
    return replace(found, partition=with_cni(found.partition, request), ask=request.ask)


def _of_landscape(request: "ProveRequest", file: Path, key: HashingKey, paths: "Paths", clock: "Clock") -> Followed:
    from ringfence.flows.prove import live_of, read_files

    given = (*request.snapshots, *request.contexts)
    located = locate(file, given, paths, clock)
    live = live_of(request) if given else {name: partial(located.targets.open, name) for name in located.clusters}
    if not given:
        for opener in live.values():
            # A cluster that was never brought up is a wrong question, not one that does not answer for the moment.
            opener().close()
    return Followed(partition_of(located, given), tuple(read_files(request, key)), live, key)
