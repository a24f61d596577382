"""A proof in the ledger: what an auditor finds there, and which proofs belong there."""

import json
from pathlib import Path

import pytest

from ringfence.base.clock import SystemClock
from ringfence.base.errors import UsageError
from ringfence.base.paths import Paths
from ringfence.evidence.place import open_ledger
from ringfence.flows.proof_record import check_recordable, record_proof
from ringfence.flows.prove import ProveRequest, prove_snapshot
from ringfence.prove.snapshot import snapshot_of
from unit.prove.proof_worlds import THERE, base, cluster, grant, partition, rule

CLINIC = Path(__file__).parents[3] / "examples" / "clinic" / "ringfence.yaml"


def test_the_ledger_holds_what_does_not_hold_and_under_which_assumptions(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "state", tmp_path / "data", tmp_path / "cache")
    leak = grant("user:alice", [rule("get", "secrets")], THERE)
    proved = prove_snapshot(partition(), snapshot_of([cluster([*base(), *leak])]))
    said = record_proof(CLINIC, proved, paths, SystemClock(), "ada")
    ledger = open_ledger(paths, "clinic", SystemClock())
    assert ledger.verify().intact
    (entry,) = ledger.entries()
    event = entry.event
    assert (event.kind, event.actor, event.subject, event.because) == ("separation.proved", "ada", "clinic", said)
    assert said.startswith("broken: of 2 promises")
    assert event.facts["verdict"] == "broken"
    assert event.facts["assumptions"]
    assert event.facts["notHolding"][0]["dimensions"]["access"] == "broken"
    assert any("A.8.31" in clause for clause in event.clauses)
    assert "Zr8-" not in json.dumps(event.to_json())


def test_only_a_landscapes_own_clusters_are_recorded() -> None:
    assert check_recordable(ProveRequest(CLINIC, None, {}, {})) == CLINIC
    for request in (
        ProveRequest(None, Path("partition.yaml"), {}, {"prod": "prod"}),
        ProveRequest(CLINIC, None, {"prod": Path("files")}, {}),
        ProveRequest(CLINIC, None, {}, {"prod": "prod"}),
    ):
        with pytest.raises(UsageError, match="own clusters"):
            check_recordable(request)
