"""Proofs of small clusters, worked out by hand: one directory a case, testing against production."""

import json
import re
from pathlib import Path

import pytest

from ringfence.cli.main import run

OBJECT = re.compile(r"(prod:[a-z0-9.]+|partition:people)/[^/ ]+(/[^/ ]+)?")
CASES = sorted(path.parent for path in (Path(__file__).parent / "proof").glob("*/expected.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdicts_as_worked_out_by_hand(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(
        [
            "prove",
            "--partition",
            str(case / "partition.yaml"),
            "--snapshot",
            f"prod={case / 'snapshot.yaml'}",
            "-o",
            "json",
        ]
    )
    captured = capsys.readouterr()
    assert code in (0, 1, 3), captured.err
    proof = json.loads(captured.out)
    assert code == {"holds": 0, "broken": 1, "unknown": 3}[proof["verdict"]]
    pair = next(pair for pair in proof["pairs"] if pair["from"] == "shop/testing" and pair["to"] == "shop/production")
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    found = {name: pair["dimensions"][name]["verdict"] for name in expected}
    assert found == expected, json.dumps(pair, indent=1)
    for dimension in pair["dimensions"].values():
        assert dimension["verdict"] != "broken" or dimension["witness"]
        assert all(OBJECT.fullmatch(step["object"]) for step in dimension.get("witness", ())), dimension
        assert dimension["verdict"] != "unknown" or dimension["missing"]
