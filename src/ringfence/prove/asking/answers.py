"""Answers of an API server to attacks that were tried as dry runs: observed facts, kept beside a snapshot's objects.

An admitted attack is a fact: that subject can do that. A refused one is not: it says that one shape was refused, and
somebody else, or another shape, may pass. So only admissions open anything in the closure, and no refusal closes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ringfence.prove.rbac.index import Subject

API_SERVER = "API server"
ENGINE = "embedded engine"


class Aim(StrEnum):
    """What an attack is for. The target of an answer is said in brackets."""

    ROOT_POD = "create a pod that owns its node"
    ROOT_ON_NODE = "create a pod that owns a node"  # the node
    POD_ON_NODE = "create a pod on a node"  # the node
    PRIORITY = "create a pod of a PriorityClass"  # the class
    SECRET_POD = "create a pod that mounts a Secret"  # noqa: S105 - an aim; the target is the Secret's name
    ROLE_BINDING = "bind a ClusterRole"  # the role


class Told(StrEnum):
    """What was answered, or what the closure says without asking (then ``UNKNOWN`` where it cannot decide)."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AdmissionAnswer:
    """One answer. ``subject`` would do it, ``by`` says who answered, ``because`` in which words; ``UNKNOWN`` when
    nobody could be asked. ``expected`` is what the closure says without asking, ``tries`` how many shapes were sent."""

    cluster: str
    namespace: str
    aim: Aim
    target: str
    subject: "Subject"
    expected: Told
    told: Told
    because: str
    by: str = API_SERVER
    tries: int = 1

    @property
    def disagrees(self) -> bool:
        """True when the closure was sure that it is refused, and it is not.

        The other way round nothing is contradicted: the closure asks whether any shape gets in, a dry run tries some. A
        level of Pod Security that no label asks for does contradict it.
        """
        return (self.told is Told.ADMITTED and self.expected is Told.REFUSED) or self.lacks_label

    @property
    def decides(self) -> bool:
        """True when a proof that knows the answer may differ from one that does not."""
        return (self.told is Told.ADMITTED and self.expected is not Told.ADMITTED) or self.lacks_label

    @property
    def lacks_label(self) -> bool:
        """True for a refusal by Pod Security where the closure sees no level: a default that no object shows."""
        return (
            self.aim is Aim.ROOT_POD
            and self.told is Told.REFUSED
            and self.expected is Told.ADMITTED
            and self.by == API_SERVER
            and 'violates PodSecurity "' in self.because
        )

    @property
    def attack(self) -> str:
        """``create a pod that owns node n1 in shop-test``, as a person says it."""
        words = {
            Aim.ROOT_POD: "create a pod that owns its node",
            Aim.ROOT_ON_NODE: f"create a pod that owns node {self.target}",
            Aim.POD_ON_NODE: f"create a pod on node {self.target}",
            Aim.PRIORITY: f"create a pod of PriorityClass {self.target}",
            Aim.SECRET_POD: f"create a pod that mounts the Secret {self.target}",
            Aim.ROLE_BINDING: f"bind themselves to ClusterRole {self.target}",
        }[self.aim]
        return f"{words} in {self.namespace}"

    def to_json(self) -> dict[str, Any]:
        """One entry of the proof's ``asked``."""
        document = {
            "cluster": self.cluster,
            "as": str(self.subject),
            "attack": self.attack,
            "expected": self.expected.value,
            "answer": self.told.value,
            "because": self.because,
            "by": self.by,
            "tries": self.tries,
        }
        return {**document, "disagrees": True} if self.disagrees else document
