"""The ledger clause by clause, for those who have to judge it: as JSON, and as one HTML page that needs nothing else.

Observations only. Whether a clause is fulfilled is the auditor's judgement and is nowhere stated here; what is stated
is what happened, who did it, why, on which facts, and where in the ledger that stands.
"""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.base.text import plural, printable
from ringfence.evidence.entry import Entry
from ringfence.evidence.verify import Verification

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
border-bottom: 1px solid #ccc; } pre { overflow-x: auto; background: #f4f4f4; padding: .5rem; }
.bad { border-left: .4rem solid #b00020; padding-left: .8rem; } .good { border-left: .4rem solid #1b6e3a;
padding-left: .8rem; } code { overflow-wrap: anywhere; } td:nth-child(2) { white-space: nowrap; }
"""


@dataclass(frozen=True, slots=True)
class ClauseEvidence:
    """A clause as ``REGULATION CLAUSE`` and the entries that were recorded for it; no name: recorded for none."""

    name: str | None
    entries: tuple[Entry, ...]

    @property
    def regulation(self) -> str | None:
        """The regulation's short name."""
        return None if self.name is None else self.name.split(" ", 1)[0]


def by_clause(entries: Sequence[Entry]) -> tuple[ClauseEvidence, ...]:
    """``entries`` under each clause that they name, clauses in alphabetical order, those that name none last."""
    found: dict[str, list[Entry]] = {}
    rest: list[Entry] = []
    for entry in entries:
        for clause in entry.event.clauses:
            found.setdefault(clause, []).append(entry)
        if not entry.event.clauses:
            rest.append(entry)
    named = [ClauseEvidence(name, tuple(found[name])) for name in sorted(found)]
    return (*named, ClauseEvidence(None, tuple(rest))) if rest else tuple(named)


def export_json(verification: Verification) -> dict[str, Any]:
    """The value ``EvidenceExport``: the verification, then every clause with its observations and their raw facts."""
    clauses = by_clause(verification.trusted)
    return {
        "apiVersion": "ringfence.dev/v1",
        "kind": "EvidenceExport",
        "ledger": verification.ledger,
        "verification": {key: value for key, value in verification.to_json().items() if key not in _ENVELOPE},
        "clauses": [
            {
                "regulation": clause.regulation,
                "clause": clause.name.partition(" ")[2] or clause.name,
                "observations": [entry.to_json() for entry in clause.entries],
            }
            for clause in clauses
            if clause.name is not None
        ],
        "other": [entry.to_json() for clause in clauses if clause.name is None for entry in clause.entries],
    }


_ENVELOPE = ("apiVersion", "kind", "ledger")


def export_html(verification: Verification) -> str:
    """The same as one page: no script, no font, nothing fetched."""
    clauses = by_clause(verification.trusted)
    title = f"Evidence of {_safe(verification.ledger or 'an empty ledger')}"
    contents = "".join(
        f'<li><a href="#clause-{number}">{_safe(clause.name or "Not recorded for a clause")}</a>: '
        f"{plural(len(clause.entries), 'observation')}</li>"
        for number, clause in enumerate(clauses)
    )
    sections = "".join(_section(number, clause) for number, clause in enumerate(clauses))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{_verified(verification)}"
        f"<h2>Clauses</h2><ul>{contents}</ul>{sections}</body></html>\n"
    )


def _verified(verification: Verification) -> str:
    if verification.intact:
        verdict = (
            f'<p class="good">All {plural(verification.entries, "entry", "entries")} are signed by a trusted key and '
            "follow each other without a gap.</p>"
        )
    else:
        rows = "".join(
            f"<li>{_safe(finding.fault.value)}{f', line {finding.line}' if finding.line else ''}: "
            f"{_safe(finding.detail)}</li>"
            for finding in verification.findings
        )
        verdict = f'<div class="bad"><p>The ledger is not as it was written:</p><ul>{rows}</ul></div>'
    notes = "".join(f"<li>{_safe(note)}</li>" for note in verification.notes)
    return (
        f"{verdict}<p>Digest of the last entry: <code>{_safe(verification.head)}</code></p>"
        f"{f'<ul>{notes}</ul>' if notes else ''}"
        "<p>This page says what was observed. Whether a clause is fulfilled is for its reader to judge.</p>"
    )


def _section(number: int, clause: ClauseEvidence) -> str:
    rows = "".join(_row(entry) for entry in clause.entries)
    return (
        f'<h2 id="clause-{number}">{_safe(clause.name or "Not recorded for a clause")}</h2><table><thead><tr>'
        "<th>Entry</th><th>When</th><th>Who</th><th>What</th><th>Why, and the facts</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _row(entry: Entry) -> str:
    event = entry.event
    lines = json.dumps(event.facts, indent=2, sort_keys=True, ensure_ascii=False).split("\n")
    facts = "\n".join(printable(line) for line in lines)
    when = event.at.isoformat(" ", "seconds")
    return (
        f"<tr><td>{entry.sequence}</td><td>{_safe(when)}</td><td>{_safe(event.actor)}</td>"
        f"<td>{_safe(event.kind)}<br>{_safe(event.subject)}</td><td>{_safe(event.because)}<details><summary>facts"
        f"</summary><pre>{html.escape(facts)}</pre><code>{_safe(entry.digest)}</code></details></td></tr>"
    )


def _safe(text: str) -> str:
    return html.escape(printable(text))
