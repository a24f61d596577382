"""How much a value could tell: an estimate of its entropy, and whether its shape is that of something public.

The estimate splits a value into words, as people build names, and counts a plain word as one of a dictionary (13 bits),
anything mixed by the size of its alphabet. Shannon's measure over one value was rejected: it calls sixteen random
characters weaker than a host name.
"""

import math
import re
from dataclasses import dataclass

WORD_BITS = 13
ENOUGH_BITS = 64
_SPLIT = re.compile(r"[^A-Za-z0-9+]+")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CREDENTIAL = re.compile(
    r"pass(word|wd|phrase|code)?|pwd|secret|token|credential|private|api[-_.]?key|access[-_.]?key|auth|\bkey\b|_key$|\.key$",
    re.IGNORECASE,
)
_PUBLIC_FIELD = re.compile(
    r"(^|[-_.])(id|uuid|image|digest|checksum|commit|revision|version|sha|host|hostname|url|uri|endpoint|path|issuer)$"
    r"|ca\.crt$|public",
    re.IGNORECASE,
)
_PUBLIC_SHAPES = tuple(
    re.compile(pattern)
    for pattern in (
        r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.[a-z]{2,}(:\d+)?",  # a host, with a port
        r"[a-z][a-z0-9+.-]*://[^@\s]*",  # an address without a login
        r"(/[A-Za-z0-9._-]+)+/?",  # a path
        r"[^@\s]+@[a-z0-9.-]+\.[a-z]{2,}",  # a mail address
        r"([a-z0-9.-]+(:\d+)?/)?[a-z0-9._/-]+@?(:[A-Za-z0-9._-]+)?@?sha256:[0-9a-f]{64}",  # an image
        r"sha256:[0-9a-f]{64}",
        r"[\d.:/_TZ+-]+",  # numbers, addresses, dates
        r"([a-z][a-z0-9]*\.)+[A-Z]?[A-Za-z0-9]+",  # a class of a program
        r"arn:aws[a-z-]*:iam::\d+:[a-z-]+/.+",  # a name of a role, no key to it
    )
)


@dataclass(frozen=True, slots=True)
class Strength:
    """``bits`` of estimated entropy; ``telling`` when the value looks random or stands where credentials stand, so
    that an equal one elsewhere is no coincidence of configuration."""

    bits: int
    telling: bool


def estimate_bits(value: str) -> int:
    """Estimated entropy of a value in bits: 0 for one repeated character, 13 for a word, alphabet size otherwise."""
    if len(set(value)) <= 2:
        return len(value) if len(set(value)) == 2 else 0
    return int(sum(_segment_bits(segment) for segment in _SPLIT.split(value) if segment))


def _segment_bits(segment: str) -> float:
    if segment.isdigit():
        return len(segment) * math.log2(10)
    if segment.isalpha():
        words = _CAMEL.findall(segment)
        if all(3 <= len(word) <= 12 for word in words) and len(words) <= max(1, len(segment) // 4):
            return sum(min(WORD_BITS, len(word) * 4.7) for word in words)
        return len(segment) * (4.7 if segment.islower() or segment.isupper() else 5.7)
    mixed = any(character.isupper() for character in segment) and any(character.islower() for character in segment)
    hexadecimal = all(character in "0123456789abcdefABCDEF" for character in segment)
    return len(segment) * (4.0 if hexadecimal else 5.95 if mixed else 5.17)


def _random_looking(value: str) -> bool:
    return any(
        _segment_bits(segment) >= ENOUGH_BITS
        and not segment.isdigit()
        and (any(character.isdigit() for character in segment) or not (segment.islower() or segment.isupper()))
        for segment in _SPLIT.split(value)
    )


def strength(value: str, place: str, secret: bool) -> Strength:
    """How telling ``value`` is, where ``place`` names the field and ``secret`` says whether a Secret holds it."""
    bits = estimate_bits(value)
    credential = bool(_CREDENTIAL.search(place))
    public = any(shape.fullmatch(value) for shape in _PUBLIC_SHAPES) or bool(_PUBLIC_FIELD.search(place))
    if credential:
        return Strength(bits, telling=True)
    if public:
        return Strength(0 if bits < ENOUGH_BITS else bits, telling=False)
    return Strength(bits, telling=secret or _random_looking(value))
