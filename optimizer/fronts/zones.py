"""The part of objective space not dominated by known points, as a list of local upper bounds.

An unknown nondominated point lies strictly below some local upper bound in every goal (Klamroth,
Lacour and Vanderpooten 2015, European Journal of Operational Research 245(3), 767-778). All goals
are minimised.
"""

from __future__ import annotations

import numpy as np

from modelsizer.optimizer.tables.table import Floats, Mask


class Zones:
    """Local upper bounds of the unexplored part of objective space.

    Parameters
    ----------
    goals : int

    Attributes
    ----------
    bounds : array of shape (Z, goals)
        A zone contains every vector strictly below its row; infinite where a goal is unbounded.
    """

    def __init__(self, goals: int) -> None:
        self.bounds: Floats = np.full((1, goals), np.inf)

    def __len__(self) -> int:
        return len(self.bounds)

    def add(self, point: Floats) -> None:
        """Remove what a new point dominates or equals.

        Parameters
        ----------
        point : array of shape (goals,)
        """
        holds = (point < self.bounds).all(axis=1)
        split = self.bounds[holds]
        parts = []
        for goal in range(self.bounds.shape[1]):
            part = split.copy()
            part[:, goal] = point[goal]
            parts.append(part)
        rest = self.bounds[~holds]
        fresh = np.unique(np.concatenate(parts), axis=0)
        # A zone contained in another one, new or old, is explored with it.
        fresh = fresh[~_within(fresh, fresh, themselves=True)]
        fresh = fresh[~_within(fresh, rest, themselves=False)]
        self.bounds = np.concatenate([rest, fresh])

    def drop(self, empty: Mask) -> None:
        """Remove zones that were proven empty."""
        self.bounds = self.bounds[~empty]


def _within(zones: Floats, others: Floats, *, themselves: bool) -> Mask:
    """Mask of the zones that are contained in another one."""
    below: Mask = np.asarray((zones[:, None, :] <= others[None, :, :]).all(axis=2))
    if themselves:
        np.fill_diagonal(below, False)
    return np.asarray(below.any(axis=1))
