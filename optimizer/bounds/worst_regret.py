"""A problem whose value is the greatest regret of a design over several laws.

The problems differ only in how they judge a design, so a design is trained on the same tokens
under each; where they limit the loss, it is feasible if it keeps the limit under all. Its regret
under one is its loss less the least loss there; a lower bound on the loss of a box less the least
loss bounds the regret of the box, and the greatest of these bounds its greatest regret.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modelsizer.optimizer.bounds.design_values import REMEMBERED
from modelsizer.optimizer.bounds.model import Model, Relaxed
from modelsizer.optimizer.bounds.relaxation import Affine
from modelsizer.optimizer.tables.building import quantities
from modelsizer.optimizer.tables.store import TableStore
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, Table
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.costs import depends_on
from modelsizer.problems.designs.evaluation import Evaluation, Evaluator
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS
from modelsizer.problems.space.widths import Options


class _Judge(Model):
    """A problem under one of the laws, which reads its parameters from a column of its own."""

    def __init__(self, problem: Problem, store: TableStore, counts: str) -> None:
        super().__init__(problem, store)
        self.counts = counts


class WorstRegret(Model):
    """Several problems that judge the same designs, as one problem of least greatest regret.

    A value is the greatest regret plus `base`, so that it has the rounding error of a loss.

    Parameters
    ----------
    problems : sequence of Problem
        They minimise the loss, and differ only in how they judge a design.
    least : sequence of float
        The least loss under each.
    store : TableStore, optional

    Attributes
    ----------
    base : float
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        least: Sequence[float],
        store: TableStore | None = None,
    ) -> None:
        super().__init__(problems[0], store)
        keys: list[object] = []
        columns = []
        for problem in problems:
            key = depends_on(problem, LAW_PARAMETERS)
            number = keys.index(key) if key in keys else len(keys)
            keys += [key] if number == len(keys) else []
            columns.append(f"{LAW_PARAMETERS} {number}" if number else LAW_PARAMETERS)
        self._models = tuple(
            _Judge(problem, self.store, column)
            for problem, column in zip(problems, columns, strict=True)
        )
        self._columns = {model.counts: model.problem for model in reversed(self._models)}
        self._evaluators = [Evaluator(problem) for problem in problems]
        self.base = max(map(abs, least))
        self._less = [value - self.base for value in least]
        self._values: dict[Architecture, float] = {}

    @property
    def models(self) -> tuple[Model, ...]:
        """The problem under each law."""
        return self._models

    def prepared(self, table: Table) -> Table:
        """Return a table of one structure with the parameters that each law counts."""
        (structure,), layout = table.structure, table.layout[0]  # which no count depends on
        options = Options(structure, table.widths, table.depths)
        more = {
            column: quantities(problem, layout, options, [LAW_PARAMETERS])[LAW_PARAMETERS]
            for column, problem in self._columns.items()
            if column != LAW_PARAMETERS
        }
        return replace(table, linear=table.linear | more) if more else table

    def together(self, values: Sequence[Floats]) -> Floats:
        """Return the greatest regrets, plus `base`, from losses under each law."""
        found: Floats = np.max(self._regrets(values), axis=0)
        return found

    def _regrets(self, values: Sequence[Floats]) -> list[Floats]:
        return [value - less for value, less in zip(values, self._less, strict=True)]

    def exactly(self, table: Table, row: int, j: Sequence[int]) -> Evaluation:
        """Evaluate one design, which is infeasible if it is so under any law."""
        design = super().exactly(table, row, j)
        if design.feasible and math.isinf(self.value_of(design)):
            return replace(design, violated=("budgets.loss",))
        return design

    def value_of(self, evaluation: Evaluation) -> float:
        """Return the greatest regret of an evaluated design, plus `base`.

        It is infinite if the design is infeasible under one of them.
        """
        architecture = evaluation.architecture
        if architecture not in self._values:
            if len(self._values) >= REMEMBERED:
                self._values.clear()
            found = [each.evaluate(architecture) for each in self._evaluators]
            self._values[architecture] = max(
                design.loss - less if design.feasible and math.isfinite(design.loss) else math.inf
                for design, less in zip(found, self._less, strict=True)
            )
        return self._values[architecture]

    def evaluate(self, table: Table, row: Ints, j: Ints) -> tuple[Floats, Mask]:
        """Return the greatest regrets plus `base`, and feasibility; see `DesignValues.evaluate`."""
        found = [model.evaluate(table, row, j) for model in self._models]
        keeps: Mask = np.all([mask for _, mask in found], axis=0)
        return self.together([value for value, _ in found]), keeps

    def relax(self, table: Table, row: Ints, low: Ints, high: Ints) -> Relaxed:
        """Return bounds over boxes; the affine one is that of the law whose bound is greatest."""
        found = [model.relax(table, row, low, high) for model in self._models]
        regrets = np.stack(self._regrets([part.least for part in found]))
        which, at = regrets.argmax(axis=0), np.arange(len(row))
        slope = np.stack([part.objective.slope for part in found])[which, at]
        constant = np.stack(self._regrets([part.objective.constant for part in found]))[which, at]
        return Relaxed(Affine(constant, slope), regrets[which, at], None)
