"""The objects of one kind as they are taken in, by name and with the file of each.

Files are remembered as runs of objects, since a file of a cluster's whole content holds hundreds of thousands.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ringfence.prove.kinds import Object, ObjectName, object_name


@dataclass(frozen=True, slots=True)
class Run:
    """Objects one after another that came from ``source``: those from ``start`` to the next run's."""

    start: int
    source: str


@dataclass(slots=True)
class Shelf:
    """``objects`` that count, in the order read. ``by_name``: the first of each namespace (empty: none) and name,
    those that turned out not to count too."""

    objects: list[Object] = field(default_factory=list)
    by_name: dict[tuple[str, str], Object] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    source: str = ""

    def start(self, source: str) -> None:
        """What is put on ``objects`` from now on is of the file ``source`` (empty: of no file)."""
        if source != self.source:
            self.runs.append(Run(len(self.objects), source))
            self.source = source

    def put(self, document: Object, source: str) -> None:
        """Take in an object of the file ``source``."""
        self.start(source)
        self.objects.append(document)


@dataclass(frozen=True, slots=True)
class Filed:
    """All objects of a kind and the runs of files that they came in."""

    objects: tuple[Object, ...]
    runs: tuple[Run, ...]


class Sources(Mapping[ObjectName, str]):
    """The file of each object of ``cluster``. Names are made when somebody asks: most proofs never do."""

    def __init__(self, cluster: str, filed: tuple[Filed, ...]) -> None:
        self._cluster = cluster
        self._filed = filed
        self._known: dict[ObjectName, str] | None = None

    def __getitem__(self, name: ObjectName) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[ObjectName]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[ObjectName, str]:
        if self._known is None:
            self._known = dict(self._rows())
        return self._known

    def _rows(self) -> Iterator[tuple[ObjectName, str]]:
        for filed in self._filed:
            ends = [*(run.start for run in filed.runs[1:]), len(filed.objects)]
            for run, end in zip(filed.runs, ends, strict=True) if filed.runs else ():
                if run.source:
                    for document in filed.objects[run.start : end]:
                        yield object_name(self._cluster, document), run.source
