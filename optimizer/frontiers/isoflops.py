"""Curves of equal training FLOPs: the least loss at each size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.frontiers.frontier import Frontier
from modelsizer.optimizer.search.compare import every_design
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.optimizer.tables.store import TableStore
from modelsizer.optimizer.tables.table import Floats, Ints, Table
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.problem import Problem
from modelsizer.problems.reading import overlaid
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.budgets import written
from modelsizer.problems.units import Number

BINS_A_DOUBLING = 4
"""Bins of parameters in an isoFLOP curve: fine enough for its minimum, coarse enough to hide the
steps of the menus."""
CURVES = 5
"""Curves along a frontier: more would lie over one another."""
MOST_DESIGNS = 5_000_000
"""Designs up to which an isoFLOP curve is enumerated; about a second of NumPy."""


@dataclass(frozen=True, slots=True)
class IsoFlops:
    """The least loss at each size, for one budget of training FLOPs.

    Parameters
    ----------
    training_flops : int or float
    designs : tuple of Evaluation
        The best of each bin that has any, in ascending order of parameters.
    """

    training_flops: Number
    designs: tuple[Evaluation, ...]

    @property
    def parameters(self) -> Floats:
        """Parameters of the designs; shape (n,)."""
        return np.array([design.parameters.total for design in self.designs], dtype=float)

    @property
    def loss(self) -> Floats:
        """Their losses; shape (n,)."""
        return np.array([design.loss for design in self.designs])

    @property
    def best(self) -> Evaluation:
        """The design of least loss."""
        return min(self.designs, key=lambda design: (design.loss, design.tie_key))


def isoflops(
    problem: Problem,
    budgets: Sequence[Number],
    *,
    bins: int = BINS_A_DOUBLING,
    clock: Clock | None = None,
) -> tuple[IsoFlops, ...]:
    """The least loss at each parameter count, for several budgets of training FLOPs.

    All designs are evaluated, whatever the problem's objective is; the problem's other limits
    hold. A budget that no design keeps has no curve.

    Parameters
    ----------
    problem : Problem
    budgets : sequence of int or float
    bins : int
        Logarithmic bins of parameters in each doubling.
    clock : Clock, optional
        Curves that it leaves no time for are left out.

    Raises
    ------
    ValueError
        If the space has more than `MOST_DESIGNS` designs.
    """
    clock = Clock() if clock is None else clock
    if (designs := problem.count_designs()) > MOST_DESIGNS:
        raise ValueError(
            f"isoFLOP curves look at every design, and the space has {designs:,}; "
            f"{MOST_DESIGNS:,} are the most"
        )
    store, found = TableStore(), []
    with suppress(StoppedError):
        for budget in budgets:
            clock.check()
            tables = overlaid(
                problem.bare(), {"budgets.training_flops.max": written("training_flops", budget)}
            )
            model = Model(Problem.from_tables(tables, like=problem), store)
            if curve := _best_of_bins(model, bins, clock):
                found.append(IsoFlops(budget, curve))
    return tuple(found)


def curves_along(frontier: Frontier, clock: Clock | None = None) -> tuple[IsoFlops, ...]:
    """Curves at some points of a frontier of loss over training FLOPs; none for other frontiers.

    Raises
    ------
    ValueError
        If the space has more than `MOST_DESIGNS` designs.
    """
    solved, problem = frontier.solved, frontier.problem
    of_loss = problem.objective.quantity == "loss"
    if frontier.over != "budgets.training_flops" or not of_loss or not solved:
        return ()
    # Where more FLOPs buy nothing, one curve is enough.
    last = next(i for i, point in enumerate(solved) if point.value == solved[-1].value)
    chosen = sorted({round(i * last / (CURVES - 1)) for i in range(CURVES)})
    return isoflops(problem, [solved[i].limit for i in chosen], clock=clock)


def _best_of_bins(model: Model, bins: int, clock: Clock) -> tuple[Evaluation, ...]:
    best: dict[int, tuple[float, Table, int, Ints]] = {}
    for table, row, j in every_design(model.tables(), clock):
        value, keeps = model.evaluate(table, row, j)
        row, j, value = row[keeps], j[keeps], value[keeps]
        parameters = table.linear["parameters"].at(row, j).astype(float)
        bin_ = np.floor(np.log2(parameters) * bins).astype(np.int64)
        order = np.lexsort((parameters, value, bin_))
        _, first = np.unique(bin_[order], return_index=True)
        for i in order[first]:
            known = best.get(int(bin_[i]))
            if known is None or value[i] < known[0]:
                best[int(bin_[i])] = (float(value[i]), table, int(row[i]), j[i])
    chosen = (model.exactly(*best[key][1:3], best[key][3].tolist()) for key in sorted(best))
    return tuple(design for design in chosen if math.isfinite(design.loss))
