"""Dominated points checked by other code than the one that found them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
from modelsizer.optimizer.tables.table import Floats

_THREE = 3  # columns, of Chinchilla's form: N, D and the excess


def all_dominated(left_out: Floats, kept: Floats) -> bool:
    """Whether of each point left out a kept one is as good in all and better in one.

    A check of moocore's answer by other code.
    """
    return _staircase(left_out, kept) if kept.shape[1] == _THREE else _struck_out(left_out, kept)


def _struck_out(left_out: Floats, kept: Floats) -> bool:
    """The same of any number of columns: each kept point strikes out what it dominates."""
    size = np.ptp(kept, axis=0)
    order = np.argsort((kept / np.where(size > 0, size, 1.0)).sum(axis=1), kind="stable")
    for point in kept[order]:
        if not len(left_out):
            break
        struck = (left_out >= point).all(axis=1) & (left_out > point).any(axis=1)
        left_out = left_out[~struck]
    return not len(left_out)


def _staircase(left_out: Floats, kept: Floats) -> bool:
    """The same of three columns.

    Points are read in the order of the first column, kept ones before others, and the second and
    third columns of the kept ones read so far are held as a staircase, along which the third falls
    as the second rises. A point that none of them equals is dominated if the last step not beyond
    it in the second is not above it in the third.
    """
    known = set(map(tuple, kept.tolist()))
    points = [(a, 0, b, c) for a, b, c in kept.tolist()]
    points += [(a, 1, b, c) for a, b, c in left_out.tolist()]
    seconds: list[float] = []
    thirds: list[float] = []
    for first, is_left_out, second, third in sorted(points):
        at = bisect_right(seconds, second)
        below = at > 0 and thirds[at - 1] <= third
        if is_left_out:
            if not below or (first, second, third) in known:
                return False
        elif not below:
            begin = bisect_left(seconds, second)
            end = begin
            while end < len(thirds) and thirds[end] >= third:
                end += 1
            seconds[begin:end], thirds[begin:end] = [second], [third]
    return True
