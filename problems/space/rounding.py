"""Exact rounding of ratios of widths, many at once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from modelsizer.problems.tables.menus import MAX_VALUE
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_INT64 = 2**62


def floors(values: Ints, slope: Fraction, offset: Fraction = Fraction(0)) -> Ints:
    """``floor(slope x value + offset)`` of each value, exactly, and at most `MAX_VALUE`.

    A ratio typed out has up to 17 digits, too many for int64 beside a width: then Python's
    integers do it, value by value.
    """
    over = slope.denominator * offset.denominator
    times = slope.numerator * offset.denominator
    plus = offset.numerator * slope.denominator
    top = abs(times) * int(np.abs(values).max(initial=0)) + abs(plus)
    if max(top, over) < _INT64:
        found: Ints = (times * values + plus) // over
    else:
        distinct, at = np.unique(values, return_inverse=True)
        exactly = [min((times * int(v) + plus) // over, MAX_VALUE) for v in distinct]
        found = np.array(exactly, dtype=np.int64)[at]
    return np.minimum(found, MAX_VALUE)


def nearest_multiples(values: Ints, ratio: Fraction, multiple: int) -> Ints:
    """``ratio x value`` of each value to the nearest multiple, ties up; at most `MAX_VALUE`."""
    found: Ints = floors(values, ratio / multiple, Fraction(1, 2)) * multiple
    return np.minimum(found, MAX_VALUE)


def least_depths(d_model: Ints, aspect: Fraction) -> Ints:
    """The least depth of each width whose aspect, d_model / layers, is not above this."""
    return -floors(d_model, -1 / aspect)


def most_depths(d_model: Ints, aspect: Fraction) -> Ints:
    """The greatest depth of each width whose aspect is not below this."""
    return floors(d_model, 1 / aspect)


def depths_of(d_model: Ints, aspect: Fraction) -> Ints:
    """The depth of each width of exactly this aspect; 0 if there is none."""
    most = most_depths(d_model, aspect)
    return np.where(least_depths(d_model, aspect) == most, most, 0)
