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
_Objects = dict[str, dict[str, Any]]


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
    local = _Local(workspace, found, _topology(workspace, found))
    kubeconfig = local.bring_up(report)
    with open_cluster(kubeconfig) as connection:
        loop = _Loop(local, connection, kubeconfig, local.bound(connection), _left(local.record))
        while True:
            seen = _fingerprint(local.folder)
            try:
                yield loop.turn(timeout)
            except (InputError, StateError) as error:
                if once:
                    raise
                report(f"not applied: {error}")
            if once:
                return
            while _fingerprint(local.folder) == seen:
                workspace.clock.sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class _Local:
    """An application's local deployment, and the Topology with its one place."""

    workspace: Workspace
    application: Application
    topology: Topology

    @property
    def record(self) -> Path:
        """Where it is kept what was written last."""
        folder = self.workspace.paths.landscape(self.workspace.landscape.name) / "local"
        return folder / f"{self.application.name}.json"

    @property
    def folder(self) -> Path:
        """The source."""
        source = self.application.source
        return Path(self.workspace.landscape.folder) / (source.path if source else ".")

    def manifests(self) -> Manifests:
        """What its source comes to now."""
        landscape = self.workspace.landscape
        sources = {self.application.name: read_source(landscape, self.application)}
        only = replace(landscape, applications=(self.application,), declared=())
        # No Argo CD comes here, so none gets rights.
        return render(only, self.topology, sources, Options(existing=frozenset({_CLUSTER})))

    def bring_up(self, report: Report) -> Path:
        """The developer's cluster, running; how it is reached."""
        specs = specifications(self.topology, self.manifests(), Contexts())
        workloads = tuple(
            EnvironmentSpec(spec.name, tuple(one for one in spec.clusters if one.role is Role.WORKLOAD))
            for spec in specs
        )
        engine = Engine(self.workspace.paths, self.workspace.clock)
        name = engine_name(self.workspace.landscape.name)
        return engine.up(name, workloads, report).cluster(_CLUSTER).kubeconfig

    def bound(self, connection: Connection) -> DeploymentManifests:
        """The namespace with everything around the application, and its services with passwords of their own."""
        manifests = self.manifests()
        place = manifests.deployments[0]
        wanted = manifests.cluster(_CLUSTER).objects
        live = read_live(connection, manifests.landscape, prune.KINDS)
        write(connection, wanted, compare(connection, _CLUSTER, wanted, live), live)
        credentials.create(connection, [place], credentials.missing(connection, _CLUSTER, [place], new=False))
        return place

    def wanted(self) -> _Objects:
        """The application's own objects, by what identifies them in their namespace."""
        kind = self.application.source.kind if self.application.source else SourceKind.HELM
        place = self.manifests().deployments[0]
        objects = objects_of(locate(self.workspace.paths), kind, place)
        return {f"{one['apiVersion']} {one['kind']} {one['metadata']['name']}": dict(one) for one in objects}


@dataclass(frozen=True, slots=True)
class _Loop:
    """A local deployment on its cluster; ``present`` are the objects as they were written there last."""

    local: _Local
    connection: Connection
    kubeconfig: Path
    place: DeploymentManifests
    present: _Objects

    def turn(self, timeout: float) -> Applied:
        """Write what changed, and wait until it is ready."""
        clock = self.local.workspace.clock
        began = clock.monotonic()
        done = _write(self.connection, self.local.wanted(), self.present)
        write_atomically(self.local.record, json.dumps(self.present).encode())
        applied = clock.monotonic() - began
        _await(self.connection, self.place, clock, timeout)
        healthy = clock.monotonic() - began
        turn = Applied(self.place.deployment, _CLUSTER, self.kubeconfig, done.written, done.removed, applied, healthy)
        _remember(self.local.workspace, self.local.application, turn)
        return turn


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


def _left(record: Path) -> _Objects:
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


def _write(connection: Connection, wanted: _Objects, present: _Objects) -> _Written:
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
