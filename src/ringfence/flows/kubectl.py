"""``kubectl``: which program to run, against which cluster, when a machine has no kubectl of its own.

The engine compiles kubectl of its clusters' version, so that a person who has only Ringfence can look into them. It
runs with that cluster's kubeconfig and nothing of ``~/.kube``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.engine import Binaries, EngineState
from ringfence.flows.kubeconfig import check_cluster


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command line, its program first."""

    program: Path
    arguments: tuple[str, ...]


def kubectl(state: EngineState, binaries: Binaries, cluster: str, words: Sequence[str]) -> Invocation:
    """The command line for ``words`` on that cluster. StateError: nothing is up; InputError: no such cluster."""
    check_cluster(state, cluster)
    kubeconfig = state.cluster(cluster).kubeconfig
    return Invocation(binaries.kubectl, ("kubectl", f"--kubeconfig={kubeconfig}", *words))
