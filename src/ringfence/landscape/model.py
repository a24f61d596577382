"""The Landscape as values: what a user's ``ringfence.yaml`` says once it is known to make sense.

Frozen, complete and free of files: loading (with line numbers) is ``load``'s work, so that everything after it can
trust what it gets. Numbers are exact (Fraction), since prices and capacities decide. Formats: contract, section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from ringfence.base.errors import Location


class Level(StrEnum):
    """How far apart two deployments are. A lattice, not a line: NAMESPACE and NODE do not compare."""

    LABELS = "labels"
    NAMESPACE = "namespace"
    NODE = "node"
    NODE_NAMESPACE = "node+namespace"
    CLUSTER = "cluster"
    ENVIRONMENT = "environment"

    def meets(self, required: "Level") -> bool:
        """True when being apart at this level fulfils what ``required`` asks."""
        return required in _BELOW[self]

    def joined(self, other: "Level") -> "Level":
        """The weakest level that meets both."""
        if self.meets(other):
            return self
        return other if other.meets(self) else Level.NODE_NAMESPACE


_UP_TO_NODE_NAMESPACE = frozenset({Level.LABELS, Level.NAMESPACE, Level.NODE, Level.NODE_NAMESPACE})
_BELOW: Mapping[Level, frozenset[Level]] = {
    Level.LABELS: frozenset({Level.LABELS}),
    Level.NAMESPACE: frozenset({Level.LABELS, Level.NAMESPACE}),
    Level.NODE: frozenset({Level.LABELS, Level.NODE}),
    Level.NODE_NAMESPACE: _UP_TO_NODE_NAMESPACE,
    Level.CLUSTER: _UP_TO_NODE_NAMESPACE | {Level.CLUSTER},
    Level.ENVIRONMENT: _UP_TO_NODE_NAMESPACE | {Level.CLUSTER, Level.ENVIRONMENT},
}


class Posture(StrEnum):
    """Which part of a regulation counts: what it requires, or also what it recommends."""

    MINIMUM = "minimum"
    RECOMMENDED = "recommended"


class DataClass(StrEnum):
    """What data a stage holds, lowest first (stages.md, "Promotion")."""

    THROW_AWAY = "throw-away"
    SEED = "seed"
    REALISTIC = "realistic"
    CUSTOMER = "customer"


class Beside(StrEnum):
    """Which code of everything else runs beside a change at a stage (stages.md, "Promotion")."""

    NOTHING = "nothing"
    STABLE = "stable"
    LATEST = "latest"
    ALL = "all"


class Audience(StrEnum):
    """Who may observe a deployment at a stage (stages.md, "Promotion")."""

    MYSELF = "myself"
    TEAM = "team"
    OTHER_TEAMS = "other-teams"
    QA = "qa"
    PRODUCT_MANAGEMENT = "product-management"
    CUSTOMERS = "customers"


@dataclass(frozen=True, slots=True)
class Stage:
    """A rung of the ladder. ``target_loop`` is the wanted time from code to observation in seconds, None: no target.

    ``like`` is the stage of stages.md that this one stands for: regulation packs speak of those, so that a renamed or
    added stage keeps its meaning. ``production`` stages hold the customers' data; ``placed`` is False for stages on the
    developer's own machine.
    """

    name: str
    rank: int
    data: DataClass
    beside: Beside
    observers: frozenset[Audience]
    target_loop: Fraction | None = None
    production: bool = False
    placed: bool = True
    like: str = ""


@dataclass(frozen=True, slots=True)
class Resources:
    """CPU in cores and memory in bytes, exact."""

    cpu: Fraction = Fraction(0)
    memory: Fraction = Fraction(0)

    def __add__(self, other: "Resources") -> "Resources":
        """Both together."""
        return Resources(self.cpu + other.cpu, self.memory + other.memory)


class SourceKind(StrEnum):
    """How an application's manifests are written."""

    HELM = "helm"
    KUSTOMIZE = "kustomize"
    MANIFESTS = "manifests"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an application's chart or manifests are, relative to the Landscape's folder."""

    kind: SourceKind
    path: str


@dataclass(frozen=True, slots=True)
class Zone:
    """A Security Zone (NIS2): applications in zones of different protection may need different clusters."""

    name: str
    protection: str


@dataclass(frozen=True, slots=True)
class Team:
    """Who builds an application: groups as the clusters' identity provider names them."""

    name: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deployment:
    """One Application Deployment: ``portal/production``, or ``portal/testing-2`` where a stage has copies."""

    name: str
    application: str
    stage: str
    copy: int | None
    requests: Resources
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Application:
    """An application and its deployments, in ladder order."""

    name: str
    zone: str | None
    team: str | None
    source: Source | None
    data: str | None
    needs: tuple[str, ...]
    marks: tuple[str, ...]
    deployments: tuple[Deployment, ...]
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Service:
    """A kind of service on dedicated pools, such as PostgreSQL: what one instance requests, and its image (None: the
    one that Ringfence names).
    """

    name: str
    requests: Resources
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """Which deployments a rule speaks of: every field given must match, with any of its values; empty: not given.

    ``protection`` (of the application's zone) and ``marks`` are for regulation packs.
    """

    stage: tuple[str, ...] = ()
    application: tuple[str, ...] = ()
    zone: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    protection: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


EVERYTHING = Selector()
"""Selects every deployment."""


@dataclass(frozen=True, slots=True)
class Separate:
    """The user's own rule that two groups of deployments stand apart, at least at ``level``."""

    identifier: str
    between: Selector
    others: Selector
    level: Level
    because: str
    location: Location | None = field(default=None, compare=False)


class Shared(StrEnum):
    """What the deployments of a ``together`` rule share."""

    NAMESPACE = "namespace"
    POOL = "pool"
    CLUSTER = "cluster"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Together:
    """The user's own rule that some deployments share a namespace, an application pool, a cluster or an Environment."""

    identifier: str
    deployments: tuple[str, ...]
    shared: Shared
    because: str
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NodePrice:
    """A node's capacity and price a month; ``fill`` is the part of it that requests may use."""

    capacity: Resources
    price: Fraction
    fill: Fraction
    minimum_per_pool: int


@dataclass(frozen=True, slots=True)
class MoveCosts:
    """The price, once, of moving one deployment from where ``topology.yaml`` has it, by the data that it holds.

    ``months`` is how long a saving is counted: a move is worth it when it saves more than its price over that time.
    """

    by_data: Mapping[DataClass, Fraction]
    months: int = 12


@dataclass(frozen=True, slots=True)
class Costs:
    """Prices a month: an Environment (its management cluster and upkeep), a workload cluster's control plane, nodes."""

    environment: Fraction
    cluster: Fraction
    node: NodePrice
    move: MoveCosts


@dataclass(frozen=True, slots=True)
class DeclaredConnection:
    """A connection between deployments that is meant to be: ports as ``443/TCP``."""

    source: str
    destination: str
    ports: tuple[str, ...]
    because: str
    location: Location | None = field(default=None, compare=False)


TRANSFORMATION = "ringfence.dev/transformation"
"""The label that says which named transformation made a claim's or a snapshot's data; admission lets nobody else set
it."""


@dataclass(frozen=True, slots=True)
class Transformation:
    """What makes data of a lower class from higher data, such as by leaving names out.

    ``by`` is the user or service account (``system:serviceaccount:NAMESPACE:NAME``) that writes the result down.
    """

    name: str
    source: DataClass
    target: DataClass
    by: str
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Freeze:
    """Days, both included (ISO dates), on which nothing changes in production."""

    first: str
    last: str
    because: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days: ISO 3166 country and subdivision, IANA time zone, own days off (ISO dates), freezes."""

    country: str | None = None
    subdivision: str | None = None
    timezone: str = "UTC"
    also_off: tuple[str, ...] = ()
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True)
class Landscape:
    """Everything that a user's file says. ``folder`` is where relative paths start.

    ``regulations`` are the packs' names as the user wrote them: a name of Ringfence's own, or a path to a file.
    """

    name: str
    folder: str
    posture: Posture
    regulations: tuple[str, ...]
    zones: Mapping[str, Zone]
    teams: Mapping[str, Team]
    audiences: Mapping[Audience, tuple[str, ...]]
    applications: tuple[Application, ...]
    stages: tuple[Stage, ...]
    separate: tuple[Separate, ...]
    together: tuple[Together, ...]
    declared: tuple[DeclaredConnection, ...]
    services: Mapping[str, Service]
    costs: Costs
    calendar: Calendar
    file: str = ""
    regulation_places: Mapping[str, Location] = field(default_factory=dict, compare=False)
    transformations: tuple[Transformation, ...] = ()

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """Every deployment of every application, in the order written."""
        return tuple(deployment for application in self.applications for deployment in application.deployments)

    def application(self, name: str) -> Application:
        """The application of that name. Raises KeyError when there is none."""
        for application in self.applications:
            if application.name == name:
                return application
        raise KeyError(name)

    def stage(self, name: str) -> Stage:
        """The stage of that name. Raises KeyError when there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    def deployment(self, name: str) -> Deployment:
        """The deployment of that name. Raises KeyError when there is none."""
        for deployment in self.deployments:
            if deployment.name == name:
                return deployment
        raise KeyError(name)
