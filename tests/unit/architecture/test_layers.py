"""The house keeps its shape: imports point downwards, help is cheap, every module says why it is there."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted((ROOT / "src" / "ringfence").rglob("*.py"))
HEAVY = ("ortools", "lightkube", "httpx2", "cryptography", "rich", "celpy", "holidays", "securesystemslib", "yaml")


def test_import_contracts_hold() -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from ringfence.cli.main import run; code = run(['--help']);"
        f"print([m for m in {HEAVY!r} if m in sys.modules], code, file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.stderr.strip().splitlines()[-1] == "[] 0"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_module_says_why_it_is_there(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, f"{path} has no docstring"
    assert len(docstring) >= 30, f"{path}: its docstring says too little"


def test_every_verb_of_the_table_loads_and_explains_itself() -> None:
    from ringfence.cli.main import run
    from ringfence.cli.verbs import VERBS

    assert {verb.name: run([verb.name, "--help"]) for verb in VERBS} == {verb.name: 0 for verb in VERBS}
