"""What the documentation tells people to type works as it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snippets import Page, RunCommand, WriteFile, read_page

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    read_page(path)
    for path in sorted(
        [ROOT / "README.md", *(ROOT / "docs").glob("tutorial/*.md"), *(ROOT / "docs").glob("how-to/*.md")]
    )
]


def _parameters(needs_engine: bool) -> list[object]:
    marks = [pytest.mark.engine] if needs_engine else []
    return [
        pytest.param(page, id=page.path.name, marks=marks)
        for page in PAGES
        if page.needs_engine is needs_engine and page.steps
    ]


@pytest.mark.parametrize("page", [*_parameters(False), *_parameters(True)])
def test_every_command_of_the_page_works(page: Page, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "examples").symlink_to(ROOT / "examples")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path("~/.cache").expanduser())),
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "Ada", f"GIT_{who}_EMAIL": "ada@clinic.example"}
    (tmp_path / "home").mkdir()
    try:
        for step in page.steps:
            _take(step, work, environment)
    finally:
        subprocess.run(
            [sys.executable, "-m", "ringfence", "down", "--all", "--purge"],
            cwd=work, env=environment, check=False, capture_output=True,
        )  # fmt: skip


def _take(step: WriteFile | RunCommand, work: Path, environment: dict[str, str]) -> None:
    if isinstance(step, WriteFile):
        target = work / step.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(step.content, encoding="utf-8")
        return
    if step.line.startswith("cd "):
        pytest.fail("pages must not change the folder: commands are run one by one")
    result = subprocess.run(
        ["bash", "-c", step.line], cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    said = f"$ {step.line}\n{result.stdout}{result.stderr}"
    assert result.returncode == step.exit_code, said
    assert step.matches(result.stdout + result.stderr), f"{said}\n--- the page shows ---\n{step.expected}"
