"""Best-first search over blocks of the menus, for spaces too large to enumerate.

A block is a box of the grid, bounded by `modelsizer.optimizer.search.block_bounds`. Blocks are
split in order of their bounds until they are small; small blocks are converted to tables of width
options, to which the bounds of `modelsizer.optimizer.bounds.relaxation` and exact comparison apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from modelsizer.optimizer.bounds.limits import Breach
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search.block_bounds import BlockBounds, Blocks
from modelsizer.optimizer.search.branching import Branching
from modelsizer.optimizer.search.compare import box_designs
from modelsizer.optimizer.search.pool import Pool
from modelsizer.optimizer.search.samples import even_points, few_layouts, pairs, random_points
from modelsizer.optimizer.search.screen import Screen
from modelsizer.optimizer.tables.building import needed
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.cover import Cover
from modelsizer.optimizer.tables.grid import Bools
from modelsizer.optimizer.tables.spread import groups, spread
from modelsizer.optimizer.tables.table import Floats, Ints, Table
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.widths import Options

SMALL = 8
"""Width options up to which a block is enumerated, which then costs about as much as splitting."""
SAMPLE = {"d_model": 64, "ffn_ratio": 4, "d_ff": 4}
"""Entries sampled from menus for a first incumbent, a few of others: a few thousand options."""
SAMPLE_NEAR = {"d_model": 24, "ffn_ratio": 6, "d_ff": 6}  # the same, near an incumbent
RANDOM = 1024  # points of each root, where entries of many menus would multiply
LEAST_WIDTHS = 32  # minimum number of d_model in the sample, for any number of layouts
BOUNDED_AT_ONCE = 8192  # some 10 MB of costs
AT_ONCE = 4096  # blocks split per round: enough to vectorise, few enough to be best-first
LISTED_AT_ONCE = 200  # small blocks listed before the number of options is checked
FEW_BLOCKS = 256  # blocks of which a round is split at least, as far as they go
FEW_LEFT = 32_768  # width options listed about as fast as an incumbent is looked for
LAST = 4096  # width options of all blocks left, listed about as fast as a round is split
FEW_ROOTS = 256  # bounded in about 0.2 s
FEW_MACHINES = 10_000  # machines and layouts under which a root is bounded in about 0.5 s
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

    cover : Cover, optional
        Boxes to start from; by default those into which earlier searches split the space.
    layouts : sequence of Layout, optional
        Those to search under; all by default.

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
        cover: Cover | None = None,
        layouts: Sequence[Layout] | None = None,
    ) -> None:
        self.model = model
        self.clock = Clock() if clock is None else clock
        self.grid = model.store.grid(model.problem)
        self.value = value
        self.bounded = 0
        self._names = needed(model.problem) if names is None else names
        self._layouts = tuple(model.problem.layouts if layouts is None else layouts)
        self._every = np.ones(len(self._layouts), dtype=bool)
        self._few = few_layouts(self._layouts)
        self._bounds = BlockBounds(model, self.grid, breach, self._layouts)
        self._branching = Branching(self.grid)
        self._cover = model.store.cover(model.problem) if cover is None else cover
        self._pool = Pool(self._boxes(np.zeros(0, dtype=np.int64)))
        self._pending = -np.inf  # minimum bound of blocks taken and not yet split or yielded
        self._opened = False

    @property
    def floor(self) -> float:
        """Return a lower bound on the designs of all blocks not yet yielded."""
        return min(self._pool.least, self._pending)

    def few_left(self) -> bool:
        """Whether boxes kept from earlier searches leave few blocks or options.

        These are split or listed about as fast as an incumbent is looked for.
        """
        if len(self._cover) == len(self.grid.roots):
            return False
        self.open()
        left = self._pool.none.plus(*self._pool.below(self.value))
        return len(left) <= AT_ONCE or bool(self._options(left).sum() <= FEW_LEFT)

    @property
    def waiting(self) -> int:
        """Return the number of blocks not yet split or yielded."""
        return len(self._pool)

    def _boxes(self, box: Ints) -> Blocks:
        """Return boxes of the cover."""
        return Blocks.of(self._cover, box, self.grid.layers, len(self._layouts))

    def open(self) -> None:
        """Bound the boxes kept from earlier searches, once: groups of them, then those left."""
        if self._opened:
            return
        screen = Screen(self._bounds, self._cover, self.clock)
        if screen.helps:
            ends = self._cover.ends()
            self.bounded += len(ends)
            self._pool = Pool(self._bounded(self._boxes(screen.left(ends, self.value))))
            self._pending, self._opened = np.inf, True
            return
        top, group = self._cover.groups()
        kept = self._bounded(self._boxes(top))
        place = np.full(len(top), -1)
        place[kept.number] = np.arange(len(kept))
        box = np.flatnonzero(group >= 0)
        box = box[(place[group[box]] >= 0) & (top[group[box]] != box)]
        within = place[group[box]]
        parts = replace(self._boxes(box), least=kept.least[within], able=kept.able[within])
        whole = kept.take(group[kept.box] >= 0)
        self._pool = Pool(whole.plus(self._bounded(parts)))
        self._pending, self._opened = np.inf, True

    def scouts(self, *, thorough: bool = False) -> Iterator[Table]:
        """Yield a sparse sample of the space, for finding an incumbent.

        Parameters
        ----------
        thorough : bool
            Under each layout, where otherwise only few are tried.
        """
        layouts = self._every if thorough else self._few
        if thorough and self._few.all():
            return
        widths = max(SAMPLE["d_model"] // len(self._layouts), LEAST_WIDTHS)
        for index, root in enumerate(self.grid.roots):
            sizes = self.grid.sizes(root).astype(np.int64)
            points = even_points(self.grid, sizes * 0, sizes - 1, SAMPLE | {"d_model": widths})
            if points is None:
                points = random_points(self.grid, sizes, RANDOM)
            yield from self._points(index, points, layouts)

    def near(self, design: Evaluation, zoom: int) -> Iterator[Table]:
        """Yield a sample of the neighbourhood of a design, smaller for larger `zoom`."""
        if (found := self.grid.locate(design.architecture)) is None:
            return
        index, point = found
        sizes = self.grid.sizes(self.grid.roots[index]).astype(np.int64)
        reach = -(-sizes // zoom)
        low, high = np.maximum(point - reach, 0), np.minimum(point + reach, sizes - 1)
        points = even_points(self.grid, low, high, SAMPLE_NEAR)
        if points is None:
            points = pairs(self.grid, point, low, high)
        yield from self._points(index, points, self._few)

    def _points(self, index: int, points: Ints, layouts: Bools) -> Iterator[Table]:
        """Yield the options at points of a root, with all layers, under some layouts."""
        root = self.grid.roots[index]
        high = self.grid.sizes(root)[None, :] - 1
        box = np.zeros(len(points), dtype=np.int64)
        options, _ = self.grid.options(root, high * 0, high, points, box)
        yield from self._spread(options, np.broadcast_to(layouts, (len(options), len(layouts))))

    def _spread(self, options: Options, able: Bools) -> Iterator[Table]:
        """Yield tables of options under the layouts that are able, of shape (W, layouts)."""
        problem = self.model.problem
        for some in groups(problem, self._layouts):
            if some := [i for i in some if able[:, i].any()]:
                pairs = spread(problem, [self._layouts[i] for i in some], options, able[:, some])
                if len(pairs):
                    yield pairs.table(problem, self._names)

    def tables(self) -> Iterator[Table]:
        """Yield tables of width options, until no block can have a design better than `value`."""
        self.open()
        ready = self._pool.none
        while len(self._pool) or len(ready):
            self.clock.check(2 * self._pool.nbytes)  # they are copied
            now = self._pool.first(AT_ONCE, self.value)
            options = self._options(now)
            last = not len(self._pool) and options.sum() <= LAST
            small = np.full(len(now), True) if last else options <= SMALL
            ready = ready.plus(now.take(small))
            self._pending = min(float(part.least.min(initial=np.inf)) for part in (ready, now))
            self._split(now.take(~small))
            self._pending = float(ready.least.min(initial=np.inf))
            enough = LISTED_AT_ONCE if np.isfinite(self.value) else 1
            if len(ready) >= enough or not len(self._pool):
                yield from self._handed_on(ready)
                ready = ready.take(slice(0, 0))
                self._pending = np.inf

    def _options(self, blocks: Blocks) -> Ints:
        """Return the width options of blocks, including those that do not divide."""
        sides = blocks.high.astype(np.int64) - blocks.low + 1
        sides[:, self.grid.layers] = 1
        found: Ints = sides.astype(float).prod(axis=1)
        return found

    def _split(self, blocks: Blocks) -> None:
        """Split blocks, and keep the halves that may have a design better than `value`."""
        if not len(blocks):
            return
        while len(blocks) < FEW_BLOCKS:
            # Bounding a few costs as much as bounding these many.
            large = self._options(blocks) > SMALL
            if not large.any():
                break
            halves, _, _ = self._halves(blocks.take(large))
            blocks = blocks.take(~large).plus(halves)
        large = self._options(blocks) > SMALL
        if not large.all():
            self._pool.add(self._bounded(blocks.take(~large)))
            blocks = blocks.take(large)
        if not len(blocks):
            return
        halves, side, length = self._halves(blocks)
        kept = self._bounded(halves)
        self._branching.learn(blocks, side, length, kept, self.value)
        self._pool.add(kept)

    def _halves(self, blocks: Blocks) -> tuple[Blocks, Ints, Floats]:
        """Split blocks in two, and the boxes of the cover that they are of."""
        halves, side, length = self._branching.halves(blocks)
        low, high = halves.low.copy(), halves.high.copy()
        low[:, self.grid.layers], high[:, self.grid.layers] = halves.first, halves.last
        box = self._cover.split(blocks.box, blocks.depth, halves.root, low, high)
        return replace(halves, box=box, depth=halves.depth + 1), side, length

    def _handed_on(self, ready: Blocks) -> Iterator[Table]:
        """Yield tables of small blocks in order of bounds, while they may contain the optimum."""
        ready = ready.take(np.argsort(ready.least, kind="stable"))
        while len(ready):
            gathered: dict[Structure, list[tuple[Options, Bools]]] = {}
            rows = begin = 0
            while begin < len(ready) and rows < TABLE_ROWS:
                part = ready.take(np.arange(begin, min(begin + LISTED_AT_ONCE, len(ready))))
                for options, able in self._listed(part):
                    gathered.setdefault(options.structure, []).append((options, able))
                    rows += int(able.sum())
                begin += len(part)
            for structure in sorted(gathered, key=str):
                self.clock.check()
                each, able_each = zip(*gathered[structure], strict=True)
                yield from self._spread(Options.join(each), np.concatenate(able_each))
            ready = ready.take(np.arange(begin, len(ready)))
            ready = ready.take(ready.least <= self.value)

    def _listed(self, blocks: Blocks) -> Iterator[tuple[Options, Bools]]:
        """Yield the width options of small blocks, and the layouts that may be able."""
        for index in np.unique(blocks.root):
            self.clock.check()
            mine = blocks.take(blocks.root == index)
            low, high = mine.low.astype(np.int64), mine.high.astype(np.int64)
            flat_low, flat_high = low.copy(), high.copy()
            flat_low[:, self.grid.layers] = flat_high[:, self.grid.layers] = 0  # a row has all
            for box, point in box_designs(np.arange(len(mine)), flat_low, flat_high, TABLE_ROWS):
                options, box_of_row = self.grid.options(
                    self.grid.roots[index], low, high, point, box
                )
                yield options, mine.able[box_of_row]

    # Bounding

    def _bounded(self, blocks: Blocks) -> Blocks:
        """Return the blocks that may have a design better than `value`, with tightened depths."""
        parts = []
        self.bounded += len(blocks)
        for index in np.unique(blocks.root):
            mine = np.flatnonzero(blocks.root == index)
            for begin in range(0, len(mine), BOUNDED_AT_ONCE):
                self.clock.check()
                some = blocks.take(mine[begin : begin + BOUNDED_AT_ONCE])
                parts.append(self._bounds.bound(int(index), some, self.value))
        return parts[0].plus(*parts[1:]) if parts else blocks


def whole_floor(model: Model) -> float:
    """Return a lower bound on all designs of a space, from the corners of its roots alone.

    It is minus infinity if there are too many roots, or machines, for a quick answer.
    """
    grid = model.store.grid(model.problem)
    if len(grid.roots) > FEW_ROOTS or len(model.problem.layouts) > FEW_MACHINES:
        return -np.inf
    search = BlockSearch(model, cover=Cover.whole(grid))
    search.open()
    return search.floor
