"""The picture of the architecture names the packages that are there, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_table_names_every_package() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if re.match(r"\| \d+ \|", line)]
    named = {name for row in rows for name in re.findall(r"`([a-z]+)`", row[2])}
    there = {path.name for path in (ROOT / "src" / "ringfence").iterdir() if (path / "__init__.py").exists()}
    assert named == there
