"""The ledger as OSCAL assessment results (NIST, version 1.1.2), which governance tools read.

One result a clause, each entry an observation. There are no OSCAL ``findings``: a finding has to say ``satisfied`` or
``not-satisfied``, and that is the auditor's word, not a tool's. Assessment results must import an assessment plan; a
small one is carried along in the back matter, and so is every signed line as it stands in the ledger, so that the
signatures can be checked from this one file. Identifiers are derived from digests: the same ledger gives the same file.
"""

import base64
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ringfence import __version__
from ringfence.evidence.entry import Entry
from ringfence.evidence.export import ClauseEvidence, by_clause
from ringfence.evidence.verify import Verification

OSCAL_VERSION = "1.1.2"
_SPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "evidence.ringfence.dev")
_NAMESPACE = "https://ringfence.dev/ns/oscal"
_UNFIT = re.compile(r"[^\w.\-]+")
_UNCLAIMED = "other"


def export_oscal(verification: Verification, lines: Mapping[str, bytes], now: datetime) -> dict[str, Any]:
    """The OSCAL document. ``lines`` maps an entry's digest to its signed line; ``now`` is when it is exported."""
    ledger = verification.ledger or "empty"
    clauses = by_clause(verification.trusted)
    return {
        "assessment-results": {
            "uuid": _identifier("results", ledger, verification.head),
            "metadata": _metadata(f"Evidence of {ledger}", now),
            "import-ap": {"href": f"#{_identifier('plan', ledger)}"},
            "results": [_result(ledger, clause, verification) for clause in clauses] or [_nothing(ledger, now)],
            "back-matter": {"resources": [_plan(ledger, clauses, now), *_signed(verification.trusted, lines)]},
        }
    }


def control_id(clause: str | None) -> str:
    """A clause as an OSCAL token: letters, digits, ``.``, ``-`` and ``_``, beginning with a letter."""
    token = _UNFIT.sub("-", clause or _UNCLAIMED).strip("-.")
    return token if token[:1].isalpha() else f"clause-{token}"


def _metadata(title: str, now: datetime) -> dict[str, Any]:
    return {
        "title": title,
        "last-modified": now.isoformat(),
        "version": __version__,
        "oscal-version": OSCAL_VERSION,
        "remarks": "Observations only: whether a clause is fulfilled is for the reader to judge.",
    }


def _result(ledger: str, clause: ClauseEvidence, verification: Verification) -> dict[str, Any]:
    moments = [entry.event.at for entry in clause.entries]
    return {
        "uuid": _identifier("result", ledger, clause.name or "", verification.head),
        "title": clause.name or "Observations recorded for no clause",
        "description": f"What the ledger of {ledger} holds for this clause.",
        "start": min(moments).isoformat(),
        "end": max(moments).isoformat(),
        "props": [
            _property("ledger-intact", "yes" if verification.intact else "no"),
            _property("ledger-head", verification.head),
            _property("ledger-entries", str(verification.entries)),
        ],
        "reviewed-controls": _controls([clause]),
        "observations": [_observation(entry, clause.name) for entry in clause.entries],
    }


def _nothing(ledger: str, now: datetime) -> dict[str, Any]:
    return {
        "uuid": _identifier("result", ledger, "nothing"),
        "title": "Nothing was observed",
        "description": f"The ledger of {ledger} holds no entry that can be believed.",
        "start": now.isoformat(),
        "reviewed-controls": {"control-selections": [{"description": "none"}]},
    }


def _controls(clauses: Sequence[ClauseEvidence]) -> dict[str, Any]:
    return {
        "control-selections": [
            {
                "description": "the clauses that entries of the ledger name",
                "include-controls": [{"control-id": control_id(clause.name)} for clause in clauses],
            }
        ]
    }


def _observation(entry: Entry, clause: str | None) -> dict[str, Any]:
    event = entry.event
    facts = json.dumps(event.facts, sort_keys=True, ensure_ascii=False)
    return {
        "uuid": _identifier("observation", entry.digest, clause or ""),
        "title": f"{event.kind}: {event.subject}",
        "description": event.because or event.kind,
        "props": [
            _property("actor", event.actor),
            _property("sequence", str(entry.sequence)),
            _property("digest", entry.digest),
        ],
        "methods": ["TEST"],
        "collected": event.at.isoformat(),
        "relevant-evidence": [
            {
                "href": f"#{_identifier('entry', entry.digest)}",
                "description": "the entry as it was signed",
                "remarks": f"Raw facts: {facts}",
            }
        ],
    }


def _property(name: str, value: str) -> dict[str, Any]:
    # OSCAL values are single lines without space at either end.
    return {"name": name, "ns": _NAMESPACE, "value": " ".join(value.split()) or "none"}


def _signed(entries: Sequence[Entry], lines: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [
        {
            "uuid": _identifier("entry", entry.digest),
            "title": f"Entry {entry.sequence} of the ledger",
            "base64": {
                "filename": f"entry-{entry.sequence}.json",
                "media-type": "application/json",
                "value": base64.b64encode(lines[entry.digest]).decode(),
            },
        }
        for entry in entries
    ]


def _plan(ledger: str, clauses: Sequence[ClauseEvidence], now: datetime) -> dict[str, Any]:
    system = _identifier("system", ledger)
    plan = {
        "assessment-plan": {
            "uuid": _identifier("plan-document", ledger),
            "metadata": _metadata(f"How the separation of {ledger} is observed", now),
            "import-ssp": {"href": f"#{system}"},
            "reviewed-controls": _controls(clauses) if clauses else {"control-selections": [{"description": "none"}]},
            "back-matter": {"resources": [{"uuid": system, "title": ledger, "description": "the Landscape"}]},
        }
    }
    return {
        "uuid": _identifier("plan", ledger),
        "title": "Assessment plan",
        "description": "Everything that is decided, proved, promoted or updated is written to a signed ledger.",
        "base64": {
            "filename": "assessment-plan.json",
            "media-type": "application/json",
            "value": base64.b64encode(json.dumps(plan, sort_keys=True).encode()).decode(),
        },
    }


def _identifier(*parts: str) -> str:
    return str(uuid.uuid5(_SPACE, "\n".join(parts)))
