"""Probes: single questions as JSON lines, as bulk checks ask them (contract, section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.prove.answer import Answer
from ringfence.prove.rbac.rules import Request


class ProbeError(ValueError):
    """A probe that does not say what it asks; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class AccessProbe:
    """May this user make this request?"""

    username: str
    groups: tuple[str, ...]
    request: Request


@dataclass(frozen=True, slots=True)
class ConnectProbe:
    """May this party connect to that one? ``port`` is the destination's."""

    source: str
    destination: str
    protocol: str
    port: int


def access_probe(line: Mapping[str, Any]) -> AccessProbe:
    """The access question of a probe line. Raises ProbeError for fields of a wrong type."""
    groups = line.get("groups") or []
    if not isinstance(groups, list) or not all(isinstance(name, str) for name in groups):
        raise ProbeError('"groups" must be a list of names')
    verb = _text(line, "verb")
    if not verb:
        raise ProbeError('"verb" is missing')
    url = line.get("nonResourceURL")
    if isinstance(url, str) and url:
        return AccessProbe(_text(line, "user"), tuple(groups), Request(verb, url=url))
    resource, slash, subresource = _text(line, "resource").partition("/")
    if not resource:
        raise ProbeError('"resource" or "nonResourceURL" is missing')
    request = Request(
        verb=verb,
        group=_text(line, "group"),
        resource=resource,
        subresource=_text(line, "subresource") or (subresource if slash else ""),
        namespace=_text(line, "namespace"),
        name=_text(line, "name"),
    )
    return AccessProbe(_text(line, "user"), tuple(groups), request)


def connect_probe(line: Mapping[str, Any]) -> ConnectProbe:
    """The connection question of a probe line. Raises ProbeError for fields of a wrong type."""
    port = line.get("port")
    if isinstance(port, str) and port.isdigit():
        port = int(port)
    if not isinstance(port, int) or isinstance(port, bool):
        raise ProbeError('"port" must be a number')
    source, destination = _text(line, "from"), _text(line, "to")
    if not source or not destination:
        raise ProbeError('"from" and "to" must be given')
    return ConnectProbe(source, destination, _text(line, "protocol") or "TCP", port)


def _text(line: Mapping[str, Any], key: str) -> str:
    value = line.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ProbeError(f'"{key}" must be a string')
    return value


def answer_line(line: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """The probe's own fields with its answer."""
    return {**line, "answer": answer.answer, "because": list(answer.because)}
