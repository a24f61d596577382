"""From a kubeconfig and a context to a connection.

The kubeconfig is read by the client library, so that certificates, tokens and exec plugins work as in kubectl.
A proxy from the environment is not used for a server on this machine: nobody means that.
"""

import os
import threading
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ringfence.base.errors import InputError
from ringfence.base.text import suggestion

if TYPE_CHECKING:
    import httpx2
    from lightkube.config.kubeconfig import KubeConfig

    from ringfence.kube.cluster import Cluster

_TIMEOUT = 30.0

_READING = threading.Lock()
"""The client library's decoder learns a type at its first use, and crashes when two threads teach it at once."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """The contexts of a kubeconfig, and which is current."""

    file: Path
    names: tuple[str, ...]
    current: str | None


def default_kubeconfig() -> Path:
    """The file kubectl would read: the first that exists of KUBECONFIG, else ``~/.kube/config``."""
    listed = [Path(part).expanduser() for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    for path in listed:
        if path.is_file():
            return path
    return listed[0] if listed else Path("~/.kube/config").expanduser()


def contexts(kubeconfig: Path | None = None) -> Contexts:
    """What a kubeconfig (None: kubectl's default) offers. Raises InputError when it cannot be read."""
    path = kubeconfig or default_kubeconfig()
    config = _read(path)
    return Contexts(path, tuple(config.contexts), config.current_context)


def open_cluster(kubeconfig: Path | None = None, context: str | None = None, *, timeout: float = _TIMEOUT) -> "Cluster":
    """A connection to the cluster of a context (None: the current one) of a kubeconfig (None: kubectl's default).

    ``timeout`` is in seconds and bounds each answer, not a watch. Nothing is sent yet. Raises InputError when the file
    or the context does not exist or cannot be understood.
    """
    from lightkube.config.client_adapter import ConnectionParams
    from lightkube.core.exceptions import ConfigError

    from ringfence.kube.cluster import Cluster

    path = kubeconfig or default_kubeconfig()
    config = _read(path)
    if context is not None and context not in config.contexts:
        raise InputError(
            f"{path}: there is no context {context!r}; {suggestion(context, config.contexts)}".rstrip("; "),
            reason="NoSuchContext",
            hint="kubectl config get-contexts lists them",
        )
    try:
        single = config.get(context)
        if single is None:
            raise ConfigError("no current context is set")
        if single.user is None:
            from lightkube.config.models import User

            single = single._replace(user=User())
        import httpx2

        local = _is_local(single.cluster.server)
        parameters = ConnectionParams(timeout=httpx2.Timeout(timeout), trust_env=not local)
        client = httpx2.Client(**parameters.httpx_params(single), limits=_limits())
    except (ConfigError, KeyError, OSError, ValueError) as error:
        raise InputError(
            f"{path}: context {context or config.current_context or '(none)'} cannot be used: {error}",
            reason="BadKubeconfig",
            hint="name a context with a cluster and a user, or repair the file",
        ) from error
    return Cluster(
        client,
        server=single.cluster.server,
        name=single.context_name,
        namespace=single.context.namespace,
    )


def _limits() -> "httpx2.Limits":
    """As many connections as there are watches, one each: with the usual hundred, whoever follows a cluster of many
    kinds waits for a connection that never comes free. Few of them are kept when nothing needs them."""
    import httpx2

    return httpx2.Limits(max_connections=None, max_keepalive_connections=20)


def _read(path: Path) -> "KubeConfig":
    from lightkube.config.kubeconfig import KubeConfig
    from lightkube.core.exceptions import ConfigError

    try:
        with _READING:
            return KubeConfig.from_file(path)
    except ConfigError as error:
        raise InputError(
            f"{path}: there is no kubeconfig here",
            reason="NoKubeconfig",
            hint="name one with --kubeconfig or KUBECONFIG; `ringfence kubeconfig FILE` prints the embedded clusters",
        ) from error
    except Exception as error:
        # Whatever the client library raises for a file that is something else. Its text may quote the file, which
        # holds keys: only its kind is told.
        raise InputError(
            f"{path}: this is not a kubeconfig ({type(error).__name__})",
            reason="BadKubeconfig",
            hint="kubectl config view --kubeconfig FILE shows what is wrong with it",
        ) from error


def _is_local(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
