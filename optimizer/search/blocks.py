"""Best-first search over blocks of the menus, for spaces too large to enumerate.

A block is a box of the grid, bounded by `modelsizer.optimizer.search.block_bounds`. Blocks are
split in order of their bounds until they are small; small blocks are converted to tables of width
options, to which the bounds of `modelsizer.optimizer.bounds.relaxation` and exact comparison apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.limits import Breach
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search.block_bounds import BlockBounds, Blocks
from modelsizer.optimizer.search.compare import box_designs
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.grid import D_MODEL, DIMENSIONS, LAYERS
from modelsizer.optimizer.tables.table import Ints, Table, build_table, needed, to_floats
from modelsizer.problems.architecture.choices import BY_NAME, ORDERED
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.splits import divided
from modelsizer.problems.space.widths import Options

Floats = NDArray[np.float64]

SMALL = 96
"""Width options up to which a block is enumerated, which then costs about as much as splitting."""
SAMPLE = (*(2 for _ in ORDERED), 64, 2, 2, 2, 4)
"""Entries sampled from each menu of widths for a first incumbent: a few thousand options."""
SAMPLE_NEAR = (*(2 for _ in ORDERED), 24, 2, 2, 2, 6)  # the same, near an incumbent
LEAST_WIDTHS = 32  # minimum number of d_model in the sample, for any number of layouts
AT_ONCE = 4096  # blocks split per round: enough to vectorise, few enough to be best-first
LISTED_AT_ONCE = 200  # small blocks listed before the number of options is checked
FEW_ROOTS = 256  # bounded in about 0.2 s
TABLE_ROWS = 30_000  # width options gathered per table


class BlockSearch:
    """Generate tables of the width options that may contain the optimum, in order of bounds.

    Parameters
    ----------
    model : Model
    value : float
        The incumbent's value: blocks that cannot be better are pruned.
    names : tuple of str, optional
        Affine quantities of the tables; by default those that the problem needs.
    breach : Breach, optional
        Search only designs that violate this constraint.
    clock : Clock, optional
        Stops `tables` with a StoppedError; `floor` then bounds what was not read.

    Attributes
    ----------
    value : float
        To be updated by the caller with every new incumbent.
    bounded : int
        Blocks bounded so far.
    """

    def __init__(
        self,
        model: Model,
        value: float = np.inf,
        names: tuple[str, ...] | None = None,
        breach: Breach | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.model = model
        self.clock = Clock() if clock is None else clock
        self.grid = model.store.grid(model.problem)
        self.value = value
        self.bounded = 0
        self._names = needed(model.problem) if names is None else names
        self._layouts, self._splits = model.problem.layouts, model.problem.splits
        self._bounds = BlockBounds(model, self.grid, breach)
        self._pending = np.inf  # minimum bound of blocks listed and not yet yielded
        self._blocks = self._whole()

    @property
    def floor(self) -> float:
        """Return a lower bound on the designs of all blocks not yet yielded."""
        rest = float(self._blocks.least.min()) if len(self._blocks) else np.inf
        return min(rest, self._pending)

    @property
    def waiting(self) -> int:
        """Return the number of blocks not yet split or yielded."""
        return len(self._blocks)

    def _whole(self) -> Blocks:
        """Return each root as one block."""
        sizes = np.array([self.grid.sizes(root) for root in self.grid.roots])
        root = np.arange(len(sizes))
        able = np.ones((len(sizes), len(self._layouts)), dtype=bool)
        worst = np.full(len(sizes), -np.inf)
        return Blocks(root, np.zeros_like(sizes), sizes - 1, worst, able)

    def scouts(self) -> Iterator[Table]:
        """Yield a sparse sample of the space under each layout, for finding an incumbent."""
        widths = max(SAMPLE[D_MODEL] // len(self._layouts), LEAST_WIDTHS)
        most = (*SAMPLE[:D_MODEL], widths, *SAMPLE[D_MODEL + 1 :])
        for index, root in enumerate(self.grid.roots):
            sizes = self.grid.sizes(root)
            yield from self._sampled(index, sizes * 0, sizes - 1, most, self._layouts)

    def near(self, design: Evaluation, zoom: int) -> Iterator[Table]:
        """Yield a sample of the neighbourhood of a design, smaller for larger `zoom`."""
        if (found := self.grid.locate(design.architecture)) is None:
            return
        index, point = found
        sizes = self.grid.sizes(self.grid.roots[index])
        reach = -(-sizes // zoom)
        low, high = np.maximum(point - reach, 0), np.minimum(point + reach, sizes - 1)
        yield from self._sampled(index, low, high, SAMPLE_NEAR, self._layouts)

    def _sampled(
        self, index: int, low: Ints, high: Ints, most: tuple[int, ...], layouts: Sequence[Layout]
    ) -> Iterator[Table]:
        root = self.grid.roots[index]
        point = self.grid.sample(low, high, most)
        whole = self.grid.sizes(root)[None, :] - 1  # all depths
        box = np.zeros(len(point), dtype=np.int64)
        options, _ = self.grid.options(root, whole * 0, whole, point, box)
        for layout in layouts:
            if len(able := divided(options, self.model.problem.split(layout))):
                yield build_table(self.model.problem, layout, able, self._names)

    def tables(self) -> Iterator[Table]:
        """Yield tables of width options, until no block can have a design better than `value`."""
        self._blocks = self._bounded(self._blocks)
        ready = self._blocks.take(np.zeros(len(self._blocks), dtype=bool))
        while len(self._blocks) or len(ready):
            self.clock.check(2 * self._blocks.nbytes)  # they are copied
            blocks = self._blocks.take(self._blocks.least <= self.value)
            if len(blocks) > AT_ONCE:
                order = np.argpartition(blocks.least, AT_ONCE)
                now, rest = blocks.take(order[:AT_ONCE]), blocks.take(order[AT_ONCE:])
            else:
                now, rest = blocks, blocks.take(np.zeros(len(blocks), dtype=bool))
            small = now.options <= SMALL
            ready = ready.plus(now.take(small))
            self._pending = float(ready.least.min(initial=np.inf))
            self._blocks = rest.plus(self._bounded(self._halves(now.take(~small))))
            enough = LISTED_AT_ONCE if np.isfinite(self.value) else 1
            if len(ready) >= enough or not len(self._blocks):
                yield from self._handed_on(ready)
                ready = ready.take(np.zeros(len(ready), dtype=bool))
                self._pending = np.inf

    def _handed_on(self, ready: Blocks) -> Iterator[Table]:
        """Yield tables of small blocks in order of bounds, while they may contain the optimum."""
        ready = ready.take(np.argsort(ready.least, kind="stable"))
        while len(ready):
            gathered: dict[tuple[int, Structure], list[Options]] = {}
            rows = begin = 0
            while begin < len(ready) and rows < TABLE_ROWS:
                part = ready.take(np.arange(begin, min(begin + LISTED_AT_ONCE, len(ready))))
                for layout, options in self._listed(part):
                    gathered.setdefault((layout, options.structure), []).append(options)
                    rows += len(options)
                begin += len(part)
            yield from self._built(gathered)
            ready = ready.take(np.arange(begin, len(ready)))
            ready = ready.take(ready.least <= self.value)

    def _built(self, gathered: dict[tuple[int, Structure], list[Options]]) -> Iterator[Table]:
        for layout, structure in sorted(gathered, key=str):
            self.clock.check()
            options = Options.join(gathered[layout, structure])
            yield build_table(self.model.problem, self._layouts[layout], options, self._names)

    def _listed(self, blocks: Blocks) -> Iterator[tuple[int, Options]]:
        """Yield the width options of small blocks, by layout."""
        for index in np.unique(blocks.root):
            self.clock.check()
            mine = blocks.take(blocks.root == index)
            low, high = mine.low.copy(), mine.high.copy()
            flat_low, flat_high = low.copy(), high.copy()
            flat_low[:, LAYERS:] = flat_high[:, LAYERS:] = 0  # a row keeps all its depths
            numbers = np.arange(len(mine))
            for box, point in box_designs(numbers, flat_low, flat_high, TABLE_ROWS):
                at = point.copy()
                at[:, LAYERS:] = low[box, LAYERS:]
                options, box_of_row = self.grid.options(self.grid.roots[index], low, high, at, box)
                for layout, split in enumerate(self._splits):
                    able = options.take(mine.able[box_of_row, layout])
                    if len(found := divided(able, split)):
                        yield layout, found

    # Splitting

    def _halves(self, blocks: Blocks) -> Blocks:
        """Split each block in two along the side in which costs vary most."""
        if not len(blocks):
            return blocks
        spread = np.zeros(blocks.low.shape)
        for index in np.unique(blocks.root):
            mine = blocks.root == index
            root = self.grid.roots[index]
            lower, upper = self.grid.corners(root, blocks.low[mine], blocks.high[mine])
            spread[mine, : LAYERS + lower.depths.count.shape[1]] = _spread(lower, upper)
        sides = blocks.high - blocks.low
        spread = np.where(sides > 0, np.maximum(spread, 1e-9), -1.0)
        side = spread.argmax(axis=1)
        at = np.arange(len(blocks))
        middle = (blocks.low[at, side] + blocks.high[at, side]) // 2
        left, right = blocks.high.copy(), blocks.low.copy()
        left[at, side] = middle
        right[at, side] = middle + 1
        return replace(blocks, high=left).plus(replace(blocks, low=right))

    # Bounding

    def _bounded(self, blocks: Blocks) -> Blocks:
        """Return the blocks that may have a design better than `value`, with tightened depths."""
        parts = []
        self.bounded += len(blocks)
        for index in np.unique(blocks.root):
            self.clock.check()
            mine = blocks.take(blocks.root == index)
            parts.append(self._bounds.bound(int(index), mine, self.value))
        return parts[0].plus(*parts[1:]) if parts else blocks


def whole_floor(model: Model) -> float:
    """Return a lower bound on all designs of a space, from the corners of its roots alone.

    It is minus infinity if there are too many roots for a quick answer.
    """
    search = BlockSearch(model)
    if len(search.grid.roots) > FEW_ROOTS:
        return -np.inf
    search._blocks = search._bounded(search._blocks)
    return search.floor


def _spread(lower: Options, upper: Options) -> Floats:
    """Return the range of the logarithm of costs along each side of boxes; shape (B, D)."""

    def spread(name: str, by: Fraction) -> Floats:
        ratio: Floats = np.log(to_floats(upper[name]) / to_floats(lower[name]))
        return ratio * by.numerator / by.denominator

    found = [
        np.sum([spread(name, by) for name, by in BY_NAME[choice].growth.items()], axis=0)
        for choice in DIMENSIONS
    ]
    depths = upper.depths
    for axis in range(depths.count.shape[1]):
        more = depths.each[:, axis] * (depths.count[:, axis] - 1)
        found.append(np.log(to_floats(depths.first + more) / to_floats(depths.first)))
    return np.stack(found, axis=1)
