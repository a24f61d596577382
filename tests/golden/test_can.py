"""Single questions with their answers, one directory a case named by the verb; worked out by hand."""

import json
from pathlib import Path

import pytest

from ringfence.cli.main import run

CASES = sorted(path.parent for path in (Path(__file__).parent / "can").glob("*/probes.jsonl"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answers_as_worked_out_by_hand(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb = case.name.split("-")[0]
    assumed = ["--partition", str(case / "partition.yaml")] if (case / "partition.yaml").exists() else []
    words = ["can", verb, "--probes", str(case / "probes.jsonl"), "--snapshot", f"c={case / 'snapshot.yaml'}"]
    code = run([*words, *assumed])
    captured = capsys.readouterr()
    assert code in (0, 1, 3), captured.err
    answers = [json.loads(line) for line in captured.out.splitlines()]
    probes = [json.loads(line) for line in (case / "probes.jsonl").read_text(encoding="utf-8").splitlines()]
    wanted = (case / "answers.txt").read_text(encoding="utf-8").split()
    assert [{name: answer[name] for name in probe} for probe, answer in zip(probes, answers, strict=True)] == probes
    assert all(answer["because"] for answer in answers)
    wrong = [
        f"{json.dumps(probe)}: {answer['answer']}, not {right} ({answer['because']})"
        for probe, answer, right in zip(probes, answers, wanted, strict=True)
        if answer["answer"] != right
    ]
    assert not wrong, "\n".join(wrong)
