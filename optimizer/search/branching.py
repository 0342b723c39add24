"""Along which side a block is split: that which raised bounds most, so far, for its length.

Pseudo-costs (Benichou et al. 1971, Mathematical Programming 1, 76-94) learnt in the search: the
share of the gap to the incumbent that a split closed, for the logarithm of the ratio of the ends
of the side. Sides without a history have a rough weight.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.search.block_bounds import Blocks
from modelsizer.optimizer.tables.grid import Grid, Ints
from modelsizer.optimizer.tables.roots import LAYERS
from modelsizer.problems.architecture.choices import CHOICES

Floats = NDArray[np.float64]

OTHER = 0.3  # a rough weight where no choice states its growth
ROUNDING_OF_WIDTHS = 0.02  # of menus of multiples, which move a width by less than one of them
FADING = 0.9  # of what was learnt, per round
TRUSTED = 5.0  # lengths of sides split before the rough weight counts for less than half
EXPLORED = 0.03  # share of blocks split along any side, so that all have a history
SHORTEST = 1e-9  # a side of more than one entry has some length


class Branching:
    """Choose sides to split, and learn from the bounds of the halves.

    Parameters
    ----------
    grid : Grid
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        groups = list(dict.fromkeys(root.structure for root in grid.roots))
        self._group = np.array([groups.index(root.structure) for root in grid.roots])
        rough = np.array([_rough(name) for name in grid.names])
        self._rough = np.tile(rough, (len(groups), 1))
        self._gain, self._length = np.zeros_like(self._rough), np.zeros_like(self._rough)
        self._random = np.random.default_rng(0)

    def _rates(self) -> Floats:
        """Return the expected gain for the length of each side; shape (groups, D)."""
        expected = (self._rough * self._length).sum(axis=1, keepdims=True)
        scale = self._gain.sum(axis=1, keepdims=True) / np.where(expected > 0, expected, 1.0)
        scale = np.where(scale > 0, scale, 1.0)
        found: Floats = (self._gain + TRUSTED * scale * self._rough) / (self._length + TRUSTED)
        return found

    def lengths(self, blocks: Blocks) -> Floats:
        """Return the length of each side of blocks, 0 if it cannot be split; shape (B, D)."""
        found = np.zeros(blocks.low.shape)
        for index in np.unique(blocks.root):
            mine = np.flatnonzero(blocks.root == index)
            axes = self._grid.roots[index].axes
            low, high = blocks.low[mine], blocks.high[mine]
            for at, name in enumerate(self._grid.names):
                if name in axes:
                    scale = axes[name].scale
                    found[mine, at] = scale[high[:, at]] - scale[low[:, at]]
        return np.where(blocks.high > blocks.low, np.maximum(found, SHORTEST), 0.0)

    def halves(self, blocks: Blocks) -> tuple[Blocks, Ints, Floats]:
        """Split blocks in two.

        Returns
        -------
        halves : Blocks
            The lower halves, then the upper ones, in the order of `blocks`.
        side : array of shape (B,)
            Index of the side along which each block was split.
        length : array of shape (B,)
            Length of that side.
        """
        lengths = self.lengths(blocks)
        scores = lengths * self._rates()[self._group[blocks.root]]
        some = self._random.random(len(blocks)) < EXPLORED
        if some.any():
            scores[some] = self._random.random((int(some.sum()), scores.shape[1]))
        side = np.where(lengths > 0, scores, -1.0).argmax(axis=1)
        at = np.arange(len(blocks))
        middle = self._middles(blocks, side)
        left, right = blocks.high.copy(), blocks.low.copy()
        left[at, side] = middle
        right[at, side] = middle + 1
        deep = side == self._grid.layers
        both = replace(blocks, high=left, last=np.where(deep, middle, blocks.last)).plus(
            replace(blocks, low=right, first=np.where(deep, middle + 1, blocks.first))
        )
        return replace(both, number=np.arange(len(both))), side, lengths[at, side]

    def _middles(self, blocks: Blocks, side: Ints) -> Ints:
        """Return the last index of the lower halves: nearest to the middle on the axis's scale."""
        found = np.empty(len(blocks), dtype=np.int64)
        groups = blocks.root.astype(np.int64) * len(self._grid.names) + side
        for group in np.unique(groups):
            mine = np.flatnonzero(groups == group)
            index, at = divmod(int(group), len(self._grid.names))
            scale = self._grid.roots[index].axes[self._grid.names[at]].scale
            low, high = (side[mine, at].astype(np.int64) for side in (blocks.low, blocks.high))
            middle = np.searchsorted(scale, (scale[low] + scale[high]) / 2, "right") - 1
            found[mine] = np.clip(middle, low, high - 1)
        return found

    def learn(
        self, blocks: Blocks, side: Ints, length: Floats, halves: Blocks, value: float
    ) -> None:
        """Learn from the halves that are left of split blocks, by their numbers."""
        if not len(blocks):
            return
        least = np.full(2 * len(blocks), np.inf)
        least[halves.number] = halves.least
        rise = least.reshape(2, -1) - blocks.least
        room = value - blocks.least
        if not np.isfinite(value):
            top = rise[np.isfinite(rise)]
            room = np.full(len(blocks), float(top.max(initial=0.0)))
        room = np.where(np.isfinite(room) & (room > 0), room, 1.0)
        with np.errstate(invalid="ignore"):
            gain = np.clip(np.nan_to_num(rise / room, nan=0.0), 0.0, 1.0).mean(axis=0)
        group = self._group[blocks.root]
        self._gain *= FADING
        self._length *= FADING
        np.add.at(self._gain, (group, side), gain)
        np.add.at(self._length, (group, side), length)


def _rough(name: str) -> float:
    """Return an approximate exponent of a layer's costs in the choice of a menu."""
    if name == LAYERS:
        return 1.0
    if name.endswith("_multiple"):
        return ROUNDING_OF_WIDTHS
    for choice in CHOICES:
        if name in (choice.name, *(key.rpartition(".")[2] for key in choice.menus)):
            return float(choice.growth.get(choice.name, OTHER))
    return OTHER
