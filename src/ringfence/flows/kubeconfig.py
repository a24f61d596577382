"""``kubeconfig``: how ``kubectl`` reaches the embedded clusters. Never writes to ``~/.kube/config``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ringfence.base.errors import InputError, StateError
from ringfence.base.text import suggestion
from ringfence.engine import EngineState


def kubeconfig(state: EngineState, cluster: str | None = None, existing: Mapping[str, Any] | None = None) -> str:
    """One kubeconfig with a context for every embedded cluster (or the one named), each called as its cluster.

    ``existing``: a kubeconfig whose entries are kept, and whose current context stays current. Raises StateError when
    nothing is up, InputError when there is no cluster of that name.
    """
    import yaml

    names = [one.name for one in state.clusters]
    if not names:
        raise StateError(
            f"{state.landscape}: it has no embedded cluster", reason="NotUp", hint="ringfence up FILE brings it up"
        )
    if cluster is not None and cluster not in names:
        raise InputError(
            f"{state.landscape}: there is no embedded cluster {cluster!r}; {suggestion(cluster, names)}".rstrip("; "),
            reason="NoSuchCluster",
        )
    wanted = [one for one in state.clusters if cluster in (None, one.name)]
    merged: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", **(existing or {})}
    for part in ("clusters", "users", "contexts"):
        merged[part] = list(merged.get(part) or [])
    for one in wanted:
        _add(merged, one.name, _read(one.kubeconfig))
    merged.setdefault("current-context", wanted[0].name)
    return yaml.safe_dump(merged, sort_keys=False, width=100_000)


def read_existing(path: Path) -> Mapping[str, Any]:
    """The user's kubeconfig to merge into; empty when there is none. Raises InputError when it is none."""
    import yaml

    if not path.exists():
        return {}
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path}: this is not a kubeconfig ({type(error).__name__})", reason="BadKubeconfig"
        ) from error
    if not isinstance(document, dict) or document.get("kind", "Config") != "Config":
        raise InputError(f"{path}: this is not a kubeconfig", reason="BadKubeconfig")
    return document


def _read(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StateError(
            f"{path}: cannot be read: {error.strerror}", reason="NotUp", hint="ringfence up FILE writes it"
        ) from error
    if not isinstance(document, dict):
        raise StateError(f"{path}: this is no kubeconfig", reason="BadState", hint="ringfence up FILE writes it anew")
    return document


def _add(merged: dict[str, Any], name: str, one: Mapping[str, Any]) -> None:
    """Add a cluster's entries under its own name, in place of entries of that name."""
    cluster, user = one["clusters"][0]["cluster"], one["users"][0]["user"]
    entries: Sequence[tuple[str, dict[str, Any]]] = (
        ("clusters", {"name": name, "cluster": cluster}),
        ("users", {"name": name, "user": user}),
        ("contexts", {"name": name, "context": {"cluster": name, "user": name}}),
    )
    for part, entry in entries:
        merged[part] = [old for old in merged[part] if old.get("name") != name] + [entry]
