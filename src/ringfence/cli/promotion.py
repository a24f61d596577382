"""What the verbs of promotion share: their options, and how an answer is printed."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths
from ringfence.cli.output import Format
from ringfence.flows.promotion.workspace import Workspace, open_workspace

File = Annotated[Path, typer.Option("-f", "--file", help="The Landscape, or its folder.")]
Actor = Annotated[
    str | None, typer.Option("--as", help="Who acts; default: the address that Git knows, else this machine's user.")
]
Output = Annotated[Format, typer.Option("-o", "--output", help="How the answer is printed.")]
Because = Annotated[str | None, typer.Option("--because", help="The reason, for the history and the ledger.")]
ReleaseName = Annotated[
    str | None, typer.Option("--release", help="A version or digest, where several releases stand.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")]
DEFAULT = Path("ringfence.yaml")


def workspace(file: Path, actor: str | None) -> Workspace:
    """Open the landscape with this machine's clock and folders."""
    return open_workspace(file, Paths.from_environment(), SystemClock(), actor)
