"""``kubectl``: which program to run, against which cluster, when a machine has no kubectl of its own.

The engine compiles kubectl of its clusters' version, so that a person who has only Ringfence can look into them. It
runs with that cluster's kubeconfig and nothing of ``~/.kube``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.errors import InputError, StateError
from ringfence.base.text import suggestion
from ringfence.engine import Binaries, EngineState


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command line, its program first."""

    program: Path
    arguments: tuple[str, ...]


def kubectl(state: EngineState, binaries: Binaries, cluster: str, words: Sequence[str]) -> Invocation:
    """The command line for ``words`` on that cluster. StateError: nothing is up; InputError: no such cluster."""
    names = [one.name for one in state.clusters]
    if not names:
        raise StateError(
            f"{state.landscape}: it has no embedded cluster", reason="NotUp", hint="ringfence up FILE brings it up"
        )
    if cluster not in names:
        raise InputError(
            f"{state.landscape}: there is no embedded cluster {cluster!r}; {suggestion(cluster, names)}".rstrip("; "),
            reason="NoSuchCluster",
            hint="ringfence status FILE shows the clusters that are there",
        )
    kubeconfig = state.cluster(cluster).kubeconfig
    return Invocation(binaries.kubectl, ("kubectl", f"--kubeconfig={kubeconfig}", *words))
