"""Every command's ``--help`` as one page of Markdown: the documentation is built from it, so that it cannot differ."""

from collections.abc import Iterator
from typing import Any

import typer

from ringfence.cli.main import app

_WIDTH = 92


def page() -> str:
    """The page's commands: one section each, in the order of ``ringfence --help``."""
    return "\n".join(_sections(typer.main.get_command(app)))


def _sections(root: Any) -> Iterator[str]:
    for verb in root.list_commands(None):
        command = root.get_command(None, verb)
        yield f"## `ringfence {verb}`\n"
        yield _help(command, f"ringfence {verb}")
        for word, below in getattr(command, "commands", {}).items():
            yield f"### `ringfence {verb} {word}`\n"
            yield _help(below, f"ringfence {verb} {word}")


def _help(command: Any, name: str) -> str:
    context = typer.Context(command, info_name=name, terminal_width=_WIDTH, help_option_names=["-h", "--help"])
    return f"```text\n{command.get_help(context)}\n```\n"
