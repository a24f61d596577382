"""A Partition: which objects of which clusters belong to which deployment, and what is promised between them.

A Topology implies one (``flows.partition``); whoever has clusters already writes one (``load_partition``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.landscape.model import Level


@dataclass(frozen=True, slots=True)
class Where:
    """A place of a deployment: whole namespaces of a cluster, the objects in them that carry ``labels``, or what runs
    on the node pool ``pool``. All that are given must match."""

    cluster: str
    namespaces: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    pool: str | None = None


@dataclass(frozen=True, slots=True)
class People:
    """People by the names that every cluster's authentication gives them."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


NOBODY = People()


@dataclass(frozen=True, slots=True)
class PartitionDeployment:
    """A deployment, where it is and whose it is."""

    name: str
    stage: str | None
    where: tuple[Where, ...]
    people: People = People()

    @property
    def clusters(self) -> frozenset[str]:
        """The names of the clusters that it is in."""
        return frozenset(place.cluster for place in self.where)


@dataclass(frozen=True, slots=True)
class Promise:
    """A level promised between two deployments, in both directions."""

    between: tuple[str, str]
    level: Level


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ports of one protocol (TCP, UDP, SCTP; ``*`` for all), both ends included."""

    protocol: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Declared:
    """A connection that is meant to be. No ``ports`` means any port."""

    source: str
    destination: str
    ports: tuple[PortRange, ...]
    because: str = ""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Facts that no API shows. Everything unset must hold under every behaviour. ``facts`` is the ``assume`` block as
    written (JSON values), for facts that only one part of the proof reads."""

    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cni(self) -> Mapping[str, Any]:
        """The ``cni`` block: ``name``, ``version`` and single behaviours; empty when unset."""
        block = self.facts.get("cni")
        if isinstance(block, str):
            return {"name": block}
        return block if isinstance(block, Mapping) else {}

    @property
    def transformations(self) -> frozenset[str]:
        """Names of transformations whose label nobody else can set (``transformations``); none when unset."""
        return self._words("transformations")

    @property
    def harmless(self) -> frozenset[str]:
        """Kinds of custom resources whose objects weaken nothing (``harmless``), as ``kind.group`` or ``*.group``, in
        lower case; none when unset."""
        return frozenset(name.lower() for name in self._words("harmless"))

    @property
    def admission(self) -> frozenset[str]:
        """Admission plugins that are on though no flag shows it (``admission``); none when unset."""
        return self._words("admission")

    def _words(self, key: str) -> frozenset[str]:
        block = self.facts.get(key)
        return frozenset(name for name in block if isinstance(name, str)) if isinstance(block, list) else frozenset()

    @property
    def cni_name(self) -> str | None:
        """The CNI's name in lower case, None when unset."""
        name = self.cni.get("name")
        return name.lower() if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class PartitionEnvironment:
    """An Environment: its clusters, and which of them is the management cluster (None: none named)."""

    name: str
    management: str | None
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Partition:
    """What a proof is about. ``trusted`` are people of the platform, who may reach every deployment by design;
    ``common`` are people of several deployments by design: between two that both name them they do not count."""

    deployments: tuple[PartitionDeployment, ...]
    promises: tuple[Promise, ...] = ()
    declared: tuple[Declared, ...] = ()
    assume: Assumptions = Assumptions()
    environments: tuple[PartitionEnvironment, ...] = ()
    trusted: People = People()
    common: People = People()
    _by_name: dict[str, PartitionDeployment] = field(default_factory=dict, init=False, repr=False, compare=False)
    _promised: dict[frozenset[str], Level] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index what is asked for every pair."""
        for deployment in self.deployments:
            self._by_name.setdefault(deployment.name, deployment)
        for promise in self.promises:
            pair = frozenset(promise.between)
            level = self._promised.get(pair)
            self._promised[pair] = promise.level if level is None else level.joined(promise.level)

    def deployment(self, name: str) -> PartitionDeployment:
        """The deployment of that name. Raises KeyError when there is none."""
        return self._by_name[name]

    def people_of_both(self, source: str, destination: str) -> People:
        """The common people that both deployments name."""
        if not self.common.users and not self.common.groups:
            return NOBODY
        ours, theirs = self.deployment(source).people, self.deployment(destination).people
        return People(
            users=tuple(name for name in self.common.users if name in ours.users and name in theirs.users),
            groups=tuple(name for name in self.common.groups if name in ours.groups and name in theirs.groups),
        )

    def promised(self, source: str, destination: str) -> Level | None:
        """The join of all levels promised between the two, None when nothing is."""
        return self._promised.get(frozenset((source, destination)))
