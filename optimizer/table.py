"""A problem as tables: every width option a row, every quantity affine in its depths.

Rows come from `problems.space`; depths of row w are counted by integers ``j[k]``, one for each
kind of layer (one kind, today; the arithmetic assumes no number), and each quantity is
``base[w] + sum over k of unit[w, k] * j[k]``, in exact integers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from problems.accounting import Affine
from problems.architecture import Architecture
from problems.costs import (
    TRAINING_FLOPS_PER_TOKEN,
    architecture_of,
    costs,
    option_parts,
)
from problems.menus import Interval
from problems.problem import Problem
from problems.quantities import QUANTITIES
from problems.space import Options
from problems.units import exact

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LARGEST_INT64 = 2**62  # half of the range, so that a sum of two never overflows

WIDTHS = ("d_model", "heads", "kv_heads", "head_dim", "d_ff", "vocab_size", "tied")


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
class Limit:
    """``low <= numerator of linear[quantity] <= high``, in exact integers.

    Parameters
    ----------
    key : str
        The limit in the words of the file, ``"budgets.kv_cache"``.
    quantity : str
        Which linear quantity.
    low, high : int or None
    """

    key: str
    quantity: str
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """Width options of a problem with their exact quantities; W rows, K kinds of layer.

    Parameters
    ----------
    block : tuple of str
        Names that `block_id` points into.
    block_id, d_model, heads, kv_heads, head_dim, d_ff, vocab_size, tied : array of shape (W,)
    start, step : array of shape (W, K)
        Layers of kind k are ``start + step * j``.
    count : array of shape (W, K)
        j runs from 0 to count - 1.
    linear : dict of str to Linear
        Every affine quantity of `problems.costs`, and ``layers``.
    """

    block: tuple[str, ...]
    block_id: Ints
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
        arrays = {
            f.name: getattr(self, f.name)[rows]
            for f in fields(self)
            if f.name not in ("block", "linear")
        }
        linear = {name: quantity.take(rows) for name, quantity in self.linear.items()}
        return Table(self.block, **arrays, linear=linear)

    def layers(self, row: Ints, j: Ints) -> Ints:
        """Depths of designs, all kinds together; shape (B,)."""
        total: Ints = (self.start[row] + self.step[row] * j).sum(axis=1)
        return total

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


def _largest(problem: Problem, options: Options) -> int:
    """An upper bound, in Python integers, of every number that the table's arithmetic meets."""
    tops = {
        f.name: np.array([int(getattr(options, f.name).max())], dtype=object)
        for f in fields(options)
        if f.name not in ("block", "tied")
    }
    peak = Options(options.block, tied=np.array([0], dtype=object), **tops)
    trunk, layer = option_parts(problem, peak)
    depth = int((options.start + options.step * options.count).max())
    found = 0
    for affine in costs(problem, trunk, [layer]).values():
        found = max(found, int(affine.base[0]) + depth * int(affine.per_layer[0][0]))
    return found * max((1, *problem.tensor_parallel))  # replicas fall as kv_heads rise


def _as_objects(options: Options) -> Options:
    arrays = {
        f.name: getattr(options, f.name).astype(object)
        for f in fields(options)
        if f.name != "block"
    }
    return Options(options.block, **arrays)


def build_table(problem: Problem, options: Options) -> Table:
    """Exact quantities of a table of options."""
    rows = len(options)
    wide = _largest(problem, options) >= _LARGEST_INT64
    trunk, layer = option_parts(problem, _as_objects(options) if wide else options)
    start, step = options.start[:, None], options.step[:, None]
    linear = {
        name: _linear(affine, start, step, rows)
        for name, affine in costs(problem, trunk, [layer]).items()
    }
    linear["layers"] = Linear(start.sum(axis=1), step, 1)
    widths = {name: getattr(options, name) for name in WIDTHS}
    return Table(
        (options.block,),
        np.zeros(rows, dtype=np.int64),
        **widths,
        start=start,
        step=step,
        count=options.count[:, None],
        linear=linear,
    )


def join(tables: Sequence[Table]) -> Table:
    """Tables one below another."""
    if len(tables) == 1:
        return tables[0]
    blocks = tuple(dict.fromkeys(name for table in tables for name in table.block))
    ids = [
        np.array([blocks.index(name) for name in table.block], dtype=np.int64)[table.block_id]
        for table in tables
    ]
    names = [f.name for f in fields(Table) if f.name not in ("block", "block_id", "linear")]
    arrays = {name: np.concatenate([getattr(t, name) for t in tables]) for name in names}
    linear = {
        name: Linear(
            np.concatenate([t.linear[name].base for t in tables]),
            np.concatenate([t.linear[name].unit for t in tables]),
            first.denominator,
        )
        for name, first in tables[0].linear.items()
    }
    return Table(blocks, np.concatenate(ids), **arrays, linear=linear)


def tables(problem: Problem, rows_at_once: int = 50_000) -> Iterator[Table]:
    """All width options of a problem, in tables of bounded size."""
    for options in problem.options(rows_at_once):
        for begin in range(0, len(options), rows_at_once):
            part = options.take(np.arange(begin, min(begin + rows_at_once, len(options))))
            yield build_table(problem, part)


def _scaled(key: str, quantity: str, limit: Interval, denominator: int) -> Limit:
    low = None if limit.min is None else math.ceil(exact(limit.min) * denominator)
    high = None if limit.max is None else math.floor(exact(limit.max) * denominator)
    return Limit(key, quantity, low, high)


def limits(problem: Problem, table: Table) -> list[Limit]:
    """Every hard limit that is linear in the depths.

    Limits on tokens and training FLOPs together leave a design of F training FLOPs a token some
    tokens only if ``least tokens x F <= most FLOPs`` and ``least FLOPs <= most tokens x F``.
    """
    found = []
    for name, interval in problem.budgets.limits.items():
        if QUANTITIES[name].affine:
            denominator = table.linear[name].denominator
            found.append(_scaled(f"budgets.{name}", name, interval, denominator))
    tokens = problem.token_limits
    high = low = None
    if tokens.most_flops is not None and tokens.least > 0:
        high = math.floor(tokens.most_flops / tokens.least)
    if tokens.most is not None and tokens.least_flops > 0:
        low = math.ceil(tokens.least_flops / tokens.most)
    if high is not None or low is not None:
        found.append(Limit("budgets.training_flops", TRAINING_FLOPS_PER_TOKEN, low, high))
    return found


def feasible(limit: Limit, table: Table, row: Ints, j: Ints) -> Mask:
    """Whether designs keep a limit; shape (B,)."""
    value = table.linear[limit.quantity].at(row, j)
    keeps = np.ones(len(row), dtype=bool)
    if limit.high is not None:
        keeps &= np.asarray(value <= _clipped(limit.high, value), dtype=bool)
    if limit.low is not None:
        keeps &= np.asarray(value >= _clipped(limit.low, value), dtype=bool)
    return keeps


def _clipped(bound: int, like: NDArray[Any]) -> int:
    """A bound that NumPy can compare: beyond int64 it changes nothing."""
    return (
        bound if like.dtype == object else max(-_LARGEST_INT64, min(bound, 2 * _LARGEST_INT64 - 1))
    )


def depth_intervals(
    table: Table, rules: Sequence[Limit], row: Ints, low: Ints, high: Ints
) -> tuple[Ints, Ints]:
    """Shrink boxes of depths to what the limits allow, exactly.

    Parameters
    ----------
    table : Table
    rules : sequence of Limit
    row : array of shape (B,)
    low, high : array of shape (B, K)

    Returns
    -------
    low, high : array of shape (B, K)
        With one kind of layer, exactly the feasible depths; with more, a box around them. Empty
        where some low is above its high. All unit costs are non-negative.
    """
    low, high = low.copy(), high.copy()
    kinds = low.shape[1]
    for limit in rules:
        quantity = table.linear[limit.quantity]
        base, unit = quantity.base[row], quantity.unit[row]
        for k in range(kinds):
            u = unit[:, k]
            others = [m for m in range(kinds) if m != k]
            free = u == 0
            divisor = np.where(free, 1, u)
            if limit.high is not None:
                rest = base + (unit[:, others] * low[:, others]).sum(axis=1)
                room = _clipped(limit.high, rest) - rest
                most = np.where(free, np.where(room >= 0, high[:, k], -1), room // divisor)
                high[:, k] = np.minimum(high[:, k], np.maximum(most, -1).astype(np.int64))
            if limit.low is not None:
                rest = base + (unit[:, others] * high[:, others]).sum(axis=1)
                lack = _clipped(limit.low, rest) - rest
                least = np.where(
                    free, np.where(lack <= 0, low[:, k], high[:, k] + 1), -(-lack // divisor)
                )
                low[:, k] = np.maximum(
                    low[:, k], np.minimum(least, high[:, k] + 1).astype(np.int64)
                )
    return low, high
