"""Words for people: the nearest right spelling, plurals, lists, and names that are safe to print."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was most likely meant to be, or None when none is near."""
    candidates = list(known)
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    matches = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """A sentence that offers the nearest known word, else the whole list when it is short, else nothing."""
    options = sorted(set(known))
    match = nearest(word, options)
    if match is not None:
        return f"did you mean {match!r}?"
    return f"known: {', '.join(options)}" if options and len(options) <= 12 else ""


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """``3 clusters``, ``1 cluster``."""
    return f"{count} {noun if count == 1 else nouns or noun + 's'}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def visible_json(text: str) -> str:
    """JSON with what a terminal obeys or hides written as escapes: the same value to every reader."""
    if text.isascii():
        return text
    return "".join(
        sign
        # Above the basic plane an escape takes two parts, and nothing there turns text round.
        if sign.isprintable() or sign == "\n" or ord(sign) > 0xFFFF
        else f"\\u{ord(sign):04x}"
        for sign in text
    )


def printable(text: str) -> str:
    """``text`` with control, bidirectional and other invisible characters written as escapes.

    Names in a snapshot come from strangers: one that holds a right-to-left override or an escape sequence must not
    change what the rest of the line says.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character == " " or unicodedata.category(character)[0] not in "CZ"
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
