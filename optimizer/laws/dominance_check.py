"""Check dominance independently of the code that found it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable

import numpy as np

from modelsizer.optimizer.tables.table import Floats

_CHECKED_AT_ONCE = 10_000  # points between two calls of `check`
_THREE = 3  # columns of Chinchilla's form: N, D and the excess


def all_dominated(left_out: Floats, kept: Floats, check: Callable[[], None] = lambda: None) -> bool:
    """Whether each point left out is dominated by a kept point; less is better in each column.

    Independent of moocore, whose result it checks.

    Parameters
    ----------
    left_out, kept : array of shape (B, G)
    check : callable, optional
        Called again and again; may raise to end the check.
    """
    way = _staircase if kept.shape[1] == _THREE else _struck_out
    return way(left_out, kept, check)


def _struck_out(left_out: Floats, kept: Floats, check: Callable[[], None]) -> bool:
    """For any number of columns: each kept point removes the points that it dominates."""
    size = np.ptp(kept, axis=0)
    order = np.argsort((kept / np.where(size > 0, size, 1.0)).sum(axis=1), kind="stable")
    for point in kept[order]:
        check()
        if not len(left_out):
            break
        struck = (left_out >= point).all(axis=1) & (left_out > point).any(axis=1)
        left_out = left_out[~struck]
    return not len(left_out)


def _staircase(left_out: Floats, kept: Floats, check: Callable[[], None]) -> bool:
    """For three columns, by a sweep along the first one.

    At equal values of the first column, kept points come first. The second and third columns of
    the kept points so far form a staircase, along which the third decreases as the second
    increases. A point that equals no kept one is dominated if the last step that is not greater in
    the second column is not greater in the third.
    """
    known = set(map(tuple, kept.tolist()))
    points = [(a, 0, b, c) for a, b, c in kept.tolist()]
    points += [(a, 1, b, c) for a, b, c in left_out.tolist()]
    seconds: list[float] = []
    thirds: list[float] = []
    check()
    for number, (first, is_left_out, second, third) in enumerate(sorted(points)):
        if number % _CHECKED_AT_ONCE == 0:
            check()
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
