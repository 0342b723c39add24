"""Bounds of random blocks against random designs in them."""

from __future__ import annotations

import random

import numpy as np

from modelsizer import Problem
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search.block_bounds import BlockBounds, Blocks
from modelsizer.optimizer.tables import store
from modelsizer.optimizer.tables.grid import LAYERS, Grid
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.space.splits import divided


def whole(grid: Grid, index: int, layouts: int) -> Blocks:
    sizes = grid.sizes(grid.roots[index])[None, :]
    able = np.ones((1, layouts), dtype=bool)
    return Blocks(np.array([index]), sizes * 0, sizes - 1, np.array([-np.inf]), able)


def check_bounds(problem: Problem, seed: int) -> int:
    """Random blocks, and random designs in them: no value below the bound, no design cut off."""
    model = Model(problem)
    grid = Grid(problem)
    bounds = BlockBounds(model, grid)
    r, seen = random.Random(seed), 0
    for _ in range(8):
        index = r.randrange(len(grid.roots))
        root = grid.roots[index]
        block = whole(grid, index, len(problem.layouts))
        ends = [sorted((r.randint(0, int(h)), r.randint(0, int(h)))) for h in block.high[0]]
        low, high = np.array([[a for a, _ in ends]]), np.array([[b for _, b in ends]])
        block = Blocks(block.root, low, high, block.least, block.able)
        found = bounds.bound(index, block, np.inf)
        for _ in range(6):
            point = np.array([[r.randint(a, b) for a, b in ends]])
            options, _ = grid.options(root, low, high, point, np.zeros(1, dtype=np.int64))
            for number, layout in enumerate(problem.layouts):
                able = divided(options, problem.split(layout))
                if not len(able):
                    continue
                start, each = int(able.depths.first[0]), int(able.depths.each[0, 0])
                depth = start + each * r.randrange(int(able.depths.count[0, 0]))
                table = store._Part(layout, able).table(problem, {"parameters": ()})
                j = (depth - start) // each
                design = evaluate(problem, table.architecture(problem, 0, [j]))
                if not design.feasible or design.layout != layout:
                    continue
                seen += 1
                assert len(found) == 1
                assert found.able[0, number]
                at = (depth - root.depths.first[0]) // root.depths.each[0, 0]
                assert found.low[0, LAYERS] <= at <= found.high[0, LAYERS]
                assert found.least[0] <= model.value_of(design)
    return seen
