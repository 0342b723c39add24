"""The values of a menu as one axis of a picture, thinned to what can be told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelsizer.optimizer.tables.table import Ints
from modelsizer.problems.records import dataclass

MOST_CELLS = 600
"""Cells along an axis: a picture has some 1,000 pixels, and a survey an array of cells x cells."""


@dataclass(frozen=True, slots=True, eq=False)
class SurveyAxis:
    """Values of a menu, each in a cell; neighbours share one if there are more than `MOST_CELLS`.

    Parameters
    ----------
    values : array of shape (V,)
        Ascending.
    each : int
        Values of a cell.
    """

    values: Ints
    each: int

    @classmethod
    def of(cls, numbers: Sequence[int | float]) -> SurveyAxis:
        """Return the axis of a menu."""
        values = np.array(numbers, dtype=np.int64)
        return cls(values, -(-len(values) // MOST_CELLS))

    def __len__(self) -> int:
        return -(-len(self.values) // self.each)

    @property
    def cells(self) -> Ints:
        """The value in the middle of each cell; shape (C,)."""
        middle = np.arange(len(self)) * self.each + self.each // 2
        found: Ints = self.values[np.minimum(middle, len(self.values) - 1)]
        return found

    def cell_of(self, values: Ints) -> Ints:
        """Return the cells of values of the menu."""
        found: Ints = np.searchsorted(self.values, values) // self.each
        return found
