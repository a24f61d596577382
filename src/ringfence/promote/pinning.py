"""Pinning: an image named by a tag becomes the same image by digest, in manifests and in the values of a chart.

``NAME:TAG@DIGEST`` is a reference that every runtime takes by its digest, so a chart that joins ``repository`` and
``tag`` needs no change: the tag's value carries the digest. Values go into the release's own values, since the chart's
files are the source as it was committed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.landscape.model import SourceKind
from ringfence.promote.images import documents_of

_IMAGE = re.compile(
    rb"""^(?P<head>[ \t]*(?:-[ \t]+)?image:[ \t]*)(?P<quote>["']?)(?P<image>[^\s"'{}]+)(?P=quote)(?=[ \t]*$)""",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A source with its images pinned: the files, and values that go over the chart's own."""

    files: Mapping[str, bytes]
    values: Mapping[str, Any] = field(default_factory=dict)


def pin(kind: SourceKind, files: Mapping[str, bytes], digests: Mapping[str, str]) -> Pinned:
    """Write ``digests`` (image with its tag to ``sha256:...``) where the files name those images."""
    if not digests:
        return Pinned(files)
    if kind is not SourceKind.HELM:
        return Pinned({path: _rewritten(path, content, digests) for path, content in files.items()})
    values: dict[str, Any] = {}
    for path, content in files.items():
        if path == "values.yaml":
            for document in documents_of(content):
                values = _overlay(document, digests) or {}
    rewritten = {
        path: _rewritten(path, content, digests) if "templates/" in path else content for path, content in files.items()
    }
    return Pinned(rewritten, values)


def _rewritten(path: str, content: bytes, digests: Mapping[str, str]) -> bytes:
    if not path.endswith((".yaml", ".yml")):
        return content

    def one(match: re.Match[bytes]) -> bytes:
        image = match["image"].decode("utf-8", "replace")
        digest = digests.get(image)
        if digest is None:
            return match[0]
        return match["head"] + match["quote"] + f"{image}@{digest}".encode() + match["quote"]

    return _IMAGE.sub(one, content)


def _overlay(node: Any, digests: Mapping[str, str]) -> dict[str, Any] | None:
    """The values that pin the images of a mapping and of everything below it; None when there is nothing to pin."""
    if not isinstance(node, dict):
        return None
    found: dict[str, Any] = {}
    repository, tag = node.get("repository"), node.get("tag")
    if isinstance(repository, str) and tag and not node.get("digest"):
        registry = f"{node['registry']}/" if node.get("registry") else ""
        digest = digests.get(f"{registry}{repository}:{tag}")
        if digest is not None:
            found.update({"digest": digest} if "digest" in node else {"tag": f"{tag}@{digest}"})
    for key, value in node.items():
        if key == "image" and isinstance(value, str) and value in digests:
            found[key] = f"{value}@{digests[value]}"
        elif (below := _overlay(value, digests)) is not None:
            found[key] = below
    return found or None


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others over them, as Helm merges them: mappings by key, anything else replaced."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = merged(below, value) if both and isinstance(below, Mapping) else value
    return result
