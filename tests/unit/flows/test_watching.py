"""What is told of a proof that is kept current, and what is never told."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from ringfence.base.clock import SystemClock
from ringfence.base.errors import UsageError
from ringfence.flows.watching import Current, Followed, NotCurrent, Watch
from ringfence.observe.follow import UNREAD, Standing
from ringfence.prove.proof import Answer, Dimension, Proof
from ringfence.prove.snapshot import ClusterSnapshot, Snapshot
from ringfence.prove.verdicts.pairs import prove
from unit.prove.proof_worlds import KEY, THERE, Object, base, cluster, grant, partition, rule

BEGIN = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEAK = grant("user:alice", [rule("get", "secrets")], THERE)


@dataclass
class Scripted:
    """A cluster whose standing the test sets."""

    name: str = "prod"
    state: Standing = field(default_factory=lambda: Standing(False, BEGIN, UNREAD, 0))
    known: ClusterSnapshot | None = None
    stopped: bool = False

    def start(self) -> None:
        """Nothing runs."""

    def stop(self) -> None:
        self.stopped = True

    def standing(self) -> Standing:
        return self.state

    def snapshot(self) -> ClusterSnapshot:
        assert self.known is not None
        return self.known

    def reads(self, *objects: Object) -> None:
        self.known = cluster(objects)
        since = self.state.since + timedelta(seconds=1) if not self.state.current else self.state.since
        self.state = Standing(True, since, "", self.state.count + 1)

    def breaks(self, why: str = "it does not answer") -> None:
        self.state = replace(self.state, current=False, since=self.state.since + timedelta(seconds=1), because=why)


def watch(one: Scripted, meanwhile: Callable[[], None] = lambda: None) -> Watch:
    def proved(snapshot: Snapshot) -> Proof:
        meanwhile()
        return prove(partition(), snapshot)

    return Watch(Followed(partition(), (), {}, KEY), SystemClock(), proved, [one])


def test_changes_are_told_and_mends_too() -> None:
    one = Scripted()
    one.reads(*base())
    updates = watch(one).updates()
    first = next(updates)
    assert isinstance(first, Current)
    assert first.first
    assert first.changes == ()
    one.reads(*base(), *LEAK)
    told = next(updates)
    assert isinstance(told, Current)
    assert {(change.dimension, change.before, change.after) for change in told.changes} >= {
        (None, Answer.HOLDS, Answer.BROKEN),
        (Dimension.ACCESS, Answer.HOLDS, Answer.BROKEN),
    }
    assert "proof" not in told.to_json()
    one.reads(*base())
    mended = next(updates)
    assert isinstance(mended, Current)
    assert {change.after for change in mended.changes} == {Answer.HOLDS}
    updates.close()
    assert one.stopped


def test_nothing_counts_while_a_cluster_is_not_current() -> None:
    one = Scripted()
    one.reads(*base())
    watching = watch(one)
    updates = watching.updates()
    next(updates)
    assert watching.last is not None
    one.breaks()
    gone = next(updates)
    assert isinstance(gone, NotCurrent)
    assert gone.since == one.state.since
    assert "verdict" not in gone.to_json()
    assert watching.last is None
    one.reads(*base())
    back = next(updates)
    assert isinstance(back, Current)
    assert back.again
    assert back.to_json()["proof"]["verdict"] == back.proof.answer.value


@pytest.mark.parametrize("mended", [False, True], ids=["still gone", "back again"])
def test_a_proof_during_which_something_broke_is_thrown_away(mended: bool) -> None:
    one = Scripted()
    one.reads(*base())
    ran: list[int] = []

    def meanwhile() -> None:
        ran.append(1)
        if len(ran) == 1:
            one.breaks()
            if mended:
                one.reads(*base(), *LEAK)

    updates = watch(one, meanwhile).updates()
    told = next(updates)
    if mended:
        assert isinstance(told, Current)
        assert told.proof.answer is Answer.BROKEN
    else:
        assert isinstance(told, NotCurrent)
    assert len(ran) == (2 if mended else 1)


def test_that_nothing_was_read_yet_is_no_news() -> None:
    one = Scripted()
    updates = watch(one).updates()
    timer = threading.Timer(0.3, lambda: one.reads(*base()))
    timer.start()
    assert isinstance(next(updates), Current)
    timer.join()


def test_files_are_not_watched() -> None:
    with pytest.raises(UsageError, match="live cluster"):
        Watch(Followed(partition(), (), {}, KEY), SystemClock())
