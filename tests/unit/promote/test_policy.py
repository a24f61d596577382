"""The gates of a Landscape: those that are there by themselves, those that users write, and what they get wrong."""

from pathlib import Path

import pytest

from promotion_world import ROOT
from ringfence.base.document import parse_document
from ringfence.base.errors import InputError
from ringfence.flows.promotion.workspace import asked_gates
from ringfence.landscape.load import load_landscape, parse_landscape
from ringfence.promote.gates.facts import Separation
from ringfence.promote.ladder import ladder_of
from ringfence.promote.policy import Policy, policy_of

CLINIC = load_landscape(ROOT / "examples" / "clinic")


def policy(text: str) -> Policy:
    return policy_of(CLINIC, ("verification",), parse_document(text, "ringfence.yaml"))


def test_a_landscape_without_gates_has_those_of_its_stages_and_regulations() -> None:
    names = policy_of(CLINIC, asked_gates(CLINIC), None).names()
    assert names["development"] == ()
    assert names["testing"] == names["staging"] == ("separation", "health")
    assert names["production"] == ("separation", "health", "verification")


def test_own_gates_come_after_and_get_names_of_their_own() -> None:
    found = policy(
        """
groups: {managers: [carol]}
gates:
  - {gate: soak, stage: staging, for: 30m}
  - {gate: approval, stage: production, people: 2, group: managers}
  - {gate: freeze, stage: production, from: 2026-12-20, until: 2027-01-07, because: Christmas}
  - {gate: freeze, stage: production, daysOff: true}
  - {gate: window, stage: production, opens: "0 8 * * 1-5", for: 8h, name: office-hours}
"""
    )
    assert found.names()["staging"] == ("separation", "health", "soak")
    assert found.names()["production"][2:] == ("verification", "approval", "freeze", "freeze-2", "office-hours")
    assert found.groups == {"managers": ("carol",)}


def test_a_gate_of_the_same_kind_replaces_the_one_that_is_there() -> None:
    found = policy("gates: [{gate: separation, stage: testing, accept: [performance], because: one node}]")
    separation = next(gate for gate in found.gates["testing"] if gate.name == "separation")
    assert isinstance(separation, Separation)
    assert separation.accept == {"performance"}
    assert found.names()["testing"].count("separation") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gates: [{gate: aproval, stage: production}]", "no kind of gate; did you mean 'approval'"),
        ("gates: [{gate: approval, stage: prod}]", "known: development, production"),
        ("gates: [{gate: approval, stage: local}]", "gates"),
        ("gates: [{gate: soak, stage: staging}]", "for is missing"),
        ("gates: [{gate: soak, stage: staging, for: 2 hours}]", "write it as 90s, 30m, 8h or 2d"),
        ("gates: [{gate: window, stage: staging, opens: every day, for: 1h}]", "no cron expression"),
        ('gates: [{gate: window, stage: staging, opens: "0 8 * * *", for: 1h, timezone: Stockholm}]', "time zone"),
        ("gates: [{gate: freeze, stage: staging, from: 2027-01-07, until: 2026-12-20}]", "not after"),
        ("gates: [{gate: freeze, stage: staging, from: tomorrow, until: 2026-12-20}]", "write it as 2026-12-24"),
        ("gates: [{gate: approval, stage: staging, people: 0}]", "whole number from 1"),
        ("gates: [{gate: approval, stage: staging, persons: 2}]", "no key 'persons'"),
        ("gates: [{gate: tests, stage: staging, command: []}]", "command is empty"),
        ("gates: [{gate: separation, stage: staging, accept: [acces], because: x}]", "one of"),
        ("gates: [{gate: separation, stage: staging, accept: [access]}]", "needs a reason"),
        ("gate: []", "no key 'gate'"),
        ("groups: [carol]", "mapping"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        policy(text)
    said = f"{raised.value} {raised.value.hint}"
    assert message in said
    assert str(raised.value).startswith("ringfence.yaml:1:")


def test_ladders_follow_the_stages_that_are_there(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "clinic" / "ringfence.yaml").read_text()
    reduced = text.replace("        development: {}\n", "").replace("        local: {}\n", "")
    landscape = parse_landscape(reduced, tmp_path / "ringfence.yaml")
    ladder = ladder_of(landscape, landscape.application("portal"))
    assert [rung.stage for rung in ladder.rungs] == ["local", "testing", "staging", "production"]
    assert [rung.taken for rung in ladder.rungs] == [False, True, False, False]
    assert not ladder.rungs[0].placed
