"""The steps that come first in every verb that builds: read the Landscape, decide, take what clusters were named."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.base.clock import Clock, SystemClock
from ringfence.base.paths import Paths
from ringfence.decide.topology import Topology
from ringfence.landscape.model import Landscape

if TYPE_CHECKING:
    from ringfence.flows.brought import Brought


@dataclass(frozen=True, slots=True)
class Decided:
    """A Landscape with its Topology, and where this user's state is."""

    landscape: Landscape
    topology: Topology
    paths: Paths
    clock: Clock


def decide(file: Path) -> Decided:
    """Read the Landscape and plan it."""
    from ringfence.flows.plan import plan
    from ringfence.landscape.load import load_landscape

    landscape = load_landscape(file)
    return Decided(landscape, plan(landscape), Paths.from_environment(), SystemClock())


def warn_of_other_origin(decided: Decided, file: Path) -> None:
    """Say so when the clusters of this landscape were last built from another file."""
    from ringfence.cli.output import say
    from ringfence.flows.origin import other_origin

    other = other_origin(decided.paths, decided.landscape.name, file)
    if other is not None:
        say(
            f"note: {decided.landscape.name} was last built from {other}; what this file does not name goes. "
            "Another landscape needs another metadata.name"
        )


def brought(
    contexts: list[str] | None, kubeconfig: Path | None, argocd: list[str] | None, repositories: list[str] | None
) -> "Brought":
    """What the user has already, as the options name it."""
    from ringfence.flows.brought import Brought

    return Brought(tuple(contexts or ()), kubeconfig, tuple(argocd or ()), tuple(repositories or ()))
