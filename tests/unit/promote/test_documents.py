"""The documents that promotion prints fit their schemas, and the reference names every kind of gate."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from promotion_world import ROOT, make_site
from ringfence.flows.demote import demote
from ringfence.flows.history import EVENTS, history
from ringfence.flows.loops import loops
from ringfence.flows.standing import approve, find, lift, reject
from ringfence.promote.gates.registry import KINDS

SCHEMAS = ROOT / "docs" / "reference" / "schemas"


def check(document: dict[str, Any], schema: str) -> None:
    found = json.loads((SCHEMAS / f"{schema}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    jsonschema.validate(document, found, format_checker=jsonschema.FormatChecker())


def test_every_document_fits_its_schema(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    check(site.release("1.0.0").to_json(), "release")
    check(site.promote("portal/local", "staging").to_json(), "promotion")
    check(site.promote("portal/local", "development", dry_run=True).to_json(), "promotion")
    check(site.promote("portal/local", "development").to_json(), "promotion")
    check(site.promote("portal/development", "testing").to_json(), "promotion")
    workspace = site.workspace()
    check(demote(workspace, site.world(workspace), "portal/testing-1", "slow").to_json(), "promotion")
    check(demote(workspace, site.world(workspace), "portal/staging", "slow").to_json(), "promotion")
    lift(workspace, find(workspace, "portal/development"), "mended")
    bob = site.workspace("bob")
    approve(bob, find(bob, "portal/development"), "testing", None, emergency=False)
    reject(workspace, find(workspace, "portal/development"), "wrong")
    check(history(workspace, limit=100).to_json(), "history")
    check(loops(workspace).to_json(), "loops")


def test_a_wrong_document_does_not_fit() -> None:
    with pytest.raises(jsonschema.ValidationError):
        check({"apiVersion": "ringfence.dev/v1", "kind": "Promotion", "state": "fine"}, "promotion")


def test_the_reference_names_every_kind_of_gate() -> None:
    text = (ROOT / "docs" / "reference" / "gates.md").read_text()
    assert [name for name in KINDS if f"| `{name}` |" not in text] == []


def test_the_schema_of_the_history_names_every_event() -> None:
    schema = json.loads((SCHEMAS / "history.schema.json").read_text(encoding="utf-8"))
    named = schema["properties"]["entries"]["items"]["properties"]["event"]["enum"]
    assert sorted(named) == sorted(EVENTS)
