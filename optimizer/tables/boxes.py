"""Boxes of designs: a row of a table with an interval for each depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.table import Ints
from modelsizer.problems.columns import Columns
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Boxes(Columns):
    """Boxes of designs: rows of shape (B,), depths ``low <= j <= high`` of shape (B, A)."""

    row: Ints
    low: Ints
    high: Ints

    @property
    def designs(self) -> int:
        """Return the number of designs in all boxes."""
        return int((self.high - self.low + 1).prod(axis=1).sum()) if len(self) else 0

    @property
    def single(self) -> NDArray[np.bool_]:
        """Whether each box contains a single design."""
        return np.asarray((self.low == self.high).all(axis=1))

    def plus(self, *others: Boxes) -> Boxes:
        """Concatenate with other boxes."""
        return Boxes.join([self, *others])

    def outside(self, low: Ints, high: Ints) -> Boxes:
        """Return the parts of boxes with one depth axis outside intervals of shape (B, 1)."""
        empty = low > high
        before = Boxes(self.row, self.low, np.where(empty, self.high, low - 1))
        after = Boxes(self.row, np.where(empty, self.high + 1, high + 1), self.high)
        both = before.plus(after)
        return both.take(np.asarray((both.low <= both.high).all(axis=1)))

    def halved(self) -> Boxes:
        """Split each box in two along its longest side; single designs are unchanged."""
        side = (self.high - self.low).argmax(axis=1)
        at = np.arange(len(self))
        middle = (self.low[at, side] + self.high[at, side]) // 2
        left, right = self.high.copy(), self.low.copy()
        left[at, side] = middle
        right[at, side] = middle + 1
        cut = ~self.single
        lower = Boxes(self.row, self.low, np.where(cut[:, None], left, self.high))
        upper = Boxes(self.row[cut], right[cut], self.high[cut])
        return lower.plus(upper)

    def without(self, box: int, j: Ints) -> Boxes:
        """Split one of the boxes around a design, which becomes a box by itself."""
        low, high = self.low[box].copy(), self.high[box].copy()
        parts_low, parts_high = [j.copy()], [j.copy()]
        for k in range(len(j)):
            for first, last in ((low[k], j[k] - 1), (j[k] + 1, high[k])):
                if first <= last:
                    a, b = low.copy(), high.copy()
                    a[k], b[k] = first, last
                    parts_low.append(a)
                    parts_high.append(b)
            low[k] = high[k] = j[k]
        keep = np.arange(len(self)) != box
        rows = np.full(len(parts_low), self.row[box])
        return self.take(keep).plus(Boxes(rows, np.array(parts_low), np.array(parts_high)))
