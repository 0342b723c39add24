"""Select representative points of a front, and its knee."""

from __future__ import annotations

import numpy as np

from modelsizer.optimizer.fronts.front import Front
from modelsizer.optimizer.fronts.indicators import scaled
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.table import Floats, Ints

_DECADE = 10.0  # a goal whose range exceeds this ratio is scaled by its logarithm


def _spaced(front: Front) -> Floats:
    """Goals scaled to 0..1 as in a picture: logarithmically if they span more than a decade."""
    columns = []
    for column in front.points.T:
        low, high = column.min(), column.max()
        at = np.log(column) if low > 0 and high > _DECADE * low else column
        span = at.max() - at.min()
        columns.append((at - at.min()) / (span if span > 0 else 1.0))
    return np.stack(columns, axis=1)


def even_subset(front: Front, count: int, clock: Clock | None = None) -> tuple[Ints, float]:
    """Select points spread evenly over a front, including the best of each goal.

    Each point is the one farthest from those selected before (Gonzalez 1985, doi
    10.1016/0304-3975(85)90224-5), which leaves a gap of at most twice the least possible.

    Parameters
    ----------
    front : Front
    count : int
        Number of points; at least as many as there are goals.
    clock : Clock, optional
        At its time limit fewer points are selected.

    Returns
    -------
    which : array of shape (min(count, P),)
        Positions, ascending.
    gap : float
        Every point of the front is within this distance of a selected one, as a fraction of the
        range of the goal in which they differ most (of its logarithm if it spans over a decade).

    Raises
    ------
    ValueError
        If `count` is less than the number of goals.
    """
    if count < len(front.goals):
        raise ValueError(f"at least {len(front.goals)} points, one for each goal, not {count}")
    if count >= len(front):
        return np.arange(len(front)), 0.0
    at = _spaced(front)
    taken = list(dict.fromkeys(int(i) for i in scaled(front.goals, front.points).argmin(axis=0)))
    away = np.full(len(front), np.inf)
    for i in taken:
        away = np.minimum(away, np.abs(at - at[i]).max(axis=1))
    while len(taken) < count and not (clock is not None and clock.out_of_time):
        furthest = int(away.argmax())
        taken.append(furthest)
        away = np.minimum(away, np.abs(at - at[furthest]).max(axis=1))
    return np.sort(np.array(taken)), float(away.max())


def knee(front: Front) -> int | None:
    """Knee of a front of two goals: the point farthest below the line through its ends.

    Goals are scaled to their range on the front (Das 1999, Structural Optimization 18, 107-115).
    None for three goals, or if no point is below the line.
    """
    if len(front.goals) != 2 or len(front) < 3:
        return None
    depth = 1.0 - scaled(front.goals, front.points).sum(
        axis=1
    )  # the line runs from (0, 1) to (1, 0)
    at = int(depth.argmax())
    return at if depth[at] > 0 else None
