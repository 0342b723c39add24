"""Bounds of random blocks against random designs in them."""

from __future__ import annotations

import random

import numpy as np

from modelsizer import Problem
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search.block_bounds import BlockBounds, Blocks
from modelsizer.optimizer.tables.building import build_table
from modelsizer.optimizer.tables.cover import Cover
from modelsizer.optimizer.tables.grid import Grid
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.space.splits import divided


def random_block(r: random.Random, grid: Grid, layouts: int) -> tuple[int, Blocks]:
    """A block of a random root, with random ends of each side."""
    index = r.randrange(len(grid.roots))
    sizes = grid.sizes(grid.roots[index]).tolist()
    ends = [sorted((r.randrange(n), r.randrange(n))) for n in sizes]
    low, high = (np.array([[end[i] for end in ends]], dtype=grid.dtype) for i in (0, 1))
    one = np.zeros(1, dtype=np.int64)
    cover = Cover(np.array([index], dtype=np.int32), low, high, one, one)
    return index, Blocks.of(cover, one, grid.layers, layouts)


def check_bounds(problem: Problem, seed: int, blocks: int = 8, points: int = 6) -> int:
    """Random blocks, and random designs in them: no value below the bound, no design cut off."""
    model = Model(problem)
    grid = Grid(problem)
    bounds = BlockBounds(model, grid)
    r, seen = random.Random(seed), 0
    for _ in range(blocks):
        index, block = random_block(r, grid, len(problem.layouts))
        root, at = grid.roots[index], grid.layers
        found = bounds.bound(index, block, np.inf)
        for _ in range(points):
            ends = zip(block.low[0].tolist(), block.high[0].tolist(), strict=True)
            point = np.array([[r.randint(a, b) for a, b in ends]])
            none = np.zeros(1, dtype=np.int64)
            options, _ = grid.options(root, block.low, block.high, point, none)
            for number, layout in enumerate(problem.layouts):
                able = divided(options, problem.split(layout))
                if not len(able):
                    continue
                table = build_table(problem, layout, able)
                row = r.randrange(len(able))
                j = [r.randrange(int(able.depths.count[row, 0]))]
                design = evaluate(problem, table.architecture(problem, row, j))
                if not design.feasible or design.layout != layout:
                    continue
                seen += 1
                assert len(found) == 1
                assert found.able[0, number]
                depth = root.axes["layers"].values
                first, last = depth[found.low[0, at]], depth[found.high[0, at]]
                assert first <= design.architecture.layers <= last
                assert found.least[0] <= model.value_of(design)
                place = grid.locate(design.architecture)
                assert place is not None
                assert place[0] == index
    return seen
