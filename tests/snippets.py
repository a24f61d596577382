"""Reads the commands and files that a page of the documentation shows, so that a test can run them.

A page's ``console`` blocks hold commands after ``$ `` and, below each, what it prints; ``...`` stands for anything.
A comment ``<!-- file: NAME -->`` above a block writes that block to a file first. ``<!-- needs: engine -->`` anywhere
says that the page starts real clusters. ``# exits N`` after a command says which exit code is right (0 otherwise).
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n+)?^```(?P<language>[a-z]*)[^\n]*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_EXITS = re.compile(r"\s+# exits (?P<code>\d+)$")


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A file that the page tells its reader to write."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A command that the page tells its reader to type, and what the page says comes of it."""

    line: str
    exit_code: int
    expected: str

    def matches(self, printed: str) -> bool:
        """Whether what was printed fits what the page shows; blanks count as one, ``...`` as anything."""
        pattern = r"\s+".join(
            r".*".join(re.escape(part) for part in word.split("...")) for word in self.expected.split()
        )
        return re.search(pattern, printed, re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Page:
    """A page's steps, in order."""

    path: Path
    needs_engine: bool
    steps: tuple[WriteFile | RunCommand, ...]


def read_page(path: Path) -> Page:
    """The steps of one page. A console block without a command is an error, since nothing would run it."""
    text = path.read_text(encoding="utf-8")
    steps: list[WriteFile | RunCommand] = []
    for match in _FENCE.finditer(text):
        if match["file"]:
            steps.append(WriteFile(match["file"], match["body"]))
        elif match["language"] == "console":
            steps.extend(_commands(path, match["body"]))
    return Page(path, "<!-- needs: engine -->" in text, tuple(steps))


def _commands(path: Path, body: str) -> list[RunCommand]:
    commands: list[RunCommand] = []
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        line, _, expected = part.replace("\\\n", " ").partition("\n")
        exits = _EXITS.search(line)
        commands.append(RunCommand(_EXITS.sub("", line), int(exits["code"]) if exits else 0, expected.strip()))
    if not commands:
        raise ValueError(f"{path}: a console block holds no command")
    return commands
