"""What API servers answer beside a watch: when it is asked for again, what is kept meanwhile, and what waits for it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ringfence.base.clock import Clock, SystemClock
from ringfence.flows.asking import Asked
from ringfence.flows.watch_asking import Asking
from ringfence.flows.watching import Current, Followed, NotCurrent, Update, Watch
from ringfence.prove.asking.answers import AdmissionAnswer, Aim, Told
from ringfence.prove.proof import Answer, Dimension
from ringfence.prove.rbac.index import Subject
from ringfence.prove.snapshot import Snapshot
from ringfence.prove.verdicts.pairs import prove
from unit.flows.test_watching import LEAK, Scripted
from unit.prove.proof_worlds import HERE, KEY, Object, cluster, grant, partition, pod, rule, space
from unit.prove.test_asking import loose, webhook


def answer(told: Told, expected: Told, because: str = "") -> AdmissionAnswer:
    return AdmissionAnswer(
        "prod", HERE, Aim.ROOT_POD, "", Subject("User", "", "alice"), expected, told, because or "so it said"
    )


class Asker:
    """The API server's side of a watch that asks; ``meant`` is what it says, ``wait`` holds its answer back."""

    def __init__(self) -> None:
        self.meant: tuple[AdmissionAnswer, ...] = ()
        self.wait = threading.Event()
        self.wait.set()
        self.asked = 0

    def __call__(self, snapshot: Snapshot) -> Asked:
        self.asked += 1
        assert self.wait.wait(30)
        one = replace(snapshot.clusters["prod"], answers=self.meant)
        return Asked(replace(prove(partition(), snapshot), asked=self.meant), Snapshot({"prod": one}), ())


def asking_watch(one: Scripted, asker: Asker, clock: Clock | None = None) -> Watch:
    clock = clock or SystemClock()
    answering = Asking(["prod"], asker, clock, lambda: None)
    return Watch(Followed(partition(), (), {}, KEY), clock, None, [one], answering)


@dataclass
class Fast(SystemClock):
    """A clock that jumps."""

    ahead: float = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


WORLD = (*loose(), *grant("user:alice", [rule("create", "pods")], HERE))


def current(updates: Iterator[Update]) -> Current:
    """The next update, which must come, and must be current."""
    told = next(updates)
    assert isinstance(told, Current)
    return told


def access(found: Current) -> Answer:
    return found.proof.pair("shop/testing", "shop/production").dimensions[Dimension.ACCESS].answer


def guarded() -> list[Object]:
    """Alice makes pods where a webhook alone could keep them from owning their node."""
    return [*WORLD, webhook()]


def test_what_the_api_server_admits_is_told_when_it_has_answered() -> None:
    one, asker = Scripted(), Asker()
    one.reads(*guarded())
    asker.meant = (answer(Told.ADMITTED, Told.UNKNOWN),)
    updates = asking_watch(one, asker).updates()
    first = current(updates)
    assert (access(first), first.asking.state) == (Answer.UNKNOWN, "pending")
    told = current(updates)
    assert (access(told), told.asking.state) == (Answer.BROKEN, "answered")
    assert told.proof.asked == asker.meant
    assert "1 admitted" in " ".join(told.said)
    assert told.to_json()["said"] == list(told.said)
    updates.close()


def test_answers_are_kept_until_what_admission_reads_has_changed() -> None:
    asker, clock, news = Asker(), Fast(), threading.Event()
    asking = Asking(["prod"], asker, clock, news.set)
    admitted = answer(Told.ADMITTED, Told.UNKNOWN)
    level = answer(Told.REFUSED, Told.ADMITTED, 'it violates PodSecurity "baseline:latest"')
    asker.meant = (admitted, level, answer(Told.REFUSED, Told.UNKNOWN))

    def known(*more: Object, since: int = 0) -> tuple[AdmissionAnswer, ...]:
        return asking.known(Snapshot({"prod": cluster([*guarded(), *more])}), [since]).clusters["prod"].answers

    def waited() -> None:
        assert news.wait(20)
        news.clear()

    assert known() == ()
    assert asking.told() is None
    waited()
    assert known() == (admitted, level)
    assert asking.told() is not None
    clock.ahead += 20
    # A pod is no business of admission; a namespace is: the admitted stays meanwhile, the refused does not.
    assert known(pod("more", HERE)) == (admitted, level)
    assert asker.asked == 1
    assert known(space("more")) == (admitted,)
    waited()
    assert known(space("more")) == (admitted, level)
    clock.ahead += 20
    # An API server that started again may have other rules.
    assert known(space("more"), since=1) == (admitted,)
    waited()
    assert known(space("more"), since=1) == (admitted, level)
    # What a webhook decides by is in no object.
    asker.meant = ()
    clock.ahead += 301
    count = asking.count()
    assert known(space("more"), since=1) == (admitted, level)
    waited()
    assert asking.count() > count
    assert known(space("more"), since=1) == ()
    assert asker.asked == 4


def test_an_api_server_that_takes_its_time_holds_nothing_up() -> None:
    one, asker = Scripted(), Asker()
    one.reads(*guarded())
    asker.wait.clear()
    updates = asking_watch(one, asker).updates()
    assert current(updates).asking.state == "pending"
    one.reads(*guarded(), *LEAK)
    assert access(current(updates)) is Answer.BROKEN
    one.breaks()
    assert isinstance(next(updates), NotCurrent)
    asker.wait.set()
    updates.close()


def test_whoever_fails_to_ask_says_so() -> None:
    def broken(snapshot: Snapshot) -> Asked:
        raise ValueError(str(snapshot)[:0])

    one = Scripted()
    one.reads(*guarded())
    clock = SystemClock()
    updates = Watch(
        Followed(partition(), (), {}, KEY), clock, None, [one], Asking(["prod"], broken, clock, lambda: None)
    ).updates()
    assert current(updates).asking.state == "pending"
    assert current(updates).said == ("not asked: ValueError",)
    updates.close()
