"""Numbers of layers of each kind, affine in the depth axes of a row."""

from __future__ import annotations

from dataclasses import field, replace

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.columns import Columns
from modelsizer.problems.records import dataclass

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Depths(Columns):
    """Depths of W rows, with K kinds of layer and A depth axes.

    Row w has ``start[w, k] + sum over a of step[w, k, a] * j[w, a]`` layers of kind k, for every
    index ``0 <= j[w, a] < count[w, a]``. A kind has layers either in every design of a row or in
    none.

    Parameters
    ----------
    start : array of int64, shape (W, K)
    step : array of int64, shape (W, K, A)
        Nonnegative.
    count : array of int64, shape (W, A)
        At least 1.
    """

    start: Ints
    step: Ints
    count: Ints = field(metadata={"fill": 1})

    @classmethod
    def uniform(cls, start: Ints, step: Ints, count: Ints) -> Depths:
        """Depths with one kind of layer and one axis; all arrays have shape (W,)."""
        return cls(start[:, None], step[:, None, None], count[:, None])

    @property
    def first(self) -> Ints:
        """Total number of layers at index 0; shape (W,)."""
        found: Ints = self.start.sum(axis=1)
        return found

    @property
    def each(self) -> Ints:
        """Total number of layers added by one step along each axis; shape (W, A)."""
        found: Ints = self.step.sum(axis=1)
        return found

    @property
    def designs(self) -> int:
        """Number of designs in all rows."""
        return int(self.count.prod(axis=1).sum())

    @property
    def deepest(self) -> Ints:
        """Greatest number of layers of each kind; shape (W, K)."""
        return self.counts(np.arange(len(self)), self.count - 1)

    def counts(self, row: Ints, j: Ints) -> Ints:
        """Layers of each kind, shape (B, K), in rows (B,) at indices (B, A)."""
        found: Ints = self.start[row]
        for axis in range(j.shape[1]):
            found = found + self.step[row, :, axis] * j[:, axis, None]
        return found

    def layers(self, row: Ints, j: Ints) -> Ints:
        """Total number of layers; shape (B,)."""
        found: Ints = self.counts(row, j).sum(axis=1)
        return found

    def one_axis(self) -> tuple[Ints, Depths]:
        """The same designs in rows of one axis, with the original row of each.

        A row with several axes becomes one row per index of all axes but the last.
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
        """Restrict to total depths from `least` to `most`, each of shape (W,).

        Returns
        -------
        row : array of shape (n,)
            Original row of each remaining one.
        depths : Depths
        """
        row, flat = self.one_axis()
        each = np.maximum(flat.each[:, 0], 1)
        first = np.maximum(0, -(-(least[row] - flat.first) // each))
        last = np.minimum(flat.count[:, 0] - 1, (most[row] - flat.first) // each)
        return flat._cut(row, first, np.ones_like(first), last - first + 1)

    def divided(self, stages: int) -> tuple[Ints, Depths]:
        """Restrict to total depths that are multiples of `stages`; returns as `between`."""
        row, flat = self.one_axis()
        first, each, count = flat.first, flat.each[:, 0], flat.count[:, 0]
        period = stages // np.gcd(each, stages)  # distance of consecutive multiples, if any
        at = np.full(len(row), -1, dtype=np.int64)
        for j in range(min(int(period.max(initial=1)), int(count.max(initial=0)))):
            at[(at < 0) & ((first + each * j) % stages == 0)] = j
        left = np.where(at >= 0, -(-(count - at) // period), 0)
        return flat._cut(row, np.maximum(at, 0), period, left)

    def _cut(self, row: Ints, first: Ints, every: Ints, count: Ints) -> tuple[Ints, Depths]:
        """For one axis, keep `count` depths from index `first`, `every` apart; drop empty rows."""
        keep = np.flatnonzero(count > 0)
        mine = self.take(keep)
        start = mine.start + mine.step[:, :, 0] * first[keep, None]
        step = mine.step * every[keep, None, None]
        return row[keep], replace(mine, start=start, step=step, count=count[keep, None])
