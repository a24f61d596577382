"""Which images a source names, and whether each is pinned by a digest.

A tag may mean another image tomorrow, so a release with one is not immutable. Manifests are searched where pods name
images; charts, which cannot be read without rendering, by the conventions of their values (``image: {repository, tag,
digest}`` or ``image: NAME``) and by images that stand in their templates as they are.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.landscape.model import SourceKind

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LITERAL = re.compile(rb"""^[ \t]*(?:-[ \t]+)?image:[ \t]*["']?([^\s"'{}]+)["']?[ \t]*$""", re.MULTILINE)
_YAML = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class NamedImage:
    """An image that a source names: without its digest, the digest (None: a tag or nothing), and the file."""

    image: str
    digest: str | None
    file: str


def images_of(kind: SourceKind, files: Mapping[str, bytes]) -> tuple[NamedImage, ...]:
    """Every image that the files name, each once, sorted. Files that are no YAML are passed over."""
    found: set[NamedImage] = set()
    for path, content in files.items():
        if kind is SourceKind.HELM:
            if path.rpartition("/")[2] == "values.yaml":
                found |= {_named(image, path) for image in _from_values(documents_of(content))}
            elif "templates/" in path and path.endswith(_YAML):
                found |= {_named(match.decode("utf-8", "replace"), path) for match in _LITERAL.findall(content)}
        elif path.endswith(_YAML):
            found |= {_named(image, path) for image in _from_pods(documents_of(content))}
    return tuple(sorted(found, key=lambda image: (image.image, image.digest or "", image.file)))


def _named(text: str, file: str) -> NamedImage:
    name, _, digest = text.partition("@")
    return NamedImage(name, digest if _DIGEST.fullmatch(digest) else None, file)


def documents_of(content: bytes) -> list[Any]:
    """The YAML documents in a file; none when it is no YAML."""
    import yaml

    try:
        return list(yaml.safe_load_all(content))
    except (yaml.YAMLError, ValueError):
        return []


def _from_values(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _from_values(item)
    if not isinstance(node, dict):
        return
    repository = node.get("repository")
    if isinstance(repository, str) and ("tag" in node or "digest" in node):
        registry = f"{node['registry']}/" if isinstance(node.get("registry"), str) and node["registry"] else ""
        tag = f":{node['tag']}" if node.get("tag") else ""
        digest = f"@{node['digest']}" if node.get("digest") else ""
        yield f"{registry}{repository}{tag}{digest}"
    for key, value in node.items():
        if key == "image" and isinstance(value, str) and value:
            yield value
        else:
            yield from _from_values(value)


def _from_pods(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _from_pods(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in {"containers", "initContainers", "ephemeralContainers"} and isinstance(value, list):
                yield from (str(one["image"]) for one in value if isinstance(one, dict) and one.get("image"))
            else:
                yield from _from_pods(value)
