"""Rendering held against files that a person has read: one folder for each level.

``RINGFENCE_GOLDEN=write pytest tests/golden/test_render.py`` writes them anew; read the difference before committing.
"""

import os
from pathlib import Path

import pytest

from ringfence.landscape.model import Level
from ringfence.render import render, repository_files
from topologies import LEVELS, clinic, topology_of

CASES = Path(__file__).parent / "render"


@pytest.mark.parametrize("level", list(LEVELS))
def test_level(level: Level) -> None:
    landscape = clinic()
    manifests = render(landscape, topology_of(landscape, LEVELS[level]))
    text = "".join(f"# note: {note.subject}: {note.text}\n" for note in manifests.notes)
    for environment in sorted({cluster.environment for cluster in manifests.clusters}):
        for path, content in repository_files(manifests, environment).items():
            if path.endswith(".yaml"):
                text += f"---\n# environments/{environment}/{path}\n{content.decode()}"
    expected = CASES / level.value / "expected.yaml"
    if os.environ.get("RINGFENCE_GOLDEN") == "write":
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
