"""Questions about rights, as the API server's own authoriser answers them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody may or may not do. Empty namespace: in all namespaces, or cluster-scoped."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        """``create pods/exec in shop``, as a person says it."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        whole = f"{resource}/{self.subresource}" if self.subresource else resource
        named = f" {self.name}" if self.name else ""
        return f"{self.verb} {whole}{named}{f' in {self.namespace}' if self.namespace else ''}"

    def attributes(self) -> dict[str, Any]:
        """The ``resourceAttributes`` of a review."""
        fields = {
            "verb": self.verb,
            "group": self.group,
            "resource": self.resource,
            "namespace": self.namespace,
            "name": self.name,
            "subresource": self.subresource,
        }
        return {key: value for key, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Decision:
    """The authoriser's answer; ``reason`` names the binding when RBAC allowed it."""

    allowed: bool
    reason: str = ""
