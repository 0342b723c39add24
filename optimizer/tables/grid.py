"""The menus of a space as an integer grid, for searches that do not enumerate width options.

A *root* fixes the unordered choices: the block, choices such as tied embeddings, and evenly spaced
depths, in which the layers of each kind are affine (`modelsizer.problems.architecture.depths`).
Parallel layouts are not part of it: they only determine which points are designs, and some costs.
Within a root, a point is an index into each menu of widths and along each depth axis
(`DIMENSIONS`). Widths increase with their indices, so the costs of a box of points lie between
those of its two corners, as bounds require.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choices import BY_NAME, ORDERED, UNORDERED
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.problem import Problem
from modelsizer.problems.space.options import (
    aspect_limits,
    feed_forward_columns,
    head_menus,
    menu_of,
    most_options,
)
from modelsizer.problems.space.rounding import depths_of
from modelsizer.problems.space.stacks import structures
from modelsizer.problems.space.widths import Options
from modelsizer.problems.tables.menus import Menu, arithmetic_runs, integers
from modelsizer.problems.units import exact

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def menu_size(problem: Problem) -> int:
    """Return a fast upper bound on the number of width options, ignoring divisibility."""
    return len(problem.layouts) * most_options(problem.space)


DIMENSIONS = (*(choice.name for choice in ORDERED),
              "d_model", "heads", "head_dim", "kv_heads", "d_ff")  # fmt: skip
"""Choices of the indices of a point, except those of depths. If only one of heads and head_dim has
a menu, it is at the first of the two, and the second has a single entry."""
D_MODEL, FIRST, SECOND, KV, FFN, LAYERS = range(len(ORDERED), len(DIMENSIONS) + 1)
"""Positions of the indices; `LAYERS` is that of the first depth axis."""


@dataclass(frozen=True, slots=True)
class Root:
    """Unordered choices and depths.

    Parameters
    ----------
    structure : Structure
    fixed : dict of str to int
        Values of the unordered choices.
    depths : Depths
        One row.
    """

    structure: Structure
    fixed: dict[str, int]
    depths: Depths


class Grid:
    """The grid of a problem's space.

    Attributes
    ----------
    roots : list of Root
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        space = problem.space
        self.roots = list(self._roots())
        self._free = [menu_of(space, choice) for choice in ORDERED]
        self._d_model = integers(space.d_model)
        self._first, self._second = head_menus(space)
        given = space.kv_heads if space.kv_heads is not None else space.kv_group
        self._kv = integers(given) if given is not None else np.ones(1, dtype=np.int64)
        if space.kv_group is not None:
            self._kv = self._kv[::-1].copy()  # larger groups first, so that kv_heads increase
        self._columns: dict[bool, Ints] = {}
        self._fresh: dict[bool, Bools] = {}
        self._least: dict[bool, Ints] = {}
        self._most: dict[bool, Ints] = {}
        for gated in {BLOCKS[root.structure.block].gated for root in self.roots}:
            columns = feed_forward_columns(space, self._d_model, gated)
            if space.d_ff is not None:  # ascending, and the same for each d_model
                self._fresh[gated] = np.broadcast_to(np.True_, columns.shape)
                self._columns[gated] = self._least[gated] = self._most[gated] = columns
                continue
            columns = columns[np.argsort(columns.sum(axis=1), kind="stable")]
            self._columns[gated] = columns
            if (columns[1:] >= columns[:-1]).all():
                self._fresh[gated] = np.ones(columns.shape, dtype=bool)
                self._fresh[gated][1:] = columns[1:] != columns[:-1]
                self._least[gated] = self._most[gated] = columns
                continue
            self._fresh[gated] = _first_of_each(columns)
            # Bounds over ranges of columns: minimum to the right, maximum to the left.
            self._least[gated] = np.minimum.accumulate(columns[::-1], axis=0)[::-1]
            self._most[gated] = np.maximum.accumulate(columns, axis=0)
        self._depths = self._aspect_depths()

    def _roots(self) -> Iterator[Root]:
        space = self.problem.space
        depths = integers(space.layers)
        stages = {split.stages for split in self.problem.splits}
        divided = (int(n) for n in depths if any(n % s == 0 for s in stages))
        runs = arithmetic_runs(tuple(divided))
        menus = [menu_of(space, choice) for choice in UNORDERED]
        for structure in structures(space):
            for values in product(*menus):
                named = zip((choice.name for choice in UNORDERED), values, strict=True)
                fixed = {name: int(value) for name, value in named}
                for start, step, count in runs:
                    ends = (np.array([value], dtype=np.int64) for value in (start, step, count))
                    yield Root(structure, fixed, Depths.uniform(*ends))

    def _aspect_depths(self) -> tuple[Ints, Ints] | None:
        """Return minimum and maximum layers by the aspect rule per d_model; None without a rule."""
        aspect = self.problem.space.aspect_ratio
        if aspect is None:
            return None
        return aspect_limits(aspect, self._d_model)

    def sizes(self, root: Root) -> Ints:
        """Return the menu lengths of a root; shape (D,), 1 for depth axes that it does not have."""
        columns = self._columns[BLOCKS[root.structure.block].gated]
        menus = (*self._free, self._d_model, self._first, self._second, self._kv, columns)
        axes = np.ones(self.axes, dtype=np.int64)
        axes[: root.depths.count.shape[1]] = root.depths.count[0]
        return np.array([*map(len, menus), *axes], dtype=np.int64)

    @property
    def axes(self) -> int:
        """Return the number of depth axes of a point."""
        return max(int(root.depths.count.shape[1]) for root in self.roots)

    def sample(self, low: Ints, high: Ints, most: tuple[int, ...]) -> Ints:
        """Return points evenly spaced in the widths of a box, at the first depths; shape (n, D).

        Parameters
        ----------
        low, high : array of shape (D,)
        most : tuple of int
            Maximum number of entries of each menu, including its ends, in the order of
            `DIMENSIONS`.
        """
        spread = [
            np.unique(np.rint(np.linspace(a, b, min(b - a + 1, n))).astype(np.int64))
            for a, b, n in zip(low[:LAYERS], high[:LAYERS], most, strict=True)
        ]
        grid = np.meshgrid(*spread, *([0] for _ in range(self.axes)), indexing="ij")
        return np.stack([g.ravel() for g in grid], axis=1)

    def locate(self, architecture: Architecture) -> tuple[int, Ints] | None:
        """Return root and point of a design of the space, at the first depths."""
        index = next((i for i, r in enumerate(self.roots) if _holds(r, architecture)), None)
        if index is None:
            return None
        structure = self.roots[index].structure
        value = {name: int(BY_NAME[name].of(architecture)) for name in structure.widths}
        space, columns = self.problem.space, self._columns[BLOCKS[architecture.block].gated]
        width = int(np.searchsorted(self._d_model, value["d_model"]))
        kv = value["kv_heads"] if space.kv_group is None else value["heads"] // value["kv_heads"]
        first = value["head_dim"] if space.heads is None else value["heads"]
        return index, np.array(
            [
                *(
                    np.searchsorted(menu, value[choice.name])
                    for choice, menu in zip(ORDERED, self._free, strict=True)
                ),
                width,
                np.searchsorted(self._first, first),
                np.searchsorted(self._second, value["head_dim"]) % len(self._second),
                int((self._kv == kv).argmax()),
                int((columns[:, width] == value["d_ff"]).argmax()),
                *(0 for _ in range(self.axes)),
            ],
            dtype=np.int64,
        )

    # Corners of boxes

    def corners(self, root: Root, low: Ints, high: Ints) -> tuple[Options, Options]:
        """Return the minimum and the maximum widths of boxes of points, with their depths.

        Parameters
        ----------
        root : Root
        low, high : array of shape (B, D)

        Returns
        -------
        lower, upper : Options
            Both have the depths of the box. They bound the designs of the box, but need not be
            designs of the space.
        """
        d = self._d_model[low[:, D_MODEL]], self._d_model[high[:, D_MODEL]]
        first = self._first[low[:, FIRST]], self._first[high[:, FIRST]]
        space = self.problem.space
        if space.heads is not None and space.head_dim is not None:
            heads = first
            dims = self._second[low[:, SECOND]], self._second[high[:, SECOND]]
        else:
            other = np.maximum(d[0] // first[1], 1), np.maximum(d[1] // first[0], 1)
            heads, dims = (first, other) if space.heads is not None else (other, first)
        kv = self._kv[low[:, KV]], self._kv[high[:, KV]]
        if space.kv_group is not None:
            kv = np.maximum(heads[0] // kv[0], 1), np.maximum(heads[1] // kv[1], 1)
        elif space.kv_heads is None:
            kv = heads
        gated = BLOCKS[root.structure.block].gated
        d_ff = (
            np.maximum(self._least[gated][low[:, FFN], low[:, D_MODEL]], 1),
            np.maximum(self._most[gated][high[:, FFN], high[:, D_MODEL]], 1),
        )
        widths = {
            "d_model": d,
            "heads": heads,
            "kv_heads": (np.minimum(kv[0], heads[0]), np.minimum(kv[1], heads[1])),
            "head_dim": dims,
            "d_ff": d_ff,
        }
        for at, (choice, menu) in enumerate(zip(ORDERED, self._free, strict=True)):
            widths[choice.name] = menu[low[:, at]], menu[high[:, at]]
        fixed = {name: np.full(len(low), value) for name, value in root.fixed.items()}
        depths = _boxed(root, low, high)
        found = [
            Options(
                root.structure, {name: ends[i] for name, ends in widths.items()} | fixed, depths
            )
            for i in (0, 1)
        ]
        return found[0], found[1]

    def reachable(self, root: Root, low: Ints, high: Ints) -> Bools:
        """Whether boxes may contain a design that satisfies the aspect rule; shape (B,)."""
        if self._depths is None:
            return np.ones(len(low), dtype=bool)
        least, most = self._depths
        depths = _boxed(root, low, high)
        shallowest, deepest = depths.first, depths.deepest.sum(axis=1)
        found: Bools = (deepest >= least[low[:, D_MODEL]]) & (shallowest <= most[high[:, D_MODEL]])
        return found

    # Points

    def options(
        self, root: Root, low: Ints, high: Ints, point: Ints, box: Ints
    ) -> tuple[Options, Ints]:
        """Return width options at points of boxes, with the depths that satisfy the rules.

        They include options that no parallel layout divides, which
        `modelsizer.problems.space.splits.divided` removes.

        Parameters
        ----------
        root : Root
        low, high : array of shape (B, D)
            Boxes.
        point : array of shape (n, D)
            Indices of the points; those of depths are ignored.
        box : array of shape (n,)
            Index of each point's box.

        Returns
        -------
        options : Options
        box : array of shape (W,)
            Index of each option's box.
        """
        found, _ = self.corners(root, point, point)
        columns = self._columns[BLOCKS[root.structure.block].gated]
        # Entries of the feed-forward menu need not be monotonic: a corner is a bound, not an entry.
        d_ff = columns[point[:, FFN], point[:, D_MODEL]]
        found = replace(found, widths=found.widths | {"d_ff": d_ff})
        keep = np.flatnonzero(self._exists(root, found, point))
        box = box[keep]
        depths = _boxed(root, low[box], high[box])
        table = replace(found.take(keep), depths=depths)
        aspect = self.problem.space.aspect_ratio
        if self._depths is None:
            return table, box
        if isinstance(aspect, Menu):
            exactly = [depths_of(table["d_model"], exact(ratio)) for ratio in aspect.numbers]
            parts = [depths.between(layers, layers) for layers in exactly]
        else:
            at = point[keep, D_MODEL]
            parts = [depths.between(self._depths[0][at], self._depths[1][at])]
        row = np.concatenate([rows for rows, _ in parts])
        left = Depths.join([each for _, each in parts])
        return replace(table.take(row), depths=left), box[row]

    def _exists(self, root: Root, o: Options, point: Ints) -> Bools:
        """Whether points are distinct width options: everything divides."""
        space = self.problem.space
        fresh = self._fresh[BLOCKS[root.structure.block].gated]
        keep: Bools = (o["d_ff"] > 0) & fresh[point[:, FFN], point[:, D_MODEL]]
        if space.heads is None or space.head_dim is None:
            keep &= o["heads"] * o["head_dim"] == o["d_model"]
        if space.kv_group is not None:
            keep &= o["heads"] % self._kv[point[:, KV]] == 0
        elif space.kv_heads is not None:
            keep &= (o["heads"] % self._kv[point[:, KV]] == 0) & (
                o["kv_heads"] == self._kv[point[:, KV]]
            )
        return keep


def _first_of_each(columns: Ints) -> Bools:
    """Mask of first occurrences of values in each column: two ratios may round to one value."""
    order = np.argsort(columns, axis=0, kind="stable")
    ranked = np.take_along_axis(columns, order, axis=0)
    fresh = np.ones(columns.shape, dtype=bool)
    fresh[1:] = ranked[1:] != ranked[:-1]
    found = np.empty_like(fresh)
    np.put_along_axis(found, order, fresh, axis=0)
    return found


def _boxed(root: Root, low: Ints, high: Ints) -> Depths:
    """Return the depths of boxes of points."""
    axes = slice(LAYERS, LAYERS + root.depths.count.shape[1])
    row = np.zeros(len(low), dtype=np.int64)
    start = root.depths.counts(row, low[:, axes])
    return Depths(start, root.depths.step[row], high[:, axes] - low[:, axes] + 1)


def _holds(root: Root, architecture: Architecture) -> bool:
    """Whether a root contains a design."""
    if root.structure.block != architecture.block or any(
        value != int(BY_NAME[name].of(architecture)) for name, value in root.fixed.items()
    ):
        return False
    widths = {name: BY_NAME[name].of(architecture) for name in root.structure.widths}
    kinds = root.structure.kinds(widths)
    counts = [sum(g.count for g in architecture.groups if g.layer == kind) for kind in kinds]
    every = root.depths.one_axis()[1]
    apart = np.array(counts) - every.start
    steps = apart.max(axis=1) // np.maximum(every.step[:, :, 0].max(axis=1), 1)
    meets = (every.step[:, :, 0] * steps[:, None] == apart).all(axis=1)
    inside: Bools = meets & (steps >= 0) & (steps < every.count[:, 0])
    return bool(inside.any())
