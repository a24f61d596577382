"""Reading a ``kind: Bundle`` file: what a platform's next version consists of."""

from collections.abc import Mapping
from pathlib import Path

from ringfence.base.document import Node, read_document
from ringfence.landscape.fields import Fields, expect, items, text
from ringfence.update.version import Bundle, Version

PLATFORM = Bundle(Version(1, 0, 0), Version(1, 37, 2), {"argo-cd": "3.6.1"})
"""What the embedded engine is compiled from, as the first version of a platform that has no other."""


def read_bundle(path: Path) -> Bundle:
    """The bundle in a file. Raises InputError with file, line and column for anything that is none."""
    document = Fields(read_document(path), "")
    expect(document, "Bundle")
    document.get("metadata")
    spec = Fields(document.need("spec", "spec: {version: 1.5.0, kubernetes: 1.37.2}"), "spec")
    document.close()
    bundle = Bundle(
        version=_version(spec.need("version", "version: 1.5.0"), "spec.version"),
        kubernetes=_version(spec.need("kubernetes", "kubernetes: 1.37.2"), "spec.kubernetes"),
        components=_named(spec.get("components"), "spec.components"),
        flags=_flags(spec.get("flags")),
    )
    spec.close()
    return bundle


def _version(node: Node, path: str) -> Version:
    return Version.parse(text(node, path), node.location)


def _named(node: Node | None, path: str) -> Mapping[str, str]:
    if node is None:
        return {}
    return {entry.key.text: text(entry.value, f"{path}.{entry.key.text}") for entry in Fields(node, path).rest()}


def _flags(node: Node | None) -> Mapping[str, tuple[str, ...]]:
    if node is None:
        return {}
    path = "spec.flags"
    return {entry.key.text: items(entry.value, f"{path}.{entry.key.text}", text) for entry in Fields(node, path).rest()}
