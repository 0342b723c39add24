"""The line on which a function over a grid has some value, as points, without matplotlib."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
_Edge = tuple[int, int, bool]  # of a cell's corner (row, column), along the row or across


def contour(
    x: NDArray[np.float64], y: NDArray[np.float64], values: NDArray[np.float64], level: float
) -> list[Point]:
    """The longest line on which values have a level, by linear interpolation along the edges.

    Parameters
    ----------
    x : array of shape (W,)
    y : array of shape (L,)
    values : array of shape (L, W)
        NaN where there is none; no line goes through cells that touch it.
    level : float

    Returns
    -------
    list of (x, y)
        Empty if there is no line.
    """
    joined = _segments(values, level)
    lines = _chains(joined)
    if not lines:
        return []
    longest = max(lines, key=len)
    return [_point(edge, x, y, values, level) for edge in longest]


def _segments(values: NDArray[np.float64], level: float) -> dict[_Edge, list[_Edge]]:
    """Pairs of edges that the line goes through one cell between (marching squares)."""
    above = values > level
    corners = [above[:-1, :-1], above[:-1, 1:], above[1:, :-1], above[1:, 1:]]
    known = np.isfinite(values)
    whole = known[:-1, :-1] & known[:-1, 1:] & known[1:, :-1] & known[1:, 1:]
    count = np.sum(corners, axis=0)
    found: dict[_Edge, list[_Edge]] = {}
    for row, column in np.argwhere(whole & (count > 0) & (count < len(corners))).tolist():
        a, b, c, d = (bool(corner[row, column]) for corner in corners)
        crossed = [
            edge
            for edge, crosses in (
                ((row, column, True), a != b),
                ((row, column + 1, False), b != d),
                ((row + 1, column, True), c != d),
                ((row, column, False), a != c),
            )
            if crosses
        ]
        for one, other in zip(crossed[::2], crossed[1::2], strict=True):
            found.setdefault(one, []).append(other)
            found.setdefault(other, []).append(one)
    return found


def _chains(joined: dict[_Edge, list[_Edge]]) -> list[list[_Edge]]:
    """Edges in the order of their lines, from an end where a line has one."""
    lines, seen = [], set[_Edge]()
    for start in sorted(joined, key=lambda edge: len(joined[edge])):
        if start in seen:
            continue
        line, at = [start], start
        seen.add(start)
        while (after := next((e for e in joined[at] if e not in seen), None)) is not None:
            seen.add(after)
            line.append(after)
            at = after
        lines.append(line)
    return [line for line in lines if len(line) > 1]


def _point(
    edge: _Edge,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    values: NDArray[np.float64],
    level: float,
) -> Point:
    row, column, along = edge
    ends: Sequence[tuple[int, int]] = [(row, column), (row + (not along), column + along)]
    first, last = (float(values[at]) for at in ends)
    share = (level - first) / (last - first)
    (r0, c0), (r1, c1) = ends
    return float(x[c0] + share * (x[c1] - x[c0])), float(y[r0] + share * (y[r1] - y[r0]))
