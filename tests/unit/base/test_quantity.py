"""Quantities are exact and read what Kubernetes reads."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.base.quantity import format_cpu, format_memory, parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", Fraction(1, 2)), ("2", Fraction(2)), ("1.5", Fraction(3, 2)), (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("4Gi", Fraction(4 * 1024**3)), ("1k", Fraction(1000)), ("1e3", Fraction(1000)), ("1E", Fraction(10**18)),
        ("1E3", Fraction(1000)), ("100n", Fraction(1, 10**7)), ("-1", Fraction(-1)), ("+1", Fraction(1)),
        ("0.1", Fraction(1, 10)), ("1e-3", Fraction(1, 1000)),
    ],
)  # fmt: skip
def test_reads_what_kubernetes_writes(text: str, value: Fraction) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize(
    "text", ["", "4 Gi", "4GB", "4gi", "1K", "m", "0x10", "1_000", "NaN", "inf", "--1", "1" * 65, "١"]
)
def test_refuses_what_kubernetes_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        parse_quantity(text)


@given(st.integers(min_value=0, max_value=10**7))
def test_cpu_survives_a_round_trip_in_thousandths(thousandths: int) -> None:
    assert parse_quantity(format_cpu(Fraction(thousandths, 1000))) == Fraction(thousandths, 1000)


@given(st.integers(min_value=0, max_value=2**60))
def test_memory_survives_a_round_trip_in_bytes(size: int) -> None:
    assert parse_quantity(format_memory(Fraction(size))) == size
