"""What labels keep off: boxes in pixels, each with a weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

COVERED = 10_000.0
"""Cost of covering another label, or of a pixel outside the axes."""


class Obstacles:
    """Boxes of marks, lines and texts, and what a label would cover of them.

    Parameters
    ----------
    inside : array of shape (4,)
        Left, bottom, right and top of the axes, in pixels.
    """

    def __init__(self, inside: ArrayLike) -> None:
        self._inside = np.asarray(inside, dtype=float)
        self._taken = np.empty((0, 6))  # left, bottom, right, top, weight and line of each box

    def take(self, boxes: Floats, weight: float, line: int = 0) -> None:
        """Add boxes.

        Parameters
        ----------
        boxes : array of shape (n, 4)
        weight : float
            Cost of covering one of them.
        line : int
            Number of the line that they are samples of; 0 for none.
        """
        more = np.full((len(boxes), 2), (weight, line))
        self._taken = np.vstack([self._taken, np.hstack([boxes, more])])

    def costs(self, boxes: Floats, least: float = 0.0, but: int = 0) -> Floats:
        """Return the cost of each box: weights covered, and pixels outside the axes.

        Parameters
        ----------
        boxes : array of shape (n, 4)
        least : float
            Only weights from this on count.
        but : int
            Number of a line that does not count.

        Returns
        -------
        array of shape (n,)
        """
        x0, y0, x1, y1 = boxes.T
        left, bottom, right, top = self._inside
        beyond = np.maximum(left - x0, 0) + np.maximum(x1 - right, 0)
        beyond += np.maximum(bottom - y0, 0) + np.maximum(y1 - top, 0)
        kept = self._taken[:, 4] >= least
        if but:
            kept &= self._taken[:, 5] != but
        left, bottom, right, top, weight, _ = self._taken[kept].T
        under = (left < x1[:, None]) & (right > x0[:, None])
        under &= (bottom < y1[:, None]) & (top > y0[:, None])
        costs: Floats = beyond * COVERED + under @ weight
        return costs
