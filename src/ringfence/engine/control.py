"""The engine itself: up, down, state.

It is one class because the three share where state lives, the clock and the programs; everything they do is in the
modules below it.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ringfence.base.clock import Clock, SystemClock
from ringfence.base.errors import StateError
from ringfence.base.paths import Paths
from ringfence.engine import flags as platform_flags
from ringfence.engine import processes, record, status
from ringfence.engine.binaries import Binaries, locate
from ringfence.engine.bringup import Report, Unit, bring_up
from ringfence.engine.layout import (
    Layout,
    argocd_environment,
    check_space,
    cluster_environment,
    private_folder,
    remove,
)
from ringfence.engine.lock import only_one
from ringfence.engine.observation import environment_state
from ringfence.engine.record import ClusterRecord, EngineRecord
from ringfence.engine.spec import EnvironmentSpec, Role, check
from ringfence.engine.state import EngineState

_PORT_SECONDS = 2.0


def _silent(_sentence: str) -> None:
    """Report nothing."""


class Engine:
    """The embedded engine of this user: every landscape under ``paths.state``.

    ``binaries`` are found by ``locate`` when they are needed and not given; ``environment`` is that of this process
    when it is not given.
    """

    def __init__(
        self,
        paths: Paths,
        clock: Clock | None = None,
        binaries: Binaries | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._paths = paths
        self._clock = clock or SystemClock()
        self._binaries = binaries
        self._environment = dict(os.environ if environment is None else environment)

    def binaries(self) -> Binaries:
        """The programs; raises StateError (``EngineMissing``) with every place that was looked at."""
        if self._binaries is None:
            self._binaries = locate(self._paths, self._environment)
        return self._binaries

    def up(self, landscape: str, environments: Sequence[EnvironmentSpec], report: Report = _silent) -> EngineState:
        """Make the landscape's clusters and Argo CDs those of ``environments``, and return once all of them answer.

        What runs and fits is left alone; what died is started again with its data; what is no longer asked for is
        stopped and its data removed. Raises InputError for names and quantities that cannot be, StateError when
        something on this machine is in the way, ConflictError when another command is at it.
        """
        check(landscape, environments)
        binaries = self.binaries()
        layout = self._layout(landscape)
        private_folder(layout.folder)
        with only_one(layout.folder, self._clock):
            check_space(layout.folder)
            planned = record.plan(landscape, layout.folder, environments)
            self._retire(layout, planned, report)
            planned = self._move_from_taken_ports(landscape, layout, planned, report)
            record.write(layout.folder, planned)
            for environment in environments:
                private_folder(layout.environment(environment.name))
            clusters = [
                self._cluster_unit(landscape, layout, planned, environment, index, binaries)
                for environment in environments
                for index in range(len(environment.clusters))
            ]
            bring_up(clusters, layout.folder, self._clock, report)
            argocds = [
                self._argocd_unit(layout, environment, binaries)
                for environment in environments
                if environment.management is not None
            ]
            bring_up(argocds, layout.folder, self._clock, report)
        return self.state(landscape)

    def down(self, landscape: str, purge: bool = False, report: Report = _silent) -> None:
        """Stop every process of the landscape; with ``purge`` remove everything in its state folder as well.

        Needs no programs and no readable record: processes are found in the process table. Done again it does nothing.
        """
        layout = self._layout(landscape)
        if not layout.folder.exists():
            processes.stop(processes.find(layout.folder), self._clock)
            return
        with only_one(layout.folder, self._clock):
            running = processes.find(layout.folder)
            for process in running:
                report(f"{process.directory.name}: stopping")
            processes.stop(running, self._clock)
            if purge:
                report(f"removing {layout.folder}")
                remove(layout.folder)

    def set_flags(
        self,
        landscape: str,
        environment: str,
        flags: Mapping[str, Sequence[str]],
        report: Report = _silent,
    ) -> None:
        """Give one environment's clusters these flags, by program (``kube-apiserver``), and stop its processes.

        The next ``up`` starts them with the flags and their data. Killed at any point, all of them have the old flags
        or all the new ones, and none runs with others than it has. Raises StateError when the environment is not there.
        """
        layout = self._layout(landscape)
        with only_one(layout.folder, self._clock):
            clusters = [one for one in record.read(layout.folder).clusters if one.environment == environment]
            if not clusters:
                raise StateError(
                    f"{environment}: this environment is not there", reason="NotUp", hint="ringfence up FILE"
                )
            report(f"{environment}: stopping, to start with the new platform")
            folder = layout.environment(environment)
            processes.stop(processes.find(folder), self._clock)
            platform_flags.write(folder, [layout.cluster(environment, one.name) for one in clusters], flags)

    def state(self, landscape: str) -> EngineState:
        """What is there and what runs, looked up now; changes nothing. Never brought up: no environments."""
        layout = self._layout(landscape)
        kept = record.read(layout.folder)
        running = {process.directory: process for process in processes.find(layout.folder)}
        environments = tuple(environment_state(layout, kept, name, running) for name in kept.environments)
        return EngineState(landscape, layout.folder, environments)

    def landscapes(self) -> tuple[str, ...]:
        """The names of the landscapes that were brought up and not purged."""
        return tuple(sorted(path.parent.name for path in self._paths.state.glob(f"*/{record.RECORD_NAME}")))

    def _layout(self, landscape: str) -> Layout:
        # Programs are found in the process table by the path they were given: it has to be the same every time.
        return Layout(Path(os.path.realpath(self._paths.landscape(landscape))))

    def _retire(self, layout: Layout, planned: EngineRecord, report: Report) -> None:
        """Stop and remove the clusters and environments that are no longer asked for."""
        wanted = {(one.environment, one.name) for one in planned.clusters}
        present = record.read(layout.folder)
        for one in present.clusters:
            if (one.environment, one.name) not in wanted:
                report(f"cluster {one.name}: no longer asked for; removing it with its data")
                self._remove_directory(layout.cluster(one.environment, one.name))
        for environment in present.environments:
            if environment not in planned.environments:
                self._remove_directory(layout.environment(environment))
            elif not any(one.environment == environment and one.role is Role.MANAGEMENT for one in planned.clusters):
                self._remove_directory(layout.argocd(environment))

    def _remove_directory(self, directory: Path) -> None:
        processes.stop(processes.find(directory), self._clock)
        if directory.exists():
            remove(directory)

    def _move_from_taken_ports(
        self, landscape: str, layout: Layout, planned: EngineRecord, report: Report
    ) -> EngineRecord:
        """Give another port to each cluster that is not running and whose port somebody else has taken meanwhile."""
        running = {process.directory for process in processes.find(layout.folder)}
        taken = {one.port for one in planned.clusters}
        moved = []
        for one in planned.clusters:
            port = one.port
            if layout.cluster(one.environment, one.name) not in running and not self._becomes_free(port):
                port = record.free_port(f"{landscape}/{one.name}", taken)
                taken.add(port)
                report(f"cluster {one.name}: port {one.port} is taken by another program; using {port} from now on")
            moved.append(ClusterRecord(one.environment, one.name, one.role, port, one.nodes))
        return EngineRecord(planned.environments, tuple(moved))

    def _becomes_free(self, port: int) -> bool:
        """Whether the port is free, or soon: the last thread of a killed cluster lets go of it a moment late."""
        deadline = self._clock.monotonic() + _PORT_SECONDS
        while not record.is_free(port):
            if self._clock.monotonic() > deadline:
                return False
            self._clock.sleep(0.05)
        return True

    def _cluster_unit(
        self,
        landscape: str,
        layout: Layout,
        planned: EngineRecord,
        environment: EnvironmentSpec,
        index: int,
        binaries: Binaries,
    ) -> Unit:
        cluster = environment.clusters[index]
        directory = private_folder(layout.cluster(environment.name, cluster.name))
        platform_flags.link(layout.environment(environment.name), [directory])
        port = planned.port(cluster.name) or 0
        configuration = directory / record.CLUSTER_FILE
        record.write_if_changed(configuration, record.cluster_document(landscape, environment.name, cluster, port))
        return Unit(
            title=f"cluster {cluster.name}",
            program=binaries.cluster,
            directory=directory,
            configuration=configuration,
            environment=cluster_environment(self._environment),
            reloads=True,
            healthy=lambda: status.answers(port, directory / "pki" / "ca.crt"),
        )

    def _argocd_unit(self, layout: Layout, environment: EnvironmentSpec, binaries: Binaries) -> Unit:
        assert environment.management is not None
        management = layout.cluster(environment.name, environment.management.name)
        directory = private_folder(layout.argocd(environment.name))
        private_folder(layout.repositories(environment.name))
        targets = {
            cluster.name: layout.cluster(environment.name, cluster.name) / "kubeconfig" / "argocd.yaml"
            for cluster in environment.clusters
            if cluster.role is Role.WORKLOAD
        }
        configuration = directory / "argocd.json"
        document = {
            "environment": environment.name,
            "management": str(management / "kubeconfig" / "admin.yaml"),
            "kubeconfig": str(management / "kubeconfig" / "argocd.yaml"),
            "crds": str(binaries.crds),
            # The generation makes Argo CD take over a credential that was renewed.
            "clusters": [
                {"name": name, "kubeconfig": str(path), "generation": status.generation(path)}
                for name, path in sorted(targets.items())
            ],
        }
        record.write_if_changed(configuration, document)
        return Unit(
            title=f"Argo CD of {environment.name}",
            program=binaries.argocd,
            directory=directory,
            configuration=configuration,
            environment=argocd_environment(self._environment, binaries, directory),
            reloads=False,
            healthy=lambda: True,
        )
