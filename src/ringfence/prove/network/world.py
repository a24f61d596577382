"""One cluster's network facts, indexed: what the evaluators read and nothing else.

Built once from decoded JSON objects. An object that the API server would refuse is not dropped: it becomes an
``Opaque`` (a policy) or an unknown (a pod, a namespace), since dropping a policy can turn a proof into a lie.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.prove.memory import same
from ringfence.prove.network.values import Address, AdminPolicy, Node, Opaque, Pod, Policy

PodKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A kind that could not be listed: ``namespace`` None means nowhere."""

    resource: str
    namespace: str | None
    reason: str

    def covers(self, resource: str, namespace: str | None) -> bool:
        """Is what is asked for missing for this reason? ``namespace`` None asks for the whole cluster."""
        named = self.resource in {resource, "*"}
        return named and (self.namespace is None or namespace is None or self.namespace == namespace)


@dataclass(slots=True)
class PolicyIndex:
    """A namespace's policies by one label that their pods must have; ``rest`` are those that ask for no such label."""

    by_label: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    rest: list[int] = field(default_factory=list)

    def candidates(self, labels: Mapping[str, str]) -> list[int]:
        """The places of the policies that may select a pod of these labels, in order."""
        found = list(self.rest)
        for item in labels.items():
            found.extend(self.by_label.get(item, ()))
        return sorted(set(found))


def index_policies(policies: list[Policy]) -> PolicyIndex:
    """The index of one namespace's policies: a selector with ``key In (a, b)`` is filed under both values."""
    index = PolicyIndex()
    for place, policy in enumerate(policies):
        needed = next((part for part in policy.pods.requirements if part.operator == "In"), None)
        if needed is None:
            index.rest.append(place)
        else:
            for value in needed.values:
                index.by_label[needed.key, value].append(place)
    return index


@dataclass(slots=True)
class World:
    """A cluster as the network sees it. ``facts`` are what is known of its network plugin.

    ``leaving`` are namespaces that are being deleted; ``deleted_in_order``: their pods go before their policies do.
    ``memo`` keeps what was worked out from objects that no copy of the world changes; copies share it. ``spaces`` keeps
    what was worked out of groups and the labels of namespaces, each with its group.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    plugin: str | None = None
    namespaces: MutableMapping[str, Mapping[str, str]] = field(default_factory=dict)
    pods: dict[PodKey, Pod] = field(default_factory=dict)
    templates: list[Pod] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    policies: dict[str, list[Policy]] = field(default_factory=lambda: defaultdict(list))
    admin: list[AdminPolicy] = field(default_factory=list)
    opaque: list[Opaque] = field(default_factory=list)
    unlisted: list[Unlisted] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    objects: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    nodes_at: dict[Address, str] = field(default_factory=dict)
    leaving: frozenset[str] = frozenset()
    deleted_in_order: bool = False
    services_at: dict[Address, Mapping[str, Any]] = field(default_factory=dict)
    memo: dict[str, Any] = field(default_factory=dict)
    spaces: dict[Hashable, tuple[object, object]] = field(default_factory=dict)
    _pods_in: dict[str, list[Pod]] = field(default_factory=dict)
    _pods_at: dict[str, list[Pod]] = field(default_factory=dict)
    _objects_in: dict[str, dict[str, list[Mapping[str, Any]]]] = field(default_factory=dict)
    _selecting: dict[tuple[str, str, frozenset[tuple[str, str]]], list[Policy]] = field(default_factory=dict)
    _by_label: dict[str, PolicyIndex] = field(default_factory=dict)
    _opaque_in: dict[str, list[Opaque]] = field(default_factory=dict)
    _opaque_places: dict[str | None, list[int]] = field(default_factory=dict)

    def missing(self, resource: str, namespace: str | None) -> Unlisted | None:
        """Why objects of this resource may be missing here, or None when the list is complete."""
        return next((entry for entry in self.unlisted if entry.covers(resource, namespace)), None)

    def may_be_bare(self, namespace: str) -> bool:
        """May a namespace's policies be gone before its pods are, since it is being deleted (CVE-2024-7598)?"""
        return namespace in self.leaving and not self.deleted_in_order

    def namespace_labels(self, name: str) -> Mapping[str, str] | None:
        """A namespace's labels, or None where the snapshot does not hold the namespace."""
        return self.namespaces.get(name)

    def pods_in(self, namespace: str) -> list[Pod]:
        """The pods and templates of a namespace."""
        if not self._pods_in:
            for pod in (*self.pods.values(), *self.templates):
                self._pods_in.setdefault(pod.namespace, []).append(pod)
        return self._pods_in.get(namespace, [])

    def pods_at(self, address: str) -> list[Pod]:
        """The pods that have an address, in its one spelling, and have not ended."""
        if not self._pods_at:
            for pod in self.pods.values():
                for text in pod.address_texts if not pod.finished else ():
                    self._pods_at.setdefault(text, []).append(pod)
        return self._pods_at.get(address, [])

    def objects_in(self, kind: str, namespace: str) -> list[Mapping[str, Any]]:
        """The objects of a kind (Service, Ingress, ...) in a namespace."""
        if kind not in self._objects_in:
            by_namespace: dict[str, list[Mapping[str, Any]]] = {}
            for item in self.objects.get(kind, ()):
                meta = item.get("metadata")
                found = meta.get("namespace") if isinstance(meta, Mapping) else None
                by_namespace.setdefault(str(found or "default"), []).append(item)
            self._objects_in[kind] = by_namespace
        return self._objects_in[kind].get(namespace, [])

    def opaque_in(self, namespace: str) -> list[Opaque]:
        """What may decide over pods of a namespace and cannot be read, in the order of the snapshot."""
        found = self._opaque_in.get(namespace)
        if found is None:
            if self.opaque and not self._opaque_places:
                for place, entry in enumerate(self.opaque):
                    self._opaque_places.setdefault(entry.namespace, []).append(place)
            here = [*self._opaque_places.get(None, ()), *self._opaque_places.get(namespace, ())]
            found = self._opaque_in[namespace] = [self.opaque[place] for place in sorted(here)]
        return found

    def forget(self) -> None:
        """Drop what was worked out from policies: for a copy whose policies differ."""
        self._selecting = {}
        self._by_label = {}
        self._opaque_in = {}
        self._opaque_places = {}

    def selecting(self, pod: Pod, direction: str) -> list[Policy]:
        """The NetworkPolicies that isolate a pod in a direction (``ingress`` or ``egress``), in order."""
        key = (direction, pod.namespace, frozenset(pod.labels.items()))
        found = self._selecting.get(key)
        if found is None:
            policies = self.policies_of(pod.namespace)
            if pod.namespace not in self._by_label:
                self._by_label[pod.namespace] = index_policies(policies)
            found = [
                policies[place]
                for place in self._by_label[pod.namespace].candidates(pod.labels)
                if (policies[place].ingress if direction == "ingress" else policies[place].egress) is not None
                and policies[place].pods.matches(pod.labels)
            ]
            self._selecting[key] = found
        return found

    def policies_of(self, namespace: str) -> list[Policy]:
        """The NetworkPolicies of a namespace, in the order of the snapshot."""
        return self.policies.get(namespace, [])


_TOLD = ("facts", "plugin", "namespaces", "pods", "templates", "nodes", "policies", "admin", "opaque", "unlisted",
         "unreadable", "nodes_at", "leaving", "deleted_in_order")  # fmt: skip


def alike(one: World, other: World) -> bool:
    """Whether two worlds were built of the same facts, whatever has been looked up in either since."""
    told = all(getattr(one, name) == getattr(other, name) for name in _TOLD)
    return told and same(dict(one.objects), dict(other.objects))
