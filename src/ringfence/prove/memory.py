"""What was worked out, kept for as long as it holds: within one proof, or from one proof to the next.

Work that many pairs of deployments share is asked of a ``Memory`` by a key. ``Once`` keeps it for one proof. ``Ledger``
keeps it over changes of what was read: it notes which facts each piece of work read, and works a piece out again only
if one of those has changed since. Nobody declares what a piece reads, so nobody can forget to: facts that may change
are reached through ``RecordedMapping`` and ``RecordedSequence`` alone, which note every look. Keys made of hashes of
declared inputs were rejected for that reason.

Two things must be true of all work that is asked of a Memory: it depends on nothing but its key, what it reads through
recorded facts, and other work of the same Memory; and what it returns is never changed afterwards.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, cast, overload

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


_NOTHING = object()
Alike = Callable[[Any, Any], bool]


def same(one: Any, other: Any) -> bool:
    """Whether two values are one and the same to any reader: of one type throughout, and in the same order.

    ``==`` takes 1, 1.0 and True for one, and mappings for one whatever their order.
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if is_dataclass(one) and type(one).__eq__ is not object.__eq__:
        compared = (item.name for item in fields(one) if item.compare)
        return all(same(getattr(one, name), getattr(other, name)) for name in compared)
    return bool(one == other)


class Memory(ABC):
    """Where shared work is asked for."""

    @abstractmethod
    def once(self, key: Hashable, work: Callable[[], T], alike: Alike = same) -> T:
        """What ``work`` returns, worked out now or earlier under the same key. ``alike`` says when a new value is no
        other than the old one."""


@dataclass(slots=True)
class Once(Memory):
    """Keeps everything: for facts that do not change."""

    _kept: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, key: Hashable, work: Callable[[], T], alike: Alike = same) -> T:
        """What ``work`` returned when the key was first asked for."""
        found = self._kept.get(key, _NOTHING)
        if found is _NOTHING:
            found = self._kept[key] = work()
        return cast("T", found)


@dataclass(slots=True, eq=False)
class _Entry:
    """A piece of work: its value, what it read, the revision at which it was last known to hold, and the one at which
    its value last changed."""

    work: Callable[[], Any]
    alike: Alike
    value: Any = None
    read: tuple[Any, ...] = ()
    checked: int = -1
    changed: int = -1


@dataclass(slots=True)
class Ledger(Memory):
    """Keeps work from one revision of the facts to the next. Not for several threads at once."""

    revision: int = 0
    _entries: dict[Hashable, _Entry] = field(default_factory=dict)
    _cells: dict[Hashable, int] = field(default_factory=dict)
    _open: list[dict[Any, None]] = field(default_factory=list)

    def touch(self, cell: Hashable) -> None:
        """A fact is another one in this revision."""
        self._cells[cell] = self.revision

    def look(self, cell: Hashable) -> None:
        """Note that the work under way reads a fact."""
        if self._open:
            self._open[-1][cell] = None

    def once(self, key: Hashable, work: Callable[[], T], alike: Alike = same) -> T:
        """What ``work`` returns for the facts of this revision."""
        entry = self._entries.get(key)
        if entry is None:
            entry = _Entry(work, alike)
            self._work(entry)
            self._entries[key] = entry
        elif entry.checked != self.revision:
            entry.work = work
            self._refresh(entry)
        if self._open:
            self._open[-1][entry] = None
        return cast("T", entry.value)

    def forget_unused(self, older: int) -> None:
        """Drop what nobody has asked for in the last ``older`` revisions."""
        self._entries = {key: entry for key, entry in self._entries.items() if entry.checked >= self.revision - older}

    def _refresh(self, entry: _Entry) -> None:
        """Make sure that an entry holds: it does if nothing that it read has changed since it was last known to."""
        if entry.checked == self.revision:
            return
        for read in entry.read:
            if self._changed(read) > entry.checked:
                self._work(entry)
                return
        entry.checked = self.revision

    def _changed(self, read: Any) -> int:
        """The revision at which a fact, or the value of other work, last changed."""
        if not isinstance(read, _Entry):
            return self._cells.get(read, -1)
        try:
            self._refresh(read)
        except Exception:
            return self.revision
        return read.changed

    def _work(self, entry: _Entry) -> None:
        reads: dict[Any, None] = {}
        self._open.append(reads)
        try:
            value = entry.work()
        finally:
            self._open.pop()
        if entry.checked < 0 or not entry.alike(entry.value, value):
            entry.value, entry.changed = value, self.revision
        entry.read, entry.checked = tuple(reads), self.revision


@dataclass(slots=True, eq=False)
class RecordedMapping(Mapping[K, V]):
    """Facts by key. A look at one key reads that key alone; going over the keys reads which there are, in what order;
    going over values reads everything."""

    ledger: Ledger
    name: Hashable
    _facts: dict[K, V] = field(default_factory=dict)

    def __getitem__(self, key: K) -> V:
        """The fact of a key."""
        self.ledger.look((self.name, key))
        return self._facts[key]

    def get(self, key: K, default: Any = None) -> Any:
        """The fact of a key, or ``default``."""
        self.ledger.look((self.name, key))
        return self._facts.get(key, default)

    def __contains__(self, key: object) -> bool:
        """Whether there is a fact of that key."""
        self.ledger.look((self.name, key))
        return key in self._facts

    def __iter__(self) -> Iterator[K]:
        """The keys."""
        self.ledger.look((self.name, _KEYS))
        return iter(self._facts)

    def __len__(self) -> int:
        """How many keys there are."""
        self.ledger.look((self.name, _KEYS))
        return len(self._facts)

    def update(self, facts: Mapping[K, V]) -> None:
        """Take the facts of a new revision; those that are equal to the old ones count as unchanged."""
        old, new = self._facts, dict(facts)
        if list(old) != list(new):
            self.ledger.touch((self.name, _KEYS))
            for key in old:
                if key not in new:
                    self.ledger.touch((self.name, key))
        for key, value in new.items():
            if key in old and same(old[key], value):
                new[key] = old[key]
            else:
                self.ledger.touch((self.name, key))
        self._facts = new


class _Keys:
    """The name of which keys a mapping has; no key of any mapping equals it."""


_KEYS = _Keys()


@dataclass(slots=True, eq=False)
class RecordedSequence(Sequence[V]):
    """A list of facts, which every look reads as a whole."""

    ledger: Ledger
    name: Hashable
    _facts: Sequence[V] = ()

    @overload
    def __getitem__(self, place: int) -> V: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[V]: ...
    def __getitem__(self, place: int | slice) -> V | Sequence[V]:
        """The fact at a place."""
        self.ledger.look(self.name)
        return self._facts[place]

    def __iter__(self) -> Iterator[V]:
        """All of them."""
        self.ledger.look(self.name)
        return iter(self._facts)

    def __len__(self) -> int:
        """How many there are."""
        self.ledger.look(self.name)
        return len(self._facts)

    def update(self, facts: Sequence[V]) -> None:
        """Take the facts of a new revision."""
        if not same(self._facts, facts):
            self.ledger.touch(self.name)
            self._facts = facts
