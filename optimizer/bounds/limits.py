"""Hard limits as exact linear constraints over a table, and the depths that satisfy them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.table import Ints, Mask, Table
from modelsizer.problems.columns import LARGEST_INT64
from modelsizer.problems.designs.costs import inverse_numerator, settings_under
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    ACCELERATORS,
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_EACH,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.batches import AT_REQUESTS
from modelsizer.problems.quantities.needs import costs_limited
from modelsizer.problems.quantities.quantity import Inverse, LargestBatch
from modelsizer.problems.quantities.rows import QUANTITIES, parts_of
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.setups import Setup
from modelsizer.problems.requirements.token_limits import TokenLimits
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import exact


@dataclass(frozen=True, slots=True)
class Limit:
    """``low <= numerator of linear[quantity] <= high``, in exact integers.

    Parameters
    ----------
    key : str
        The limit's key in the problem file, such as ``"budgets.kv_cache"``.
    quantity : str
        The linear quantity; one of several for a budget on their maximum.
    low, high : int or None
        Where they differ by layout, the loosest.
    lows, highs : tuple of int
        Ends under each layout of the table, where they differ; empty otherwise.
    """

    key: str
    quantity: str
    low: int | None
    high: int | None
    lows: tuple[int, ...] = ()
    highs: tuple[int, ...] = ()

    def least(self, table: Table, row: Ints, like: NDArray[Any]) -> Any:
        """Return the lower end for rows of a table, in the range of the dtype of some values."""
        return _end(self.low, self.lows, table, row, like)

    def most(self, table: Table, row: Ints, like: NDArray[Any]) -> Any:
        """Return the upper end; see `least`."""
        return _end(self.high, self.highs, table, row, like)


NO_END = 2**1000
"""In place of an end of a limit under a layout that has none: no cost is as large, as those beyond
1e300 are refused (`modelsizer.problems.magnitudes`), and it is a double."""


def _end(
    one: int | None, each: tuple[int, ...], table: Table, row: Ints, like: NDArray[Any]
) -> Any:
    if not each:
        assert one is not None
        return _clipped(one, like)
    return np.array([_clipped(end, like) for end in each], like.dtype)[table.layout_id[row]]


def _scaled(key: str, quantity: str, limit: Interval, denominator: int) -> Limit:
    low = None if limit.min is None else math.ceil(exact(limit.min) * denominator)
    high = None if limit.max is None else math.floor(exact(limit.max) * denominator)
    return Limit(key, quantity, low, high)


def limits(problem: Problem, table: Table) -> list[Limit]:
    """Return all hard limits that are linear in the depths.

    Limits on tokens and training FLOPs are compatible for a design of F training FLOPs per token
    only if ``least tokens x F <= most FLOPs`` and ``least FLOPs <= most tokens x F``.
    """
    if not problem.several:
        return _limits_under(problem, problem.setups[0], None, table)
    found: dict[object, list[Limit]] = {}
    rows = []
    for layout in table.layout:
        setup = problem.setup_of(layout)
        key = (*limits_key(setup, setup.limits), setup.token_limits)
        if key not in found:
            found[key] = _limits_under(problem, setup, layout, table)
        rows.append(found[key])
    return _merged(rows)


def limits_key(setup: Setup, names: Iterable[str]) -> tuple[object, ...]:
    """What the linear limits of some quantities follow from: equal under setups of equal keys."""
    inverse = (
        how.numerator(setup.settings)
        for name in names
        if isinstance(how := QUANTITIES[name].how, Inverse)
    )
    batches = any(isinstance(QUANTITIES[name].how, LargestBatch) for name in names)
    ceilings = setup.settings.ceilings if batches else ()
    return (*((name, setup.limits[name]) for name in names), *inverse, ceilings)


def limits_of(problem: Problem, setup: int, table: Table, some: Collection[str]) -> list[Limit]:
    """Return the linear limits on some affine quantities under a setup, by its number."""
    one, names = problem.setups[setup], frozenset(some)
    found: list[Limit] = []
    for name, interval in one.limits.items():
        if not names.isdisjoint(costs_limited(one.settings, name)):
            found += budget_rows(problem, name, interval, table, Layout(setup=setup))
    return found


def _limits_under(
    problem: Problem, setup: Setup, layout: Layout | None, table: Table
) -> list[Limit]:
    found = []
    for name, interval in setup.limits.items():
        found += budget_rows(problem, name, interval, table, layout)
    return found + _token_rows(setup.token_limits, table)


def _merged(rows: Sequence[list[Limit]]) -> list[Limit]:
    """Return the limits of several layouts as one list, with the ends under each."""
    every: dict[tuple[str, str, bool, bool], dict[int, Limit]] = {}
    for number, limits_ in enumerate(rows):
        for one in limits_:
            kind = (one.key, one.quantity, one.low is not None, one.high is not None)
            ends = every.setdefault(kind, {})
            assert number not in ends, f"two limits of {one.key} on {one.quantity}"
            ends[number] = one
    found = []
    for (key, quantity, lower, upper), ends in every.items():
        lows = [ends[i].low if i in ends else -NO_END for i in range(len(rows))] if lower else []
        highs = [ends[i].high if i in ends else NO_END for i in range(len(rows))] if upper else []
        low = min((end for end in lows if end is not None), default=None)
        high = max((end for end in highs if end is not None), default=None)
        found.append(
            Limit(
                key,
                quantity,
                low,
                high,
                tuple(end for end in lows if end is not None) if len(set(lows)) > 1 else (),
                tuple(end for end in highs if end is not None) if len(set(highs)) > 1 else (),
            )
        )
    return found


def budget_rows(
    problem: Problem, name: str, interval: Interval, table: Table, layout: Layout | None = None
) -> list[Limit]:
    """Return the linear constraints of one budget; none if it is not linear.

    Parameters
    ----------
    problem : Problem
    name : str
    interval : Interval
    table : Table
    layout : Layout, optional
        One of the setup that the limit is of, where there are several.
    """
    row, key = QUANTITIES[name], f"budgets.{name}"
    if row.affine:
        return [_scaled(key, part, interval, table.linear[part].denominator) for part in row.parts]
    if row.form == "batch":
        return [
            Limit(key, part, None, math.floor(limit * table.linear[part].denominator))
            for cost, limit in settings_under(problem, layout).ceilings
            for part in parts_of(f"{cost}{AT_REQUESTS}")
            if part in table.linear
        ]
    if row.form != "inverse":
        return []
    # batch / latency >= x is latency <= batch / x
    assert interval.min is not None
    most = inverse_numerator(problem, name, layout) / exact(interval.min)
    return [
        Limit(key, part, None, math.floor(most * table.linear[part].denominator))
        for part in QUANTITIES[row.base].parts
    ]


@dataclass(frozen=True, slots=True)
class Breach:
    """A constraint that all designs searched must violate; those that satisfy it are known.

    Parameters
    ----------
    problem : Problem
        The problem with the limit.
    name : str
        The budget.
    interval : Interval
        Its limit, or one end of its limit.
    least_flops : Fraction or None
        Instead of the limit: require fewer FLOPs per token than this.
    """

    problem: Problem
    name: str
    interval: Interval
    least_flops: Fraction | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the affine quantities of the constraints."""
        if self.least_flops is not None:
            return (TRAINING_FLOPS_PER_TOKEN,)
        found: dict[str, None] = {}
        for setup in self.problem.setups:
            found |= dict.fromkeys(costs_limited(setup.settings, self.name))
        return tuple(found) or (self.name,)

    def rules(self, table: Table) -> list[Limit]:
        """Return the linear constraints over a table."""
        if self.least_flops is not None:
            least = math.ceil(self.least_flops * table.linear[TRAINING_FLOPS_PER_TOKEN].denominator)
            return [Limit(self.name, TRAINING_FLOPS_PER_TOKEN, least, None)]
        if not self.problem.several:
            return budget_rows(self.problem, self.name, self.interval, table)
        return _merged(
            [
                budget_rows(self.problem, self.name, self.interval, table, layout)
                for layout in table.layout
            ]
        )


def _token_rows(tokens: TokenLimits, table: Table) -> list[Limit]:
    """Return limits on the training FLOPs per token, so that some number of tokens is feasible."""
    found = []
    flops = TRAINING_FLOPS_PER_TOKEN
    units = table.linear[flops].denominator
    high = low = None
    if tokens.most_flops is not None and tokens.least > 0:
        high = math.floor(tokens.most_flops / tokens.least * units)
    if tokens.most_flops is not None and tokens.least_flops > tokens.most_flops:
        high = 0  # the two limits contradict each other
    if tokens.most is not None and tokens.least_flops > 0:
        low = math.ceil(tokens.least_flops / tokens.most * units)
    if high is not None:
        found.append(Limit(tokens.most_flops_key, flops, None, high))
    if low is not None:
        found.append(Limit("budgets.training_flops", flops, low, None))
    for charge in tokens.charges:
        if charge.each > 0:
            # Inference alone must not exceed the limit; the rest is checked with the tokens.
            room = charge.limit / charge.each * table.linear[SERVED_FLOPS_PER_TOKEN].denominator
            found.append(Limit(charge.key, SERVED_FLOPS_PER_TOKEN, None, math.floor(room)))
    if (each := tokens.most_flops_each) is not None:
        if tokens.least > 0:
            denominator = table.linear[TRAINING_FLOPS_EACH].denominator
            high = math.floor(each / tokens.least * denominator)
            found.append(Limit(tokens.most_flops_each_key, TRAINING_FLOPS_EACH, None, high))
        if tokens.least_flops > 0:
            least = math.ceil(tokens.least_flops / each)
            found.append(Limit(tokens.most_flops_each_key, ACCELERATORS, least, None))
    return found


def feasible(limit: Limit, table: Table, row: Ints, j: Ints) -> Mask:
    """Whether designs satisfy a limit; shape (B,)."""
    value = table.linear[limit.quantity].at(row, j)
    keeps = np.ones(len(row), dtype=bool)
    if limit.high is not None:
        keeps &= np.asarray(value <= limit.most(table, row, value), dtype=bool)
    if limit.low is not None:
        keeps &= np.asarray(value >= limit.least(table, row, value), dtype=bool)
    return keeps


def _clipped(bound: int, like: NDArray[Any]) -> int:
    """Clip a bound to the range of the dtype, for comparisons in NumPy."""
    return bound if like.dtype == object else max(-LARGEST_INT64, min(bound, 2 * LARGEST_INT64 - 1))


def feasible_boxes(table: Table, rules: Sequence[Limit]) -> Boxes:
    """Return one box per row with a feasible depth, tightened to the feasible depths."""
    row = np.arange(len(table))
    low, high = depth_intervals(table, rules, row, np.zeros_like(table.count), table.count - 1)
    some = (low <= high).all(axis=1)
    return Boxes(row[some], low[some], high[some])


def depth_intervals(
    table: Table, rules: Sequence[Limit], row: Ints, low: Ints, high: Ints
) -> tuple[Ints, Ints]:
    """Tighten boxes of depths to the limits, exactly.

    Parameters
    ----------
    table : Table
    rules : sequence of Limit
    row : array of shape (B,)
    low, high : array of shape (B, K)

    Returns
    -------
    low, high : array of shape (B, K)
        With one kind of layer, exactly the feasible depths; with more, a box that contains them.
        A box is empty if some low exceeds its high. Assumes non-negative unit costs.
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
                room = limit.most(table, row, rest) - rest
                most = np.where(free, np.where(room >= 0, high[:, k], -1), room // divisor)
                # Clipped first: Python integers may exceed int64.
                high[:, k] = np.clip(most, -1, np.maximum(high[:, k], -1)).astype(np.int64)
            if limit.low is not None:
                rest = base + (unit[:, others] * high[:, others]).sum(axis=1)
                lack = limit.least(table, row, rest) - rest
                least = np.where(
                    free, np.where(lack <= 0, low[:, k], high[:, k] + 1), -(-lack // divisor)
                )
                past = np.maximum(high[:, k] + 1, low[:, k])  # an empty box stays empty
                low[:, k] = np.clip(least, low[:, k], past).astype(np.int64)
    return low, high
