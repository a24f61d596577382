"""What is written down of a landscape's engine: its clusters, their ports and nodes, in ``engine.json``.

Ports are chosen once and kept, since kubeconfigs name them. They lie below the range from which the kernel takes the
ports of outgoing connections, so a cluster that is down does not lose its own to a passer-by.
"""

import contextlib
import json
import socket
import zlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ringfence.base.errors import StateError
from ringfence.base.paths import write_atomically
from ringfence.engine.spec import ClusterSpec, EnvironmentSpec, Role, node_document

RECORD_NAME = "engine.json"
CLUSTER_FILE = "cluster.json"
_FIRST_PORT = 16_000
_PORTS = 16_000


@dataclass(frozen=True, slots=True)
class ClusterRecord:
    """One cluster as it is kept: where it belongs, its port, its nodes' names."""

    environment: str
    name: str
    role: Role
    port: int
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """Everything that ``up`` has been asked for and not yet taken away."""

    environments: tuple[str, ...] = ()
    clusters: tuple[ClusterRecord, ...] = field(default=())

    def port(self, cluster: str) -> int | None:
        """The port of the cluster of that name, or None."""
        return next((one.port for one in self.clusters if one.name == cluster), None)


def read(folder: Path) -> EngineRecord:
    """The record in a landscape's folder; an empty one when it is not there or damaged: ``up`` writes it anew."""
    try:
        document = json.loads((folder / RECORD_NAME).read_bytes())
        clusters = tuple(
            ClusterRecord(one["environment"], one["name"], Role(one["role"]), int(one["port"]), tuple(one["nodes"]))
            for one in document["clusters"]
        )
        return EngineRecord(tuple(document["environments"]), clusters)
    except (OSError, ValueError, KeyError, TypeError):
        return EngineRecord()


def write(folder: Path, record: EngineRecord) -> None:
    """Replace the record; a crash leaves the old one."""
    document = {
        "environments": list(record.environments),
        "clusters": [
            {
                "environment": one.environment,
                "name": one.name,
                "role": one.role,
                "port": one.port,
                "nodes": list(one.nodes),
            }
            for one in record.clusters
        ],
    }
    write_if_changed(folder / RECORD_NAME, document)


def write_if_changed(path: Path, document: Mapping[str, Any]) -> bool:
    """Write a JSON document unless that is what is there; whether it was written."""
    content = (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return False
    write_atomically(path, content)
    return True


def plan(landscape: str, folder: Path, environments: Sequence[EnvironmentSpec]) -> EngineRecord:
    """The record for what is asked: known clusters keep their ports, new ones get free ones."""
    present = read(folder)
    taken: set[int] = set()
    clusters = []
    for environment in environments:
        for cluster in environment.clusters:
            port = present.port(cluster.name) or _port_in_file(folder / environment.name / cluster.name)
            if port is None or port in taken:
                port = free_port(f"{landscape}/{cluster.name}", taken)
            taken.add(port)
            nodes = tuple(node.name for node in cluster.nodes)
            clusters.append(ClusterRecord(environment.name, cluster.name, cluster.role, port, nodes))
    return EngineRecord(tuple(environment.name for environment in environments), tuple(clusters))


def _port_in_file(directory: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads((directory / CLUSTER_FILE).read_bytes())["port"])
    return None


def free_port(name: str, taken: Container[int]) -> int:
    """A free TCP port on 127.0.0.1; the same name tries the same ports first. Raises StateError when all are taken."""
    start = zlib.crc32(name.encode()) % _PORTS
    for step in range(_PORTS):
        port = _FIRST_PORT + (start + step) % _PORTS
        if port not in taken and is_free(port):
            return port
    raise StateError(f"no free TCP port on 127.0.0.1 from {_FIRST_PORT} to {_FIRST_PORT + _PORTS}", reason="PortTaken")


def is_free(port: int) -> bool:
    """Whether nobody listens on 127.0.0.1 at that port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def cluster_document(landscape: str, environment: str, cluster: ClusterSpec, port: int) -> dict[str, Any]:
    """What the cluster program reads: its ``cluster.json``."""
    return {
        "landscape": landscape,
        "environment": environment,
        "name": cluster.name,
        "role": str(cluster.role),
        "port": port,
        "nodes": [node_document(node) for node in sorted(cluster.nodes, key=lambda node: node.name)],
    }
