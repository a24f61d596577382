"""What a process of the engine says of itself, and whether it answers."""

import contextlib
import hashlib
import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path

STATUS_NAME = "status.json"
_ANSWER_SECONDS = 5.0
_TAIL = 20_000
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Status:
    """The content of ``status.json``: which process wrote it, how far it is, and for which configuration."""

    pid: int
    phase: str
    reason: str
    message: str
    generation: str
    version: str


def read(directory: Path) -> Status | None:
    """The status in that directory, or None when there is none that can be read."""
    try:
        document = json.loads((directory / STATUS_NAME).read_bytes())
        return Status(
            int(document["pid"]),
            str(document["phase"]),
            str(document["reason"]),
            str(document["message"]),
            str(document["generation"]),
            str(document["version"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def generation(path: Path) -> str:
    """The name of a configuration file's content, as the programs compute it; empty when it cannot be read."""
    with contextlib.suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return ""


def answers(port: int, authority: Path) -> bool:
    """Whether the cluster's own API server answers at the port.

    It is asked without a credential: that it proves itself with the cluster's certificate and refuses to answer is
    enough, and no secret is touched.
    """
    try:
        context = ssl.create_default_context(cafile=str(authority))
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS, context=context)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == _UNAUTHORIZED
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return False


def last_words(log: Path, lines: int = 3) -> str:
    """The last lines of a log, for a message; empty when there is none."""
    with contextlib.suppress(OSError):
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL))
            text = stream.read().decode(errors="replace")
        return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])
    return ""


def disk_was_full(log: Path) -> bool:
    """Whether the log's end says that the disk was full."""
    return "no space left on device" in last_words(log, lines=200)
