"""A live cluster, read once and followed from there by watches; it knows at every moment whether it is current.

It is current from when everything was listed until anything breaks: a watch that ends with an error, a version that is
gone, an API server that does not answer a question a second. Then everything is listed again, since nobody can tell
what was missed; resuming each watch where it stopped was rejected, it cannot say when it has caught up.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
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
from ringfence.observe.live import ELSEWHERE, cluster_facts, counted
from ringfence.prove.snapshot import ClusterSnapshot, NotListed

UNREAD = "it has not been read yet"
_WORKERS = 6
_WATCH_SECONDS = 240.0
_RESYNC_SECONDS = 600.0
_RESYNC_FIRST = 3.0
_PROBE_SECONDS = 1.0
_PATIENCE = 5.0
_POLL_SECONDS = 5.0
_RETRY_SECONDS = 0.5
_REDISCOVER = frozenset({"customresourcedefinitions", "apiservices"})


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

    feeds: tuple[Feed, ...]
    missed: tuple[NotListed, ...]


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
        self._feeds: dict[tuple[str, str | None], Feed] = {}
        self._missed: tuple[NotListed, ...] = ()
        self._facts = ClusterSnapshot(name, {})
        self._snapshot: ClusterSnapshot | None = None
        self._standing = Standing(False, clock.now(), UNREAD, 0)
        self._round = 0
        self._thread = threading.Thread(target=self._run, name=f"follow {name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more; watches that are open end with the process, or within minutes."""
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
                feeds = [self._feeds[name] for name in sorted(self._feeds, key=str)]
                self._snapshot = joined(self.name, self._facts, feeds, self._missed)
            return self._snapshot

    # The thread that owns the connection

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._broken.clear()
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
        wanted = [resource for resource in cluster.resources() if counted(resource)]
        with ThreadPoolExecutor(_WORKERS) as pool:
            listed = list(pool.map(lambda resource: self._list(cluster, resource), wanted))
        feeds = {(feed.resource.full_name, feed.namespace): feed for one in listed for feed in one.feeds}
        with self._lock:
            self._round += 1
            self._feeds = feeds
            self._facts = collector.finish()
            self._missed = tuple(marker for one in listed for marker in one.missed)
            self._snapshot = None
            self._standing = Standing(True, self._clock.now(), "", self._standing.count + 1)
        self._changed()

    def _list(self, cluster: Cluster, resource: Resource) -> _Listed:
        try:
            return _Listed((self._feed(cluster, resource, None),), ())
        except NotFoundError:
            return _Listed((), ())
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
        known = self._feeds.get((resource.full_name, namespace))
        # A feed of before keeps the identity of what did not change; its old watches must not touch it any more.
        feed = known.renewed() if known is not None else Feed(self.name, resource, namespace, self._key)
        feed.fill(listing.items, listing.resource_version)
        return feed

    def _follow(self, cluster: Cluster) -> None:
        """Watch every feed until something breaks; looks every second whether the API server answers at all.

        What could not be listed is tried again, soon at first: rights may be given, an extension may come up.
        """
        self._spawn(cluster)
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
                if self._missed and self._clock.monotonic() >= until:
                    self._read(cluster)
                    self._spawn(cluster)
                    pause = min(2 * pause, _RESYNC_SECONDS)
                    until = self._clock.monotonic() + pause
        finally:
            self._broken.set()

    def _spawn(self, cluster: Cluster) -> None:
        """Watch the feeds of this round; watches of earlier ones see that they are no longer meant, and end."""
        with self._lock:
            number, feeds = self._round, list(self._feeds.values())
        for feed in feeds:
            watched = "watch" in feed.resource.verbs
            target = self._watch if watched else self._poll
            threading.Thread(target=target, args=(cluster, feed, number), daemon=True).start()

    def _lost(self, why: str) -> None:
        with self._lock:
            if self._standing.current:
                self._standing = Standing(False, self._clock.now(), why, self._standing.count)
            else:
                self._standing = Standing(False, self._standing.since, why, self._standing.count)
        self._broken.set()
        self._changed()

    # The threads that watch

    def _watch(self, cluster: Cluster, feed: Feed, number: int) -> None:
        while self._mine(number):
            try:
                for event in self._events(cluster, feed):
                    if not self._take(feed, number, event):
                        return
            except ForbiddenError:
                # Whoever may list and not watch looks again and again.
                self._poll(cluster, feed, number)
                return
            except Exception as error:
                if self._mine(number):
                    self._lost(str(error) if isinstance(error, RingfenceError) else type(error).__name__)
                return

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
        while not self._broken.wait(_POLL_SECONDS) and self._mine(number):
            try:
                listing = cluster.list_raw(feed.resource, feed.namespace)
            except Exception as error:
                if self._mine(number):
                    self._lost(str(error) if isinstance(error, RingfenceError) else type(error).__name__)
                return
            with self._lock:
                if self._round != number or not feed.fill(listing.items, listing.resource_version):
                    continue
                self._news()
            self._changed()

    def _mine(self, number: int) -> bool:
        with self._lock:
            return self._round == number and not self._broken.is_set()

    def _take(self, feed: Feed, number: int, event: Event) -> bool:
        """Take in one change; False when the feed is no longer followed."""
        with self._lock:
            if self._round != number or self._broken.is_set():
                return False
            if not feed.apply(event):
                return True
            self._news()
        if feed.resource.plural in _REDISCOVER:
            # There may be a new kind to read. What is known is not all there is until that is done.
            self._lost("its kinds changed; it is read again")
            return False
        self._changed()
        return True

    def _news(self) -> None:
        self._snapshot = None
        standing = self._standing
        self._standing = Standing(standing.current, standing.since, standing.because, standing.count + 1)


class _Probe:
    """Asks an API server every second whether it is there."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._answered = clock.monotonic()
        self._error: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Ask until ``stop``."""
        while not stop.wait(_PROBE_SECONDS):
            try:
                with suppress(ForbiddenError):
                    self._cluster.fetch("GET", "/version")
            except Exception as error:
                self._error = str(error) if isinstance(error, RingfenceError) else type(error).__name__
                return
            self._answered = self._clock.monotonic()

    def problem(self) -> str | None:
        """Why the API server counts as gone, None while it answers."""
        if self._error is not None:
            return self._error
        silent = self._clock.monotonic() - self._answered
        return f"the API server has not answered for {silent:.0f} s" if silent > _PATIENCE else None
