"""The folders of one landscape's engine, and the environment its programs run in.

``$XDG_STATE_HOME/ringfence/LANDSCAPE/ENVIRONMENT/`` holds ``CLUSTER/``, ``argocd/`` and ``git/``: environments share no
folder. Programs get a clean environment: what the user's shell holds (tokens, a KUBECONFIG) is not theirs to see.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.base.errors import StateError
from ringfence.engine.binaries import Binaries

ARGOCD = "argocd"
GIT = "git"
_NEEDED_BYTES = 300_000_000
# What a program may need to reach repositories elsewhere.
_PASSED_ON = (
    "LANG",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of the landscape whose state is in ``folder`` (a real path: programs are found by it)."""

    folder: Path

    def environment(self, environment: str) -> Path:
        """The environment's folder."""
        return self.folder / environment

    def cluster(self, environment: str, cluster: str) -> Path:
        """The cluster's directory."""
        return self.folder / environment / cluster

    def argocd(self, environment: str) -> Path:
        """The directory of the environment's Argo CD."""
        return self.folder / environment / ARGOCD

    def repositories(self, environment: str) -> Path:
        """The folder of the environment's Git repositories."""
        return self.folder / environment / GIT


def log_of(directory: Path) -> Path:
    """Where the program that works on the directory writes its log."""
    return directory / "log" / f"{directory.name}.log"


def private_folder(path: Path) -> Path:
    """Make the folder, for its owner only. Raises StateError when it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.chmod(0o700)
    except OSError as error:
        raise StateError(
            f"{path}: cannot be made: {error.strerror or error}",
            reason="CannotWrite",
            hint="give the folder to your user, or set XDG_STATE_HOME to one that is yours",
        ) from error
    return path


def check_space(folder: Path) -> None:
    """Raise StateError unless there is room for what clusters write first."""
    free = shutil.disk_usage(folder).free
    if free < _NEEDED_BYTES:
        raise StateError(
            f"{folder}: the disk has {free // 1_000_000} MB left; the engine needs {_NEEDED_BYTES // 1_000_000} MB",
            reason="NoSpace",
            hint="free some space, or set XDG_STATE_HOME to a folder on another disk, then run the same command again",
        )


def remove(folder: Path) -> None:
    """Remove a folder with everything in it, also where Argo CD left folders that cannot be listed."""

    def open_up(function: Callable[..., Any], name: str, error: BaseException) -> None:
        if isinstance(error, FileNotFoundError):
            return
        for path in (Path(name).parent, Path(name)):
            with contextlib.suppress(OSError):
                if path.is_relative_to(folder) and not path.is_symlink() and path.is_dir():
                    path.chmod(stat.S_IRWXU)
        if Path(name).is_dir() and not Path(name).is_symlink():
            remove(Path(name))
        else:
            function(name)

    try:
        _rmtree(folder, open_up)
    except OSError as error:
        raise StateError(
            f"{error.filename or folder}: cannot be removed: {error.strerror or error}",
            reason="CannotRemove",
            hint="see who owns the file, then run the same command again",
        ) from error


def _rmtree(folder: Path, on_error: Callable[[Callable[..., Any], str, BaseException], None]) -> None:
    def with_information(function: Callable[..., Any], name: str, information: Any) -> None:
        on_error(function, name, information[1])

    # The parameter was renamed in Python 3.12; the older name still works in every version that is supported.
    shutil.rmtree(folder, onerror=with_information)


def cluster_environment(values: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of a cluster's process."""
    return {"PATH": values.get("PATH", os.defpath), "HOME": values.get("HOME", "/"), **_passed_on(values)}


def argocd_environment(values: Mapping[str, str], binaries: Binaries, directory: Path) -> dict[str, str]:
    """The environment variables of an Argo CD: Helm and the Git wrapper first on its PATH, its own home and scratch."""
    private = {name: str(private_folder(directory / name)) for name in ("home", "tmp", "tls", "ssh")}
    return {
        "PATH": f"{binaries.folder}{os.pathsep}{values.get('PATH', os.defpath)}",
        "HOME": private["home"],
        "TMPDIR": private["tmp"],
        "ARGOCD_TLS_DATA_PATH": private["tls"],
        "ARGOCD_SSH_DATA_PATH": private["ssh"],
        "ARGOCD_GPG_ENABLED": "false",
        "GIT_TERMINAL_PROMPT": "0",
        **_passed_on(values),
    }


def _passed_on(values: Mapping[str, str]) -> dict[str, str]:
    return {name: values[name] for name in _PASSED_ON if name in values}
