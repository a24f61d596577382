"""A chart or manifests as objects, rendered by the programs that Argo CD would call, for a cluster of one's own."""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.base.errors import InputError
from ringfence.base.text import printable
from ringfence.engine import Binaries
from ringfence.landscape.model import SourceKind
from ringfence.render import DeploymentManifests

_LONGEST = 600
_SECONDS = 60
_TRY = "ringfence render FILE -o DIR writes what it is rendered from"


def objects_of(binaries: Binaries, kind: SourceKind, place: DeploymentManifests) -> tuple[Mapping[str, Any], ...]:
    """The objects of a deployment as it would be delivered. Raises InputError with what the program said."""
    with tempfile.TemporaryDirectory(prefix="ringfence-local-") as name:
        folder = Path(name)
        for path, content in {**place.initial_files, **place.platform_files}.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        root = folder / place.path
        text = _rendered(binaries, kind, place, root)
    return tuple(_placed(document, place.namespace) for document in _documents(text))


def _rendered(binaries: Binaries, kind: SourceKind, place: DeploymentManifests, root: Path) -> str:
    if kind is SourceKind.HELM:
        values = str(root / "platform-values.yaml")
        words = [str(binaries.helm), "template", place.release, str(root / "chart"), "--namespace", place.namespace]
        return _run([*words, "--values", values], root)
    if kind is SourceKind.KUSTOMIZE:
        return _run([str(binaries.kubectl), "kustomize", str(root / "overlay")], root)
    files = sorted((root / "manifests").rglob("*"))
    return "\n---\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file())


def _run(words: list[str], folder: Path) -> str:
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder), "PATH": "/usr/bin:/bin"}
    try:
        done = subprocess.run(
            words, capture_output=True, check=False, env=home, stdin=subprocess.DEVNULL, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{Path(words[0]).name}: took longer than {_SECONDS} seconds", reason="BadChart", hint=_TRY
        ) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").replace(f"{folder}/", "").strip()
        raise InputError(
            f"{Path(words[0]).name} {words[1]}: {printable(' '.join(said.split()))[:_LONGEST]}",
            reason="BadChart",
            hint=_TRY,
        )
    return done.stdout.decode("utf-8", "replace")


def _documents(text: str) -> list[dict[str, Any]]:
    import yaml

    try:
        found = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise InputError("what was rendered is not YAML", reason="BadChart", hint=_TRY) from error
    return [document for document in found if isinstance(document, dict) and document.get("kind")]


def _placed(document: dict[str, Any], namespace: str) -> dict[str, Any]:
    metadata = dict(document.get("metadata") or {})
    metadata.setdefault("namespace", namespace)
    return {**document, "metadata": metadata}
