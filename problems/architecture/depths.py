"""Numbers of layers of every kind, affine in the depth axes of a row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from modelsizer.problems.columns import Columns
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Depths(Columns):
    """Depths of W rows, K kinds of layer, A depth axes.

    Row w has ``start[w, k] + sum over a of step[w, k, a] * j[w, a]`` layers of kind k, for every
    index ``0 <= j[w, a] < count[w, a]``. A kind has no layer in any design of a row, or some in
    each of them.

    Parameters
    ----------
    start : array of int64, shape (W, K)
    step : array of int64, shape (W, K, A)
        Not negative.
    count : array of int64, shape (W, A)
        At least 1.
    """

    start: Ints
    step: Ints
    count: Ints = field(metadata={"fill": 1})

    @classmethod
    def uniform(cls, start: Ints, step: Ints, count: Ints) -> Depths:
        """One kind of layer and one axis; all arrays of shape (W,)."""
        return cls(start[:, None], step[:, None, None], count[:, None])

    @property
    def first(self) -> Ints:
        """Layers of all kinds together where every index is 0; shape (W,)."""
        found: Ints = self.start.sum(axis=1)
        return found

    @property
    def each(self) -> Ints:
        """Layers of all kinds together that one step along an axis adds; shape (W, A)."""
        found: Ints = self.step.sum(axis=1)
        return found

    @property
    def designs(self) -> int:
        """Designs of all rows."""
        return int(self.count.prod(axis=1).sum())

    @property
    def deepest(self) -> Ints:
        """Most layers of each kind; shape (W, K)."""
        return self.counts(np.arange(len(self)), self.count - 1)

    def counts(self, row: Ints, j: Ints) -> Ints:
        """Layers of each kind, shape (B, K), of rows of shape (B,) at indices of shape (B, A)."""
        found: Ints = self.start[row] + (self.step[row] * j[:, None, :]).sum(axis=2)
        return found

    def layers(self, row: Ints, j: Ints) -> Ints:
        """Layers of all kinds together; shape (B,)."""
        found: Ints = self.counts(row, j).sum(axis=1)
        return found

    def one_axis(self) -> tuple[Ints, Depths]:
        """The same designs in rows of one axis, and the row that each of them is from.

        A row of several axes becomes one for each index of all axes but the last.
        """
        row = np.arange(len(self))
        if self.count.shape[1] == 1:
            return row, self
        times = self.count[:, :-1].prod(axis=1)
        row = np.repeat(row, times)
        left = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
        j = np.zeros((len(row), self.count.shape[1]), dtype=np.int64)
        for axis in range(self.count.shape[1] - 1):
            j[:, axis] = left % self.count[row, axis]
            left = left // self.count[row, axis]
        return row, Depths(self.counts(row, j), self.step[row][:, :, -1:], self.count[row][:, -1:])

    def between(self, least: Ints, most: Ints) -> tuple[Ints, Depths]:
        """Only depths from `least` to `most` layers of all kinds, each of shape (W,).

        Returns
        -------
        row : array of shape (n,)
            The row that each of those left is from.
        depths : Depths
        """
        row, flat = self.one_axis()
        each = np.maximum(flat.each[:, 0], 1)
        first = np.maximum(0, -(-(least[row] - flat.first) // each))
        last = np.minimum(flat.count[:, 0] - 1, (most[row] - flat.first) // each)
        return flat._cut(row, first, np.ones_like(first), last - first + 1)

    def divided(self, stages: int) -> tuple[Ints, Depths]:
        """Only depths whose layers, all kinds together, `stages` divides; as `between` returns."""
        row, flat = self.one_axis()
        first, each, count = flat.first, flat.each[:, 0], flat.count[:, 0]
        period = stages // np.gcd(each, stages)  # every so manieth depth, if one does at all
        at = np.full(len(row), -1, dtype=np.int64)
        for j in range(min(int(period.max(initial=1)), int(count.max(initial=0)))):
            at[(at < 0) & ((first + each * j) % stages == 0)] = j
        left = np.where(at >= 0, -(-(count - at) // period), 0)
        return flat._cut(row, np.maximum(at, 0), period, left)

    def _cut(self, row: Ints, first: Ints, every: Ints, count: Ints) -> tuple[Ints, Depths]:
        """Of one axis, `count` depths from index `first` on, `every` so many; rows left of it."""
        keep = np.flatnonzero(count > 0)
        mine = self.take(keep)
        start = mine.start + mine.step[:, :, 0] * first[keep, None]
        step = mine.step * every[keep, None, None]
        return row[keep], replace(mine, start=start, step=step, count=count[keep, None])
