"""Argo CD: ask it to look now, and wait until a cluster runs a revision and is healthy at it.

Health alone says nothing: what ran before the change is healthy too. Done means all of these, seen in one state of the
Application: it compared the cluster with that revision (or a later one), found them equal, no operation is running,
and what it manages is healthy; and then the workloads themselves have no pod of an older template left.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import RingfenceError, StateError, UnreachableError
from ringfence.base.text import printable
from ringfence.kube import APPLICATIONS, DEPLOYMENTS, STATEFUL_SETS, Cluster, Json
from ringfence.render.names import INSTANCE

REFRESH = "argocd.argoproj.io/refresh"
_SLICE = 2.0
_LONGEST = 400

Report = Callable[[str], None]


class Phase(StrEnum):
    """How far a deployment is."""

    WAITING = "waiting"
    """Argo CD has not yet looked at the revision."""
    SYNCING = "syncing"
    STARTING = "starting"
    """The cluster has the revision's objects; they are not healthy yet."""
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Observation:
    """What an Application says of itself. ``revision`` is the one that the cluster was last found equal to, or None."""

    application: str
    phase: Phase
    revision: str | None
    compared: str | None
    sync: str
    health: str
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "application": self.application,
            "phase": self.phase.value,
            "revision": self.revision,
            "sync": self.sync,
            "health": self.health,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Arrived:
    """A deployment that runs its revision: the one observed, and the seconds until it was synced and healthy."""

    application: str
    revision: str
    synced: float
    healthy: float


def observe(application: Json) -> Observation:
    """Read an Application."""
    status = application.get("status") or {}
    sync = status.get("sync") or {}
    compared = sync.get("revision") or None
    operation = status.get("operationState") or {}
    health = str((status.get("health") or {}).get("status", "Unknown"))
    synced = sync.get("status") == "Synced"
    running = operation.get("phase") in ("Running", "Terminating") or "operation" in application
    if compared is None and not status.get("conditions"):
        phase = Phase.WAITING
    elif running or (not synced and operation.get("phase") not in ("Failed", "Error")):
        phase = Phase.SYNCING
    elif not synced:
        phase = Phase.FAILED
    else:
        phase = Phase.RUNNING if health == "Healthy" else Phase.STARTING
    return Observation(
        application=str(application["metadata"]["name"]),
        phase=phase,
        revision=compared if synced and not running else None,
        compared=compared,
        sync=str(sync.get("status", "Unknown")),
        health=health,
        message=_message(status),
    )


def _message(status: Mapping[str, Any]) -> str:
    """Why it is not there yet: errors that Argo CD names, then the operation's own words, then what is not healthy."""
    conditions = [
        str(one.get("message", "")) for one in status.get("conditions") or () if "Error" in str(one.get("type"))
    ]
    operation = status.get("operationState") or {}
    words = [*conditions]
    if operation.get("phase") in ("Failed", "Error"):
        refused = [
            f"{one.get('kind')} {one.get('name')}: {one.get('message')}"
            for one in (operation.get("syncResult") or {}).get("resources") or ()
            if one.get("status") == "SyncFailed"
        ]
        words += refused or [str(operation.get("message", ""))]
    words += [
        f"{one.get('kind')} {one.get('name')}: {(one.get('health') or {}).get('message')}"
        for one in status.get("resources") or ()
        if (one.get("health") or {}).get("status") in ("Degraded", "Missing")
        and (one.get("health") or {}).get("message")
    ]
    return printable("; ".join(word for word in words if word))[:_LONGEST]


def refresh(management: Cluster, namespace: str, application: str) -> None:
    """Ask Argo CD to look at the repository now, instead of at its next round."""
    management.patch(APPLICATIONS, application, {"metadata": {"annotations": {REFRESH: "normal"}}}, namespace)


def await_revisions(
    management: Cluster,
    namespace: str,
    wanted: Mapping[str, str],
    accepts: Callable[[str, str], bool],
    clock: Clock,
    *,
    timeout: float,
    report: Report = lambda _: None,
    fail_fast: bool = False,
) -> Mapping[str, Arrived]:
    """Wait until every Application in ``wanted`` (name to revision) runs its revision and is healthy at it.

    ``accepts(wanted, seen)`` says whether a seen revision will do: the same commit, or one that comes after it.
    ``timeout`` is in seconds. ``fail_fast``: give up when Argo CD says that a sync to the revision failed for good.
    Raises StateError (``NotHealthy``) with what Argo CD says of each one that is not there in time.
    """
    started = clock.monotonic()
    synced: dict[str, float] = {}
    arrived: dict[str, Arrived] = {}
    last: dict[str, Observation] = {}
    for application in _follow(management, namespace, clock, timeout):
        name = str(application["metadata"]["name"])
        if name not in wanted or name in arrived:
            continue
        seen = observe(application)
        last[name] = seen
        if fail_fast and seen.phase is Phase.FAILED and seen.compared and accepts(wanted[name], seen.compared):
            break
        if seen.revision is None or not accepts(wanted[name], seen.revision):
            continue
        elapsed = clock.monotonic() - started
        synced.setdefault(name, elapsed)
        if seen.phase is Phase.RUNNING:
            arrived[name] = Arrived(name, seen.revision, synced[name], elapsed)
            report(f"{name}: healthy at {seen.revision[:12]}")
        if len(arrived) == len(wanted):
            return arrived
    missing = [name for name in wanted if name not in arrived]
    said = "; ".join(_explain(name, last.get(name)) for name in missing)
    raise StateError(
        f"not at the committed revision and healthy after {clock.monotonic() - started:.0f} s: {said}",
        reason="NotHealthy",
        hint="ringfence status FILE shows how far they are; the same command goes on from there",
    )


def _explain(name: str, seen: Observation | None) -> str:
    if seen is None:
        return f"{name} (Argo CD has no such Application)"
    return f"{name} ({seen.phase}, {seen.sync}, {seen.health}{': ' + seen.message if seen.message else ''})"


def _follow(management: Cluster, namespace: str, clock: Clock, timeout: float) -> Iterator[Json]:
    """Every state of every Application of a namespace for ``timeout`` seconds, resumed whatever breaks off."""
    until = clock.monotonic() + timeout
    while (left := until - clock.monotonic()) > 0:
        try:
            listing = management.list_raw(APPLICATIONS, namespace)
            yield from listing.items
            for event in management.watch(
                APPLICATIONS, namespace, seconds=min(_SLICE, left), resource_version=listing.resource_version
            ):
                yield event.object
        except UnreachableError:
            clock.sleep(0.2)
        except RingfenceError as error:
            if error.reason != "Expired":
                raise


def unfinished(workload: Cluster, namespace: str, release: str) -> str:
    """Which workload of a Helm release still has pods of an older template, or too few; empty when none has."""
    for resource in (DEPLOYMENTS, STATEFUL_SETS):
        for item in workload.list_raw(resource, namespace, label_selector=f"{INSTANCE}={release}").items:
            status, spec = item.get("status") or {}, item.get("spec") or {}
            replicas = spec.get("replicas", 1)
            current = status.get("observedGeneration", 0) >= item["metadata"].get("generation", 0)
            updated = status.get("updatedReplicas", 0) if replicas else 0
            if not current or updated < replicas or status.get("availableReplicas", 0) < replicas:
                return f"{item['kind']} {item['metadata']['name']}"
            if status.get("replicas", 0) > replicas:
                return f"{item['kind']} {item['metadata']['name']}"
    return ""
