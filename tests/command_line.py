"""Every command of ``ringfence``, as the command line has it: what tests of all commands go over."""

from collections.abc import Iterator
from typing import Any

import typer

from ringfence.cli.main import app


def commands() -> dict[str, Any]:
    """Commands by what is typed after ``ringfence``, such as ``hold set``."""
    return dict(_below(typer.main.get_command(app)))


def _below(group: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    names = group.list_commands(None) if hasattr(group, "list_commands") else []
    if not names:
        yield name, group
    for one in names:
        yield from _below(group.get_command(None, one), f"{name} {one}".strip())
