"""Arguments and options that several verbs share: one spelling and one explanation each.

Nothing heavy is imported here: every ``--help`` reads this module.
"""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ringfence.base.errors import UsageError
from ringfence.cli.output import Format

HERE = Path("ringfence.yaml")
_FILE_OPTION = ("-f", "--file")

File: TypeAlias = Annotated[Path, typer.Argument(help="The Landscape, or its folder.")]
LandscapeOption: TypeAlias = Annotated[Path, typer.Option(*_FILE_OPTION, help="The Landscape, or its folder.")]
Output: TypeAlias = Annotated[Format, typer.Option("-o", "--output", help="How to print.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]
Actor: TypeAlias = Annotated[
    str | None, typer.Option("--as", help="Who acts; default: the address that Git knows, else this machine's user.")
]
Reason: TypeAlias = Annotated[str, typer.Option("--because", help="The reason, for the ledger.")]

# Clusters for what a Landscape asks

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

# Clusters to prove, or to ask

SnapshotsToRead: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--snapshot", metavar="NAME=PATH", help="Objects of a cluster: a file, a folder, or -."),
]
ContextsToRead: TypeAlias = Annotated[
    list[str] | None, typer.Option("--context", metavar="NAME=CONTEXT", help="A live cluster.")
]


def snapshot_paths(given: list[str] | None) -> dict[str, Path]:
    """``--snapshot NAME=PATH`` by name. Raises UsageError for one without a name, or with another's."""
    return {name: Path(path) for name, path in _named(given, "--snapshot", "PATH").items()}


def context_names(given: list[str] | None) -> dict[str, str]:
    """``--context NAME=CONTEXT`` by name. Raises UsageError for one without a name, or with another's."""
    return _named(given, "--context", "CONTEXT")


def _named(given: list[str] | None, option: str, what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in given or ():
        name, equals, rest = value.partition("=")
        if not equals or not name or not rest:
            raise UsageError(f"{option} {value}: it is written {option} NAME={what}")
        if name in found:
            raise UsageError(f"{option}: the cluster {name!r} is given twice")
        found[name] = rest
    return found
