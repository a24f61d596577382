"""Where the engine's programs are: in the wheel, where the user says, or in the build cache.

The cache is addressed by the content of ``engine/`` (the Go sources and their lock), so two checkouts of the same
sources share a build, and a changed source can never run an old program. A folder in the checkout was rejected: a
fresh clone would compile for minutes again.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.errors import StateError
from ringfence.base.paths import Paths

VARIABLE = "RINGFENCE_ENGINE_BIN"
PROGRAMS = ("ringfence-cluster", "ringfence-argocd", "helm", "kustomize", "kubectl", "git-verify-wrapper.sh")
CRDS = ("application-crd.yaml", "appproject-crd.yaml")
BUILD_COMMAND = "python -m ringfence.engine build"
_KNOWN = {
    "Kubernetes": "k8s.io/kubernetes",
    "etcd": "go.etcd.io/etcd/server/v3",
    "kwok": "sigs.k8s.io/kwok",
    "Argo CD": "github.com/argoproj/argo-cd/v3",
    "Helm": "helm.sh/helm/v4",
    "Kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
}
_PACKAGED = Path(__file__).parent / "_programs"
_SOURCES = Path(__file__).parents[3] / "engine"
_SOURCE_NAMES = ("go.mod", "go.sum", "*.go", "*.yaml", "*.json")


@dataclass(frozen=True, slots=True)
class Binaries:
    """An installation of the engine: ``root/bin`` holds the programs, ``root/share`` what they read."""

    root: Path

    @property
    def folder(self) -> Path:
        """The folder with the programs; goes first on the PATH of what runs them."""
        return self.root / "bin"

    @property
    def cluster(self) -> Path:
        """One Kubernetes cluster in one process."""
        return self.folder / "ringfence-cluster"

    @property
    def argocd(self) -> Path:
        """One environment's Argo CD in one process."""
        return self.folder / "ringfence-argocd"

    @property
    def helm(self) -> Path:
        """Helm, as Argo CD calls it."""
        return self.folder / "helm"

    @property
    def kubectl(self) -> Path:
        """kubectl of the clusters' own version, for people whose machine has none."""
        return self.folder / "kubectl"

    @property
    def crds(self) -> Path:
        """The folder with Argo CD's custom resource definitions."""
        return self.root / "share" / "argocd" / "crds"

    @property
    def licenses(self) -> Path:
        """The folder with the licences of every Go module that is linked in."""
        return self.root / "share" / "licenses"

    def versions(self) -> Mapping[str, str]:
        """What the programs are made of, by the names that people know; empty where no list of modules is there."""
        try:
            linked = json.loads((self.root / "share" / "modules.json").read_bytes())
            return {name: str(linked[module]).removeprefix("v") for name, module in _KNOWN.items() if module in linked}
        except (OSError, ValueError, TypeError):
            return {}

    def missing(self) -> tuple[Path, ...]:
        """The files that should be there and are not (or cannot be executed)."""
        programs = (self.folder / name for name in PROGRAMS)
        crds = (self.crds / name for name in CRDS)
        return (
            *(path for path in programs if not os.access(path, os.X_OK)),
            *(path for path in crds if not path.is_file()),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A place that was looked at, and what was found wrong there (empty: all is there)."""

    what: str
    root: Path | None
    problem: str


def source_folder() -> Path | None:
    """The folder ``engine/`` of the checkout that this package runs from, or None when it was installed."""
    return _SOURCES if (_SOURCES / "go.mod").is_file() else None


def source_hash(sources: Path) -> str:
    """A short name for the content of the Go sources: the same for the same files wherever they are."""
    digest = hashlib.sha256()
    files = {
        path
        for pattern in _SOURCE_NAMES
        for path in sources.rglob(pattern)
        if path.is_file() and not path.name.endswith("_test.go")
    }
    for path in sorted(files, key=lambda path: path.relative_to(sources).as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(sources).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:20]


def cache_root(paths: Paths, sources: Path) -> Path:
    """Where a build of these sources is kept."""
    return paths.cache / "engine" / source_hash(sources)


def places(paths: Paths, environment: Mapping[str, str]) -> tuple[Place, ...]:
    """Every place that may hold the programs, in the order in which they count, each with its verdict."""
    named = environment.get(VARIABLE)
    sources = source_folder()
    found = [_look("the package itself", _PACKAGED)]
    if named:
        # A folder given by the user is the only one that counts: falling back would run something else than was asked.
        return (_look(f"${VARIABLE}", _root_of(Path(named))),)
    if sources is not None:
        found.append(_look("the build cache", cache_root(paths, sources)))
    else:
        found.append(
            Place(
                "the build cache", None, "no folder engine/ beside this package: it was not installed from a checkout"
            )
        )
    return tuple(found)


def locate(paths: Paths | None = None, environment: Mapping[str, str] | None = None) -> Binaries:
    """The programs, from the first place that has them all.

    Raises StateError (``EngineMissing``), which lists every place and the command that builds them.
    """
    values = os.environ if environment is None else environment
    looked = places(paths or Paths.from_environment(values), values)
    for place in looked:
        if place.root is not None and not place.problem:
            return Binaries(place.root)
    lines = [f"  {place.what}: {place.problem}" for place in looked]
    if not values.get(VARIABLE):
        lines.append(f"  ${VARIABLE}: not set")
    raise StateError(
        "the embedded engine's programs are not there; looked in\n" + "\n".join(lines),
        reason="EngineMissing",
        hint=f"build them with `{BUILD_COMMAND}` in a checkout (some ten minutes the first time), or `make engine`",
    )


def _root_of(folder: Path) -> Path:
    return folder.parent if (folder / PROGRAMS[0]).exists() and folder.name == "bin" else folder


def _look(what: str, root: Path) -> Place:
    missing = Binaries(root).missing()
    if not missing:
        return Place(what, root, "")
    if not root.is_dir():
        return Place(what, root, f"{root}: no such folder")
    names = ", ".join(str(path.relative_to(root)) for path in missing)
    return Place(what, root, f"{root}: lacks {names}")
