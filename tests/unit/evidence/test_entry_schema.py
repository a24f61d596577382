"""Every kind of entry that is written fits the schema that auditors are given, and the schema names no other."""

import dataclasses
import json
import types
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promotion_world import Site, make_site
from ringfence.evidence.entry import ENTRY_TYPE
from ringfence.evidence.event import Event
from ringfence.evidence.place import evidence_folder, open_ledger
from ringfence.evidence.signing import open_envelope
from ringfence.flows.demote import demote
from ringfence.flows.rollback import rollback
from ringfence.flows.standing import approve, find, hold, lift, reject
from ringfence.order import state as order
from ringfence.promote.state import MoveKind
from ringfence.update import state as update
from ringfence.update.codec import event_to_json

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs/reference/schemas/ledger-entry.schema.json").read_text(encoding="utf-8")
)
LISTED = {one["if"]["properties"]["kind"]["const"] for one in SCHEMA["properties"]["event"]["allOf"]}
CHECKER = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    datetime: st.just(NOON),
    date: st.just(NOON.date()),
    Fraction: st.integers(0, 99).map(Fraction),
    str: st.sampled_from(["a", "1.4.0", "care"]),
    int: st.integers(0, 9),
    bool: st.booleans(),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type that entries hold. Not ``st.from_type``: what it is taught, it is taught for every test."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind in SIMPLE:
        return SIMPLE[kind]
    if origin in (Union, types.UnionType):
        return st.one_of([st.none() if one is type(None) else values_of(one) for one in inner])
    if origin is tuple:
        return st.lists(values_of(inner[0]), max_size=2).map(tuple)
    if origin is frozenset:
        return st.frozensets(values_of(inner[0]), max_size=2)
    if origin is not None:
        return st.dictionaries(st.sampled_from(["a", "b"]), values_of(inner[1]), max_size=2)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    hints = get_type_hints(kind)
    return st.builds(kind, **{one.name: values_of(hints[one.name]) for one in dataclasses.fields(kind)})


def payload_of(kind: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    event = Event(kind, "ada", "clinic", "", NOON, facts)
    return {
        "apiVersion": "ringfence.dev/v1", "kind": "LedgerEntry", "ledger": "clinic", "sequence": 1,
        "previous": "sha256:" + "0" * 64, "recorded": NOON.isoformat(), "event": event.to_json(),
    }  # fmt: skip


@pytest.mark.parametrize("kind", get_args(order.OrderEvent), ids=lambda kind: str(kind.__name__))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_orders(kind: type, data: st.DataObject) -> None:
    event = data.draw(values_of(kind))
    name = f"order.{kind.__name__.lower()}"
    assert name in LISTED
    CHECKER.validate(json.loads(json.dumps(payload_of(name, order.event_to_json(event)))))


@pytest.mark.parametrize("kind", get_args(update.UpdateEvent), ids=lambda kind: str(kind.__name__))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_updates(kind: type, data: st.DataObject) -> None:
    event = data.draw(values_of(kind))
    name = f"update.{kind.__name__.lower()}"
    assert name in LISTED
    CHECKER.validate(json.loads(json.dumps(payload_of(name, event_to_json(event)))))


def story(site: Site) -> None:
    """Everything that promotion writes down, once."""
    for version in ("1.0.0", "2.0.0"):
        site.release(version)
        site.climb("portal/local", "development", "testing", "staging", "production")
    workspace = site.workspace("carol")
    world = site.world(workspace)
    assert rollback(workspace, world, "portal", "errors").outcome == "done"
    assert rollback(workspace, world, "portal", "errors again").outcome == "refused"
    assert site.promote("portal/staging", "production").outcome == "refused"
    lift(workspace, find(workspace, "portal", "2.0.0"), "mended")
    assert demote(workspace, world, "portal/staging", "slow").outcome == "done"
    assert demote(workspace, world, "portal/testing-1", "slower").outcome == "refused"
    site.release("3.0.0")
    hold(workspace, find(workspace, "portal", "3.0.0"), "wait")
    approve(workspace, find(workspace, "portal", "3.0.0"), "development", "fine", emergency=False)
    reject(workspace, find(workspace, "portal", "3.0.0"), "wrong")


def test_promotions(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    story(site)
    ledger = evidence_folder(site.paths, "clinic") / "ledger.jsonl"
    seen = set()
    for line in ledger.read_bytes().splitlines():
        payload = json.loads(open_envelope(json.loads(line), ENTRY_TYPE).payload)
        CHECKER.validate(payload)
        seen.add(payload["event"]["kind"])
    assert open_ledger(site.paths, "clinic", site.clock).verify().intact
    elsewhere = {"release.verified"}  # written by updates: tests/unit/update/test_own_gates.py
    assert seen | elsewhere == {kind for kind in LISTED if kind.split(".")[0] in {*MoveKind, "release"}}


def test_the_schema_names_no_kind_that_nothing_writes() -> None:
    events = [("order", order.OrderEvent), ("update", update.UpdateEvent)]
    written = {f"{prefix}.{kind.__name__.lower()}" for prefix, union in events for kind in get_args(union)}
    assert {kind for kind in LISTED if kind.split(".")[0] in ("order", "update")} == written


def test_a_kind_of_another_version_is_let_through() -> None:
    CHECKER.validate(payload_of("weather.observed", {"anything": 1}))
    with pytest.raises(jsonschema.ValidationError):
        CHECKER.validate(payload_of("release.held", {"anything": 1}))
