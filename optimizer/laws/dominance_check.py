"""Check dominance independently of the code that found it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from modelsizer.optimizer.tables.table import Floats, Ints, Mask

_PAIRS = 1 << 16  # points left out times kept ones that are compared one by one


def all_dominated(left_out: Floats, kept: Floats, check: Callable[[], None] = lambda: None) -> bool:
    """Whether each point left out is dominated by a kept point; less is better in each column.

    Independent of moocore, whose result it checks. Points left out are split along their longest
    side, until a kept point dominates the least corner of a part or few pairs are left.

    Parameters
    ----------
    left_out, kept : array of shape (B, G)
    check : callable, optional
        Called again and again; may raise to end the check.
    """
    ranks = _ranks(np.concatenate([left_out, kept]))
    left, near = ranks[:, : len(left_out)], ranks[:, len(left_out) :]
    parts = [(left, near)] if len(left_out) else []
    while parts:
        check()
        left, near = parts.pop()
        low, high = left.min(axis=1), left.max(axis=1)
        near = near[:, _no_more(near, high)]
        if (_no_more(near, low) & (near.sum(axis=0) < low.sum())).any():
            continue
        if left.shape[1] * near.shape[1] <= _PAIRS or (low == high).all():
            less = near.sum(axis=0)[:, None] < left.sum(axis=0)
            if not (less & _no_more(near[:, :, None], left)).any(axis=0).all():
                return False
            continue
        side = int(np.argmax(high - low))
        lower = left[side] <= (low[side] + high[side]) // 2
        parts += [(left[:, lower], near), (left[:, ~lower], near)]
    return True


def _no_more(first: Ints, second: Ints) -> Mask:
    """Whether points are no more than others in any of the columns, shape (G, ...)."""
    found: Mask = first[0] <= second[0]
    for mine, theirs in zip(first[1:], second[1:], strict=True):
        found = found & (mine <= theirs)
    return found


def _ranks(points: Floats) -> Ints:
    """Return the ranks of points in each column, shape (G, B), the same for equal values."""
    return np.stack([np.unique(column, return_inverse=True)[1] for column in points.T])
