"""Where a landscape's ledger is and who signs it.

Without settings: a file in the data folder, signed with a key of this machine that is made on first use.
``settings.json`` beside it may name a Git repository instead, a signing command for a key that is elsewhere, and the
public keys of other machines that write to the same ledger. Environment variables were rejected: a ledger must not
change its place because a shell was started differently.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import StateError
from ringfence.base.paths import Paths, write_atomically
from ringfence.evidence.gitstore import GitStore
from ringfence.evidence.ledger import Ledger
from ringfence.evidence.signing import CommandSigner, PublicKey, Signer, file_signer, read_public_key
from ringfence.evidence.store import FileStore, Store


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is not as by default: ``repository`` and ``remote`` for Git, ``command`` with its ``public`` key
    for a key management service, ``trusted`` key files of others.
    """

    repository: str | None = None
    remote: str | None = None
    command: tuple[str, ...] = ()
    public: str | None = None
    trusted: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return {
            "repository": self.repository,
            "remote": self.remote,
            "command": list(self.command),
            "public": self.public,
            "trusted": list(self.trusted),
        }


def evidence_folder(paths: Paths, landscape: str) -> Path:
    """The folder of a landscape's evidence: outside its state folder, since evidence outlives the clusters."""
    return paths.data / "evidence" / landscape


def key_path(paths: Paths) -> Path:
    """This machine's signing key; the public half stands beside it with ``.pub``."""
    return paths.data / "keys" / "evidence.pem"


def read_settings(paths: Paths, landscape: str) -> Settings:
    """The settings of a landscape's ledger. Raises StateError when the file cannot be read."""
    path = evidence_folder(paths, landscape) / "settings.json"
    try:
        value: Mapping[str, Any] = json.loads(path.read_text())
        return Settings(
            repository=value.get("repository"),
            remote=value.get("remote"),
            command=tuple(value.get("command", ())),
            public=value.get("public"),
            trusted=tuple(value.get("trusted", ())),
        )
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StateError(
            f"{path}: the ledger's settings cannot be read",
            reason="BadSettings",
            hint="write them again with ringfence evidence init",
        ) from error


def write_settings(paths: Paths, landscape: str, settings: Settings) -> Path:
    """Write the settings and say where."""
    path = evidence_folder(paths, landscape) / "settings.json"
    write_atomically(path, (json.dumps(settings.to_json(), indent=2) + "\n").encode())
    return path


def open_ledger(paths: Paths, landscape: str, clock: Clock) -> Ledger:
    """The ledger of the landscape of that name, ready to be written; nothing is written yet but a missing key."""
    settings = read_settings(paths, landscape)
    return Ledger(
        landscape,
        open_store(paths, landscape, settings),
        open_signer(paths, settings),
        clock,
        trusted_keys(settings),
        evidence_folder(paths, landscape) / "index.json",
    )


def open_store(paths: Paths, landscape: str, settings: Settings) -> Store:
    """The store that the settings name."""
    if settings.repository is not None:
        return GitStore(Path(settings.repository), landscape, settings.remote)
    return FileStore(evidence_folder(paths, landscape) / "ledger.jsonl")


def open_signer(paths: Paths, settings: Settings) -> Signer:
    """The signer that the settings name: a command with its public key, or this machine's key file."""
    if settings.command:
        if settings.public is None:
            raise StateError("a signing command needs its public key", reason="NoKey", hint="ringfence evidence init")
        return CommandSigner(settings.command, read_public_key(Path(settings.public)))
    return file_signer(key_path(paths))


def trusted_keys(settings: Settings) -> tuple[PublicKey, ...]:
    """The keys of others that may write to this ledger."""
    return tuple(read_public_key(Path(path)) for path in settings.trusted)
