"""Numbers with units."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsizer.problems.units import (
    UNITS,
    exact,
    format_apart,
    format_flops,
    format_number,
    format_quantity,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("80 GB", "bytes", 80 * 10**9),
        ("80GB", "bytes", 80 * 10**9),
        ("80 GiB", "bytes", 80 * 2**30),
        ("1.5 TiB", "bytes", 3 * 2**39),
        ("0.5", "bytes", 0.5),
        (1e24, "FLOPs", 10**24),
        ("1e24", "FLOPs", 10**24),
        ("1e24 FLOPs", "FLOPs", 10**24),
        ("6 GFLOPs", "FLOPs", 6 * 10**9),
        ("1 PFLOP/s-days", "FLOPs", 86400 * 10**15),
        ("15T tokens", "tokens", 15 * 10**12),
        ("15 T tokens", "tokens", 15 * 10**12),
        ("1.5T", "tokens", 1.5e12),
        ("40B", "parameters", 40 * 10**9),
        ("7B parameters", "parameters", 7 * 10**9),
        ("30 ms", "seconds", 0.03),
        ("90 days", "seconds", 90 * 86400),
        ("1,000", "count", 1000),
        ("1,234,567.5", "count", 1234567.5),
        ("1_000_000", "count", 10**6),
        ("128K", "count", 128000),
        (2.0, "nats", 2),
    ],
)
def test_reads(text: object, dimension: str, value: float) -> None:
    assert parse_quantity(text, dimension) == value


@pytest.mark.parametrize(
    ("text", "dimension", "hint"),
    [
        ("80 Gb", "bytes", "did you mean"),
        ("80 apples", "bytes", "not a unit"),
        ("lots", "bytes", "not a number"),
        ("", "tokens", "not a number"),
        (math.nan, "FLOPs", "finite"),
        (math.inf, "FLOPs", "finite"),
        ("1e400", "FLOPs", "too large"),
        ("1e999999999", "FLOPs", "too large"),
        ("1e308 PB", "bytes", "too large"),
        (10**400, "bytes", "too large"),
        ("1e-999999999", "FLOPs", "too small"),
        ("1e-390", "FLOPs", "too small"),
        ("9" * 5000, "FLOPs", "too long"),
        ("1,5 GB", "bytes", "not a number"),
        ("12,34", "bytes", "not a number"),
        ("1__0", "bytes", "not a number"),
        ("\uff11\uff12", "bytes", "not a number"),
        ("\u0661", "bytes", "not a number"),
        ("1\u2009000", "bytes", "not a unit"),
        ("5\n6", "bytes", "not a number"),
        (True, "count", "not a number"),
        (None, "count", "not a number"),
        ([1], "count", "not a number; write 64"),
        ("80 GB", "count", "'GB' is not K, M, B or T"),
    ],
)
def test_refuses(text: object, dimension: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_quantity(text, dimension)


@given(st.integers(1, 10**15), st.sampled_from(sorted(UNITS["bytes"])))
def test_units_are_exact(number: int, unit: str) -> None:
    assert parse_quantity(f"{number} {unit}", "bytes") == number * UNITS["bytes"][unit]


@given(st.floats(1e-300, 1e300, allow_nan=False))
def test_decimal_numbers_are_read_as_written(number: float) -> None:
    assert exact(number) == Fraction(repr(number))
    assert float(exact(number)) == number


@given(st.floats(1.0, 1e24), st.sampled_from(["bytes", "FLOPs", "tokens", "parameters"]))
def test_what_is_written_reads_back(value: float, dimension: str) -> None:
    text = format_quantity(value, dimension, 8)
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-6)


@given(st.floats(1e-6, 1e18), st.integers(-40, 40), st.sampled_from(sorted(UNITS)))
def test_two_numbers_are_shown_in_their_order(first: float, steps: int, dimension: str) -> None:
    second = first * (1 + steps / 2**50)
    shown = [parse_quantity(text, dimension) for text in format_apart(first, second, dimension)]
    assert (shown[0] < shown[1], shown[0] > shown[1]) == (first < second, first > second)


def test_digits_are_added_only_where_the_order_needs_them() -> None:
    assert format_apart(287_381_999, 287_382_110, "bytes") == ("287.382 MB", "287.3821 MB")
    assert format_apart(1535, 1536, "count", (4, 6)) == ("1535", "1536")
    assert format_apart(25.27e-3, 30e-3, "seconds", (4, 6)) == ("25.27 ms", "30 ms")


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1140.2, 3, "1,140"), (54_750.0, 4, "54,750"), (1e20, 6, "1e20"), (2.1e7, 3, "2.1e7"),
     (4.2e-7, 2, "4.2e-7"), (17.34, 3, "17.3"), (999_999.0, 2, "1e6"), (math.inf, 3, "unlimited")],
)  # fmt: skip
def test_numbers_without_a_unit_have_no_padded_exponents(
    value: float, digits: int, text: str
) -> None:
    assert format_number(value, digits) == text


def test_flops_of_a_pass_have_a_prefix_at_any_size() -> None:
    shown = [format_flops(n) for n in (17_156_800_512, 383.9e12, 1.152e15, 1.012e18, 3e22)]
    assert shown == ["17.16 GFLOPs", "383.9 TFLOPs", "1.152 PFLOPs", "1.012 EFLOPs", "30 ZFLOPs"]
    for text, value in zip(shown[2:4], (1152 * 10**12, 1012 * 10**15), strict=True):
        assert parse_quantity(text, "FLOPs") == value


_TRIED = st.one_of(
    st.floats(1e-12, 1e30), st.integers(1, 10**30), st.integers(1, 10).map(lambda n: 10**n - 1)
)


@given(_TRIED, st.sampled_from(sorted(UNITS)), st.integers(2, 6))
def test_formatted_quantities_are_short_and_read_back(
    value: float, dimension: str, digits: int
) -> None:
    for sign in (1, -1):
        text = format_quantity(sign * value, dimension, digits)
        back = float(parse_quantity(text, dimension))
        assert back == pytest.approx(sign * value, rel=0.51 * 10 ** (1 - digits))
        assert "e+" not in text
        number, *unit = re.fullmatch(r"-?([0-9.,]+(?:e-?[0-9]+)?) ?(.*)", text).groups()  # type: ignore[union-attr]
        if unit[0] and dimension not in ("seconds", "FLOPs", "FLOP/s", "count"):
            scaled = float(number.replace(",", ""))
            assert scaled < 1000 or "e" in number, text
        assert number != "1" or unit[0] not in ("days", "FLOPs", "tokens/s"), text


@pytest.mark.parametrize(
    ("value", "dimension", "digits", "text"),
    [
        (999_999_999, "parameters", 4, "1B"),
        (999_960, "bytes", 4, "1 MB"),
        (86_400, "seconds", 4, "1 day"),
        (3599.96, "seconds", 4, "1 h"),
        (3e9, "seconds", 3, "34,700 days"),
        (1, "tokens/s", 4, "1 token/s"),
        (2e18, "FLOP/s", 3, "2 EFLOP/s"),
        (0, "seconds", 4, "0"),
        (-5e9, "bytes/s", 4, "-5 GB/s"),
        (1e15, "tokens", 3, "1e15"),
    ],
)
def test_the_unit_is_that_of_the_rounded_number(
    value: float, dimension: str, digits: int, text: str
) -> None:
    assert format_quantity(value, dimension, digits) == text
