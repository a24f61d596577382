"""What the verbs of promotion share: their options, and how an answer is printed."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths
from ringfence.cli.output import Format, say
from ringfence.flows.promotion.answers import Answer
from ringfence.flows.promotion.workspace import Workspace, open_workspace

Because = Annotated[str | None, typer.Option("--because", help="The reason, for the history and the ledger.")]
ReleaseName = Annotated[
    str | None, typer.Option("--release", help="A version or digest, where several releases stand.")
]
Timeout = Annotated[float, typer.Option(min=1.0, help="Seconds to wait for Argo CD and the rollout.")]


def workspace(file: Path, actor: str | None) -> Workspace:
    """Open the landscape with this machine's clock and folders."""
    opened = open_workspace(file, Paths.from_environment(), SystemClock(), actor)
    if opened.journal.stale:
        say(f"as it was when it was last seen: {opened.journal.stale}")
    return opened


def show(answer: Answer, output: Format) -> None:
    """Print an answer for a person: what happened, where it stands, what to do next."""
    way = answer.origin if answer.origin == answer.target else f"{answer.origin} → {answer.target}"
    what = answer.version or answer.release
    sys.stdout.write(f"{answer.outcome.value}: {what + ' ' if what else ''}{way}\n")
    if answer.because:
        sys.stdout.write(f"  {answer.because}\n")
    if answer.revision:
        seen = f", the cluster runs {answer.observed[:12]}" if answer.observed else ""
        sys.stdout.write(f"  committed as {answer.revision[:12]}{seen}\n")
    if answer.seconds:
        sys.stdout.write("  " + ", ".join(f"{name} {value:.1f} s" for name, value in answer.seconds.items()) + "\n")
    for one in answer.beside if output is Format.WIDE else ():
        sys.stdout.write(f"  beside it: {one['application']} {one['runs'] or 'as applied'} ({one['wanted']} wanted)\n")
    for note in answer.notes:
        sys.stdout.write(f"  note: {note}\n")
    if answer.hint:
        say(f"hint: {answer.hint}")
