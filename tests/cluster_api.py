"""Cluster API's own definition of ``Cluster``: from the Go module of that name, fetched once into Go's module cache."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

MODULE = "sigs.k8s.io/cluster-api@v1.14.2"
_SECONDS = 120


@lru_cache(maxsize=1)
def cluster_definition() -> dict[str, Any]:
    """The CustomResourceDefinition; skips the test where there is neither the module nor a way to get it."""
    folder = _module()
    if folder is None:
        pytest.skip(f"there is no Go to fetch {MODULE}, or it cannot be reached")
    (path,) = folder.glob("**/crd/bases/cluster.x-k8s.io_clusters.yaml")
    made: dict[str, Any] = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return made


def _module() -> Path | None:
    beside = Path(sys.executable).parent / "go"
    program = str(beside) if beside.exists() else shutil.which("go")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "go.mod").write_text("module fetched\n")
        try:
            done = subprocess.run(
                [program, "mod", "download", "-json", MODULE],
                cwd=work,
                env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOWORK": "off"},
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    if done.returncode:
        return None
    return Path(json.loads(done.stdout)["Dir"])
