"""``down``: the embedded Environments end. Clusters that exist are left as they are."""

import re
from collections.abc import Callable
from pathlib import Path

from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths
from ringfence.engine import Engine

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?")


def name_of(text: Path) -> str:
    """The landscape that a person means: a file or folder is read, anything else is a name.

    A Landscape that was deleted or broken must not keep its processes alive: its name is enough.
    """
    from ringfence.landscape.load import load_landscape

    if not text.exists() and _NAME.fullmatch(str(text)):
        return str(text)
    return load_landscape(text).name


def landscapes(paths: Paths | None = None) -> tuple[str, ...]:
    """The names of this user's landscapes that have embedded clusters, up or not."""
    return tuple(Engine(paths or Paths.from_environment(), SystemClock()).landscapes())


def down(
    landscape: str,
    *,
    purge: bool = False,
    dry_run: bool = False,
    report: Callable[[str], None] = lambda _: None,
    paths: Paths | None = None,
) -> None:
    """Stop every process of a landscape; with ``purge`` remove its files. Done again it does nothing."""
    engine = Engine(paths or Paths.from_environment(), SystemClock())
    if dry_run:
        state = engine.state(landscape)
        for process in state.processes:
            if process.running:
                report(f"would stop {process.name} (process {process.pid})")
        if purge:
            report(f"would remove {state.directory}")
        return
    engine.down(landscape, purge, report)
