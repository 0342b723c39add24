"""Boxes that cover a grid, kept between questions over the same space.

A search splits boxes where its question needs it. The next question starts from the boxes at which
the last one ended: it bounds every one anew, and goes on where these bounds do not suffice. So
nothing of an answer is kept, only where the space was split.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.grid import Grid, Ints

Roots = NDArray[np.int32]
Menus = NDArray[Any]

MOST_BYTES = 100 * 2**20
"""Bytes of the boxes kept of a space; a search that ended with more is followed by a fresh one."""
FEW_BOXES = 16_384  # kept in any case: bounded in some 30 ms
MOST_GROWTH = 3
"""Boxes kept, at most, for each at which a fresh search ended: to bound too many costs more than
to split again."""


class Cover:
    """Boxes whose designs are those of the grid, each in one box.

    Parameters
    ----------
    root : array of shape (B,)
        Indices of roots.
    low, high : array of small integers, shape (B, D)
        Ranges of indices into the menus of the grid.
    enough : int, optional
        Greatest number of boxes that are kept; by default it follows from the first search.
    """

    def __init__(self, root: Roots, low: Menus, high: Menus, enough: int | None = None) -> None:
        self.root, self.low, self.high = root, low, high
        self._enough = enough
        self._parts: list[tuple[Roots, Menus, Menus]] = []
        self._split: list[Ints] = []
        self._count = len(root)

    @classmethod
    def whole(cls, grid: Grid) -> Cover:
        """Return each root as one box."""
        sizes = np.array([grid.sizes(root) for root in grid.roots])
        return cls(np.arange(len(sizes), dtype=np.int32), np.zeros_like(sizes), sizes - 1)

    def __len__(self) -> int:
        return len(self.root)

    def split(self, box: Ints, root: Roots, low: Menus, high: Menus) -> Ints:
        """Note that boxes were split, and return the numbers of their parts.

        Parameters
        ----------
        box : array
            Numbers of the boxes: their indices, or what this method returned.
        root, low, high
            Their parts, which cover them, in any order.
        """
        self._split.append(box)
        self._parts.append((root, low, high))
        self._count += len(root)
        return np.arange(self._count - len(root), self._count)

    def leaves(self) -> Cover | None:
        """Return the boxes that were not split; None if they are too many to keep."""
        if not self._split:
            return Cover(self.root, self.low, self.high, self._enough)
        whole = np.ones(self._count, dtype=bool)
        whole[np.concatenate(self._split)] = False
        parts = [(self.root, self.low, self.high), *self._parts]
        root, low, high = (_joined(column)[whole] for column in zip(*parts, strict=True))
        if root.nbytes + low.nbytes + high.nbytes > MOST_BYTES:
            return None
        enough = max(MOST_GROWTH * len(root), FEW_BOXES) if self._enough is None else self._enough
        return Cover(root, low, high, enough) if len(root) <= enough else None


def _joined(column: Sequence[Menus]) -> Menus:
    return np.concatenate(column)
