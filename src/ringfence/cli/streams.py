"""The standard streams as they are found: closed, or in an encoding that has no arrows and no lines.

A terminal in the C locale or with Latin-1 shows plain signs in place of drawn ones; data in JSON keeps its letters
wherever the encoding has them, as escapes where it has not. Failing on the first arrow was the alternative.
"""

import codecs
import os
import sys

_PLAIN = {
    "→": "->", "←": "<-", "├": "|", "└": "`", "│": "|", "─": "-", "✓": "+", "✗": "x", "…": "...", "·": ".",
    "×": "x", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"', "≥": ">=", "≤": "<=", "Σ": "sum",
}  # fmt: skip
_HANDLER = "ringfence-plain"


def prepare() -> None:
    """Make standard output and error writable: never closed, and never in need of a letter that they lack."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            # Closed by the caller (``>&-``); its number is taken, so that no file opened later receives the text.
            descriptor = os.open(os.devnull, os.O_WRONLY)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))
    codecs.register_error(_HANDLER, _plainly)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and codecs.lookup(stream.encoding or "ascii").name != "utf-8":
            reconfigure(errors=_HANDLER)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: drawn signs as plain ones, other letters as JSON escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign) or _escaped(sign) for sign in signs), error.end


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
