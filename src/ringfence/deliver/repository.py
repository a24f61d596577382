"""What an Environment's Git repository should hold, and what that changes.

Two owners share it: Ringfence's ``apply`` owns the platform's files and rewrites them; promotion owns what runs (chart,
release values). ``apply`` writes a deployment's release only when there is none, so that nothing reaches a stage past
the gates because somebody edited a chart and ran ``apply``.
"""

from collections.abc import Mapping

from ringfence.deliver.changes import Action, Change, ChangeSet
from ringfence.deliver.git import Repository
from ringfence.render import Manifests, ObjectKey
from ringfence.render.files import platform_files


def file_changes(repository: Repository | None, manifests: Manifests, environment: str) -> dict[str, bytes | None]:
    """The files to write, and to remove (None), at the repository's head. None: there is no repository yet."""
    present = repository.files() if repository is not None else {}
    wanted: dict[str, bytes] = dict(platform_files(manifests, environment))
    kept: list[str] = []
    for deployment in manifests.deployments:
        if deployment.environment != environment:
            continue
        kept.append(f"{deployment.path}/")
        folders = {path.removeprefix(f"{deployment.path}/").partition("/")[0] for path in deployment.initial_files}
        has_release = any(path.startswith(tuple(f"{deployment.path}/{name}/" for name in folders)) for path in present)
        if folders and not has_release:
            wanted.update(deployment.initial_files)
    changes: dict[str, bytes | None] = {
        path: content for path, content in wanted.items() if present.get(path) != content
    }
    for path in present:
        ours = path.startswith("clusters/") or (path.startswith("deployments/") and not path.startswith(tuple(kept)))
        if ours and path not in wanted:
            changes[path] = None
    return dict(sorted(changes.items()))


def as_changes(environment: str, files: Mapping[str, bytes | None], present: Mapping[str, bytes]) -> ChangeSet:
    """The same as a ChangeSet."""

    def action(path: str, content: bytes | None) -> Action:
        if content is None:
            return Action.DELETE
        return Action.UPDATE if path in present else Action.CREATE

    return ChangeSet(
        tuple(
            Change(f"{environment}.git", ObjectKey("", "File", "", path), "platform", action(path, content))
            for path, content in files.items()
        )
    )
