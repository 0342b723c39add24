"""Means over the layers of a stack, and bounds on them over boxes of designs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.laws.mixtures import doubles

Floats = Any
Ends = tuple[Floats, Floats]


def layer_shares(
    low: Architecture, high: Architecture, kinds: Sequence[bool] | None = None
) -> list[Ends]:
    """Least and greatest share of each group in the layers of these kinds, all by default.

    Parameters
    ----------
    low, high : Architecture
        The same kinds of layer, with the least and the greatest value of each integer.
    kinds : sequence of bool, optional
        Whether each group counts.
    """
    kinds = [True] * len(low.groups) if kinds is None else kinds
    few = [doubles(g.count) * kind for g, kind in zip(low.groups, kinds, strict=True)]
    if low is high:
        every = np.maximum(sum(few, start=np.float64(0)), 1.0)
        return [(share, share) for share in (count / every for count in few)]
    many = [doubles(g.count) * kind for g, kind in zip(high.groups, kinds, strict=True)]
    return shares_of(few, many)


def shares_of(few: Sequence[Floats], many: Sequence[Floats]) -> list[Ends]:
    """Least and greatest share of each in a sum, from the least and the greatest of each.

    Parameters
    ----------
    few, many : sequence of array
        Integers as doubles.
    """
    every = [sum(few, start=np.float64(0)), sum(many, start=np.float64(0))]
    return [
        (
            few[i] / np.maximum(every[1] - many[i] + few[i], 1.0),
            many[i] / np.maximum(every[0] - few[i] + many[i], 1.0),
        )
        for i in range(len(few))
    ]


def mean_of(designs: Architecture, values: Sequence[Floats]) -> Floats:
    """Mean over the layers of a value of each group."""
    total: Floats = 0.0
    for group, value in zip(designs.groups, values, strict=True):
        there = doubles(group.count) > 0  # a group that a row lacks may have any value
        total = total + np.where(there, doubles(group.count) * value, 0.0)
    return total / doubles(designs.layers)


def mean_between(shares: Sequence[Ends], values: Sequence[Ends]) -> Ends:
    """Lower and upper bounds on a mean.

    Each group has its least share, and what is left goes to the group of the least value, or the
    greatest; over a box of one design both are the mean.

    Parameters
    ----------
    shares : sequence of (array, array)
        Bounds on the share of each group.
    values : sequence of (array, array)
        Bounds on the value of each group.
    """
    found = []
    for end, choose, none in ((0, np.minimum, np.inf), (1, np.maximum, -np.inf)):
        mean: Floats = 0.0
        left: Floats = 1.0
        best: Floats = none
        for (least, most), ends in zip(shares, values, strict=True):
            there = most > 0
            mean = mean + np.where(least > 0, least * ends[end], 0.0)
            left = left - least
            best = choose(best, np.where(there, ends[end], none))
        best = np.where(np.isfinite(best), best, 0.0)
        found.append(mean + np.maximum(left, 0.0) * best)
    return found[0], found[1]
