"""A Snapshot: the objects of one or more clusters at one moment, with what could not be seen said as plainly.

Objects stay as JSON decodes them: typed models of every kind were rejected, they take fifteen times as long to decode
and the proof reads a tenth of their fields. What a Snapshot guarantees instead: every object has ``apiVersion``,
``kind`` and ``metadata.name`` (and ``metadata.namespace`` if its kind is namespaced), it has passed
``prove.validity``, no two have the same name, and no secret value is in it, only ``Material``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ringfence.prove.asking.answers import AdmissionAnswer
from ringfence.prove.kinds import Kind, Object, ObjectName


@dataclass(frozen=True, slots=True)
class NotListed:
    """A resource that could not be listed. ``resource`` is plural, with its group when it has one (``secrets``,
    ``networkpolicies.networking.k8s.io``), ``*`` for all, ``*.GROUP`` for whatever a group may hold; ``namespace``
    None means everywhere."""

    resource: str
    namespace: str | None
    reason: str

    def covers(self, resource: str, namespace: str | None) -> bool:
        """True when objects of ``resource`` (plural, without group) in ``namespace`` (None: any) may be missing."""
        same = self.resource in ("*", resource) or self.resource.partition(".")[0] == resource
        return same and (self.namespace is None or namespace is None or self.namespace == namespace)

    def __str__(self) -> str:
        """``list secrets in shop: Forbidden``."""
        place = f" in {self.namespace}" if self.namespace else ""
        return f"list {self.resource}{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Defect:
    """An object that counts as unknown: one the API would refuse, one that is there twice and differs, or one of a
    kind that Ringfence does not know. ``kind`` may be of any spelling; ``namespace`` is empty when it has none."""

    kind: Kind
    namespace: str
    name: str
    problem: str


UNKNOWN_KIND = "of a kind that Ringfence does not know"
"""The problem of a Defect that has no other."""


class MaterialKind(StrEnum):
    """What a secret value is, which decides whether two equal ones are a finding."""

    OPAQUE = "value"
    REGISTRY_LOGIN = "registry login"
    PRIVATE_KEY = "private key"
    KUBECONFIG = "kubeconfig"
    TOKEN = "token"  # noqa: S105 - the name of a kind, no token
    CERTIFICATE = "certificate"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Material:
    """Secret material that stands in an object: a keyed hash of it and facts about it, never the value.

    ``place`` is where in it (``data.password``, ``env DB_PASSWORD of container app``), ``bits`` the estimated
    entropy, ``about`` what is public of it (a registry's host, a token's issuer and subject, a server's URL, for whom
    a client certificate speaks). The digest of a certificate is that of its public key, as a private key's is.
    ``key`` names the hashing key: digests under different keys do not compare.
    """

    owner: ObjectName
    place: str
    digest: str
    kind: MaterialKind
    bits: int
    about: Mapping[str, str] = field(default_factory=dict)
    key: str = ""

    @property
    def compares(self) -> bool:
        """True when an equal value elsewhere is one credential for both (contract, section 5)."""
        if self.kind in (MaterialKind.PUBLIC, MaterialKind.CERTIFICATE):
            return False
        return self.kind is not MaterialKind.OPAQUE or self.bits >= 64


@dataclass(frozen=True, slots=True)
class ClusterSnapshot:
    """One cluster's objects. ``name`` is the cluster's name in the Partition; ``context`` says where they were read
    (a path or a kubeconfig context); ``sources`` gives the file of an object that was read from one. ``issuer`` is the
    ServiceAccount issuer and ``signing_keys`` the fingerprints of its public keys, as the cluster publishes them.
    ``answers`` are what its API server said to attacks that were tried as dry runs."""

    name: str
    objects: Mapping[Kind, tuple[Object, ...]]
    not_listed: tuple[NotListed, ...] = ()
    defects: tuple[Defect, ...] = ()
    materials: tuple[Material, ...] = ()
    context: str = ""
    version: str | None = None
    issuer: str | None = None
    signing_keys: tuple[str, ...] = ()
    sources: Mapping[ObjectName, str] = field(default_factory=dict)
    answers: tuple[AdmissionAnswer, ...] = ()

    def of(self, kind: Kind) -> tuple[Object, ...]:
        """All objects of that kind, in the order read; empty when there are none."""
        return self.objects.get(kind, ())

    def unseen(self, resource: str, namespace: str | None = None) -> tuple[NotListed, ...]:
        """What kept objects of that resource (plural, no group) from being seen, in ``namespace`` (None: anywhere)."""
        return tuple(marker for marker in self.not_listed if marker.covers(resource, namespace))

    def defective(self, *kinds: Kind) -> tuple[Defect, ...]:
        """The objects of those kinds that count as unknown."""
        return tuple(defect for defect in self.defects if defect.kind in kinds)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The clusters of a proof, by name."""

    clusters: Mapping[str, ClusterSnapshot]

    def cluster(self, name: str) -> ClusterSnapshot:
        """The cluster of that name. Raises KeyError when the Snapshot has none of that name."""
        return self.clusters[name]


def snapshot_of(clusters: Iterable[ClusterSnapshot]) -> Snapshot:
    """A Snapshot of these clusters; the last of two with one name wins."""
    return Snapshot({cluster.name: cluster for cluster in clusters})
