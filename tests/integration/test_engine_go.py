"""The Go side's own tests. Go keeps their results, so that they cost nothing while the sources are the same."""

import subprocess

import pytest

from ringfence.engine.binaries import source_folder
from ringfence.engine.build import find_toolchain

pytestmark = pytest.mark.engine


def test_the_go_packages_pass_their_tests() -> None:
    sources = source_folder()
    assert sources is not None
    toolchain = find_toolchain(sources)
    # Compiled as the programs are, so that their packages are taken from Go's cache. Vetting would analyse every
    # package of Kubernetes once more.
    result = subprocess.run(
        [str(toolchain.go), "test", "-trimpath", "-vet=off", "./..."],
        cwd=sources,
        env=toolchain.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    tested = {line.split("\t")[1] for line in result.stdout.splitlines() if line.startswith("ok")}
    packages = ("", "/internal/argocd", "/internal/cluster", "/internal/footprint", "/internal/pki", "/internal/state")
    assert {f"ringfence/engine{name}" for name in packages} <= tested
