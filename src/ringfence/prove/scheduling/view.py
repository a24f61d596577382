"""What placement needs of a cluster: nodes, RuntimeClasses, namespaces' annotations and what is known of the flags.

Flags are read from the static pods of kube-system, where there are any. Facts that stay unknown are asked where they
decide; feature gates and admission plugins are never taken for what is usual.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.prove.answer import Question
from ringfence.prove.network.selectors import UnreadableError
from ringfence.prove.scheduling.taints import COMPARE
from ringfence.prove.scheduling.values import NodeFacts, parse_node
from ringfence.prove.snapshot import ClusterSnapshot

DEFAULT_SECONDS = Question(
    "DefaultTolerationSeconds",
    ("on", "off"),
    "whether the admission plugin DefaultTolerationSeconds is on (it is unless switched off)",
)
POD_NODE_SELECTOR = Question(
    "PodNodeSelector", ("off", "on"), "whether the admission plugin PodNodeSelector is on (API server flags)"
)
POD_TOLERATIONS = Question(
    "PodTolerationRestriction",
    ("off", "on"),
    "whether the admission plugin PodTolerationRestriction is on (API server flags)",
)
COMPARE_SINCE = (1, 35)
COMPARE_KNOWN = (1, 37)
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class PlacementView:
    """One cluster as placement sees it. ``unreadable`` says of a node why it cannot be read; ``unlisted`` why nodes or
    runtime classes may be missing."""

    nodes: Mapping[str, NodeFacts]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    runtime_classes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    annotations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    unlisted: Mapping[str, str] = field(default_factory=dict)


def placement_of(cluster: ClusterSnapshot, version: str | None = None) -> PlacementView:
    """The view of one cluster of a Snapshot. ``version`` (``1.37``) outweighs what the nodes say."""
    objects = [item for kind, items in cluster.objects.items() if kind.kind in _KINDS for item in items]
    unlisted = {
        resource: marker.reason for resource in ("nodes", "runtimeclasses") for marker in cluster.unseen(resource)
    }
    defects = {defect.name: defect.problem for defect in cluster.defects if defect.kind.kind == "Node"}
    return build_placement(objects, version or cluster.version, unlisted, defects)


def build_placement(
    objects: Iterable[Mapping[str, Any]],
    version: str | None = None,
    unlisted: Mapping[str, str] | None = None,
    unreadable: Mapping[str, str] | None = None,
) -> PlacementView:
    """The view of plain objects; kinds that do not matter are passed over."""
    nodes: dict[str, NodeFacts] = {}
    broken = dict(unreadable or {})
    runtime_classes: dict[str, Mapping[str, Any]] = {}
    annotations: dict[str, Mapping[str, str]] = {}
    flags: dict[str, list[str]] = {}
    versions: list[str] = [version] if version else []
    for item in objects:
        meta = item.get("metadata") or {}
        kind, name = item.get("kind"), str(meta.get("name") or "")
        if kind == "Node":
            try:
                nodes[name] = parse_node(item)
            except UnreadableError as error:
                broken[name] = str(error)
            if not version:
                info = (item.get("status") or {}).get("nodeInfo") or {}
                versions.append(str(info.get("kubeletVersion") or ""))
        elif kind == "RuntimeClass":
            runtime_classes[name] = item
        elif kind == "Namespace":
            annotations[name] = meta.get("annotations") or {}
        elif kind == "Pod" and meta.get("namespace") == "kube-system":
            _collect_flags(item, meta, flags)
    facts = {**_gate_facts(versions, flags), **_plugin_facts(flags)}
    return PlacementView(nodes, broken, runtime_classes, annotations, facts, dict(unlisted or {}))


_KINDS = frozenset({"Node", "RuntimeClass", "Namespace", "Pod"})
_COMPONENTS = frozenset({"kube-apiserver", "kube-scheduler"})


def _collect_flags(item: Mapping[str, Any], meta: Mapping[str, Any], flags: dict[str, list[str]]) -> None:
    component = (meta.get("labels") or {}).get("component")
    if component not in _COMPONENTS:
        return
    for container in (item.get("spec") or {}).get("containers") or []:
        words = [*(container.get("command") or []), *(container.get("args") or [])]
        flags.setdefault(str(component), []).extend(str(word) for word in words)


def _values(words: list[str], flag: str) -> list[str]:
    """The comma-separated values of a flag, written ``--flag=a,b`` or ``--flag a,b``."""
    found: list[str] = []
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == f"--{flag}":
            text = value if equals else words[place + 1] if place + 1 < len(words) else ""
            found.extend(part for part in text.split(",") if part)
    return found


def _gate_facts(versions: list[str], flags: Mapping[str, list[str]]) -> dict[str, str]:
    numbers = [(int(match[1]), int(match[2])) for match in map(_VERSION.match, versions) if match]
    if numbers and max(numbers) < COMPARE_SINCE:
        return {COMPARE.key: "off"}
    words = flags.get("kube-scheduler")
    if words is None:
        return {}
    for value in _values(words, "feature-gates"):
        name, _, state = value.partition("=")
        if name == COMPARE.key:
            return {COMPARE.key: "on" if state.lower() == "true" else "off"}
        if name == "AllAlpha" and state.lower() == "true":
            return {}
    return {COMPARE.key: "off"} if numbers and max(numbers) <= COMPARE_KNOWN else {}


def _plugin_facts(flags: Mapping[str, list[str]]) -> dict[str, str]:
    words = flags.get("kube-apiserver")
    if words is None:
        return {}
    switched_on = set(_values(words, "enable-admission-plugins"))
    switched_off = set(_values(words, "disable-admission-plugins"))
    facts = {
        question.key: "on" if question.key in switched_on else "off"
        for question in (POD_NODE_SELECTOR, POD_TOLERATIONS)
    }
    facts[DEFAULT_SECONDS.key] = "off" if DEFAULT_SECONDS.key in switched_off else "on"
    return facts
