"""Where Ringfence keeps things: the XDG base directories, one folder a landscape.

A folder in the checkout was rejected: state must survive a fresh clone, and two checkouts must not disagree.
"""

import os
import pwd
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.errors import StateError


@dataclass(frozen=True, slots=True)
class Paths:
    """The three base directories, each already ending in ``ringfence``."""

    state: Path
    data: Path
    cache: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Paths":
        """Read XDG_STATE_HOME, XDG_DATA_HOME and XDG_CACHE_HOME; relative values are ignored, as the standard asks."""
        values = os.environ if environment is None else environment
        home = Path(values.get("HOME") or _home_of_this_user())

        def base(variable: str, default: str) -> Path:
            value = values.get(variable, "")
            return (Path(value) if value.startswith("/") else home / default) / "ringfence"

        return cls(
            state=base("XDG_STATE_HOME", ".local/state"),
            data=base("XDG_DATA_HOME", ".local/share"),
            cache=base("XDG_CACHE_HOME", ".cache"),
        )

    def landscape(self, name: str) -> Path:
        """The state folder of the landscape of that name."""
        return self.state / name


def _home_of_this_user() -> str:
    """What the user database says; an empty HOME would else make ``/.local`` of everything."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError as error:
        raise StateError(
            "HOME is not set, and this user has no home folder",
            reason="NoHome",
            hint="set HOME, or XDG_STATE_HOME, XDG_DATA_HOME and XDG_CACHE_HOME",
        ) from error


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write ``content`` to ``path`` so that a crash leaves the old file or the new one, never a part.

    Raises StateError when the disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fchmod(stream.fileno(), mode)
                os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise StateError(
            f"{path}: cannot be written: {error.strerror or error}",
            reason="CannotWrite",
            hint="free some disk space or give the folder to your user, then run the same command again",
        ) from error
