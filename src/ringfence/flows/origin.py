"""Which file a landscape was last built from: two files of one name share its clusters, and one prunes the other's.

A copy, a moved folder or a second checkout of the same landscape is legitimate, so this is a note and no refusal.
"""

from pathlib import Path

from ringfence.base.paths import Paths, write_atomically
from ringfence.landscape.load import DEFAULT_FILE

_KEPT = "built-from"


def other_origin(paths: Paths, landscape: str, file: Path) -> Path | None:
    """The file that the landscape was last built from, when that is another one and still there."""
    try:
        kept = Path((paths.landscape(landscape) / _KEPT).read_text(encoding="utf-8").strip())
        return kept if kept.is_file() and not kept.samefile(_whole(file)) else None
    except (OSError, ValueError):
        return None


def remember_origin(paths: Paths, landscape: str, file: Path) -> None:
    """Keep which file the landscape was built from, with the rest of its state. Raises StateError."""
    write_atomically(paths.landscape(landscape) / _KEPT, f"{_whole(file)}\n".encode())


def _whole(file: Path) -> Path:
    return (file / DEFAULT_FILE if file.is_dir() else file).resolve()
