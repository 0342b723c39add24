"""Vectorised rounding against fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelsizer.problems.space.rounding import (
    depths_of,
    floors,
    least_depths,
    most_depths,
    nearest_multiples,
)
from modelsizer.problems.tables.menus import MAX_VALUE

WIDTHS = st.lists(st.integers(1, 2**20), min_size=1, max_size=20).map(np.array)
RATIOS = st.fractions(Fraction(1, 1000), 1000) | st.floats(0.001, 1000).map(
    lambda x: Fraction(repr(x))
)


@given(WIDTHS, st.fractions(-1000, 1000), st.fractions(-5, 5))
def test_floors(values: np.ndarray, slope: Fraction, offset: Fraction) -> None:
    found = floors(values, slope, offset)
    assert found.tolist() == [math.floor(slope * int(v) + offset) for v in values]


@given(WIDTHS, RATIOS, st.integers(1, 1024))
def test_nearest_multiples(values: np.ndarray, ratio: Fraction, multiple: int) -> None:
    found = nearest_multiples(values, ratio, multiple)
    for v, near in zip(values, found, strict=True):
        exactly = multiple * math.floor(ratio * int(v) / multiple + Fraction(1, 2))
        assert near == min(exactly, MAX_VALUE)


@given(WIDTHS, RATIOS)
def test_depths_of_an_aspect(values: np.ndarray, aspect: Fraction) -> None:
    least, most, exactly = (f(values, aspect) for f in (least_depths, most_depths, depths_of))
    for v, low, high, at in zip(values, least, most, exactly, strict=True):
        assert low == math.ceil(int(v) / aspect) and high == math.floor(int(v) / aspect)
        assert at == (low if low == high else 0)


def test_what_no_table_holds_is_clipped() -> None:
    assert floors(np.array([2**20]), Fraction(10**6))[0] == MAX_VALUE
