"""Signed impact analyses: who says that the impact of a release was analysed, in which document, with which signature.

The document is kept beside the signature, so that an auditor reads what was signed. Source: NIST SP 800-171 Rev. 2,
3.4.4. A link to a document elsewhere was rejected: what it points to can change after the signature.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path

from ringfence.base.errors import InputError
from ringfence.base.paths import write_atomically
from ringfence.evidence.event import canonical
from ringfence.evidence.place import open_signer, read_settings, trusted_keys
from ringfence.evidence.signing import SignatureError, seal, unseal
from ringfence.flows.promotion.workspace import Workspace
from ringfence.promote.gates.question import Statement

STATEMENT_TYPE = "application/vnd.ringfence.impact-analysis+json"
LARGEST_DOCUMENT = 16 * 1024 * 1024
"""Bytes of an analysis."""


def folder_of(workspace: Workspace, release: str) -> Path:
    """Where the analyses of a release are."""
    return workspace.paths.landscape(workspace.landscape.name) / "impact" / release.removeprefix("sha256:")


def sign(workspace: Workspace, release: str, document: Path, *, dry_run: bool = False) -> Path:
    """Sign ``document`` as the impact analysis of a release; where the signature is written. Raises InputError."""
    try:
        content = document.read_bytes()
    except OSError as error:
        raise InputError(f"{document}: cannot be read: {error.strerror}", reason="NoDocument") from error
    if not content.strip() or len(content) > LARGEST_DOCUMENT:
        raise InputError(f"{document}: empty, or larger than {LARGEST_DOCUMENT // 1024 // 1024} MiB")
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    payload = {
        "apiVersion": "ringfence.dev/v1",
        "kind": "ImpactAnalysis",
        "release": release,
        "by": workspace.actor,
        "document": digest,
        "name": document.name,
        "at": workspace.clock.now().isoformat(),
    }
    signer = open_signer(workspace.paths, read_settings(workspace.paths, workspace.landscape.name))
    folder = folder_of(workspace, release)
    name = hashlib.sha256(f"{workspace.actor}\n{digest}".encode()).hexdigest()[:24]
    path = folder / f"{name}.dsse.json"
    if dry_run:
        return path
    write_atomically(folder / digest.removeprefix("sha256:"), content)
    write_atomically(path, canonical(seal(canonical(payload), STATEMENT_TYPE, signer)))
    names = (digest.removeprefix("sha256:"), path.name)
    workspace.journal.share({_shared_path(release, name): (folder / name).read_bytes() for name in names})
    return path


def statements(workspace: Workspace, release: str) -> tuple[Statement, ...]:
    """The analyses of a release whose signature is good and whose document is what was signed."""
    settings = read_settings(workspace.paths, workspace.landscape.name)
    signer = open_signer(workspace.paths, settings)
    found = []
    folder = folder_of(workspace, release)
    files = {path.name: path.read_bytes() for path in folder.glob("*")}
    if workspace.journal.shared is not None:
        files.update(workspace.journal.shared.files(_shared_path(release, "").rstrip("/")))
    for name in sorted(name for name in files if name.endswith(".dsse.json")):
        try:
            payload = unseal(json.loads(files[name]), STATEMENT_TYPE, (signer.public, *trusted_keys(settings)))
            value = json.loads(payload)
            content = files[value["document"].removeprefix("sha256:")]
            good = value["release"] == release and value["document"] == "sha256:" + hashlib.sha256(content).hexdigest()
            if good:
                found.append(Statement(value["by"], value["document"], datetime.fromisoformat(value["at"])))
        except (SignatureError, OSError, ValueError, KeyError, TypeError, AttributeError):
            # A statement that cannot be believed is none; the gate then says that one is missing.
            continue
    return tuple(found)


def _shared_path(release: str, name: str) -> str:
    return f"impact/{release.removeprefix('sha256:')}/{name}"
