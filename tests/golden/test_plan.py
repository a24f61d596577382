"""Plans of whole Landscapes, word for word: one directory a case, what people read beside what they wrote.

``RINGFENCE_GOLDEN=write`` writes the expected files anew; read the difference before it is committed.
"""

import os
from pathlib import Path

import pytest

from ringfence.cli.main import run

CASES = sorted(path.parent for path in (Path(__file__).parent / "plan").glob("*/ringfence.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_plan_reads_as_expected(
    case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case)
    code = run(["plan", "ringfence.yaml", "--explain"])
    said = capsys.readouterr()
    found = f"{said.out}{said.err}exit code {code}\n"
    expected = case / "expected.txt"
    if os.environ.get("RINGFENCE_GOLDEN") == "write":
        expected.write_text(found)
    assert found == expected.read_text()
    assert max(len(line) for line in found.splitlines()) <= 110


def test_there_are_cases() -> None:
    assert len(CASES) >= 20
