"""Reading what applications are made of: charts and manifests, from the Landscape's folder.

Everything is read into memory before anything is done with it: a chart that is not there must be known before the first
cluster is touched. Links that lead out of the chart are refused: they would carry a stranger's file into Git.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from ringfence.base.errors import InputError
from ringfence.landscape.model import Application, Landscape, SourceKind
from ringfence.render import Sources

_LARGEST = 5_000_000
_SKIPPED = frozenset({".git", ".hg", ".svn", "__pycache__", ".DS_Store"})
_MARKS: Mapping[SourceKind, tuple[str, ...]] = {
    SourceKind.HELM: ("Chart.yaml",),
    SourceKind.KUSTOMIZE: ("kustomization.yaml", "kustomization.yml", "Kustomization"),
    SourceKind.MANIFESTS: (),
}


def read_sources(landscape: Landscape) -> Mapping[str, Sources]:
    """The files of every application that has a deployment to place, by application.

    Raises InputError, with the place in the Landscape, for a source that is missing, is none, or is too large.
    """
    return {
        application.name: read_source(landscape, application)
        for application in landscape.applications
        if any(landscape.stage(deployment.stage).placed for deployment in application.deployments)
    }


def read_source(landscape: Landscape, application: Application) -> Sources:
    """The files of one application's source, by path below it."""
    source = application.source
    if source is None:
        raise InputError(
            f"{application.name}: it has no source, so there is nothing to deploy",
            location=application.location,
            reason="NoSource",
            hint=f"add `source: {{helm: charts/{application.name}}}`, `kustomize:` or `manifests:`",
        )
    folder = Path(landscape.folder) / source.path
    if not folder.is_dir():
        raise InputError(
            f"{application.name}: {source.kind.value} {source.path}: there is no such folder ({folder})",
            location=application.location,
            reason="NoSource",
            hint="paths are relative to the Landscape's folder",
        )
    marks = _MARKS[source.kind]
    if marks and not any((folder / mark).is_file() for mark in marks):
        raise InputError(
            f"{application.name}: {source.path} is no {source.kind.value} source: it has no {marks[0]}",
            location=application.location,
            reason="NoSource",
            hint=f"ringfence reads {source.kind.value} sources by their {marks[0]}",
        )
    files = _read(application, folder)
    if not files:
        raise InputError(
            f"{application.name}: {source.path} is empty",
            location=application.location,
            reason="NoSource",
            hint="put a chart or manifests there, or let `source` name the folder that has them",
        )
    return Sources(files)


def _read(application: Application, folder: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    root = folder.resolve()
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in sorted(names):
            path = Path(parent) / name
            if name in _SKIPPED:
                continue
            if not path.resolve().is_relative_to(root):
                raise InputError(
                    f"{application.name}: {path} is a link that leads out of the source",
                    location=application.location,
                    reason="LinkOutside",
                    hint="copy the file into the source",
                )
            content = path.read_bytes()
            total += len(content)
            if total > _LARGEST:
                raise InputError(
                    f"{application.name}: {folder} is larger than {_LARGEST // 1_000_000} MB",
                    location=application.location,
                    reason="TooLarge",
                    hint="a chart holds templates; keep images and data elsewhere",
                )
            files[path.relative_to(folder).as_posix()] = content
    return files
