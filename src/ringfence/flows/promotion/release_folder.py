"""What of a deployment's folder in Git is promotion's: chart or manifests, values, and what says which release it is.

``release.json`` says which release is there and which move put it there. Everything else in the folder is the
platform's, and is neither written nor removed.
"""

import json
from collections.abc import Mapping
from typing import Any

from ringfence.flows.promotion.delivery import Order
from ringfence.flows.promotion.store import Release

RELEASE_FILE = "release.json"
_VALUES_FILE = "release-values.yaml"
_OWNED = ("chart", "base", "manifests")


def owned(folder: str, path: str) -> bool:
    """Whether promotion owns a file of a deployment's folder."""
    inside = path.removeprefix(f"{folder}/")
    return inside in (RELEASE_FILE, _VALUES_FILE) or inside.partition("/")[0] in _OWNED


def deployed(content: bytes | None) -> Mapping[str, Any]:
    """What ``release.json`` says; nothing when it is not there or somebody broke it, which counts as no release."""
    try:
        found = json.loads(content) if content else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def written(folder: str, order: Order, release: Release, base: str | None) -> Mapping[str, bytes]:
    """The files beside the chart or manifests of a release; ``base`` is the revision before there was any release."""
    from ringfence.render.layout import yaml_documents

    document = {
        "apiVersion": "ringfence.dev/v1",
        "kind": "DeployedRelease",
        "deployment": order.deployment,
        "release": release.digest,
        "version": release.version,
        "sourceRevision": release.revision,
        "move": order.move,
        "by": order.by,
        "base": base,
    }
    files = {f"{folder}/{RELEASE_FILE}": (json.dumps(document, indent=2) + "\n").encode()}
    if release.values:
        files[f"{folder}/{_VALUES_FILE}"] = yaml_documents([dict(release.values)])
    return files


def differences(folder: str, present: Mapping[str, bytes], wanted: Mapping[str, bytes]) -> Mapping[str, bytes | None]:
    """What to write, and with None what to remove, so that of what promotion owns exactly ``wanted`` is there."""
    gone = {path: None for path in present if owned(folder, path) and path not in wanted}
    return {**gone, **{path: text for path, text in wanted.items() if present.get(path) != text}}
