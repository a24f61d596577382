"""The only door to the embedded engine: real Kubernetes clusters and Argo CD as ordinary processes of this user.

Callers use what is named here and nothing deeper. The engine takes plain values (``EnvironmentSpec``), knows no
Landscape and no Topology, and speaks to no Kubernetes API: the cluster program says in a status file what it has
reached. Containers were rejected: they need a daemon, root or both; a virtual machine needs hardware support.

How it is used::

    from ringfence.base.clock import SystemClock
    from ringfence.base.paths import Paths
    from ringfence.engine import ClusterSpec, Engine, EnvironmentSpec, NodeSpec, Role, Taint

    engine = Engine(Paths.from_environment(), SystemClock())
    state = engine.up(
        "clinic",
        [
            EnvironmentSpec(
                "production",
                (
                    ClusterSpec("production-management", Role.MANAGEMENT),
                    ClusterSpec(
                        "production-1",
                        Role.WORKLOAD,
                        (NodeSpec("apps-1", "apps", {"node-restriction.kubernetes.io/pool": "apps"}, (), "4", "16Gi"),),
                    ),
                ),
            )
        ],
        report=print,
    )
    state.cluster("production-1").kubeconfig       # Path, administrator's; 0600
    state.environment("production").repositories   # Path: put bare Git repositories here, Argo CD reads file://...
    engine.state("clinic")                         # what runs now; changes nothing
    engine.down("clinic")                          # no process is left
    engine.down("clinic", purge=True)              # no file is left

``up`` is idempotent: it starts what does not run, mends what was half-written, adds and removes nodes and clusters
until the landscape is what was asked for, and returns once everything answers. Every call may be killed at any
moment and made again. Each environment's Argo CD knows its workload clusters by their names
(``destination: {name: production-1}``) and works in the namespace ``argocd`` of the management cluster; its
Applications and AppProjects go there. ``report`` gets one sentence a step, for people.

Errors: ``ringfence.base.errors`` only (EngineMissing, PortTaken, NoSpace, ... as ``reason``).
"""

from ringfence.engine.binaries import Binaries, locate
from ringfence.engine.control import Engine
from ringfence.engine.spec import ClusterSpec, EnvironmentSpec, NodeSpec, Role, Taint
from ringfence.engine.state import ArgocdState, ClusterState, EngineState, EnvironmentState, ProcessState

__all__ = [
    "ArgocdState",
    "Binaries",
    "ClusterSpec",
    "ClusterState",
    "Engine",
    "EngineState",
    "EnvironmentSpec",
    "EnvironmentState",
    "NodeSpec",
    "ProcessState",
    "Role",
    "Taint",
    "locate",
]
