"""Every design of a problem with its objective, as rivals that cannot state a loss receive it.

The values are the program's own (`modelsizer.optimizer.bounds.model.Model.evaluate`), so a rival
that receives them is spared the accounting and the loss law, and all that is left is a choice among
width options and depths. Whoever holds this table holds the answer, which is its least entry: the
rivals that start from it say what a solver adds to NumPy, not what it takes to solve the problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.rivals.answer import Skipped
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, box_designs
from modelsizer.optimizer.tables.table import Table, to_floats
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.problem import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST = 20_000_000  # designs; more do not fit in memory with what a solver makes of them


@dataclass(frozen=True, slots=True)
class Tabulation:
    """Feasible designs, or all, sorted by width option and depth; n of them.

    Parameters
    ----------
    table : Table
        Width options.
    row, j : array of shape (n,)
        Width option and index of depth.
    value : array of shape (n,)
        The objective, to minimise.
    """

    problem: Problem
    table: Table
    row: Ints
    j: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.row)

    def options(self) -> Iterator[slice]:
        """The designs of each width option that has any, in order."""
        ends = np.flatnonzero(np.diff(self.row)) + 1
        for begin, end in zip([0, *ends], [*ends, len(self)], strict=True):
            yield slice(int(begin), int(end))

    def rows(self) -> Iterator[tuple[Floats, Floats, float | None, float | None]]:
        """The linear limits: base and unit of each width option, least and most, about 1."""
        for rule in Model(self.problem).rules(self.table):
            scale = float((rule.high if rule.high is not None else rule.low) or 1)
            quantity = self.table.linear[rule.quantity]
            base, unit = to_floats(quantity.base), to_floats(quantity.unit[:, 0])
            low, high = (None if end is None else end / scale for end in (rule.low, rule.high))
            yield base / scale, unit / scale, low, high

    def design(self, row: int, j: int) -> Architecture:
        """The design of a width option at an index of depth."""
        return self.table.architecture(self.problem, row, [j])


def tabulate(problem: Problem, *, everything: bool = False) -> Tabulation:
    """Evaluate every design.

    Parameters
    ----------
    problem : Problem
    everything : bool
        Keep the designs that break a limit, too.

    Raises
    ------
    Skipped
        If there are more than `MOST`, or if everything is kept and a limit is no linear row.
    """
    if everything and (problem.budgets.loss is not None or problem.token_limits.least):
        raise Skipped("a limit is no linear row")
    model = Model(problem)
    table = Table.join(list(model.tables()))
    if table.count.shape[1] > 1:
        raise Skipped("it has two depths that are free")
    if table.designs > MOST:
        raise Skipped(f"{table.designs:,} designs are too many to tabulate")
    low, high = np.zeros_like(table.count), table.count - 1
    rows, depths, values = [], [], []
    for row, j in box_designs(np.arange(len(table)), low, high, DESIGNS_AT_ONCE):
        value, keeps = model.evaluate(table, row, j)
        keeps |= everything
        rows.append(row[keeps])
        depths.append(j[keeps, 0])
        values.append(value[keeps])
    return Tabulation(problem, table, *map(np.concatenate, (rows, depths, values)))


def lower_hull(x: Ints, y: Floats | Ints) -> Ints:
    """Positions of the vertices of the lower convex hull of points sorted by x."""
    if len(x) < 3:
        return np.arange(len(x))
    slope = np.diff(y) / np.diff(x)
    if (np.diff(slope) > 0).all():
        return np.arange(len(x))
    kept: list[int] = []
    for i in range(len(x)):
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if (y[b] - y[a]) * (x[i] - x[a]) < (y[i] - y[a]) * (x[b] - x[a]):
                break
            kept.pop()
        kept.append(i)
    return np.array(kept)
