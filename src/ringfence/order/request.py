"""An order as values: what is asked for, and what was delivered, in the same words so that they can be compared."""

import hashlib
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from ringfence.decide.topology import ClusterRole, Designation
from ringfence.evidence.codec import encode
from ringfence.evidence.event import canonical


@dataclass(frozen=True, slots=True)
class PoolSize:
    """A node pool: its name, how many nodes, and the kind of service that it is dedicated to (None: applications)."""

    name: str
    nodes: int
    dedicated_to: str | None = None


@dataclass(frozen=True, slots=True)
class ClusterSize:
    """A cluster of the Environment, with its pools; ``kubernetes`` is a version such as ``1.37.2``, None: any."""

    name: str
    role: ClusterRole
    pools: tuple[PoolSize, ...] = ()
    kubernetes: str | None = None


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the nodes for applications and services offer together: CPU in cores, memory in bytes."""

    cpu: Fraction
    memory: Fraction


@dataclass(frozen=True, slots=True)
class Request:
    """An Environment that somebody orders (stages.md: a request, a service ticket)."""

    environment: str
    designation: Designation
    purpose: str
    by: date
    paid_by: str
    users: tuple[str, ...]
    regulations: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    capacity: Capacity | None = None
    clusters: tuple[ClusterSize, ...] = ()
    four_eyes: bool = False

    @property
    def digest(self) -> str:
        """``sha256:HEX`` of everything that is asked: an answer to it names this."""
        return "sha256:" + hashlib.sha256(canonical(encode(self))).hexdigest()


@dataclass(frozen=True, slots=True)
class Delivered:
    """What there is: None and empty where whoever delivered cannot say, which is not the same as none."""

    environment: str
    designation: Designation | None = None
    region: str | None = None
    capacity: Capacity | None = None
    clusters: tuple[ClusterSize, ...] = ()
    users: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One item that is not as ordered; ``delivered`` is ``unknown`` where nobody can say."""

    item: str
    ordered: str
    delivered: str

    def __str__(self) -> str:
        return f"{self.item}: ordered {self.ordered}, delivered {self.delivered}"
