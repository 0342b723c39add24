"""A problem as tables: every width option a row, every quantity affine in its depths.

Rows come from `modelsizer.problems.tables.space`; depths of row w are counted by integers ``j[k]``,
one for each kind of layer (one kind, today; the arithmetic assumes no number), and each quantity is
``base[w] + sum over k of unit[w, k] * j[k]``, in exact integers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.costs import ALWAYS, architecture_of, costs, option_parts
from modelsizer.problems.laws.features import Features, features_of, ranges_of
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import ACCELERATORS, TRAINING_FLOPS_EACH
from modelsizer.problems.quantities.inference_flops import INFERENCE
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.widths import WIDTHS, Options
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LARGEST_INT64 = 2**62  # half of the range, so that a sum of two never overflows

_NAMED = ("block", "layout", "linear")  # fields of a table that are no columns


@dataclass(frozen=True, slots=True)
class Linear:
    """An exact affine quantity of a table.

    Parameters
    ----------
    base : array of shape (W,)
    unit : array of shape (W, K)
        int64, or Python integers (dtype object) where int64 could overflow.
    denominator : int
    """

    base: NDArray[Any]
    unit: NDArray[Any]
    denominator: int

    def at(self, row: Ints, j: Ints) -> NDArray[Any]:
        """Numerators for rows of shape (B,) at depths of shape (B, K)."""
        value: NDArray[Any] = self.base[row] + (self.unit[row] * j).sum(axis=1)
        return value

    def take(self, rows: NDArray[Any]) -> Linear:
        """The rows at these positions, or where this mask holds."""
        return Linear(self.base[rows], self.unit[rows], self.denominator)


@dataclass(frozen=True, slots=True)
class Table:
    """Width options of a problem with their exact quantities; W rows, K kinds of layer.

    Parameters
    ----------
    block : tuple of str
        Names that `block_id` points into.
    layout : tuple of Layout
        Parallel layouts that `layout_id` points into.
    block_id, layout_id : array of shape (W,)
    d_model, heads, kv_heads, head_dim, d_ff, vocab_size, tied : array of shape (W,)
    start, step : array of shape (W, K)
        Layers of kind k are ``start + step * j``.
    count : array of shape (W, K)
        j runs from 0 to count - 1.
    linear : dict of str to Linear
        The affine quantities that were asked for, and ``layers``.
    """

    block: tuple[str, ...]
    layout: tuple[Layout, ...]
    block_id: Ints
    layout_id: Ints
    d_model: Ints
    heads: Ints
    kv_heads: Ints
    head_dim: Ints
    d_ff: Ints
    vocab_size: Ints
    tied: Ints
    start: Ints
    step: Ints
    count: Ints
    linear: dict[str, Linear]

    def __len__(self) -> int:
        return len(self.d_model)

    @property
    def designs(self) -> int:
        """Designs in all rows."""
        return int(self.count.prod(axis=1).sum())

    def take(self, rows: NDArray[Any]) -> Table:
        """The rows at these positions, or where this mask holds."""
        arrays = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name not in _NAMED}
        linear = {name: quantity.take(rows) for name, quantity in self.linear.items()}
        return Table(self.block, self.layout, **arrays, linear=linear)

    def layers(self, row: Ints, j: Ints) -> Ints:
        """Depths of designs, all kinds together; shape (B,)."""
        total: Ints = (self.start[row] + self.step[row] * j).sum(axis=1)
        return total

    def features(self, row: Ints, j: Ints, names: Iterable[str]) -> Features:
        """What laws see of designs, each of shape (B,); see `modelsizer.problems.laws.features`."""
        return features_of(names, lambda name: self.width(name, row, j))

    def ranges(
        self, row: Ints, low: Ints, high: Ints, names: Iterable[str]
    ) -> tuple[Features, Features]:
        """The least and the greatest of what laws see of boxes of depths."""
        return ranges_of(
            names, lambda name: self.width(name, row, low), lambda name: self.width(name, row, high)
        )

    def width(self, name: str, row: Ints, j: Ints) -> Ints:
        """A width of designs, or their layers, by its name; shape (B,)."""
        found: Ints = self.layers(row, j) if name == "layers" else getattr(self, name)[row]
        return found

    def architecture(self, problem: Problem, row: int, j: Sequence[int]) -> Architecture:
        """The design of a row at some depths."""
        depths = [
            int(a + s * n) for a, s, n in zip(self.start[row], self.step[row], j, strict=True)
        ]
        widths = {name: int(getattr(self, name)[row]) for name in WIDTHS if name != "tied"}
        return architecture_of(
            problem,
            block=self.block[self.block_id[row]],
            tied_embeddings=bool(self.tied[row]),
            layers=sum(depths),
            **widths,
        )


def _linear(affine: Affine, start: Ints, step: Ints, rows: int) -> Linear:
    per = np.stack([np.broadcast_to(a, (rows,)) for a in affine.per_layer], axis=1)
    base = np.broadcast_to(affine.base, (rows,)) + (per * start).sum(axis=1)
    return Linear(base, per * step, affine.denominator)


def largest(problem: Problem, layout: Layout, options: Options, names: Collection[str]) -> int:
    """An upper bound, in Python integers, of every number that the table's arithmetic meets.

    `LARGEST_INT64` where a cost says of none how large it may be.
    """
    tops = {
        f.name: np.array([int(getattr(options, f.name).max())], dtype=object)
        for f in fields(options)
        if f.name not in ("block", "tied")
    }
    peak = Options(options.block, tied=np.array([0], dtype=object), **tops)
    trunk, layer = option_parts(problem, peak)
    depth = int((options.start + options.step * options.count).max())
    found, settings = 0, problem.settings
    for name, affine in costs(problem, trunk, [layer], layout, names).items():
        within = cost_of(name.partition(".")[0]).within
        if within is None:
            return LARGEST_INT64
        size = int(affine.base[0]) + depth * int(affine.per_layer[0][0])
        found = max(found, size * within(settings, layout))
    return found


def _as_objects(options: Options) -> Options:
    arrays = {
        f.name: getattr(options, f.name).astype(object)
        for f in fields(options)
        if f.name != "block"
    }
    return Options(options.block, **arrays)


def needed(problem: Problem) -> tuple[str, ...]:
    """Affine quantities that a question is answered from."""
    names = set(ALWAYS)
    for name in (*problem.budgets.limits, problem.objective.quantity):
        names |= {QUANTITIES[name].base} - {""}
    row = QUANTITIES[problem.objective.quantity]
    if problem.token_limits.charges or row.form == "lifetime":
        names.add(INFERENCE)
    if problem.token_limits.most_flops_each is not None:
        names |= {TRAINING_FLOPS_EACH, ACCELERATORS}
    return tuple(sorted(names))


def to_floats(values: object) -> Floats:
    """Integers, Python's among them, as doubles."""
    return np.asarray(values).astype(np.float64)


def frame(layout: Layout, options: Options) -> Table:
    """A table of options under a layout, with no quantity but the layers."""
    rows = len(options)
    start, step = options.start[:, None], options.step[:, None]
    return Table(
        (options.block,),
        (layout,),
        np.zeros(rows, dtype=np.int64),
        np.zeros(rows, dtype=np.int64),
        **{name: getattr(options, name) for name in WIDTHS},
        start=start,
        step=step,
        count=options.count[:, None],
        linear={"layers": Linear(start.sum(axis=1), step, 1)},
    )


def quantities(
    problem: Problem,
    layout: Layout,
    options: Options,
    names: Collection[str],
    *,
    wide: bool | None = None,
) -> dict[str, Linear]:
    """Exact quantities of options under a layout.

    Parameters
    ----------
    problem : Problem
    layout : Layout
    options : Options
    names : collection of str
        Affine quantities to compute.
    wide : bool, optional
        Whether numbers may pass int64, where that is known; found out otherwise.
    """
    if wide is None:
        wide = largest(problem, layout, options, names) >= LARGEST_INT64
    trunk, layer = option_parts(problem, _as_objects(options) if wide else options)
    start, step = options.start[:, None], options.step[:, None]
    return {
        name: _linear(affine, start, step, len(options))
        for name, affine in costs(problem, trunk, [layer], layout, names).items()
    }


def build_table(
    problem: Problem,
    layout: Layout,
    options: Options,
    names: Collection[str] | None = None,
    *,
    wide: bool | None = None,
) -> Table:
    """A table of options under a layout with exact quantities; see `quantities`."""
    names = needed(problem) if names is None else names
    table = frame(layout, options)
    found = quantities(problem, layout, options, names, wide=wide)
    return replace(table, linear=table.linear | found)


def _stacked(parts: Sequence[Linear]) -> Linear:
    """Quantities one below another, over one denominator."""
    denominator = math.lcm(*(part.denominator for part in parts))
    base, unit = [], []
    for part in parts:
        by = denominator // part.denominator
        if by == 1:
            base.append(part.base)
            unit.append(part.unit)
        else:
            # As Python integers: a common denominator may carry them past int64.
            base.append(part.base.astype(object) * by)
            unit.append(part.unit.astype(object) * by)
    return Linear(np.concatenate(base), np.concatenate(unit), denominator)


def _pooled(tables: Sequence[Table], names: str, ids: str) -> tuple[tuple[Any, ...], Ints]:
    """The names of all tables once each, and every row's position in them."""
    pool = tuple(dict.fromkeys(name for table in tables for name in getattr(table, names)))
    found = [
        np.array([pool.index(name) for name in getattr(table, names)], dtype=np.int64)[
            getattr(table, ids)
        ]
        for table in tables
    ]
    return pool, np.concatenate(found)


def join(tables: Sequence[Table]) -> Table:
    """Tables one below another."""
    if len(tables) == 1:
        return tables[0]
    blocks, block_id = _pooled(tables, "block", "block_id")
    layouts, layout_id = _pooled(tables, "layout", "layout_id")
    skip = (*_NAMED, "block_id", "layout_id")
    names = [f.name for f in fields(Table) if f.name not in skip]
    arrays = {name: np.concatenate([getattr(t, name) for t in tables]) for name in names}
    linear = {name: _stacked([t.linear[name] for t in tables]) for name in tables[0].linear}
    return Table(blocks, layouts, block_id, layout_id, **arrays, linear=linear)


def tables(
    problem: Problem, rows_at_once: int = 50_000, names: Collection[str] | None = None
) -> Iterator[Table]:
    """All width options of a problem under all layouts, in tables of bounded size.

    Parameters
    ----------
    problem : Problem
    rows_at_once : int
    names : collection of str, optional
        Affine quantities to compute; those that the problem's own question needs by default.
    """
    names = needed(problem) if names is None else names
    for layout, options in problem.options(rows_at_once):
        for begin in range(0, len(options), rows_at_once):
            part = options.take(np.arange(begin, min(begin + rows_at_once, len(options))))
            yield build_table(problem, layout, part, names)
