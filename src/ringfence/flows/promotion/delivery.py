"""The seam between promotion and the world: what delivering a release to a deployment is asked and answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ringfence.flows.promotion.store import Release
from ringfence.promote.gates.question import JobResult, Running


@dataclass(frozen=True, slots=True)
class Order:
    """Bring ``deployment`` to ``release`` (None: what was there before any), where ``expected`` is there now."""

    deployment: str
    release: Release | None
    expected: str | None
    move: str
    message: str
    by: str
    force: bool = False

    @property
    def digest(self) -> str | None:
        """The content that is to be there; None for that of before any release."""
        return self.release.digest if self.release else None


@dataclass(frozen=True, slots=True)
class Committed:
    """The Git revision at which a deployment is what was ordered."""

    revision: str


@dataclass(frozen=True, slots=True)
class Observed:
    """The revision that the cluster runs, healthy, and the seconds that Argo CD's sync and then the rollout took."""

    revision: str
    sync: float
    healthy: float


class Delivery(Protocol):
    """The seam between promotion and the world."""

    def check(self, deployment: str) -> None:
        """Raise StateError when nothing can be delivered there yet, before anybody promises to."""
        ...

    def commit(self, order: Order) -> Committed:
        """Write an order to Git. Raises ConflictError when somebody else's is there."""
        ...

    def arrive(self, deployment: str, revision: str, timeout: float) -> Observed:
        """Wait until the cluster runs the revision and is healthy at it. Raises StateError when it is not in time."""
        ...

    def nudge(self, deployment: str) -> None:
        """Have a deployment looked at soon, without waiting for it; that it cannot be asked for now is no failure."""
        ...

    def running(self, deployment: str, expected: str | None) -> Running:
        """What runs now."""
        ...

    def platform(self, deployment: str) -> str | None:
        """The platform version of the deployment's Environment; None when it is not known."""
        ...

    def run_job(
        self, deployment: str, document: Mapping[str, Any], seconds: float, told: Mapping[str, str]
    ) -> JobResult:
        """Run a test Job beside a deployment; ``told`` are environment variables for its containers."""
        ...

    def throw_away(self, deployment: str) -> int:
        """Throw the data of a deployment's services and volumes away; how many objects were removed for it."""
        ...
