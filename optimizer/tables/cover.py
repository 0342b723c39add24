"""Boxes that cover a grid, kept between questions over the same space.

A search splits boxes where its question needs it, and the tree of all boxes is kept. The next
question bounds every box at which it ends anew, and goes on where these bounds do not suffice. So
nothing of an answer is kept, only where the space was split, and what does not depend on limits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.grid import Grid, Ints
from modelsizer.optimizer.tables.known import Known

Numbers = NDArray[Any]

MOST_BOXES = 1_500_000
"""Boxes kept of a space: some 100 MB. Where they are more, parts of the tree are forgotten."""
FORGOTTEN = 16  # ends of the largest parts that are forgotten
GROUPS = 3072
"""Ends of the tree are bounded in about so many groups first, those of groups left alone after."""


class Cover:
    """A tree of boxes; those without parts have the designs of the grid, each in one box.

    Parameters
    ----------
    root : array of shape (B,)
        Indices of roots.
    low, high : array of small integers, shape (B, D)
        Ranges of indices into the menus of the grid.
    parent : array of shape (B,)
        Number of the box that a box is a part of, itself if it is of none.
    depth : array of shape (B,)
        Boxes that a box is in.

    Attributes
    ----------
    known : Known
        Facts about the boxes by their numbers; a tree that is grown hands them on.
    """

    def __init__(
        self, root: Numbers, low: Numbers, high: Numbers, parent: Numbers, depth: Numbers
    ) -> None:
        self.known = Known()
        self.root, self.low, self.high, self.parent, self.depth = root, low, high, parent, depth
        self._parts = [(root, low, high, parent, depth)]
        self._count = len(root)

    @classmethod
    def whole(cls, grid: Grid) -> Cover:
        """Return each root as one box."""
        sizes = np.array([grid.sizes(root) for root in grid.roots])
        number = np.arange(len(sizes), dtype=np.int32)
        return cls(number, np.zeros_like(sizes), sizes - 1, number, np.zeros_like(number))

    def __len__(self) -> int:
        return len(self.root)

    def split(self, box: Ints, depth: Ints, root: Numbers, low: Numbers, high: Numbers) -> Ints:
        """Note that boxes were split in two, and return the numbers of their halves.

        Parameters
        ----------
        box, depth : array of shape (B,)
            Numbers of the boxes, -1 where one was not noted, and their depths.
        root, low, high : array of shape (2 B, ...)
            The lower halves, then the upper ones.
        """
        if self._count > MOST_BOXES:
            return np.full(len(root), -1)
        noted = np.tile(box >= 0, 2)
        parent = np.tile(box, 2)[noted].astype(np.int32)
        number = np.full(len(root), -1)
        number[noted] = np.arange(self._count, self._count + len(parent))
        deeper = np.tile(depth + 1, 2)[noted].astype(np.int32)
        self._parts.append((root[noted], low[noted], high[noted], parent, deeper))
        self._count += len(parent)
        return number

    def grown(self) -> Cover:
        """Return the tree with all boxes noted; where they are too many, without small parts."""
        columns = [np.concatenate(column) for column in zip(*self._parts, strict=True)]
        found = Cover(*columns)
        if self._count > MOST_BOXES:
            return found._pruned()
        # The boxes keep their numbers; those to come are numbered by each tree for itself.
        found.known, self.known = self.known, Known()
        return found

    def ends(self) -> Ints:
        """Return the numbers of the boxes without parts, which cover the grid."""
        inner = np.zeros(len(self), dtype=bool)
        inner[self.parent[self.depth > 0]] = True
        return np.flatnonzero(~inner)

    def _pruned(self) -> Cover:
        """Return the tree without the parts of its groups."""
        top, _ = self.groups(FORGOTTEN)
        keep = np.zeros(len(self), dtype=bool)
        keep[top] = True
        for level in self._levels()[:0:-1]:
            keep[self.parent[level[keep[level]]]] = True
        number = np.cumsum(keep) - 1
        columns = (self.root, self.low, self.high, number[self.parent], self.depth)
        return Cover(*(column[keep] for column in columns))

    def _levels(self) -> list[Ints]:
        """Return the numbers of the boxes of each depth."""
        order = np.argsort(self.depth, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.depth))[:-1])

    def groups(self, most: int | None = None) -> tuple[Ints, Ints]:
        """Return boxes that cover the grid, and the group of each box in them.

        Parameters
        ----------
        most : int, optional
            The most ends of the tree in each.

        Returns
        -------
        top : array of shape (G,)
            Numbers of boxes, each with few ends of the tree in it.
        group : array of shape (B,)
            Of each box without parts in which of these boxes it is; -1 for others.
        """
        levels = self._levels()
        ends = np.ones(len(self), dtype=np.int64)
        ends[self.parent[levels[0].size :]] = 0
        inner = ends == 0
        for level in levels[:0:-1]:
            np.add.at(ends, self.parent[level], ends[level])
        most = len(self) // (2 * GROUPS) if most is None else most
        group = np.full(len(self), -1)
        count = 0
        top = []
        for level in levels:
            above = group[self.parent[level]]
            mine = (above < 0) & ((ends[level] <= most) | ~inner[level])
            group[level] = above
            group[level[mine]] = count + np.arange(int(mine.sum()))
            top.append(level[mine])
            count += int(mine.sum())
        group[inner] = -1
        return np.concatenate(top), group
