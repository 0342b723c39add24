"""The least loss at every depth and width, and where each constraint becomes active."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search.compare import every_design
from modelsizer.optimizer.surveys.axis import SurveyAxis
from modelsizer.optimizer.tables.clock import Clock, Ending
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, to_floats
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Landscape:
    """Loss over a grid of depths and widths.

    Parameters
    ----------
    layers : array of shape (L,)
    d_model : array of shape (W,)
        Of long menus one value for several neighbours, of which the best counts.
    exists : array of bool, shape (L, W)
        Whether the space has a design of this depth and width.
    loss : array of shape (L, W)
        Least loss of the feasible designs with a depth and width; NaN without one.
    share : dict of str to array of shape (L, W)
        For each affine budget with an upper limit, the least share of it used by a design with
        this depth and width; NaN if the space has no such design.
    complete : bool
        Whether every design was evaluated.
    """

    layers: Ints
    d_model: Ints
    exists: Mask
    loss: Floats
    share: dict[str, Floats]
    complete: bool = True

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the feasible part, with a margin."""
        some = np.isfinite(self.loss)
        if not some.any():
            return slice(None), slice(None)
        ends = []
        for axis in (1, 0):
            where = np.flatnonzero(some.any(axis=axis))
            margin = max(2, int(where[-1] - where[0]) // 8)
            ends.append(slice(max(0, int(where[0]) - margin), int(where[-1]) + margin + 1))
        return ends[0], ends[1]

    def outermost(self, name: str) -> Floats:
        """The least share of a limit at each depth and width, or at a greater depth; shape (L, W).

        Feasibility is not monotonic in depth, since few layouts divide some depths: a line on which
        this is 1 lies at the deepest feasible depth.
        """
        share = self.share[name]
        filled = np.where(np.isnan(share), np.inf, share)
        found: Floats = np.minimum.accumulate(filled[::-1])[::-1]
        return np.where(np.isnan(share), np.nan, found)


def landscape(problem: Problem, *, clock: Clock | None = None) -> Landscape:
    """Evaluate every design and keep the best of each depth and width.

    Uses the loss, whatever the problem's objective.

    Parameters
    ----------
    problem : Problem
    clock : Clock, optional
        Designs that it leaves no time for are not evaluated.
    """
    model = Model(Problem.from_tables(problem.bare(), like=problem))
    layers = SurveyAxis.of(problem.space.layers.numbers)
    d_model = SurveyAxis.of(problem.space.d_model.numbers)
    cells = len(layers) * len(d_model)
    loss = np.full(cells, np.inf)
    exists = np.zeros(cells, dtype=bool)
    limits = {
        name: float(limit.max)
        for name, limit in problem.limits.items()
        if limit.max is not None and QUANTITIES[name].affine
    }
    share = {name: np.full(cells, np.inf) for name in limits}
    ending = Ending()
    with ending:
        for table, row, j in every_design(model.tables(), clock or Clock()):
            at = layers.cell_of(table.layers(row, j)) * len(d_model)
            at += d_model.cell_of(table["d_model"][row])
            exists[at] = True
            value, keeps = model.evaluate(table, row, j)
            np.minimum.at(loss, at[keeps], value[keeps])
            for name, limit in limits.items():
                parts = [table.linear[part] for part in QUANTITIES[name].parts]
                used = np.max([to_floats(q.at(row, j)) / q.denominator for q in parts], axis=0)
                np.minimum.at(share[name], at, used / limit)

    shape = (len(layers), len(d_model))
    columns = exists.reshape(shape).any(axis=0)  # widths that the heads divide

    def grid(flat: NDArray[np.float64]) -> Floats:
        return np.where(np.isfinite(flat), flat, np.nan).reshape(shape)[:, columns]

    return Landscape(
        layers.cells,
        d_model.cells[columns],
        exists.reshape(shape)[:, columns],
        grid(loss),
        {name: grid(flat) for name, flat in share.items()},
        ending.complete,
    )
