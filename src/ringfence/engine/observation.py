"""From what is written down, what runs and what the programs say: the state of an environment.

Looked up each time. A state that is kept in a file was rejected: it would be wrong as soon as something is killed.
"""

from collections.abc import Mapping
from pathlib import Path

from ringfence.engine import status
from ringfence.engine.layout import Layout, log_of
from ringfence.engine.processes import Running
from ringfence.engine.record import ClusterRecord, EngineRecord
from ringfence.engine.spec import Role
from ringfence.engine.state import ArgocdState, ClusterState, EnvironmentState, ProcessState


def environment_state(
    layout: Layout, kept: EngineRecord, name: str, running: Mapping[Path, Running]
) -> EnvironmentState:
    """One environment of the record, with what ``running`` and the programs' own words say of it."""
    clusters = tuple(_cluster_state(layout, one, running) for one in kept.clusters if one.environment == name)
    management = next((cluster for cluster in clusters if cluster.role is Role.MANAGEMENT), None)
    argocd = _argocd_state(layout.argocd(name), management, running) if management is not None else None
    return EnvironmentState(name, layout.environment(name), clusters, argocd)


def _cluster_state(layout: Layout, one: ClusterRecord, running: Mapping[Path, Running]) -> ClusterState:
    directory = layout.cluster(one.environment, one.name)
    process = running.get(directory)
    said = status.read(directory)
    says_ready = process is not None and said is not None and said.pid == process.pid and said.phase == "ready"
    return ClusterState(
        name=one.name,
        environment=one.environment,
        role=one.role,
        directory=directory,
        server=f"https://127.0.0.1:{one.port}",
        port=one.port,
        version=said.version if said is not None else "",
        process=ProcessState(f"cluster {one.name}", process.pid if process else None, log_of(directory)),
        ready=says_ready and status.answers(one.port, directory / "pki" / "ca.crt"),
        nodes=one.nodes,
        message=said.message if said is not None else "",
    )


def _argocd_state(directory: Path, management: ClusterState, running: Mapping[Path, Running]) -> ArgocdState:
    process = running.get(directory)
    said = status.read(directory)
    says_ready = process is not None and said is not None and said.pid == process.pid and said.phase == "ready"
    return ArgocdState(
        directory=directory,
        process=ProcessState(
            f"Argo CD of {management.environment}", process.pid if process else None, log_of(directory)
        ),
        ready=says_ready and management.ready,
        version=said.version if said is not None else "",
        message=said.message if said is not None else "",
    )
