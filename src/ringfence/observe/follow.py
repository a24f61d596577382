"""A live cluster, read once and followed from there by watches; it knows at every moment whether it is current.

It is current from when everything was listed until anything breaks: a watch that ends with an error, a version that is
gone, an API server that does not answer a question a second. Then everything is listed again, since nobody can tell
what was missed; resuming each watch where it stopped was rejected, it cannot say when it has caught up.

That question is what the cluster serves: a kind that comes is listed and followed, one that goes is dropped. Watching
CustomResourceDefinitions for it was rejected: their events come before the API serves the kind.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from ringfence.base.clock import Clock
from ringfence.base.errors import ForbiddenError, RingfenceError
from ringfence.kube import Cluster, Event, NotFoundError, Resource
from ringfence.observe.collect import Collector
from ringfence.observe.feed import Feed, joined
from ringfence.observe.hashing import HashingKey
from ringfence.observe.live import ELSEWHERE, cluster_facts, counted, not_served
from ringfence.prove.snapshot import ClusterSnapshot, NotListed

UNREAD = "it has not been read yet"
_WORKERS = 6
_WATCH_SECONDS = 60.0
"""So short that a connection which died without a word is noticed soon after the API server should have ended it."""
_RESYNC_SECONDS = 600.0
_RESYNC_FIRST = 3.0
_PROBE_SECONDS = 1.0
_PATIENCE = 5.0
_POLL_SECONDS = 5.0
_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a cluster is current; if not, since when and why. ``count`` grows with every change that matters."""

    current: bool
    since: datetime
    because: str
    count: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """What listing a resource came to."""

    feeds: tuple[Feed, ...] = ()
    missed: tuple[NotListed, ...] = ()

    @property
    def nothing(self) -> bool:
        """It is said to be served, and was not found."""
        return not self.feeds and not self.missed

    def like(self, other: "_Listed") -> bool:
        """Whether the same could be listed, and the same not."""
        return self.missed == other.missed and [one.namespace for one in self.feeds] == [
            one.namespace for one in other.feeds
        ]


_NOTHING = _Listed()


class Following:
    """One cluster, followed until ``stop``. ``changed`` is called (from any thread) whenever there is news."""

    def __init__(
        self,
        name: str,
        open_cluster: Callable[[], Cluster],
        key: HashingKey,
        namespaces: Sequence[str],
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self.name = name
        self._open = open_cluster
        self._key = key
        self._namespaces = tuple(namespaces)
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._broken = threading.Event()
        self._known: Mapping[Resource, _Listed] = {}
        self._ended: set[Resource] = set()
        self._stale: tuple[str, ...] = ()
        self._facts = ClusterSnapshot(name, {})
        self._snapshot: ClusterSnapshot | None = None
        self._standing = Standing(False, clock.now(), UNREAD, 0)
        self._round = 0
        self._thread = threading.Thread(target=self._run, name=f"follow {name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more; watches that are open end in a moment."""
        self._stopped.set()
        self._broken.set()

    def standing(self) -> Standing:
        """Whether it is current now."""
        with self._lock:
            return self._standing

    def snapshot(self) -> ClusterSnapshot:
        """The cluster as it is known; the very same value until something changes."""
        with self._lock:
            if self._snapshot is None:
                known = sorted(self._known.items(), key=lambda one: one[0].full_name)
                feeds = [feed for _, listed in known for feed in listed.feeds]
                missed = [marker for _, listed in known for marker in listed.missed]
                self._snapshot = joined(self.name, self._facts, feeds, (*not_served(self._stale), *missed))
            return self._snapshot

    # The thread that owns the connection

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._broken.clear()
            with self._lock:
                self._round += 1
            try:
                with self._open() as cluster:
                    # One that is starting refuses what it will allow in a moment.
                    with suppress(ForbiddenError, NotFoundError):
                        cluster.fetch("GET", "/readyz")
                    self._read(cluster)
                    self._follow(cluster)
            except RingfenceError as error:
                self._lost(str(error))
            except Exception as error:
                # A thread that ends in silence would leave an old state looking current.
                self._lost(f"it cannot be followed ({type(error).__name__})")
            self._stopped.wait(_RETRY_SECONDS)

    def _read(self, cluster: Cluster) -> None:
        """List everything. Raises what a cluster that does not answer raises."""
        collector = Collector(self.name, self._key)
        collector.add(cluster_facts(cluster))
        known = self._listed(cluster, _wanted(cluster))
        with self._lock:
            self._known, self._ended, self._stale = known, set(), cluster.stale_groups()
            self._facts = collector.finish()
            self._snapshot = None
            self._standing = Standing(True, self._clock.now(), "", self._standing.count + 1)
        self._changed()

    def _amend(self, cluster: Cluster, *, refused_too: bool) -> None:
        """List and follow what the cluster serves and nobody follows, drop what it serves no more; ``refused_too``:
        what could not be listed is tried once more, since rights may be given."""
        with self._lock:
            before, ended = self._known, set(self._ended)
            self._ended.clear()
        wanted = _wanted(cluster)

        def to_list(resource: Resource) -> bool:
            known = before.get(resource, _NOTHING)
            return resource in ended or known.nothing or bool(refused_too and known.missed)

        found = self._listed(cluster, [one for one in wanted if to_list(one)])
        after: dict[Resource, _Listed] = {}
        for resource in wanted:
            old, new = before.get(resource, _NOTHING), found.get(resource)
            # What is as it was goes on being watched.
            kept = new is None or (resource not in ended and new.like(old))
            after[resource] = old if new is None or kept else new
        fresh = [resource for resource in wanted if after[resource] is not before.get(resource, _NOTHING)]
        stale = cluster.stale_groups()
        if not fresh and before.keys() <= after.keys() and stale == self._stale:
            return
        with self._lock:
            self._known, self._stale = after, stale
            self._news()
        self._spawn(cluster, [feed for resource in fresh for feed in after[resource].feeds])
        self._changed()

    def _listed(self, cluster: Cluster, wanted: Sequence[Resource]) -> dict[Resource, _Listed]:
        if not wanted:
            return {}
        with ThreadPoolExecutor(_WORKERS) as pool:
            listed = pool.map(lambda resource: self._list(cluster, resource), wanted)
            return dict(zip(wanted, listed, strict=True))

    def _list(self, cluster: Cluster, resource: Resource) -> _Listed:
        try:
            return _Listed((self._feed(cluster, resource, None),), ())
        except NotFoundError:
            return _NOTHING
        except RingfenceError as error:
            if error.reason == "Unreachable":
                raise
            refused = NotListed(resource.full_name, None, error.reason)
            if not isinstance(error, ForbiddenError) or not resource.namespaced or not self._namespaces:
                return _Listed((), (refused,))
        feeds: list[Feed] = []
        missed = [refused] if resource.plural in ELSEWHERE else []
        for namespace in self._namespaces:
            try:
                feeds.append(self._feed(cluster, resource, namespace))
            except RingfenceError as error:
                if error.reason == "Unreachable":
                    raise
                missed.append(NotListed(resource.full_name, namespace, error.reason))
        return _Listed(tuple(feeds), tuple(missed))

    def _feed(self, cluster: Cluster, resource: Resource, namespace: str | None) -> Feed:
        listing = cluster.list_raw(resource, namespace)
        listed = self._known.get(resource, _NOTHING).feeds
        known = next((feed for feed in listed if feed.namespace == namespace), None)
        # A feed of before keeps the identity of what did not change; its old watches must not touch it any more.
        feed = known.renewed() if known is not None else Feed(self.name, resource, namespace, self._key)
        feed.fill(listing.items, listing.resource_version)
        return feed

    def _follow(self, cluster: Cluster) -> None:
        """Watch every feed until something breaks; looks every second whether the API server answers at all, and what
        it serves. What could not be listed is tried again, soon at first: rights may be given.
        """
        self._spawn(cluster, [feed for listed in self._known.values() for feed in listed.feeds])
        probe = _Probe(cluster, self._clock)
        threading.Thread(target=probe.run, args=(self._broken,), daemon=True).start()
        pause = _RESYNC_FIRST
        until = self._clock.monotonic() + pause
        try:
            while not self._broken.wait(_PROBE_SECONDS / 2):
                problem = probe.problem()
                if problem is not None:
                    self._lost(problem)
                    return
                resync = self._clock.monotonic() >= until
                if resync or probe.news() or self._unsettled():
                    self._amend(cluster, refused_too=resync)
                if resync:
                    pause = min(2 * pause, _RESYNC_SECONDS)
                    until = self._clock.monotonic() + pause
        finally:
            self._broken.set()

    def _unsettled(self) -> bool:
        """Whether what is served and what is followed may differ."""
        with self._lock:
            return bool(self._ended) or any(listed.nothing for listed in self._known.values())

    def _spawn(self, cluster: Cluster, feeds: Iterable[Feed]) -> None:
        """Watch these; whoever watches what is no longer followed sees that, and ends."""
        number = self._round
        for feed in feeds:
            watched = "watch" in feed.resource.verbs and feed.version
            target = self._watch if watched else self._poll
            threading.Thread(target=target, args=(cluster, feed, number), daemon=True).start()

    def _lost(self, why: str, number: int | None = None) -> None:
        """Nothing is current from now on. ``number``: of the round that says so, which may be over."""
        with self._lock:
            if number is not None and number != self._round:
                return
            since = self._clock.now() if self._standing.current else self._standing.since
            self._standing = Standing(False, since, why, self._standing.count)
            self._broken.set()
        self._changed()

    # The threads that watch

    def _watch(self, cluster: Cluster, feed: Feed, number: int) -> None:
        while self._mine(feed, number):
            try:
                for event in self._events(cluster, feed):
                    if not self._take(feed, number, event):
                        return
            except ForbiddenError:
                # Whoever may list and not watch looks again and again.
                self._poll(cluster, feed, number)
                return
            except NotFoundError:
                self._end(feed, number)
                return
            except Exception as error:
                if self._mine(feed, number):
                    self._lost(_said(error), number)
                return

    def _end(self, feed: Feed, number: int) -> None:
        """Its kind seems to be served no more: it is looked at when it is next asked what is."""
        with self._lock:
            if self._round == number:
                self._ended.add(feed.resource)

    def _events(self, cluster: Cluster, feed: Feed) -> Iterator[Event]:
        return cluster.watch(
            feed.resource,
            feed.namespace,
            seconds=_WATCH_SECONDS,
            resource_version=feed.version,
            bookmarks=True,
        )

    def _poll(self, cluster: Cluster, feed: Feed, number: int) -> None:
        """For a resource that cannot be watched."""
        while not self._broken.wait(_POLL_SECONDS) and self._mine(feed, number):
            try:
                listing = cluster.list_raw(feed.resource, feed.namespace)
            except NotFoundError:
                self._end(feed, number)
                return
            except Exception as error:
                if self._mine(feed, number):
                    self._lost(_said(error), number)
                return
            with self._lock:
                if not self._follows(feed, number) or not feed.fill(listing.items, listing.resource_version):
                    continue
                self._news()
            self._changed()

    def _mine(self, feed: Feed, number: int) -> bool:
        with self._lock:
            return self._follows(feed, number)

    def _follows(self, feed: Feed, number: int) -> bool:
        listed = self._known.get(feed.resource, _NOTHING).feeds
        return self._round == number and not self._broken.is_set() and any(one is feed for one in listed)

    def _take(self, feed: Feed, number: int, event: Event) -> bool:
        """Take in one change; False when the feed is no longer followed."""
        with self._lock:
            if not self._follows(feed, number):
                return False
            if not feed.apply(event):
                return True
            self._news()
        self._changed()
        return True

    def _news(self) -> None:
        self._snapshot = None
        standing = self._standing
        self._standing = Standing(standing.current, standing.since, standing.because, standing.count + 1)


def _wanted(cluster: Cluster) -> list[Resource]:
    return [resource for resource in cluster.resources() if counted(resource)]


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, RingfenceError) else type(error).__name__


class _Probe:
    """Asks an API server every second whether it is there, by what it serves."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._answered = clock.monotonic()
        self._error: str | None = None
        self._news = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Ask until ``stop``."""
        while not stop.wait(_PROBE_SECONDS):
            try:
                with suppress(ForbiddenError):
                    if self._cluster.kinds_changed():
                        self._news.set()
            except Exception as error:
                self._error = _said(error)
                return
            self._answered = self._clock.monotonic()

    def problem(self) -> str | None:
        """Why the API server counts as gone, None while it answers."""
        if self._error is not None:
            return self._error
        silent = self._clock.monotonic() - self._answered
        return f"the API server has not answered for {silent:.0f} s" if silent > _PATIENCE else None

    def news(self) -> bool:
        """Whether it serves something else than when this was last asked."""
        found = self._news.is_set()
        self._news.clear()
        return found
