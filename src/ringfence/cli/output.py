"""Printing values: JSON and YAML for machines, tables for people, each to the right stream.

Data goes to stdout, everything said about it to stderr. Tables are drawn by rich where there is a terminal and as
plain columns in a pipe, since a pipe wants neither colour nor boxes.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.base.text import printable, visible_json


class Format(StrEnum):
    """How a value is printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers, as kubectl prints them. ``styles`` maps a cell's text to a rich style."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write ``value`` as indented JSON to stdout, keys in the order given."""
    sys.stdout.write(visible_json(json.dumps(value, indent=2, ensure_ascii=False)) + "\n")


def print_yaml(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write ``value`` as YAML to stdout, keys in the order given."""
    import yaml

    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
    if not all(sign.isprintable() or sign == "\n" for sign in text):
        # What turns text round or hides is written as an escape, and all other letters beyond ASCII with it.
        text = yaml.safe_dump(value, sort_keys=False, width=110)
    sys.stdout.write(text)


def print_data(value: Mapping[str, Any], output: Format) -> bool:
    """Write ``value`` for machines when ``output`` asks for it; False when a person asked for a table."""
    if output is Format.JSON:
        print_json(value)
    elif output is Format.YAML:
        print_yaml(value)
    else:
        return False
    return True


_STYLES = {
    "holds": "green", "kept": "green", "yes": "green", "done": "green", "open": "green", "running": "green",
    "broken": "bold red", "no": "red", "closed": "red", "refused": "red", "stopped": "red",
    "unknown": "yellow", "waiting": "yellow", "due": "yellow",
}  # fmt: skip


def print_table(table: Table) -> None:
    """Write columns to stdout, headers in capitals; verdict words are coloured on a terminal (NO_COLOR counts)."""
    rows = [tuple(printable(cell) for cell in row) for row in table.rows]
    headers = tuple(header.upper() for header in table.headers)
    widths = [max(len(cell) for cell in column) for column in zip(headers, *rows, strict=True)]
    lines = [_line(headers, widths)]
    if not sys.stdout.isatty():
        sys.stdout.write("\n".join([*lines, *(_line(row, widths) for row in rows)]) + "\n")
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(lines[0], style="bold"))
    for row in rows:
        text = Text()
        for cell, width in zip(row, widths, strict=True):
            text.append(cell.ljust(width), style=_STYLES.get(cell.split(" ")[0], ""))
            text.append("  ")
        text.rstrip()
        console.print(text)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def say(message: str) -> None:
    """One line about the work, for a person, to stderr."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()
