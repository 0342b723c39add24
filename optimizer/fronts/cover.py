"""Fast test of which objective vectors a front dominates, for a million at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.table import Floats, Ints, Mask

CELLS = 1024
"""Grid lines in each of two goals: 8 MB, and finer than most menus."""
_LAST = -1


class Cover:
    """A grid over all goals but the last, with the least value of the last at or below each line.

    A vector is dominated if some point of the front is no larger in the first goals and smaller, by
    more than rounding, in the last. Where the grid is coarser than the front, fewer vectors are
    recognised as dominated; the result is never wrong.

    Parameters
    ----------
    points : array of shape (P, G)
        A front of G = 2 or 3 goals, all minimised.
    noise : float
        Relative rounding error of the last goal.
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
        """Mask of vectors, shape (B, G), such that designs at or above them cannot be new."""
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
    """All distinct values, or an even selection of them including the maximum.

    A point counts from the first line at or above it, a vector up to the last line at or below it.
    """
    distinct = np.unique(values)
    if len(distinct) <= CELLS:
        return distinct
    at = np.linspace(0, len(distinct) - 1, CELLS).astype(int)
    found: Floats = distinct[at]
    return found
