"""Arguments and options that several verbs share, and the two steps that come first in each: read, decide."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ringfence.base.clock import Clock, SystemClock
from ringfence.base.paths import Paths
from ringfence.cli.output import Format
from ringfence.decide.topology import Topology
from ringfence.landscape.model import Landscape

File: TypeAlias = Annotated[Path, typer.Argument(help="The Landscape, or its folder.")]
Output: TypeAlias = Annotated[Format, typer.Option("-o", "--output", help="How to print.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]

ContextOptions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--context", help="CLUSTER=CONTEXT: a cluster that you have; may be given many times."),
]
Kubeconfig: TypeAlias = Annotated[Path | None, typer.Option("--kubeconfig", help="The kubeconfig with the contexts.")]
ArgocdOptions: TypeAlias = Annotated[
    list[str] | None, typer.Option("--argocd", help="ENVIRONMENT=NAMESPACE: where the Argo CD that is there works.")
]
RepositoryOptions: TypeAlias = Annotated[
    list[str] | None, typer.Option("--repository", help="ENVIRONMENT=URL: a Git repository that its Argo CD can read.")
]

HERE = Path("ringfence.yaml")


@dataclass(frozen=True, slots=True)
class Decided:
    """A Landscape with its Topology, and where this user's state is."""

    landscape: Landscape
    topology: Topology
    paths: Paths
    clock: Clock


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


def decide(file: Path) -> Decided:
    """Read the Landscape and plan it."""
    from ringfence.flows.plan import plan
    from ringfence.landscape.load import load_landscape

    landscape = load_landscape(file)
    return Decided(landscape, plan(landscape), Paths.from_environment(), SystemClock())
