"""The verbs of updates, orders and evidence as people type them, and their answers against the schemas."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ringfence.cli.main import run

ROOT = Path(__file__).resolve().parents[3]
CLINIC = str(ROOT / "examples" / "clinic" / "ringfence.yaml")
DUE = ["update", "due", "--timezone", "Europe/Stockholm"]
FRIDAY = "2026-12-18T14:00:00+01:00"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], arguments: list[str], schema: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert run([*arguments, "-o", "json"]) == code
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    document = json.loads((ROOT / "docs" / "reference" / "schemas" / f"{schema}.schema.json").read_text())
    jsonschema.Draft202012Validator(document).validate(value)
    return value


def bundle(path: Path, version: str, kubernetes: str) -> str:
    path.write_text(
        f"apiVersion: ringfence.dev/v1\nkind: Bundle\nspec: {{version: {version}, kubernetes: {kubernetes}}}\n"
    )
    return str(path)


def test_due_as_the_contract_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*DUE, "--finished", FRIDAY, "--kind", "minor", "--country", "SE", "--also-off", "2026-12-24"]
    value = answer(capsys, arguments, "update-due")
    assert value["notBefore"] == "2026-12-29T14:00:00+01:00"
    frozen = answer(capsys, [*arguments, "--freeze", "2026-12-29/2027-01-06=year end"], "update-due")
    assert frozen["notBefore"] == "2027-01-07T00:00:00+01:00"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--finished", FRIDAY, "--kind", "minor", "--country", "Sweden"], "did you mean 'SE'"),
        (["--finished", FRIDAY, "--kind", "minor", "--country", "DE-BX"], "did you mean 'BW'|known: |did you mean"),
        (["--finished", "18.12.2026", "--kind", "minor"], "2026-12-18T14:00:00"),
        (["--finished", "2026-12-18T14:00:00", "--kind", "minor"], "no offset"),
        (["--finished", FRIDAY, "--kind", "micro"], "major"),
        (["--finished", FRIDAY, "--kind", "minor", "--also-off", "24/12"], "year-month-day"),
        (["--finished", FRIDAY, "--kind", "minor", "--freeze", "2026-12-24"], "FIRST/LAST"),
        (["--finished", FRIDAY, "--kind", "minor", "--days", "-1"], "0 or more"),
        (["--finished", FRIDAY, "--kind", "minor", "--country", "SE", "--days", "99999"], "known from"),
        (["--finished", "9999-12-31T14:00:00+01:00", "--kind", "minor"], "outside the years"),
        (["--kind", "minor"], "finished"),
    ],
)
def test_bad_input_is_exit_code_2_with_what_would_be_right(
    capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert run([*DUE, *more]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert any(part in captured.err for part in said.split("|"))
    assert "Traceback" not in captured.err


def test_an_update_from_plan_to_status(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    old, new = bundle(home / "old.yaml", "1.4.2", "1.36.1"), bundle(home / "new.yaml", "1.5.0", "1.37.2")
    first = answer(capsys, ["update", "status", CLINIC], "update-status")
    assert {one["version"] for one in first["environments"]} == {None}
    for name in ("production", "non-production"):
        answer(capsys, ["update", "adopt", "-e", name, "--bundle", old, CLINIC], "update-status")
    assert run(["update", "adopt", "-e", "produktion", "--bundle", old, CLINIC]) == 2
    assert "did you mean 'production'" in capsys.readouterr().err
    answer(capsys, ["update", "plan", "--bundle", new, CLINIC], "update-status")
    value = answer(capsys, ["update", "status", CLINIC], "update-status")
    states = {one["name"]: (one["version"], one["next"], one["state"]) for one in value["environments"]}
    assert states == {"production": ("1.4.2", "1.5.0", "waiting"), "non-production": ("1.4.2", "1.5.0", "due")}
    assert run(["update", "start", CLINIC, "-e", "production", "--command", "true"]) == 1
    assert "waits for non-production" in capsys.readouterr().err
    assert run(["update", "start", CLINIC, "--command", "false"]) == 1
    assert "ended with 1" in capsys.readouterr().err
    stopped = answer(capsys, ["update", "status", CLINIC], "update-status")
    assert {one["name"]: one["state"] for one in stopped["environments"]}["non-production"] == "stopped"
    assert run(["update", "status", CLINIC, "--ical", str(home / "updates.ics")]) == 0
    assert (home / "updates.ics").read_text().startswith("BEGIN:VCALENDAR")
    verified = answer(capsys, ["evidence", "verify", CLINIC], "ledger-verification")
    assert (verified["intact"], verified["entries"]) == (True, 5)


def test_a_ledger_that_was_changed_is_exit_code_1(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    old = bundle(home / "old.yaml", "1.4.2", "1.36.1")
    assert run(["evidence", "verify", CLINIC]) == 2
    assert "there is no ledger yet" in capsys.readouterr().err
    assert run(["update", "adopt", "-e", "production", "--bundle", old, CLINIC]) == 0
    assert run(["evidence", "checkpoint", "--to", str(home / "kept.json"), CLINIC]) == 0
    for form in ("oscal", "json", "html"):
        assert run(["evidence", "export", "-o", form, "--to", str(home / form), CLINIC]) == 0
        assert (home / form).stat().st_size > 500
    ledger = home / "data" / "ringfence" / "evidence" / "clinic" / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"payload":"e', b'"payload":"f'))
    assert run(["evidence", "verify", CLINIC]) == 1
    assert "changed" in capsys.readouterr().out
    assert run(["evidence", "export", "-o", "html", CLINIC]) == 1
    assert run(["update", "adopt", "-e", "production", "--bundle", old, CLINIC]) == 2
    ledger.unlink()
    value = answer(capsys, ["evidence", "verify", CLINIC], "ledger-verification", 1)
    assert value["findings"][0]["fault"] == "truncated"


def test_an_order_by_the_name_of_its_environment(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    request = home / "order.yaml"
    request.write_text(
        "apiVersion: ringfence.dev/v1\nkind: EnvironmentOrder\nspec:\n  environment: production\n"
        '  designation: production\n  purpose: x\n  by: 2099-01-15\n  paidBy: "1"\n  users: [nobody]\n'
    )
    assert run(["order", "environment", str(request), "-f", CLINIC]) == 1
    assert "this order does not cover" in capsys.readouterr().err
    made = answer(capsys, ["order", "environment", str(request), "-f", CLINIC, "--anyway", "trial"], "order")
    assert made["state"] == "submitted"
    assert answer(capsys, ["order", "approve", "production", "-f", CLINIC], "order")["state"] == "approved"
    assert answer(capsys, ["order", "show", made["id"]], "order")["state"] == "approved"
    delivering = ["order", "deliver", made["id"], "-f", CLINIC, "--provider", "ticket", "--to", str(home / "tickets")]
    assert answer(capsys, delivering, "order")["state"] == "provisioning"
    reply = home / "answer.yaml"
    reply.write_text(
        "apiVersion: ringfence.dev/v1\nkind: OrderAnswer\nspec:\n"
        f"  order: {made['id']}\n  request: {made['digest']}\n  delivered: {{environment: production}}\n"
    )
    value = answer(capsys, [*delivering, "--answer", str(reply)], "order", 1)
    assert value["state"] == "verifying"
    assert {"designation", "capacity.cpu", "users"} <= {one["item"] for one in value["differences"]}
    assert run(["order", "accept", made["id"], "-f", CLINIC]) == 1
    assert run(["order", "deliver", made["id"], "-f", CLINIC, "--provider", "tickets"]) == 2
    assert "did you mean 'ticket'" in capsys.readouterr().err
    assert answer(capsys, ["order", "cancel", "production", "--because", "x", "-f", CLINIC], "order")["state"] == (
        "cancelled"
    )


def test_help_needs_no_signature_library() -> None:
    script = (
        "import sys; from ringfence.cli.main import run; run(['update', '--help']); run(['order', '--help']);"
        "run(['evidence', '--help']);"
        "sys.exit(any(name in sys.modules for name in ('cryptography', 'securesystemslib', 'holidays', 'ortools')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, capture_output=True).returncode == 0
