"""The nearest limit at which a problem is feasible, searched over the units of the limit.

A unit is a whole number where the quantity is counted (bytes, tokens, layers), else the spacing of
doubles.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction

from modelsizer.optimizer.constraints import Constraint
from modelsizer.problems.units import Number, exact


def position(limit: Constraint, value: Number | Fraction, *, up: bool) -> int:
    """The ordinal of a value: itself where limits are whole, else its rank among doubles.

    Parameters
    ----------
    limit : Constraint
    value : int, float or Fraction
    up : bool
        Round up to a unit; down otherwise.
    """
    at = Fraction(value) if isinstance(value, Fraction) else exact(value)
    if limit.whole:
        return math.ceil(at) if up else math.floor(at)
    place = int(struct.unpack("<q", struct.pack("<d", float(at)))[0])
    while up and exact(_double(place)) < at:
        place += 1
    while not up and exact(_double(place)) > at:
        place -= 1
    return place


def at_position(limit: Constraint, place: int) -> Number:
    """The inverse of `position`."""
    return place if limit.whole else _double(place)


def _double(place: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", place))[0])


def edge(
    holds: Callable[[int], bool], start: int, guess: int, outward: int, last: int | None = None
) -> int:
    """The first ordinal, from `start` in steps of `outward`, that holds, if all beyond it do.

    Parameters
    ----------
    holds : callable
        False at `start`, true far enough out.
    guess : int
        Where the search begins; from there it goes in growing strides.
    last : int, optional
        The outermost ordinal, known to hold.
    """

    def place(n: int) -> int:
        return start + n * outward

    most = math.inf if last is None else abs(last - start) // abs(outward)
    at = int(min(max(1, -(-(guess - start) // outward)), most))
    stride = 1
    if holds(place(at)):
        good, bad = at, at - 1
        while bad > 0 and holds(place(bad)):
            good, bad, stride = bad, max(0, bad - 2 * stride), 2 * stride
    else:
        bad, good = at, at + 1
        while good < most and not holds(place(good)):
            bad, good, stride = good, int(min(good + 2 * stride, most)), 2 * stride
    while good - bad > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(place(middle)) else (good, middle)
    return place(good)
