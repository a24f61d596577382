"""``render``: the Manifests as files, one folder for each Environment, laid out as its Git repository is.

Needs no cluster: what runs where is known from the Topology. The folder is replaced as a whole, so that it never holds
what an older Topology had.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ringfence.base.errors import StateError
from ringfence.base.paths import write_atomically
from ringfence.decide.topology import Topology
from ringfence.flows.plan import feasible
from ringfence.flows.sources import read_sources
from ringfence.landscape.model import Landscape
from ringfence.render import Manifests, Options, render, repository_files

_MARK = ".ringfence-render"


def render_landscape(landscape: Landscape, topology: Topology, options: Options | None = None) -> Manifests:
    """The Manifests with the applications' sources. Raises InputError for a source that is not there."""
    return render(landscape, feasible(topology), read_sources(landscape), options)


def rendered_files(manifests: Manifests) -> Mapping[str, bytes]:
    """Every file, by its path below the output folder."""
    environments = sorted({cluster.environment for cluster in manifests.clusters})
    return {
        f"environments/{environment}/{path}": content
        for environment in environments
        for path, content in repository_files(manifests, environment).items()
    }


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files as the whole content of ``folder``.

    The new content is made beside it and takes its place by a rename. A folder that is there and was not written by
    ``render`` is left alone: raises StateError.
    """
    target = folder.absolute()
    if target.exists() and not (target / _MARK).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise StateError(
            f"{folder}: this is not a folder that `ringfence render` wrote, so it is not replaced",
            reason="NotOurs",
            hint="name an empty or a new folder",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            made.chmod(0o755)
            for path, content in {**files, _MARK: b"written by ringfence render\n"}.items():
                write_atomically(made / path, content, mode=0o644)
            old = made.with_name(f"{made.name}.old")
            if target.exists():
                target.rename(old)
            made.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise StateError(
            f"{folder}: cannot be written: {error.strerror or error}",
            reason="CannotWrite",
            hint="free some disk space or give the folder to your user, then run the same command again",
        ) from error
