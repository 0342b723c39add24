"""Which vectors of objective space a front rules out, asked of a million at a time."""

from __future__ import annotations

import numpy as np
from modelsizer.optimizer.tables.table import Floats, Ints, Mask
from numpy.typing import NDArray

CELLS = 1024
"""Edges of the grid in each of two goals: 8 MB, and finer than most menus."""
_LAST = -1


class Cover:
    """A grid over all goals but the last, holding the least of the last at or below each edge.

    A vector is ruled out if some point of the front is no more in the first goals and less, by
    more than rounding, in the last. Where the grid is coarser than the front fewer vectors are
    ruled out; none is wrongly.

    Parameters
    ----------
    points : array of shape (P, G)
        A front, less being better; G is 2 or 3.
    noise : float
        Relative rounding of the last goal.
    """

    def __init__(self, points: Floats, noise: float) -> None:
        self._noise = noise
        self._edges = [_edges(points[:, g]) for g in range(points.shape[1] - 1)]
        grid = np.full([len(edges) for edges in self._edges], np.inf)
        at = tuple(
            np.searchsorted(edges, points[:, g], "left") for g, edges in enumerate(self._edges)
        )
        np.minimum.at(grid, at, points[:, _LAST])
        for axis in range(grid.ndim):
            grid = np.minimum.accumulate(grid, axis=axis)
        self._grid: NDArray[np.float64] = grid

    def rules_out(self, vectors: Floats) -> Mask:
        """Which of some vectors of shape (B, G) no design at or above them can be new for."""
        at: list[Ints] = [
            np.searchsorted(edges, vectors[:, g], "right") - 1
            for g, edges in enumerate(self._edges)
        ]
        inside = np.all([index >= 0 for index in at], axis=0)
        least = np.where(inside, self._grid[tuple(np.maximum(index, 0) for index in at)], np.inf)
        last = vectors[:, _LAST]
        found: Mask = least < last - self._noise * np.abs(last)
        return found


def _edges(values: Floats) -> Floats:
    """All distinct values, or so many of them that the grid stays small; the greatest among them.

    A point counts from the first edge at or above it, a vector up to the last edge at or below it.
    """
    distinct = np.unique(values)
    if len(distinct) <= CELLS:
        return distinct
    at = np.linspace(0, len(distinct) - 1, CELLS).astype(int)
    found: Floats = distinct[at]
    return found
