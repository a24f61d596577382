"""``ringfence apply``: change what differs, prune what is gone."""

from typing import Annotated

import typer

from ringfence.cli.arguments import (
    HERE,
    ArgocdOptions,
    ContextOptions,
    DryRun,
    File,
    Kubeconfig,
    Output,
    RepositoryOptions,
)
from ringfence.cli.changes import print_changes
from ringfence.cli.decided import brought, decide, warn_of_other_origin
from ringfence.cli.output import Format, Table, print_data, print_table, say


def command(
    file: File = HERE,
    context: ContextOptions = None,
    kubeconfig: Kubeconfig = None,
    argocd: ArgocdOptions = None,
    repository: RepositoryOptions = None,
    prune_foreign: Annotated[
        bool, typer.Option("--prune-foreign", help="Remove namespaces that hold what Ringfence did not make as well.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="How long to wait for Argo CD, in seconds.", min=1.0)] = 300.0,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Change what differs, deliver, prune what is gone; done when every deployment runs its revision and is healthy."""
    from ringfence.flows.apply import apply, prepared
    from ringfence.flows.brought import take
    from ringfence.flows.origin import remember_origin

    decided = decide(file)
    warn_of_other_origin(decided, file)
    said = brought(context, kubeconfig, argocd, repository)
    name = decided.landscape.name
    targets = take(name, decided.topology, decided.paths, decided.clock, said, remember=not dry_run)
    with prepared(decided.landscape, decided.topology, targets, foreign=prune_foreign) as ready:
        for note in ready.manifests.notes:
            say(f"note: {note.subject}: {note.text}")
        if dry_run:
            print_changes(ready.changes, "Differences", name, output)
            return
        remember_origin(decided.paths, name, file)
        result = apply(ready, targets, timeout=timeout, report=say)
    if print_data(result.to_json(), output):
        return
    if output is Format.WIDE:
        print_changes(result.changes, "Applied", name, output)
    rows = tuple(
        (name, one.revision[:12], "running", f"{one.synced:.1f} s", f"{one.healthy:.1f} s")
        for name, one in sorted(result.arrived.items())
    )
    print_table(Table(("deployment", "revision", "state", "synced", "healthy"), rows))
    changed = len(result.changes.changes)
    say(f"{changed} differences applied" if changed else "nothing differed")
