"""``kubeconfig``: how ``kubectl`` reaches the embedded clusters. Never writes to ``~/.kube/config``.

An entry that is merged carries its landscape as an extension, as the kubeconfig format has it for programs. A context
of the same name without it is the user's own, or another landscape's, and is never replaced: its credential would be
lost.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.base.errors import ConflictError, InputError, StateError
from ringfence.base.text import suggestion
from ringfence.engine import EngineState

_PARTS = ("clusters", "users", "contexts")
_EXTENSION = "ringfence.dev"
_OTHER_FILE = "--merged names a kubeconfig, or a file that is not there yet"


def kubeconfig(state: EngineState, cluster: str | None = None, existing: Mapping[str, Any] | None = None) -> str:
    """One kubeconfig with a context for every embedded cluster (or the one named), each called as its cluster.

    ``existing``: a kubeconfig whose entries are kept, and whose current context stays current. Raises StateError when
    nothing is up, InputError when there is no cluster of that name, ConflictError when ``existing`` has an entry of a
    cluster's name that is not this landscape's.
    """
    import yaml

    check_cluster(state, cluster)
    wanted = [one for one in state.clusters if cluster in (None, one.name)]
    merged: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", **(existing or {})}
    for part in _PARTS:
        merged[part] = list(merged.get(part) or [])
    for one in wanted:
        _check_ours(merged, one.name, state.landscape)
        _add(merged, one.name, state.landscape, _read(one.kubeconfig))
    merged.setdefault("current-context", wanted[0].name)
    return yaml.safe_dump(merged, sort_keys=False, width=100_000)


def check_cluster(state: EngineState, cluster: str | None) -> None:
    """Raise StateError when no embedded cluster is up, InputError when none has that name (None: any will do)."""
    names = [one.name for one in state.clusters]
    if not names:
        raise StateError(
            f"{state.landscape}: it has no embedded cluster", reason="NotUp", hint="ringfence up FILE brings it up"
        )
    if cluster is not None and cluster not in names:
        raise InputError(
            f"{state.landscape}: there is no embedded cluster {cluster!r}; {suggestion(cluster, names)}".rstrip("; "),
            reason="NoSuchCluster",
            hint="ringfence status FILE shows the clusters that are there",
        )


def read_existing(path: Path) -> Mapping[str, Any]:
    """The user's kubeconfig to merge into; empty when there is none. Raises InputError when it is none."""
    import yaml

    if not path.exists():
        return {}
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path}: this is not a kubeconfig ({type(error).__name__})", reason="BadKubeconfig", hint=_OTHER_FILE
        ) from error
    if not isinstance(document, dict) or document.get("kind", "Config") != "Config":
        raise InputError(f"{path}: this is not a kubeconfig", reason="BadKubeconfig", hint=_OTHER_FILE)
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


def _check_ours(merged: Mapping[str, Any], name: str, landscape: str) -> None:
    for part in _PARTS:
        for entry in merged[part]:
            if entry.get("name") == name and landscape not in _landscapes(entry.get(part.removesuffix("s")) or {}):
                raise ConflictError(
                    f"the kubeconfig has {part} called {name} already, and they are not those of {landscape}",
                    reason="NameTaken",
                    hint="merge into a file of its own and name both in KUBECONFIG, or rename your context:"
                    f" kubectl config rename-context {name} NAME",
                )


def _landscapes(entry: Mapping[str, Any]) -> set[str]:
    """The landscapes that an entry says it is of."""
    found = entry.get("extensions") or ()
    return {str((one.get("extension") or {}).get("landscape")) for one in found if one.get("name") == _EXTENSION}


def _add(merged: dict[str, Any], name: str, landscape: str, one: Mapping[str, Any]) -> None:
    """Add a cluster's entries under its own name, in place of its own entries of before."""
    ours = {"extensions": [{"name": _EXTENSION, "extension": {"landscape": landscape}}]}
    entries: Mapping[str, Mapping[str, Any]] = {
        "clusters": {**one["clusters"][0]["cluster"], **ours},
        "users": {**one["users"][0]["user"], **ours},
        "contexts": {"cluster": name, "user": name, **ours},
    }
    for part in _PARTS:
        entry = {"name": name, part.removesuffix("s"): entries[part]}
        merged[part] = [old for old in merged[part] if old.get("name") != name] + [entry]
