"""Axes of a grid of designs: menus in the order in which costs rise."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.columns import LARGEST_INT64
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.menus import MAX_VALUE

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Axis:
    """One menu.

    Parameters
    ----------
    values : array of int64, shape (n,)
        Its entries, so ordered that costs do not fall; of ratios their indices.
    scale : array of shape (n,)
        Logarithms of its entries, ascending; ranges of it measure sides of boxes.
    """

    values: Ints
    scale: Floats

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, values: Ints, *, falling: bool = False) -> Axis:
        """The axis of ascending whole numbers; `falling` where costs fall with them."""
        scale = np.log(values + (values[0] == 0))
        if falling:
            return cls(values[::-1].copy(), -scale[::-1])
        return cls(values, scale)

    @classmethod
    def of_ratios(cls, ratios: Sequence[Fraction]) -> Axis:
        """The axis of ascending ratios."""
        scale = np.log(np.array([float(ratio) for ratio in ratios]))
        return cls(np.arange(len(ratios), dtype=np.int64), scale)


class HiddenWidths:
    """Hidden widths: a ratio times d_model, rounded to the nearest multiple, ties up.

    Entries are pairs of a ratio and a multiple. They are functions of their indices and d_model:
    no table of all of them is laid out.

    Parameters
    ----------
    ratios : sequence of Fraction
        Ascending.
    multiples : array of int64
        Ascending.
    """

    def __init__(self, ratios: Sequence[Fraction], multiples: Ints) -> None:
        over = np.array([ratio.numerator for ratio in ratios], dtype=object)
        under = np.array([ratio.denominator for ratio in ratios], dtype=object)
        top, largest = int(multiples[-1]), max(int(n) for n in (*over, *under))
        # Products of at most two of these, a width and 2.
        self._narrow = 4 * largest * max(top, MAX_VALUE) < LARGEST_INT64
        dtype = np.int64 if self._narrow else object
        self._over, self._under = over.astype(dtype), under.astype(dtype)
        self._multiples = multiples
        self._ratios = np.array([float(ratio) for ratio in ratios])

    def __len__(self) -> int:
        return len(self._over)

    def at(self, ratio: Ints, multiple: Ints, d_model: Ints) -> Ints:
        """Hidden widths, at most `MAX_VALUE`.

        Parameters
        ----------
        ratio, multiple : array of shape (n,)
            Indices.
        d_model : array of shape (n,)
        """
        each, over, under = self._multiples[multiple], self._over[ratio], self._under[ratio]
        width = d_model if self._narrow else d_model.astype(object)
        found = (2 * over * width + under * each) // (2 * under * each) * each
        clipped: Ints = np.minimum(found, MAX_VALUE).astype(np.int64)
        return clipped

    def ends(
        self, ratio: tuple[Ints, Ints], multiple: tuple[Ints, Ints], d_model: tuple[Ints, Ints]
    ) -> tuple[Ints, Ints]:
        """The least and the greatest hidden width of boxes, each given by its ends."""
        first, last = multiple
        low, high = self.at(ratio[0], first, d_model[0]), self.at(ratio[1], first, d_model[1])
        for step in range(1, int((last - first).max(initial=0)) + 1):
            at = np.minimum(first + step, last)
            low = np.minimum(low, self.at(ratio[0], at, d_model[0]))
            high = np.maximum(high, self.at(ratio[1], at, d_model[1]))
        return low, high

    def share(
        self, ratio: tuple[Ints, Ints], multiple: tuple[Ints, Ints], d_model: Ints
    ) -> tuple[Floats, Floats]:
        """Bounds on hidden width over d_model, in boxes of at least these d_model.

        A width is at most half a multiple from the ratio times d_model.
        """
        apart = self._multiples[multiple[1]] / (2.0 * np.maximum(d_model, 1))
        return self._ratios[ratio[0]] - apart, self._ratios[ratio[1]] + apart

    def fresh(self, ratio: Ints, multiple: Ints, d_model: Ints) -> Bools:
        """Whether no entry before these, by multiple and then ratio, gives the same width."""
        width = self.at(ratio, multiple, d_model)
        before = np.maximum(ratio - 1, 0)
        found = (ratio == 0) | (self.at(before, multiple, d_model) != width)
        for other in range(int(multiple.max(initial=0))):
            at = np.full_like(multiple, other)
            least = self._first(width, at, d_model)
            inside = np.minimum(least, len(self) - 1)
            same = (least < len(self)) & (self.at(inside, at, d_model) == width)
            found &= ~(same & (other < multiple))
        mask: Bools = found
        return mask

    def _first(self, width: Ints, multiple: Ints, d_model: Ints) -> Ints:
        """Index of the first ratio that gives at least a width; their number if none does."""
        low, high = np.zeros_like(width), np.full_like(width, len(self))
        for _ in range(len(self).bit_length()):
            middle = np.minimum((low + high) // 2, len(self) - 1)
            enough = self.at(middle, multiple, d_model) >= width
            open_ = low < high
            high = np.where(open_ & enough, middle, high)
            low = np.where(open_ & ~enough, middle + 1, low)
        return low

    def locate(self, width: int, d_model: int) -> tuple[int, int] | None:
        """Indices of the first entry, by multiple and then ratio, that gives a width."""
        one = np.array([d_model], dtype=np.int64)
        for multiple in range(len(self._multiples)):
            at = np.array([multiple], dtype=np.int64)
            ratio = self._first(np.array([width], dtype=np.int64), at, one)
            if ratio[0] < len(self) and self.at(ratio, at, one)[0] == width:
                return int(ratio[0]), multiple
        return None
