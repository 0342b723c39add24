"""The menus of a space as an integer grid, for searches that never list all width options.

A *root* fixes what is not ordered: block, tied or not, and a run of evenly spaced depths. Parallel
layouts are no part of it: they only say which points are designs, and what some costs are. Within a
root a point is an index into each menu: vocabulary, d_model, two of the head
geometry, kv_heads, feed-forward, depth. Widths rise with their indices, so the costs of a box
of points lie between those of its two corners, and that is all that a bound needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.problem import Problem
from modelsizer.problems.space.options import feed_forward_columns, head_menus, listed
from modelsizer.problems.space.rounding import depths_of, least_depths, most_depths
from modelsizer.problems.space.widths import WIDTHS, Options, joined
from modelsizer.problems.tables.menus import Interval, Menu, arithmetic_runs, integers
from modelsizer.problems.units import exact
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def menu_size(problem: Problem) -> int:
    """Width options that the menus would make if everything divided: a bound, quickly."""
    space = problem.space
    size = len(problem.layouts) * len(listed(space.block)) * len(listed(space.tied_embeddings))
    for menu in (space.vocab_size, space.d_model, space.head_dim, space.heads, space.kv_heads,
                 space.kv_group, space.d_ff, space.ffn_ratio, space.ffn_multiple):  # fmt: skip
        size *= len(menu.numbers) if menu is not None else 1
    return size


DIMENSIONS = ("vocab_size", "d_model", "first_of_heads", "second_of_heads", "kv", "ffn", "layers")
VOCABULARY, D_MODEL, FIRST, SECOND, KV, FFN, LAYERS = range(len(DIMENSIONS))


@dataclass(frozen=True, slots=True)
class Root:
    """What is not ordered, and the depths ``start + step * j``, j < count."""

    block: str
    tied: bool
    start: int
    step: int
    count: int


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
        self._vocabularies = integers(space.vocab_size)
        self._d_model = integers(space.d_model)
        self._first, self._second = head_menus(space)
        given = space.kv_heads if space.kv_heads is not None else space.kv_group
        self._kv = integers(given) if given is not None else np.ones(1, dtype=np.int64)
        if space.kv_group is not None:
            self._kv = self._kv[::-1].copy()  # larger groups first, so that kv_heads rise
        self._columns: dict[bool, Ints] = {}
        self._fresh: dict[bool, Bools] = {}
        self._least: dict[bool, Ints] = {}
        self._most: dict[bool, Ints] = {}
        for gated in {BLOCKS[root.block].gated for root in self.roots}:
            columns = feed_forward_columns(space, self._d_model, gated)
            order = np.argsort(columns.sum(axis=1), kind="stable")
            columns = columns[order]
            self._columns[gated] = columns
            self._fresh[gated] = _first_of_each(columns)
            # Over a range of columns: none to the right is less, none to the left is more.
            self._least[gated] = np.minimum.accumulate(columns[::-1], axis=0)[::-1]
            self._most[gated] = np.maximum.accumulate(columns, axis=0)
        self._depths = self._aspect_depths()

    def _roots(self) -> Iterator[Root]:
        space = self.problem.space
        depths = integers(space.layers)
        stages = {split.stages for split in self.problem.splits}
        divided = (int(n) for n in depths if any(n % s == 0 for s in stages))
        runs = arithmetic_runs(tuple(divided))
        for block in listed(space.block):
            for tied in listed(space.tied_embeddings):
                for start, step, count in runs:
                    yield Root(block, bool(tied), start, step, count)

    def _aspect_depths(self) -> tuple[Ints, Ints] | None:
        """Least and most layers that the aspect rule leaves each d_model; None without one."""
        aspect = self.problem.space.aspect_ratio
        if aspect is None:
            return None
        if isinstance(aspect, Menu):
            low, high = min(aspect.numbers), max(aspect.numbers)
        else:
            assert isinstance(aspect, Interval)
            low, high = aspect.min, aspect.max  # type: ignore[assignment]
        least = np.ones(len(self._d_model), dtype=np.int64)
        most = np.full(len(self._d_model), np.iinfo(np.int64).max // 2)
        if high is not None:
            least = least_depths(self._d_model, exact(high))
        if low is not None:
            most = most_depths(self._d_model, exact(low))
        return least, most

    def sizes(self, root: Root) -> Ints:
        """Menu lengths of a root; shape (K,)."""
        columns = self._columns[BLOCKS[root.block].gated]
        lengths = (self._vocabularies, self._d_model, self._first, self._second, self._kv, columns)
        return np.array([*(len(menu) for menu in lengths), root.count], dtype=np.int64)

    def sample(self, low: Ints, high: Ints, most: tuple[int, ...]) -> Ints:
        """Points evenly spread over the widths of a box; shape (n, K), depths at their first.

        Parameters
        ----------
        low, high : array of shape (K,)
        most : tuple of int
            How many entries of each menu, ends included, in the order of `DIMENSIONS`.
        """
        spread = [
            np.unique(np.rint(np.linspace(a, b, min(b - a + 1, n))).astype(np.int64))
            for a, b, n in zip(low[:LAYERS], high[:LAYERS], most, strict=True)
        ]
        grid = np.meshgrid(*spread, [0], indexing="ij")
        return np.stack([g.ravel() for g in grid], axis=1)

    def locate(self, architecture: Architecture) -> tuple[int, Ints]:
        """Root and point of a design of the space, its depth at the first."""
        trunk, layer = architecture.trunk, architecture.groups[0].layer
        attention, space = layer.attention, self.problem.space
        tied, layers = bool(trunk.tied_embeddings), architecture.layers
        index = next(
            i
            for i, r in enumerate(self.roots)
            if (r.block, r.tied) == (architecture.block, tied)
            and layers in range(r.start, r.start + r.step * r.count, r.step)
        )
        width = int(np.searchsorted(self._d_model, int(trunk.d_model)))
        first = attention.head_dim if space.heads is None else attention.heads
        kv = np.array(attention.kv_heads)
        if space.kv_group is not None:
            kv = np.array(attention.heads // attention.kv_heads)
        columns = self._columns[BLOCKS[architecture.block].gated][:, width]
        return index, np.array(
            [
                np.searchsorted(self._vocabularies, int(trunk.vocab_size)),
                width,
                np.searchsorted(self._first, int(first)),
                np.searchsorted(self._second, int(attention.head_dim)) % len(self._second),
                int((self._kv == kv).argmax()),
                int((columns == int(layer.ffn.d_ff)).argmax()),
                0,
            ],
            dtype=np.int64,
        )

    # Corners of boxes

    def corners(self, root: Root, low: Ints, high: Ints) -> tuple[Options, Options]:
        """The least and the greatest widths of boxes of points, with their depths.

        Parameters
        ----------
        root : Root
        low, high : array of shape (B, K)

        Returns
        -------
        lower, upper : Options
            Both with the depths of the box; not designs of the space, but bounds of them.
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
        gated = BLOCKS[root.block].gated
        d_ff = (
            np.maximum(self._least[gated][low[:, FFN], low[:, D_MODEL]], 1),
            np.maximum(self._most[gated][high[:, FFN], high[:, D_MODEL]], 1),
        )
        vocabulary = (
            self._vocabularies[low[:, VOCABULARY]],
            self._vocabularies[high[:, VOCABULARY]],
        )
        rows = len(low)
        depth = {
            "start": root.start + root.step * low[:, LAYERS],
            "step": np.full(rows, root.step),
            "count": high[:, LAYERS] - low[:, LAYERS] + 1,
        }
        tied = np.full(rows, int(root.tied))
        found = [
            Options(
                root.block,
                d_model=d[i],
                heads=heads[i],
                kv_heads=np.minimum(kv[i], heads[i]),
                head_dim=dims[i],
                d_ff=d_ff[i],
                vocab_size=vocabulary[i],
                tied=tied,
                **depth,
            )
            for i in (0, 1)
        ]
        return found[0], found[1]

    def reachable(self, root: Root, low: Ints, high: Ints) -> Bools:
        """Whether the aspect rule may leave boxes a design; shape (B,)."""
        if self._depths is None:
            return np.ones(len(low), dtype=bool)
        least, most = self._depths
        deepest = root.start + root.step * high[:, LAYERS]
        shallowest = root.start + root.step * low[:, LAYERS]
        found: Bools = (deepest >= least[low[:, D_MODEL]]) & (shallowest <= most[high[:, D_MODEL]])
        return found

    # Points

    def options(
        self, root: Root, low: Ints, high: Ints, point: Ints, box: Ints
    ) -> tuple[Options, Ints]:
        """Width options at points of boxes, with the depths of their box that the rules leave.

        What no parallel layout divides is among them; `modelsizer.problems.space.splits.divided`
        leaves it out.

        Parameters
        ----------
        root : Root
        low, high : array of shape (B, K)
            Boxes.
        point : array of shape (n, K)
            Their indices; the depth's is not looked at.
        box : array of shape (n,)
            Which box each point is of.

        Returns
        -------
        options : Options
        box : array of shape (W,)
            Which box each of them is of.
        """
        found, _ = self.corners(root, point, point)
        columns = self._columns[BLOCKS[root.block].gated]
        # Entries of the feed-forward's menu may cross: a corner is a bound, not the entry.
        found = replace(found, d_ff=columns[point[:, FFN], point[:, D_MODEL]])
        space = self.problem.space
        keep = np.flatnonzero(self._exists(root, found, point))
        start = root.start + root.step * low[box, LAYERS]
        count = high[box, LAYERS] - low[box, LAYERS] + 1
        table = Options(
            root.block,
            **{name: getattr(found, name) for name in WIDTHS},
            start=start,
            step=found.step,
            count=count,
        ).take(keep)
        aspect = space.aspect_ratio
        box = box[keep]
        if isinstance(aspect, Menu):
            table, kept = _at_aspects(aspect, table)
        elif self._depths is not None:
            at = point[keep, D_MODEL]
            table, kept = _clipped(table, self._depths[0][at], self._depths[1][at])
        else:
            return table, box
        return table, box[kept]

    def _exists(self, root: Root, o: Options, point: Ints) -> Bools:
        """Whether points are designs, each once: everything divides."""
        space = self.problem.space
        fresh = self._fresh[BLOCKS[root.block].gated]
        keep: Bools = (o.d_ff > 0) & fresh[point[:, FFN], point[:, D_MODEL]]
        if space.heads is None or space.head_dim is None:
            keep &= o.heads * o.head_dim == o.d_model
        if space.kv_group is not None:
            keep &= o.heads % self._kv[point[:, KV]] == 0
        elif space.kv_heads is not None:
            keep &= (o.heads % self._kv[point[:, KV]] == 0) & (o.kv_heads == self._kv[point[:, KV]])
        return keep


def _first_of_each(columns: Ints) -> Bools:
    """Where an entry is the first of its column with its value: two ratios may round to one."""
    order = np.argsort(columns, axis=0, kind="stable")
    ranked = np.take_along_axis(columns, order, axis=0)
    fresh = np.ones(columns.shape, dtype=bool)
    fresh[1:] = ranked[1:] != ranked[:-1]
    found = np.empty_like(fresh)
    np.put_along_axis(found, order, fresh, axis=0)
    return found


def _clipped(table: Options, least: Ints, most: Ints) -> tuple[Options, Ints]:
    """Only the depths from `least` to `most` of each row; and the rows that have some."""
    first = np.maximum(0, -(-(least - table.start) // table.step))
    last = np.minimum(table.count - 1, (most - table.start) // table.step)
    keep = np.flatnonzero(first <= last)
    cut = replace(table, start=table.start + table.step * first, count=last - first + 1)
    return cut.take(keep), keep


def _at_aspects(aspect: Menu, table: Options) -> tuple[Options, Ints]:
    """Only the depths of exactly the aspect ratios listed; and the row of each."""
    parts, rows = [], []
    for ratio in aspect.numbers:
        depth = depths_of(table.d_model, exact(ratio))
        inside = (depth >= table.start) & (depth <= table.start + table.step * (table.count - 1))
        keep = np.flatnonzero(inside & ((depth - table.start) % table.step == 0))
        one = np.ones(len(table), dtype=np.int64)
        parts.append(replace(table, start=depth, step=one, count=one).take(keep))
        rows.append(keep)
    return joined(parts), np.concatenate(rows)
