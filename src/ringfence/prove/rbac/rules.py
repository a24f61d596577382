"""One RBAC rule and which requests it matches.

Source: the rule evaluation of k8s.io/api/rbac/v1 and the helpers beside it (rbac_test.go's tables are in the tests).
``*`` as a resource includes every subresource; ``*/sub`` is that subresource of everything; ``pods`` is not
``pods/exec``. Rules are interned: tens of thousands of bindings share a few dozen roles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """What a SubjectAccessReview asks: attributes of a resource request, or a ``url`` (then the rest is empty)."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy rule. ``names`` empty means every name; ``urls`` are non-resource URLs."""

    verbs: frozenset[str]
    groups: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    urls: tuple[str, ...] = ()

    def permits(self, request: Request) -> bool:
        """True when the rule allows the request."""
        if "*" not in self.verbs and request.verb not in self.verbs:
            return False
        if request.url is not None:
            return any(_url_matches(pattern, request.url) for pattern in self.urls)
        if "*" not in self.groups and request.group not in self.groups:
            return False
        if not self.covers(request.resource, request.subresource):
            return False
        return not self.names or request.name in self.names

    def covers(self, resource: str, subresource: str = "") -> bool:
        """True when the rule speaks of the resource, or of the subresource when one is given."""
        if "*" in self.resources:
            return True
        if not subresource:
            return resource in self.resources
        return f"{resource}/{subresource}" in self.resources or f"*/{subresource}" in self.resources


def _url_matches(pattern: str, url: str) -> bool:
    if pattern in ("*", url):
        return True
    return pattern.endswith("*") and url.startswith(pattern.rstrip("*"))


def parse_rule(raw: Mapping[str, Any]) -> Rule:
    """A rule from an object that has passed ``prove.validity``."""
    return Rule(
        verbs=frozenset(raw.get("verbs") or ()),
        groups=frozenset(raw.get("apiGroups") or ()),
        resources=frozenset(raw.get("resources") or ()),
        names=frozenset(raw.get("resourceNames") or ()),
        urls=tuple(raw.get("nonResourceURLs") or ()),
    )


def parse_rules(raw: Sequence[Mapping[str, Any]] | None) -> tuple[Rule, ...]:
    """The rules of a role."""
    return tuple(parse_rule(rule) for rule in raw or ())
