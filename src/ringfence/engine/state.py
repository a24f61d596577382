"""What runs: the engine's answer, as plain values.

Nothing here holds a secret; keys and certificates are named by their paths.
"""

from dataclasses import dataclass
from pathlib import Path

from ringfence.engine.spec import Role


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process of the engine: what it is, its number (None: not running), and where it logs."""

    name: str
    pid: int | None
    log: Path

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.pid is not None


@dataclass(frozen=True, slots=True)
class ClusterState:
    """One cluster: where it is, how to reach it, and whether it answers."""

    name: str
    environment: str
    role: Role
    directory: Path
    server: str
    port: int
    version: str
    process: ProcessState
    ready: bool
    nodes: tuple[str, ...]
    message: str = ""

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig (group ``ringfence:administrators``, bound to cluster-admin)."""
        return self.user_kubeconfig("admin")

    @property
    def argocd_kubeconfig(self) -> Path:
        """The kubeconfig of the user ``ringfence:argocd``, with which the environment's Argo CD comes."""
        return self.user_kubeconfig("argocd")

    @property
    def certificate_authority(self) -> Path:
        """The certificate (PEM) that signed the API server's."""
        return self.directory / "pki" / "ca.crt"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log (JSON lines, metadata only)."""
        return self.directory / "audit" / "audit.log"

    @property
    def pid(self) -> int | None:
        """The number of the cluster's one process."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the cluster's process is there."""
        return self.process.running

    def user_kubeconfig(self, user: str) -> Path:
        """The kubeconfig of one of the cluster's certificate users: ``admin`` or ``argocd``."""
        return self.directory / "kubeconfig" / f"{user}.yaml"


@dataclass(frozen=True, slots=True)
class ArgocdState:
    """An environment's Argo CD: its process, where it keeps things, and whether it works."""

    directory: Path
    process: ProcessState
    ready: bool
    version: str
    namespace: str = "argocd"
    message: str = ""


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """One Environment: its clusters and, when it has a management cluster, its Argo CD."""

    name: str
    directory: Path
    clusters: tuple[ClusterState, ...]
    argocd: ArgocdState | None

    @property
    def repositories(self) -> Path:
        """The folder for the environment's bare Git repositories, that its Argo CD reads as ``file://``."""
        return self.directory / "git"

    @property
    def management(self) -> ClusterState | None:
        """The management cluster, or None."""
        return next((cluster for cluster in self.clusters if cluster.role is Role.MANAGEMENT), None)

    @property
    def workloads(self) -> tuple[ClusterState, ...]:
        """The workload clusters."""
        return tuple(cluster for cluster in self.clusters if cluster.role is Role.WORKLOAD)

    @property
    def ready(self) -> bool:
        """Whether every cluster and Argo CD answer."""
        return all(cluster.ready for cluster in self.clusters) and (self.argocd is None or self.argocd.ready)


@dataclass(frozen=True, slots=True)
class EngineState:
    """One landscape on the embedded engine; no environments when it was never brought up."""

    landscape: str
    directory: Path
    environments: tuple[EnvironmentState, ...]

    @property
    def clusters(self) -> tuple[ClusterState, ...]:
        """Every cluster of every environment."""
        return tuple(cluster for environment in self.environments for cluster in environment.clusters)

    @property
    def ready(self) -> bool:
        """Whether there is something and all of it answers."""
        return bool(self.environments) and all(environment.ready for environment in self.environments)

    @property
    def running(self) -> bool:
        """Whether any process is there."""
        return any(process.running for process in self.processes)

    @property
    def processes(self) -> tuple[ProcessState, ...]:
        """Every process, running or not: clusters' first, then Argo CDs'."""
        argocds = (environment.argocd for environment in self.environments)
        return (
            *(cluster.process for cluster in self.clusters),
            *(argocd.process for argocd in argocds if argocd is not None),
        )

    def environment(self, name: str) -> EnvironmentState:
        """The environment of that name; raises KeyError."""
        return next((one for one in self.environments if one.name == name), None) or _missing(name)

    def cluster(self, name: str) -> ClusterState:
        """The cluster of that name; raises KeyError."""
        found = next((cluster for cluster in self.clusters if cluster.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


def _missing(name: str) -> EnvironmentState:
    raise KeyError(name)
