"""What happened, as a value: who did what to what, why, when, on which facts, for which clauses.

Facts are plain JSON, kept as they were: an auditor must be able to judge them without Ringfence. A class a kind of
event was rejected: the ledger outlives the code that wrote it, and must read kinds that it has never heard of.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ringfence.base.errors import InputError


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    ``kind`` is a dotted word (``promotion.done``), ``actor`` who did it, ``subject`` what it was done to
    (``portal/staging``), ``because`` a sentence, ``at`` a moment with an offset, ``facts`` JSON without secrets,
    ``clauses`` what it is evidence for (``mdr Annex VI 6.5.2``). ``once`` makes it happen once only: appending a second
    event with the same ``once`` gives the first entry back, so that a killed command can be run again.
    """

    kind: str
    actor: str
    subject: str
    because: str
    at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    clauses: tuple[str, ...] = ()
    once: str | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise InputError(f"{self.kind}: the time {self.at.isoformat()} has no offset from UTC")
        for name in ("kind", "actor", "subject"):
            if not getattr(self, name).strip():
                raise InputError(f"an event without {name} is no evidence; say it")

    def to_json(self) -> dict[str, Any]:
        """The event as JSON values; ``once`` only where it is set."""
        value: dict[str, Any] = {
            "kind": self.kind,
            "actor": self.actor,
            "subject": self.subject,
            "because": self.because,
            "at": self.at.isoformat(),
            "facts": dict(self.facts),
            "clauses": list(self.clauses),
        }
        if self.once is not None:
            value["once"] = self.once
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Event":
        """The event that ``to_json`` wrote. Raises KeyError, TypeError, ValueError or InputError for anything else."""
        return cls(
            kind=_string(value, "kind"),
            actor=_string(value, "actor"),
            subject=_string(value, "subject"),
            because=_string(value, "because"),
            at=datetime.fromisoformat(_string(value, "at")),
            facts=dict(value["facts"]),
            clauses=tuple(value["clauses"]),
            once=value.get("once"),
        )


def _string(value: Mapping[str, Any], key: str) -> str:
    found = value[key]
    if not isinstance(found, str):
        raise TypeError(f"{key} is not a string")
    return found


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON in one spelling only: keys sorted, no spaces, UTF-8. Raises InputError for what JSON cannot hold."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError) as error:
        raise InputError(f"the facts of an event must be plain JSON: {error}", reason="NotJson") from error
