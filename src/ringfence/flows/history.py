"""The use case of looking back: what was released, promoted, demoted, held, refused; newest first, bounded."""

from dataclasses import dataclass
from typing import Any

from ringfence.flows.promotion.journal import Entry
from ringfence.flows.promotion.workspace import Workspace

MOST_ENTRIES = 100_000

EVENTS = (
    "released", "promoted", "demoted", "rolled-back", "refused", "queued", "withdrawn", "held", "lifted", "rejected",
    "approved", "followed", "verified", "applied-locally",
)  # fmt: skip
"""What entries may be about."""


@dataclass(frozen=True, slots=True)
class History:
    """A page of the history. ``total`` is how many entries there are in all."""

    landscape: str
    entries: tuple[Entry, ...]
    total: int

    def to_json(self) -> dict[str, Any]:
        """The history with the names of its schema."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "History",
            "metadata": {"name": self.landscape},
            "total": self.total,
            "entries": [entry.to_json() for entry in self.entries],
        }


def history(workspace: Workspace, what: str | None = None, *, event: str | None = None, limit: int = 20) -> History:
    """The newest ``limit`` entries, of everything, an application, or a deployment such as ``portal/staging``.

    Raises InputError for an application or deployment that there is not.
    """
    application = place = None
    if what is not None:
        application = what.partition("/")[0]
        workspace.application(application)
        if "/" in what:
            workspace.ladder(application).rung_of(what)
            place = what
    bounded = max(1, min(limit, MOST_ENTRIES))
    entries = workspace.journal.entries(application, event=event, place=place, limit=bounded)
    return History(workspace.landscape.name, entries, workspace.journal.count())
