"""What auditors get: every clause, every observation, raw facts, and no verdict that is theirs to give."""

import base64
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ringfence.base.clock import SetClock
from ringfence.evidence.entry import read_entry
from ringfence.evidence.event import Event
from ringfence.evidence.export import export_html, export_json
from ringfence.evidence.ledger import Ledger
from ringfence.evidence.oscal import control_id, export_oscal
from ringfence.evidence.signing import file_signer
from ringfence.evidence.store import FileStore

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NASTY = "<script>alert(1)</script>\u202e & \x1b[31m"
_UUID = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$"
_TOKEN = r"^[A-Za-z_][\w.\-]*$"

# The part of OSCAL 1.1.2's assessment-results model that is used, written from the published reference.
_OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": False}
_CONTROLS = {
    **_OBJECT,
    "required": ["control-selections"],
    "properties": {
        "control-selections": {
            "type": "array",
            "minItems": 1,
            "items": {
                **_OBJECT,
                "properties": {
                    "description": {"type": "string"},
                    "include-controls": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            **_OBJECT,
                            "required": ["control-id"],
                            "properties": {"control-id": {"type": "string", "pattern": _TOKEN}},
                        },
                    },
                },
            },
        }
    },
}
_PROPS = {
    "type": "array",
    "minItems": 1,
    "items": {
        **_OBJECT,
        "required": ["name", "value"],
        "properties": {
            "name": {"type": "string", "pattern": _TOKEN},
            "ns": {"type": "string", "format": "uri"},
            "value": {"type": "string", "pattern": r"^\S(.*\S)?$"},
        },
    },
}
_MOMENT = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"}
_OBSERVATION = {
    **_OBJECT,
    "required": ["uuid", "description", "methods", "collected"],
    "properties": {
        "uuid": {"type": "string", "pattern": _UUID},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "props": _PROPS,
        "methods": {"type": "array", "minItems": 1, "items": {"enum": ["EXAMINE", "INTERVIEW", "TEST", "UNKNOWN"]}},
        "collected": _MOMENT,
        "relevant-evidence": {
            "type": "array",
            "minItems": 1,
            "items": {
                **_OBJECT,
                "required": ["description"],
                "properties": {
                    "href": {"type": "string"},
                    "description": {"type": "string"},
                    "remarks": {"type": "string"},
                },
            },
        },
    },
}
_SCHEMA = {
    **_OBJECT,
    "required": ["assessment-results"],
    "properties": {
        "assessment-results": {
            **_OBJECT,
            "required": ["uuid", "metadata", "import-ap", "results"],
            "properties": {
                "uuid": {"type": "string", "pattern": _UUID},
                "metadata": {
                    **_OBJECT,
                    "required": ["title", "last-modified", "version", "oscal-version"],
                    "properties": {
                        "title": {"type": "string"},
                        "last-modified": _MOMENT,
                        "version": {"type": "string"},
                        "oscal-version": {"type": "string"},
                        "remarks": {"type": "string"},
                    },
                },
                "import-ap": {**_OBJECT, "required": ["href"], "properties": {"href": {"type": "string"}}},
                "results": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        **_OBJECT,
                        "required": ["uuid", "title", "description", "start", "reviewed-controls"],
                        "properties": {
                            "uuid": {"type": "string", "pattern": _UUID},
                            "title": {"type": "string"},
                            "description": {"type": "string"},
                            "start": _MOMENT,
                            "end": _MOMENT,
                            "props": _PROPS,
                            "reviewed-controls": _CONTROLS,
                            "observations": {"type": "array", "minItems": 1, "items": _OBSERVATION},
                        },
                    },
                },
                "back-matter": {
                    **_OBJECT,
                    "properties": {
                        "resources": {
                            "type": "array",
                            "minItems": 1,
                            "items": {
                                **_OBJECT,
                                "required": ["uuid"],
                                "properties": {
                                    "uuid": {"type": "string", "pattern": _UUID},
                                    "title": {"type": "string"},
                                    "description": {"type": "string"},
                                    "base64": {
                                        **_OBJECT,
                                        "required": ["value"],
                                        "properties": {
                                            "filename": {"type": "string", "pattern": _TOKEN},
                                            "media-type": {"type": "string"},
                                            "value": {"type": "string"},
                                        },
                                    },
                                },
                            },
                        }
                    },
                },
            },
        }
    },
}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    found = Ledger(
        "clinic", FileStore(tmp_path / "ledger.jsonl"), file_signer(tmp_path / "evidence.pem"), SetClock(NOON)
    )
    clauses = (("mdr Annex VI 6.5.2", "iso-27001 A.8.31"), ("iso-27001 A.8.31",), ())
    for number, named in enumerate(clauses):
        found.append(Event("promotion.done", "alice", NASTY, NASTY, NOON, {"number": number, "text": NASTY}, named))
    return found


def oscal(ledger: Ledger) -> dict[str, Any]:
    lines = {read_entry(line, None).digest: line for line in ledger._store.read().lines}
    value: dict[str, Any] = json.loads(json.dumps(export_oscal(ledger.verify(), lines, NOON)))
    return value


def test_json_has_every_clause_with_its_observations_and_their_raw_facts(ledger: Ledger) -> None:
    value = export_json(ledger.verify())
    assert [(one["regulation"], one["clause"], len(one["observations"])) for one in value["clauses"]] == [
        ("iso-27001", "A.8.31", 2),
        ("mdr", "Annex VI 6.5.2", 1),
    ]
    assert value["clauses"][0]["observations"][1]["facts"] == {"number": 1, "text": NASTY}
    assert [one["sequence"] for one in value["other"]] == [3]
    assert value["verification"]["intact"] is True


def test_oscal_fits_the_model_and_every_reference_resolves(ledger: Ledger) -> None:
    value = oscal(ledger)
    jsonschema.Draft202012Validator(_SCHEMA).validate(value)
    results = value["assessment-results"]
    resources = {resource["uuid"] for resource in results["back-matter"]["resources"]}
    text = json.dumps(value)
    assert set(re.findall(r'"href": "#([^"]+)"', text)) <= resources
    identifiers = re.findall(r'"uuid": "([^"]+)"', text)
    assert len(identifiers) == len(set(identifiers))
    assert "findings" not in text


def test_oscal_carries_the_signed_lines_so_that_signatures_can_be_checked(ledger: Ledger) -> None:
    resources = oscal(ledger)["assessment-results"]["back-matter"]["resources"]
    signed = [base64.b64decode(one["base64"]["value"]) for one in resources if one["title"].startswith("Entry")]
    assert signed == list(ledger._store.read().lines)


def test_the_same_ledger_gives_the_same_oscal(ledger: Ledger) -> None:
    assert oscal(ledger) == oscal(ledger)


def test_an_empty_ledger_has_results_too(tmp_path: Path) -> None:
    empty = Ledger("clinic", FileStore(tmp_path / "l.jsonl"), file_signer(tmp_path / "k.pem"), SetClock(NOON))
    jsonschema.Draft202012Validator(_SCHEMA).validate(oscal(empty))


@pytest.mark.parametrize("clause", ["hipaa 164.308(a)(4)(ii)(A)", "msbfs-2020-7 3 kap. 1-2 §", "9 1", "", None])
def test_a_clause_becomes_a_token(clause: str | None) -> None:
    assert re.fullmatch(_TOKEN, control_id(clause))


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_everything_and_runs_nothing(ledger: Ledger) -> None:
    page = _Text()
    text = export_html(ledger.verify())
    page.feed(text)
    assert "script" not in page.tags
    assert "\u202e" not in page.text
    for wanted in ("iso-27001 A.8.31", "mdr Annex VI 6.5.2", "alice", '"number": 1', ledger.verify().head):
        assert wanted in page.text
    assert "src=" not in text
    assert "http" not in text


def test_no_export_claims_what_only_an_auditor_may(ledger: Ledger) -> None:
    verification = ledger.verify()
    exports = (export_html(verification), json.dumps(export_json(verification)), json.dumps(oscal(ledger)))
    for text in exports:
        assert not re.search(r"complian|satisfied|fulfils the clause", text, re.IGNORECASE)


def test_a_broken_ledger_says_so_in_every_form(ledger: Ledger) -> None:
    path = Path(ledger._store.name)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    verification = ledger.verify()
    assert "not as it was written" in export_html(verification)
    assert export_json(verification)["verification"]["intact"] is False
    assert '"value": "no"' in json.dumps(oscal(ledger))
