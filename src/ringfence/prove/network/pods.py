"""Pods into the values of this package: what policies, Services and the search for connections read of them.

A hundred thousand pods come from a few hundred templates, and a Snapshot keeps equal parts of their specs as one
object: what comes of such a part is worked out once, by its identity. Comparing the parts themselves was rejected,
it costs as much as reading them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.prove.network.selectors import parse_list, parse_mapping
from ringfence.prove.network.values import HostPort, NamedPort, Pod, canonical_address

_FINISHED = frozenset({"Succeeded", "Failed"})
_NOBODY: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Containers:
    """What the containers of a template come to. ``read`` are the lists themselves: while they are kept, no other
    list can come to have their identity."""

    read: tuple[object, object]
    ports: tuple[NamedPort, ...]
    host_ports: tuple[HostPort, ...]
    images: tuple[str, ...]


class PodReader:
    """Reads pods and pod templates, and remembers the containers it has seen."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], _Containers] = {}

    def read(
        self,
        namespace: str,
        name: str,
        labels: Mapping[str, str],
        spec: Mapping[str, Any],
        status: Mapping[str, Any],
        ref: str,
    ) -> Pod:
        """A Pod from the parts of an object or of a template. Raises UnreadableError."""
        lists = (spec.get("containers"), spec.get("initContainers"))
        key = (id(lists[0]), id(lists[1]))
        containers = self._seen.get(key)
        if containers is None:
            containers = self._seen[key] = _containers(lists)
        node = spec.get("nodeName")
        return Pod(
            namespace,
            name,
            labels,
            spec.get("hostNetwork") is True,
            _addresses(status),
            node if isinstance(node, str) and node else None,
            containers.ports,
            containers.host_ports,
            ref,
            containers.images,
            status.get("phase") in _FINISHED,
        )


def _addresses(status: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses of a pod in their one spelling, each once."""
    first, listed = status.get("podIP"), status.get("podIPs")
    entries = parse_list(listed, "podIPs") if listed else ()
    if not entries or (len(entries) == 1 and type(entries[0]) is dict and entries[0].get("ip") == first):
        only = canonical_address(first) if first else None
        return (only,) if only is not None else _NOBODY
    texts = [first, *(entry.get("ip") for entry in entries if isinstance(entry, Mapping))]
    return tuple(dict.fromkeys(text for text in map(canonical_address, texts) if text is not None))


def _containers(lists: tuple[object, object]) -> _Containers:
    """What containers, and init containers that stay, come to. Raises UnreadableError."""
    ports: list[NamedPort] = []
    host_ports: list[HostPort] = []
    images: list[str] = []
    staying = [
        container
        for container in parse_list(lists[1], "initContainers")
        if isinstance(container, Mapping) and container.get("restartPolicy") == "Always"
    ]
    for container in [*parse_list(lists[0], "containers"), *staying]:
        body = parse_mapping(container, "a container")
        if isinstance(body.get("image"), str):
            images.append(body["image"])
        for entry in parse_list(body.get("ports"), "ports"):
            port = parse_mapping(entry, "a port")
            number, label, at = port.get("containerPort"), port.get("name"), port.get("hostPort")
            if not isinstance(number, int):
                continue
            protocol = str(port.get("protocol") or "TCP")
            if isinstance(label, str) and label:
                ports.append(NamedPort(label, protocol, number))
            if isinstance(at, int) and at:
                host_ports.append(HostPort(protocol, number, at))
    return _Containers(lists, tuple(ports), tuple(host_ports), tuple(images))
