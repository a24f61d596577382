"""What a cluster says of its own API server: version, flags of kube-system's static pods.

Flags that are seen count; a managed control plane shows none, and then everything stays open that they would settle.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.snapshot import ClusterSnapshot

_VERSION = re.compile(r"v?1\.(\d{1,3})")


@dataclass(frozen=True, slots=True)
class ApiServerFlags:
    """Flags of kube-apiserver. ``seen`` is False when no static pod shows them; then the others are empty."""

    seen: bool = False
    flags: Mapping[str, str] = field(default_factory=dict)
    pod: str = ""

    def get(self, name: str) -> str | None:
        """The value of ``--name``, None when it is not given or no flags are seen."""
        return self.flags.get(name)

    @property
    def authorization_modes(self) -> tuple[str, ...]:
        """The authorizers named, empty when not known."""
        modes = self.get("authorization-mode")
        if modes:
            return tuple(mode for mode in modes.split(",") if mode)
        return ("configured by a file",) if self.get("authorization-config") else ()

    @property
    def issuer(self) -> str | None:
        """The ServiceAccount issuer, None when not seen."""
        value = self.get("service-account-issuer")
        return value.split(",")[0] if value else None

    @property
    def anonymous(self) -> bool | None:
        """Whether anonymous requests are let in, None when not seen (the default lets them in)."""
        if not self.seen:
            return None
        return (self.get("anonymous-auth") or "true").lower() not in ("false", "0", "f")

    @property
    def admission_disabled(self) -> frozenset[str]:
        """Admission plugins that are switched off."""
        return frozenset((self.get("disable-admission-plugins") or "").split(",")) - {""}

    @property
    def admission_enabled(self) -> frozenset[str]:
        """Admission plugins that are switched on beyond the defaults."""
        return frozenset((self.get("enable-admission-plugins") or "").split(",")) - {""}

    @property
    def feature_gates(self) -> Mapping[str, bool]:
        """Feature gates that are set."""
        pairs = (item.partition("=") for item in (self.get("feature-gates") or "").split(",") if item)
        return {name: value.lower() == "true" for name, _, value in pairs}


def api_server_flags(snapshot: ClusterSnapshot) -> ApiServerFlags:
    """The flags of kube-apiserver as kube-system's pods show them."""
    for pod in snapshot.of(kinds.POD):
        metadata = pod["metadata"]
        if metadata["namespace"] != "kube-system":
            continue
        for container in pod["spec"].get("containers") or ():
            words = [*(container.get("command") or ()), *(container.get("args") or ())]
            if words and (words[0].rsplit("/", 1)[-1] == "kube-apiserver" or container["name"] == "kube-apiserver"):
                return ApiServerFlags(True, _parse(words), f"pod/kube-system/{metadata['name']}")
    return ApiServerFlags()


def _parse(words: Iterable[str]) -> dict[str, str]:
    flags: dict[str, str] = {}
    pending: str | None = None
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            flags.setdefault(name, "true")
            if equals:
                # A repeated flag: the first issuer signs, so the first value is kept and others are appended.
                flags[name] = value if flags[name] == "true" else f"{flags[name]},{value}"
            pending = None if equals else name
        elif pending is not None:
            flags[pending] = word
            pending = None
    return flags


def minor_versions(snapshot: ClusterSnapshot, assumed: Any = None) -> tuple[int, ...]:
    """The minor versions that the cluster may have, lowest first: what is said, else its nodes'; empty: unknown."""
    for said in (assumed, snapshot.version):
        match = _VERSION.match(said) if isinstance(said, str) else None
        if match:
            return (int(match.group(1)),)
    found = set()
    for node in snapshot.of(kinds.NODE):
        info = (node.get("status") or {}).get("nodeInfo") or {}
        match = _VERSION.match(info.get("kubeletVersion") or "")
        if match:
            found.add(int(match.group(1)))
    return tuple(sorted(found))
