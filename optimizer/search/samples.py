"""Points of a grid at which a first incumbent is looked for; layers are not sampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np

from modelsizer.optimizer.tables.grid import Bools, Grid, Ints
from modelsizer.problems.space.layouts import Layout

SOME = 16  # layouts of several setups
FEW = 2  # entries of a menu that is not named
MOST = 2048  # points of a sample
SEED = 0
ROUND = 1024  # random points around one
MOVED = 0.4  # share of indices in which they differ from it
STEPS = (-1.0, -0.5, 0.5, 1.0)  # of one index, as shares of its reach


def even_points(grid: Grid, low: Ints, high: Ints, most: Mapping[str, int]) -> Ints | None:
    """Return points evenly spaced in the menus of a box; None if they are too many.

    Parameters
    ----------
    grid : Grid
    low, high : array of shape (D,)
    most : mapping of str to int
        Greatest number of entries of menus, by name.
    """
    spread = [
        np.unique(np.rint(np.linspace(a, b, min(b - a + 1, most.get(name, FEW)))).astype(np.int64))
        for name, a, b in zip(grid.names, low.tolist(), high.tolist(), strict=True)
    ]
    spread[grid.layers] = np.zeros(1, dtype=np.int64)
    if np.prod([float(len(entries)) for entries in spread]) > MOST:
        return None
    return np.stack([g.ravel() for g in np.meshgrid(*spread, indexing="ij")], axis=1)


def few_layouts(layouts: Sequence[Layout]) -> Bools:
    """Whether each layout, in order of preference, divides a model more than all before it.

    These have the most accelerators of those that leave each as little of the model.
    """
    parts = np.array([one.tensor_parallel * one.pipeline_parallel for one in layouts])
    found: Bools = np.ones(len(parts), dtype=bool)
    found[1:] = parts[1:] > np.maximum.accumulate(parts)[:-1]
    if layouts[-1].setup != layouts[0].setup:
        # Setups have orders of their own: some of all, evenly.
        found[np.unique(np.linspace(0, len(parts) - 1, SOME).astype(int))] = True
    return found


def random_points(grid: Grid, sizes: Ints, count: int) -> Ints:
    """Return random points of a root with these menu lengths, the same each time."""
    found = np.random.default_rng(SEED).integers(0, sizes, (count, len(sizes)))
    found[:, grid.layers] = 0
    return np.unique(found, axis=0)


def pairs(grid: Grid, point: Ints, low: Ints, high: Ints) -> Ints:
    """Return points of a box that differ from one in one index or in two, and random ones.

    Limits tie choices to one another: what one spends others must save.

    Parameters
    ----------
    grid : Grid
    point, low, high : array of shape (D,)
    """
    free = [i for i in range(len(point)) if i != grid.layers and low[i] < high[i]]
    moved = {
        i: sorted({
            int(np.clip(point[i] + round(step * max(high[i] - point[i], point[i] - low[i])),
                        low[i], high[i])) for step in STEPS
        } - {int(point[i])}) for i in free
    }  # fmt: skip
    found = [point]
    for sides in (*((i,) for i in free), *combinations(free, 2)):
        for entries in product(*(moved[i] for i in sides)):
            one = point.copy()
            one[list(sides)] = entries
            found.append(one)
    random = np.random.default_rng(SEED)
    low, high = low.copy(), high.copy()
    low[grid.layers] = high[grid.layers] = 0
    near = random.integers(low, high + 1, (ROUND, len(point)))
    keep = random.random(near.shape) > MOVED
    return np.unique(np.concatenate([np.array(found), np.where(keep, point, near)]), axis=0)
