"""Dry runs beside a watch: asked again when what admission reads has changed, and kept as long as it has not.

They are asked in a thread of their own, over a snapshot that nobody changes: an API server that is slow to answer must
not keep the watch from saying that nothing is current. Until an answer comes, an attack that was admitted counts as
admitted still, and a refusal no more. Asking before every verdict was rejected: it would tell every change late.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ringfence.base.clock import Clock
from ringfence.base.errors import RingfenceError
from ringfence.flows.asking import Asked, Openers, prove_asking, summary
from ringfence.prove import kinds
from ringfence.prove.asking.answers import AdmissionAnswer, Told
from ringfence.prove.kinds import Kind
from ringfence.prove.memory import same
from ringfence.prove.partition import Partition
from ringfence.prove.snapshot import ClusterSnapshot, Snapshot

_OLDEST = 300.0
"""Seconds. What decides behind a webhook is in no object: its answer is asked for again."""
_SOONEST = 5.0
_AFTER = 0.5
"""Seconds. The verdict is told first; two proofs at once would each take twice as long."""
_READ_BY_ADMISSION = (
    kinds.NAMESPACE, kinds.NODE, kinds.SERVICE_ACCOUNT, kinds.LIMIT_RANGE, kinds.PRIORITY_CLASS,
    kinds.ROLE, kinds.CLUSTER_ROLE, kinds.ROLE_BINDING, kinds.CLUSTER_ROLE_BINDING,
    kinds.VALIDATING_WEBHOOK, kinds.MUTATING_WEBHOOK,
    kinds.VALIDATING_ADMISSION_POLICY, kinds.VALIDATING_ADMISSION_POLICY_BINDING,
    kinds.MUTATING_ADMISSION_POLICY, kinds.MUTATING_ADMISSION_POLICY_BINDING,
)  # fmt: skip
Basis = Mapping[Kind, object]


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that was answered, as a proof lists it, and as ``lines`` for people."""

    asked: tuple[AdmissionAnswer, ...]
    lines: tuple[str, ...]


class Answering(Protocol):
    """Where a watch has answers from."""

    @property
    def asks(self) -> bool:
        """Whether anybody is asked at all."""
        ...

    def known(self, snapshot: Snapshot, since: Sequence[object]) -> Snapshot:
        """The snapshot with the answers that count for it, and new ones asked for where it takes them. ``since`` says
        since when each cluster is current: an API server that started again may have other rules."""
        ...

    def count(self) -> int:
        """Grows whenever there are other answers."""
        ...

    def told(self) -> Answers | None:
        """What the last run came to; None as long as what is known now was not asked for."""
        ...


class Silent:
    """Nobody is asked."""

    asks = False

    def known(self, snapshot: Snapshot, since: Sequence[object]) -> Snapshot:
        """As it is."""
        return snapshot

    def count(self) -> int:
        """Never grows."""
        return 0

    def told(self) -> Answers | None:
        """Nothing was asked, and nothing will be."""
        return None


@dataclass(frozen=True, slots=True)
class _Round:
    """What one run was asked over, when, and what it gave."""

    basis: Mapping[str, Basis]
    since: tuple[object, ...]
    at: float
    answers: Mapping[str, tuple[AdmissionAnswer, ...]]
    told: Answers


class Asking:
    """Asks the clusters called ``names`` through ``ask``, the proof that asks; ``news`` is called, from another thread,
    when answers have come."""

    asks = True

    def __init__(
        self, names: Iterable[str], ask: Callable[[Snapshot], Asked], clock: Clock, news: Callable[[], None]
    ) -> None:
        self._names = tuple(names)
        self._prove_asking = ask
        self._clock = clock
        self._news = news
        self._lock = threading.Lock()
        self._last: _Round | None = None
        self._begun: float | None = None
        self._running = False
        self._count = 0
        self._current = False
        self._shown: dict[str, tuple[ClusterSnapshot, ClusterSnapshot]] = {}

    def known(self, snapshot: Snapshot, since: Sequence[object]) -> Snapshot:
        """See ``Answering``."""
        basis = {name: _basis(snapshot.clusters[name]) for name in self._names if name in snapshot.clusters}
        now = self._clock.monotonic()
        with self._lock:
            last = self._last
            same_as = {
                name: last is not None
                and last.since == tuple(since)
                and name in last.basis
                and _alike(last.basis[name], one)
                for name, one in basis.items()
            }
            self._current = all(same_as.values())
            due = self._due(now)
            if due:
                self._running, self._begun = True, now
        if due:
            job = (snapshot, basis, tuple(since))
            later = threading.Timer(_AFTER, self._ask, job)
            later.daemon = True
            later.start()
        answers = {} if last is None else last.answers
        counting = {name: _counting(answers.get(name, ()), same_as[name]) for name in basis}
        return Snapshot(
            {name: self._with(cluster, counting.get(name, ())) for name, cluster in snapshot.clusters.items()}
        )

    def _with(self, cluster: ClusterSnapshot, answers: tuple[AdmissionAnswer, ...]) -> ClusterSnapshot:
        """The cluster with these answers; the very same value for the same, so that a proof sees that it may go on."""
        if not answers:
            return cluster
        given, shown = self._shown.get(cluster.name, (None, cluster))
        if given is not cluster or shown.answers != answers:
            shown = replace(cluster, answers=answers)
            self._shown[cluster.name] = (cluster, shown)
        return shown

    def count(self) -> int:
        """See ``Answering``. Also grows when it is time to ask again."""
        with self._lock:
            if self._begun is not None and self._due(self._clock.monotonic()):
                self._count += 1
            return self._count

    def _due(self, now: float) -> bool:
        old = self._last is not None and now - self._last.at >= _OLDEST
        soon = self._begun is not None and now - self._begun < _SOONEST
        return (old or not self._current) and not self._running and not soon

    def told(self) -> Answers | None:
        """See ``Answering``."""
        with self._lock:
            return self._last.told if self._current and self._last is not None else None

    def _ask(self, snapshot: Snapshot, basis: Mapping[str, Basis], since: tuple[object, ...]) -> None:
        begun = self._clock.monotonic()
        try:
            asked = self._prove_asking(snapshot)
            answers, told = self._kept(asked), Answers(asked.proof.asked, summary(asked))
        except Exception as error:
            # Whatever goes wrong here, the watch goes on without answers, and says so.
            why = str(error) if isinstance(error, RingfenceError) else type(error).__name__
            answers, told = {}, Answers((), (f"not asked: {why}",))
        with self._lock:
            self._last = _Round(basis, since, begun, answers, told)
            self._running = False
            self._count += 1
        self._news()

    def _kept(self, asked: Asked) -> dict[str, tuple[AdmissionAnswer, ...]]:
        """The answers that decide, by cluster; one that says what it said before is the very same, so that a proof that
        goes on can tell."""
        with self._lock:
            before = {} if self._last is None else self._last.answers
        known = {_what(one): one for answers in before.values() for one in answers}
        return {
            name: tuple(known.get(_what(one), one) for one in cluster.answers if one.decides)
            for name, cluster in asked.snapshot.clusters.items()
            if name in self._names
        }


def asking_of(partition: Partition, open_to: Openers, clock: Clock, news: Callable[[], None]) -> Answering:
    """Who asks the clusters that ``open_to`` opens."""
    return Asking(open_to, lambda snapshot: prove_asking(partition, snapshot, open_to), clock, news)


def _basis(snapshot: ClusterSnapshot) -> Basis:
    """What admission reads of a cluster, as the tuples that stay the same until something changes."""
    parameters = [
        Kind.of(policy["spec"]["paramKind"])
        for policy in snapshot.of(kinds.VALIDATING_ADMISSION_POLICY)
        if (policy.get("spec") or {}).get("paramKind")
    ]
    return {kind: snapshot.of(kind) for kind in (*_READ_BY_ADMISSION, *parameters)}


def _alike(one: Basis, other: Basis) -> bool:
    return one.keys() == other.keys() and all(same(one[kind], other[kind]) for kind in one)


def _counting(answers: Iterable[AdmissionAnswer], current: bool) -> tuple[AdmissionAnswer, ...]:
    return tuple(one for one in answers if current or one.told is Told.ADMITTED)


def _what(answer: AdmissionAnswer) -> tuple[object, ...]:
    """An answer without its words, which name a pod that was never made."""
    return (
        answer.cluster, answer.namespace, answer.aim, answer.target, answer.subject, answer.expected, answer.told,
        answer.by, answer.tries, answer.lacks_label,
    )  # fmt: skip
