"""Admission by asking: the attacks that a proof needs are tried as dry runs, as whoever would do them.

The connection that asks sends nothing but dry runs, so nothing can change. Answers are added to the snapshot and the
proof is made again where one of them decides, until no new question comes up: what is admitted opens more.
"""

import re
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ringfence.base.errors import ForbiddenError, RingfenceError, UnreachableError
from ringfence.base.text import printable
from ringfence.kube import Cluster, NotFoundError, RefusedError
from ringfence.prove.asking.answers import API_SERVER, ENGINE, AdmissionAnswer, Told
from ringfence.prove.asking.questions import Actor, Question, questions
from ringfence.prove.asking.shapes import WORKLOADS, achieved, workload_of
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.partition import Partition
from ringfence.prove.proof import Proof
from ringfence.prove.rbac.index import SERVICE_ACCOUNT_USER, Subject
from ringfence.prove.snapshot import Snapshot

_WORKERS = 6
_ROUNDS = 4
_LONGEST = 300
_PATIENCE = 5
_SECONDS = 120.0
"""How long one cluster is asked; what is not answered by then is not known. Most take less than a second."""
_BUSY_TRIES = 3
_BUSY_SECONDS = 1.0
_SOMEBODY = "ringfence:somebody"
"""The user name that a member of a group is asked as: which members it has is in no object."""

_BUSY = frozenset({"TooManyRequests", "HTTP 429"})
_DENIED = re.compile(r'admission webhook "[^"]*" denied the request')
"""A webhook chooses the code of its refusal: 400 when it says nothing, and it may say 500."""

Openers = Mapping[str, Callable[[], Cluster]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A proof with the answers it rests on, and the snapshot that holds them. ``gaps``: whom nobody could ask."""

    proof: Proof
    snapshot: Snapshot
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Tried:
    """What one request came to. ``stored`` is the object as it would have been stored, None when it was not."""

    told: Told
    because: str
    stored: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Asking:
    """One run of questions to one cluster, for as long as ``until`` (monotonic) at most. ``barred`` are kinds of
    subjects that may not be impersonated, with why."""

    cluster: Cluster
    by: str
    until: float
    barred: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def shut(self, subject: Subject) -> str | None:
        """Why a subject cannot be asked as; None when it can."""
        if not (subject.name.isascii() and subject.name.isprintable()):
            return f"{printable(str(subject))} cannot be named in a request"
        if len(self.failures) >= _PATIENCE:
            return self.failures[-1]
        if time.monotonic() >= self.until:
            return f"the API server took longer than {_SECONDS:.0f} s for all that there is to ask"
        return self.barred.get(subject.kind)


def prove_asking(partition: Partition, snapshot: Snapshot, open_to: Openers, engine: Collection[str] = ()) -> Asked:
    """The proof, with what the clusters of ``open_to`` answer; for those in ``engine`` the embedded one does.

    A cluster that does not answer leaves the proof as it was.
    """
    from ringfence.prove.verdicts.pairs import prove_in
    from ringfence.prove.verdicts.world import proof_world

    gaps: dict[str, None] = {}
    done: dict[object, AdmissionAnswer] = {}
    for _ in range(_ROUNDS):
        world = proof_world(partition, snapshot)
        proof = prove_in(world)
        wanted = [one for one in questions(world) if one.cluster in open_to and one.key not in done]
        answers = _answers(wanted, open_to, world.clusters, engine, gaps)
        for question, answer in zip(wanted, answers, strict=True):
            done[question.key] = answer
        snapshot = _with_answers(snapshot, done.values())
        if not any(answer.decides for answer in answers):
            return Asked(replace(proof, asked=_shown(done.values())), snapshot, tuple(gaps))
    proof = prove_in(proof_world(partition, snapshot))
    return Asked(replace(proof, asked=_shown(done.values())), snapshot, tuple(gaps))


def _shown(answers: Iterable[AdmissionAnswer]) -> tuple[AdmissionAnswer, ...]:
    """Those that disagree first, then those that settle something."""
    order = (Told.ADMITTED, Told.REFUSED, Told.UNKNOWN)
    return tuple(
        sorted(answers, key=lambda one: (not one.disagrees, not one.decides, order.index(one.told), one.cluster))
    )


def _with_answers(snapshot: Snapshot, answers: Iterable[AdmissionAnswer]) -> Snapshot:
    by_cluster: dict[str, list[AdmissionAnswer]] = {}
    for answer in answers:
        by_cluster.setdefault(answer.cluster, []).append(answer)
    return Snapshot(
        {name: replace(cluster, answers=tuple(by_cluster.get(name, ()))) for name, cluster in snapshot.clusters.items()}
    )


def _answers(
    wanted: list[Question],
    open_to: Openers,
    facts: Mapping[str, ClusterFacts],
    engine: Collection[str],
    gaps: dict[str, None],
) -> list[AdmissionAnswer]:
    found: dict[object, AdmissionAnswer] = {}
    for name in dict.fromkeys(question.cluster for question in wanted):
        by = ENGINE if name in engine else API_SERVER
        mine = [question for question in wanted if question.cluster == name]
        try:
            with open_to[name]() as cluster, ThreadPoolExecutor(_WORKERS) as pool:
                asking = _Asking(cluster, by, time.monotonic() + _SECONDS)
                answers = pool.map(partial(_ask, asking, facts[name]), mine)
                found.update({question.key: answer for question, answer in zip(mine, answers, strict=True)})
                gaps.update(dict.fromkeys(f"{name}: {why}" for why in asking.barred.values()))
                if asking.failures:
                    gaps[f"{name}: {asking.failures[-1]}"] = None
        except RingfenceError as error:
            gaps[f"{name}: {error}"] = None
            for question in mine:
                found.setdefault(question.key, _unasked(question, by, str(error)))
    return [found[question.key] for question in wanted]


def _unasked(question: Question, by: str, why: str) -> AdmissionAnswer:
    return _answer(question, question.actors[0], Told.UNKNOWN, why, by, 0)


def _answer(question: Question, actor: Actor, told: Told, because: str, by: str, tries: int) -> AdmissionAnswer:
    return AdmissionAnswer(
        question.cluster,
        question.namespace,
        question.aim,
        question.target,
        actor.subject,
        question.expected,
        told,
        because,
        by,
        tries,
    )


def _ask(asking: _Asking, facts: ClusterFacts, question: Question) -> AdmissionAnswer:
    """The first admission, else the last refusal, else why nothing was answered."""
    last: AdmissionAnswer | None = None
    tries = 0
    for actor in question.actors:
        for attempt in question.attempts:
            shut = asking.shut(actor.subject)
            if shut is not None:
                tried = _Tried(Told.UNKNOWN, shut)
            else:
                tries += 1
                tried = _try(asking, question, actor, attempt)
            if tried.told is Told.ADMITTED:
                if tried.stored is not None and achieved(facts, question.aim, question.target, tried.stored):
                    return _answer(question, actor, Told.ADMITTED, tried.because, asking.by, tries)
                tried = _Tried(Told.REFUSED, "admission changed it so that it no longer does this")
            if last is None or tried.told is Told.REFUSED:
                last = _answer(question, actor, tried.told, tried.because, asking.by, tries)
            if tried.told is Told.UNKNOWN:
                break
    if last is None:
        return _unasked(question, asking.by, "there is no shape of it to try")
    return replace(last, tries=tries)


def _try(asking: _Asking, question: Question, actor: Actor, attempt: Mapping[str, Any]) -> _Tried:
    """One attempt: the object itself; for a workload first the workload, then the pod as its controller."""
    if not actor.workload:
        return _send(asking, actor.subject, question, attempt)
    workload = _send(asking, actor.subject, question, workload_of(actor.workload, attempt))
    if workload.told is not Told.ADMITTED:
        return workload
    controller = Subject("ServiceAccount", "kube-system", WORKLOADS[actor.workload][2])
    return _send(asking, controller, question, attempt)


def _send(asking: _Asking, subject: Subject, question: Question, attempt: Mapping[str, Any]) -> _Tried:
    name = f"ringfence-asks-{secrets.token_hex(6)}"
    document = {**attempt, "metadata": {**attempt["metadata"], "name": name, "namespace": question.namespace}}
    try:
        stored = _created(_as(asking.cluster, subject), document)
    except ForbiddenError as error:
        if "cannot impersonate" in str(error):
            asking.barred[subject.kind] = _said(error)
            return _Tried(Told.UNKNOWN, _said(error))
        return _Tried(Told.REFUSED if error.reason == "Forbidden" else Told.UNKNOWN, _said(error))
    except RefusedError as error:
        return _Tried(Told.REFUSED, _said(error))
    except NotFoundError as error:
        return _Tried(Told.UNKNOWN, _said(error))
    except RingfenceError as error:
        if _DENIED.search(str(error)):
            return _Tried(Told.REFUSED, _said(error))
        # No answer, or none about this attack: a webhook that cannot take dry runs, one that failed, a busy server.
        # A webhook that fails says nothing of the API server behind which it stands.
        if isinstance(error, UnreachableError) and "failed calling webhook" not in str(error):
            asking.failures.append(_said(error))
        return _Tried(Told.UNKNOWN, _said(error))
    return _Tried(Told.ADMITTED, f"the {asking.by} admitted it", stored)


def _created(cluster: Cluster, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object as it would be stored. An API server that asks for patience (429) is given some."""
    for left in range(_BUSY_TRIES, 0, -1):
        try:
            return cluster.create(document, dry_run=True)
        except UnreachableError as error:
            if error.reason not in _BUSY or left == 1:
                raise
        time.sleep(_BUSY_SECONDS)
    raise AssertionError("unreachable")


def _as(cluster: Cluster, subject: Subject) -> Cluster:
    if subject.kind == "Group":
        return cluster.asking(_SOMEBODY, (subject.name,))
    if subject.kind == "ServiceAccount":
        return cluster.asking(f"{SERVICE_ACCOUNT_USER}{subject.namespace}:{subject.name}")
    return cluster.asking(subject.name)


def _said(error: RingfenceError) -> str:
    """The server's words without the address and the request in front of them."""
    text = printable(str(error))
    _, found, words = text.partition(": POST ")
    return (words.partition(": ")[2] if found else text.split(": ", 1)[-1])[:_LONGEST]


def summary(asked: Asked) -> tuple[str, ...]:
    """What was asked, as lines for people: disagreements loud and first."""
    answers = asked.proof.asked
    if not answers:
        return tuple(f"not asked: {gap}" for gap in asked.gaps)
    lines = [
        f"{one.by} of {one.cluster} disagrees with the rules: {one.subject}, {one.attack}: the rules say "
        f"{one.expected.value}, it {one.told.value} it ({one.because}). It is believed where it admits."
        for one in answers
        if one.disagrees
    ]
    count = {told: sum(one.told is told for one in answers) for told in Told}
    tries = sum(one.tries for one in answers)
    lines.append(
        f"{tries} dry runs for {len(answers)} attacks: {count[Told.ADMITTED]} admitted, "
        f"{count[Told.REFUSED]} refused, {count[Told.UNKNOWN]} without an answer; nothing was changed"
    )
    return (*lines, *(f"not asked: {gap}" for gap in asked.gaps))
