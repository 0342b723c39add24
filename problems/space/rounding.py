"""Exact vectorised rounding of ratios of widths."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.columns import LARGEST_INT64
from modelsizer.problems.tables.menus import MAX_VALUE

Ints = NDArray[np.int64]

_LEAST = -2 * MAX_VALUE


def floors(values: Ints, slope: Fraction, offset: Fraction = Fraction(0)) -> Ints:
    """Return exact ``floor(slope x value + offset)`` of each value, clipped where it is absurd.

    It is at most `MAX_VALUE`, and at least minus twice that: beyond any width or depth.

    A decimal ratio may have 17 digits, so that its product with a width overflows int64; then
    Python integers are used, value by value.
    """
    over = slope.denominator * offset.denominator
    times = slope.numerator * offset.denominator
    plus = offset.numerator * slope.denominator
    top = abs(times) * int(np.abs(values).max(initial=0)) + abs(plus)
    if max(top, over) < LARGEST_INT64:
        found: Ints = (times * values + plus) // over
    else:
        distinct, at = np.unique(values, return_inverse=True)
        exactly = [max(min((times * int(v) + plus) // over, MAX_VALUE), _LEAST) for v in distinct]
        found = np.array(exactly, dtype=np.int64)[at]
    return np.minimum(found, MAX_VALUE)


def nearest_multiples(values: Ints, ratio: Fraction, multiple: int) -> Ints:
    """Round ``ratio x value`` to the nearest multiple, ties up; at most `MAX_VALUE`."""
    found: Ints = floors(values, ratio / multiple, Fraction(1, 2)) * multiple
    return np.minimum(found, MAX_VALUE)


def least_depths(d_model: Ints, aspect: Fraction) -> Ints:
    """Return the minimum depth per width for which d_model / layers is at most `aspect`."""
    return -floors(d_model, -1 / aspect)


def most_depths(d_model: Ints, aspect: Fraction) -> Ints:
    """Return the maximum depth per width for which d_model / layers is at least `aspect`."""
    return floors(d_model, 1 / aspect)


def depths_of(d_model: Ints, aspect: Fraction) -> Ints:
    """Return the depth per width with exactly this aspect ratio; 0 if there is none."""
    most = most_depths(d_model, aspect)
    return np.where(least_depths(d_model, aspect) == most, most, 0)
