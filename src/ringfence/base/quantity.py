"""Kubernetes quantities as exact numbers.

Source: the API's definition of ``resource.Quantity`` (a decimal number, then a decimal SI suffix n u m k M G T P E,
a binary one Ki Mi Gi Ti Pi Ei, or a decimal exponent). Floats were rejected: 0.1 + 0.2 must be 0.3 when a price hangs
on it.
"""

import re
from fractions import Fraction

_PATTERN = re.compile(
    r"(?P<sign>[+-]?)(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]{1,4}))?"
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_LONGEST = 64


def parse_quantity(text: str) -> Fraction:
    """The exact value of a quantity such as ``500m`` (CPU: cores) or ``4Gi`` (memory: bytes).

    Raises ValueError, with a sentence that says what would be right, for anything Kubernetes would not read.
    """
    match = _PATTERN.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(f"{text[:_LONGEST]!r} is not a Kubernetes quantity such as 500m, 2, 1.5, 512Mi or 4Gi")
    value = Fraction(match["number"].rstrip(".") if match["number"] != "." else "0")
    suffix = match["suffix"]
    if suffix in _BINARY:
        value *= Fraction(1024) ** _BINARY[suffix]
    elif suffix:
        value *= Fraction(10) ** _DECIMAL[suffix]
    elif match["exponent"]:
        value *= Fraction(10) ** int(match["exponent"])
    return -value if match["sign"] == "-" else value


def format_cpu(cores: Fraction) -> str:
    """CPU as Kubernetes prints it: ``2``, ``1500m``; finer than a thousandth is rounded up, as the API server does."""
    thousandths = -(-cores * 1000 // 1)
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def format_memory(size: Fraction) -> str:
    """Bytes as Kubernetes prints them: the largest binary suffix that keeps the number whole, else plain bytes."""
    whole = -(-size // 1)
    for suffix, power in reversed(_BINARY.items()):
        unit = 1024**power
        if whole and whole % unit == 0:
            return f"{whole // unit}{suffix}"
    return str(whole)
