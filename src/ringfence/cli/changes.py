"""How a ChangeSet is printed: one line an object, the same for ``diff``, ``apply --dry-run`` and ``apply``."""

from ringfence.base.text import plural
from ringfence.cli.output import Format, Table, print_data, print_table, say
from ringfence.deliver.changes import Action, ChangeSet

_FIELDS = 4


def print_changes(changes: ChangeSet, kind: str, landscape: str, output: Format) -> None:
    """To stdout: a table for people, ``{"kind": ..., "changes": [...]}`` for machines."""
    document = {
        "apiVersion": "ringfence.dev/v1",
        "kind": kind,
        "landscape": landscape,
        "clean": changes.clean,
        "changes": [change.to_json() for change in changes.changes],
    }
    if print_data(document, output):
        return
    if not changes.changes:
        say("no differences")
        return
    rows = []
    for change in changes.changes:
        shown = change.fields if output is Format.WIDE else change.fields[:_FIELDS]
        more = f" and {len(change.fields) - len(shown)} more" if len(shown) < len(change.fields) else ""
        rows.append((change.action.value, change.where, str(change.key), change.because or ", ".join(shown) + more))
    print_table(Table(("action", "where", "object", "what"), tuple(rows)))
    counts = changes.counts()
    say(", ".join(f"{plural(counts[action], 'object')} to {action.value}" for action in Action if counts[action]))
