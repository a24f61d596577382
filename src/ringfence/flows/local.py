"""The use case of working locally: an application's local deployment on a cluster of the developer's own.

It gets the same boundaries and services as every other stage, from the same rendering, on a cluster that stands outside
every Environment; its data is thrown away with it. No Git and no Argo CD: the loop is to be seconds, and what is not
committed yet is exactly what one wants to see.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import InputError, StateError
from ringfence.base.paths import write_atomically
from ringfence.decide.topology import (
    Cluster,
    ClusterRole,
    Designation,
    Environment,
    Placement,
    Pool,
    Status,
    Topology,
)
from ringfence.deliver import credentials, prune
from ringfence.deliver.apply import apply as write
from ringfence.deliver.argocd import unfinished
from ringfence.deliver.compare import compare, read_live
from ringfence.engine import Engine, EnvironmentSpec, Role, locate
from ringfence.flows.promotion.charting import objects_of
from ringfence.flows.promotion.journal import Entry
from ringfence.flows.promotion.workspace import Workspace
from ringfence.flows.sources import read_source
from ringfence.flows.targets import Contexts
from ringfence.flows.up import specifications
from ringfence.kube import Cluster as Connection
from ringfence.kube import open_cluster
from ringfence.landscape.model import Application, SourceKind
from ringfence.promote.ladder import ENTRY
from ringfence.render import DeploymentManifests, Manifests, Options, render

Report = Callable[[str], None]
_CLUSTER = "local-1"
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Applied:
    """One turn of the loop: how many objects were written and removed, and the seconds from the change on."""

    deployment: str
    cluster: str
    kubeconfig: Path
    written: int
    removed: int
    applied: float
    healthy: float

    def to_json(self) -> dict[str, Any]:
        """The turn with the names of its schema."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "LocalDeployment",
            "deployment": self.deployment,
            "cluster": self.cluster,
            "kubeconfig": str(self.kubeconfig),
            "written": self.written,
            "removed": self.removed,
            "seconds": {"applied": round(self.applied, 3), "healthy": round(self.healthy, 3)},
        }


def engine_name(landscape: str) -> str:
    """What the engine calls the developer's own clusters of a landscape: never an Environment of it."""
    return f"{landscape}-local"


def stop(workspace: Workspace) -> None:
    """End the developer's cluster; its data goes with it."""
    shutil.rmtree(workspace.paths.landscape(workspace.landscape.name) / "local", ignore_errors=True)
    Engine(workspace.paths, workspace.clock).down(engine_name(workspace.landscape.name), purge=True)


def turns(
    workspace: Workspace, application: str, *, once: bool, timeout: float = 120.0, report: Report = lambda _: None
) -> Iterator[Applied]:
    """Apply the local deployment, and again at each change of its source; a value a turn, without end unless ``once``.

    A source that cannot be rendered is reported and waited for: the next save may mend it.
    """
    found = workspace.application(application)
    topology = _topology(workspace, found)
    cluster = _bring_up(workspace, topology, found, report)
    with open_cluster(cluster) as connection:
        place = _boundaries(workspace, topology, found, connection)
        yield from _loop(workspace, topology, found, connection, place, cluster, once, timeout, report)


def _loop(
    workspace: Workspace,
    topology: Topology,
    application: Application,
    connection: Connection,
    place: DeploymentManifests,
    kubeconfig: Path,
    once: bool,
    timeout: float,
    report: Report,
) -> Iterator[Applied]:
    record = workspace.paths.landscape(workspace.landscape.name) / "local" / f"{application.name}.json"
    present = _left(record)
    folder = Path(workspace.landscape.folder) / (application.source.path if application.source else ".")
    while True:
        seen = _fingerprint(folder)
        began = workspace.clock.monotonic()
        try:
            wanted = _wanted(workspace, topology, application)
            done = _write(connection, wanted, present)
            write_atomically(record, json.dumps(present).encode())
            applied = workspace.clock.monotonic() - began
            _await(connection, place, workspace.clock, timeout)
            turn = Applied(
                place.deployment, _CLUSTER, kubeconfig, done.written, done.removed, applied,
                workspace.clock.monotonic() - began,
            )  # fmt: skip
            _remember(workspace, application, turn)
            yield turn
        except (InputError, StateError) as error:
            if once:
                raise
            report(f"not applied: {error}")
        if once:
            return
        while _fingerprint(folder) == seen:
            workspace.clock.sleep(_POLL_SECONDS)


def _topology(workspace: Workspace, application: Application) -> Topology:
    """A Topology with the one place that the local deployment has, in the shape that rendering takes."""
    name = next((one.name for one in application.deployments if one.stage == ENTRY), None)
    if name is None:
        raise InputError(
            f"{application.name}: it has no local deployment",
            location=application.location,
            reason="NoLocal",
            hint="add `local: {}` to its deployments",
        )
    namespace = name.replace("/", "-")
    pools = (Pool("apps", 1, None), *(Pool(service, 1, service) for service in sorted(application.needs)))
    environment = Environment(
        ENTRY,
        Designation.NON_PRODUCTION,
        (
            Cluster("local-management", ClusterRole.MANAGEMENT, (), ()),
            Cluster(_CLUSTER, ClusterRole.WORKLOAD, pools, (namespace,)),
        ),
    )
    services = {service: service for service in application.needs}
    placement = Placement(name, ENTRY, _CLUSTER, "apps", namespace, services)
    nothing = Fraction(0)
    return Topology(workspace.landscape.name, Status.FEASIBLE, nothing, nothing, (environment,), (placement,), (), ())


def _manifests(workspace: Workspace, topology: Topology, application: Application) -> Manifests:
    sources = {application.name: read_source(workspace.landscape, application)}
    only = replace(workspace.landscape, applications=(application,), declared=())
    # No Argo CD comes here, so none gets rights.
    return render(only, topology, sources, Options(existing=frozenset({_CLUSTER})))


def _bring_up(workspace: Workspace, topology: Topology, application: Application, report: Report) -> Path:
    specs = specifications(topology, _manifests(workspace, topology, application), Contexts())
    workloads = tuple(
        EnvironmentSpec(spec.name, tuple(one for one in spec.clusters if one.role is Role.WORKLOAD)) for spec in specs
    )
    engine = Engine(workspace.paths, workspace.clock)
    return engine.up(engine_name(workspace.landscape.name), workloads, report).cluster(_CLUSTER).kubeconfig


def _boundaries(
    workspace: Workspace, topology: Topology, application: Application, connection: Connection
) -> DeploymentManifests:
    """The namespace with everything around the application, and its services with passwords of their own."""
    manifests = _manifests(workspace, topology, application)
    place = manifests.deployments[0]
    wanted = manifests.cluster(_CLUSTER).objects
    live = read_live(connection, manifests.landscape, prune.KINDS)
    write(connection, wanted, compare(connection, _CLUSTER, wanted, live), live)
    credentials.create(connection, [place], credentials.missing(connection, _CLUSTER, [place], new=False))
    return place


def _wanted(workspace: Workspace, topology: Topology, application: Application) -> dict[str, dict[str, Any]]:
    kind = application.source.kind if application.source else SourceKind.HELM
    place = _manifests(workspace, topology, application).deployments[0]
    objects = objects_of(locate(workspace.paths), kind, place)
    return {f"{one['apiVersion']} {one['kind']} {one['metadata']['name']}": dict(one) for one in objects}


def _left(record: Path) -> dict[str, dict[str, Any]]:
    """What an earlier run wrote, by key, each to be written again: somebody may have changed it since."""
    try:
        found = json.loads(record.read_bytes())
        return {str(key): {**document, "spec": None} for key, document in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


@dataclass(frozen=True, slots=True)
class _Written:
    written: int
    removed: int


def _write(connection: Connection, wanted: dict[str, dict[str, Any]], present: dict[str, dict[str, Any]]) -> _Written:
    """Write what changed since the last turn, remove what is gone; ``present`` is brought up to date."""
    changed = [key for key, document in wanted.items() if present.get(key) != document]
    for key in changed:
        connection.apply(wanted[key], force=True)
        present[key] = wanted[key]
    gone = [key for key in present if key not in wanted]
    for key in gone:
        document = present.pop(key)
        resource = connection.resource_of(document["apiVersion"], document["kind"])
        connection.delete(resource, document["metadata"]["name"], document["metadata"]["namespace"])
    return _Written(len(changed), len(gone))


def _await(connection: Connection, place: DeploymentManifests, clock: Clock, timeout: float) -> None:
    until = clock.monotonic() + timeout
    while unready := unfinished(connection, place.namespace, place.release):
        if clock.monotonic() > until:
            raise StateError(
                f"{place.deployment}: {unready} is not ready after {timeout:g} s",
                reason="NotHealthy",
                hint=f"kubectl -n {place.namespace} get pods,events shows why",
            )
        clock.sleep(0.05)


def _remember(workspace: Workspace, application: Application, turn: Applied) -> None:
    body = {"by": workspace.actor, "to": turn.deployment, **turn.to_json()}
    kept = {key: body[key] for key in ("by", "to", "written", "removed", "seconds")}
    entry = Entry(workspace.clock.now(), application.name, "applied-locally", kept, turn.deployment)
    workspace.journal.write_here(entry)


def _fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            seen = path.stat()
        except OSError:
            continue
        if path.is_file():
            found.append((str(path), seen.st_mtime_ns, seen.st_size))
    return tuple(found)
