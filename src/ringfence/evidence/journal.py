"""A state machine's events in a file: what a process over weeks has to remember between two commands.

The events, not the state: a state that is rewritten in place can be half old and half new after a crash. A journal is
not evidence (it is not signed); what happened goes to the ledger too, and ``once`` keeps that single. Appending says
how many events the writer has seen, so that two people who decide at once cannot both win.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.base.errors import ConflictError, StateError
from ringfence.evidence.store import append_line, exclusive


class Journal:
    """JSON values, one a line, in the order they happened."""

    def __init__(self, path: Path) -> None:
        """``path`` need not exist yet."""
        self.path = path

    def read(self) -> tuple[Mapping[str, Any], ...]:
        """All events; a last line that was cut short is not one. Raises StateError where a line is no JSON object."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        found = []
        for number, line in enumerate(text.split(b"\n")[:-1], start=1):
            try:
                value = json.loads(line)
            except ValueError as error:
                raise self._unreadable(number) from error
            if not isinstance(value, dict):
                raise self._unreadable(number)
            found.append(value)
        return tuple(found)

    def append(self, value: Mapping[str, Any], *, seen: int) -> None:
        """Write one event and fsync it. Raises ConflictError when there are not ``seen`` events before it any more."""
        with exclusive(self.path.with_name(self.path.name + ".lock")):
            present = len(self.read())
            if present != seen:
                raise ConflictError(
                    f"{self.path}: somebody else decided first ({present} events, {seen} were known)",
                    reason="DecidedMeanwhile",
                    hint="look again at what was decided, then run the command again if it still applies",
                )
            append_line(self.path, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())

    def _unreadable(self, number: int) -> StateError:
        return StateError(
            f"{self.path}:{number}: this line is not an event",
            reason="JournalUnreadable",
            hint="the ledger has the same events: ringfence evidence list; restore the file from a copy",
        )
