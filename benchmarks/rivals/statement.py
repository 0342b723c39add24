"""A problem as stated to rivals with a modelling language: width options with affine costs.

Rivals receive the tables of the program (`modelsizer.optimizer.tables.table`): enumerating width
options and counting parameters is part of the question, not the answer. Nothing that `optimizer`
proves is included, except that depths may be restricted to the feasible ones of each width
(`tightened`), as a modeller would do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.rivals.answer import Skipped
from modelsizer.optimizer.bounds.limits import depth_intervals
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.tables.spread import tables
from modelsizer.optimizer.tables.table import Table, to_floats
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.laws.laws import PowerLaw
from modelsizer.problems.laws.shapes import NoShape, WidthDepthShape
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN

SAME = 1e-12  # terms that differ by less are the same
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Affine:
    """``base[w] + unit[w] * j``; floats of shape (W,)."""

    base: Floats
    unit: Floats

    def over(self, scale: Floats | float) -> Affine:
        """Divide by a scale."""
        return Affine(self.base / scale, self.unit / scale)

    def at(self, j: Floats | Ints) -> Floats:
        """Values at a depth index of each width option."""
        return self.base + self.unit * j

    def take(self, rows: NDArray[np.bool_] | Ints) -> Affine:
        return Affine(self.base[rows], self.unit[rows])


@dataclass(frozen=True, slots=True)
class Row:
    """``low <= affine <= high``, scaled so that the limit is about 1."""

    key: str
    affine: Affine
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Statement:
    """A problem that minimises loss; W width options, depths ``first[w] <= j <= last[w]``.

    Parameters
    ----------
    n, flops : Affine
        Parameters as counted by the law, and training FLOPs per token.
    layers : Affine
    d_model : array of shape (W,)
    most_tokens : float
        Infinite if there is no limit.
    most_flops : array of shape (W,)
        Training FLOPs affordable with each option's layout; infinite if there is no limit.
    rows : list of Row
        The other hard constraints.
    scale : array of shape (W,)
        Factor of what the law can still learn, of choices that it does not see.
    """

    problem: Problem
    table: Table
    first: Ints
    last: Ints
    n: Affine
    flops: Affine
    layers: Affine
    d_model: Floats
    most_tokens: float
    most_flops: Floats
    rows: list[Row]
    scale: Floats

    def __len__(self) -> int:
        return len(self.first)

    @property
    def law(self) -> PowerLaw:
        law = self.problem.law
        assert isinstance(law, PowerLaw)
        return law

    @property
    def shape_terms(self) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
        """Coefficient and exponent of d_model, of layers, and of ``d_model^2 layers``."""
        if not self.problem.shape.terms:
            return (0.0, -1.0), (0.0, -1.0), (0.0, -1.0)
        width, depth, least = self.problem.shape.terms
        return (
            (width.coefficient, width.exponents["d_model"]),
            (depth.coefficient, depth.exponents["layers"]),
            (least.coefficient, least.exponents["layers"]),
        )

    def range_of(self, quantity: Affine) -> tuple[float, float]:
        """Least and greatest value over all designs."""
        return float(quantity.at(self.first).min()), float(quantity.at(self.last).max())

    @property
    def size(self) -> Affine:
        """`n` over a power of `scale`, so that ``A size^-alpha`` is scaled."""
        return self.n.over(self.scale ** (1 / self.law.alpha))

    @property
    def rate(self) -> Affine:
        """`flops` over `most_flops`, times a power of `scale`: ``B rate^beta`` is scaled."""
        return self.flops.over(self.most_flops * self.scale ** (-1 / self.law.beta))

    def design(self, option: int, j: int) -> Architecture:
        """The design of a width option at a depth index."""
        return self.table.architecture(self.problem, option, [j])


def check_stateable(problem: Problem) -> None:
    """Raise for problems that no rival can state.

    Raises
    ------
    Skipped
    """
    if problem.token_limits.charges:
        raise Skipped("a lifetime's budget, of which inference takes its part")
    if problem.objective.quantity != "loss":
        raise Skipped(f"its objective is {problem.objective.quantity}, not the loss")
    if problem.budgets.loss is not None:
        raise Skipped("it limits the loss")
    if not isinstance(problem.law, PowerLaw) or problem.law.outer != 1.0:
        raise Skipped("its law is no sum of two powers")
    if not isinstance(problem.shape, NoShape | WidthDepthShape):
        raise Skipped("its shape law has no terms")


def state(problem: Problem, *, tightened: bool) -> Statement:
    """State a problem for rivals.

    Parameters
    ----------
    problem : Problem
    tightened : bool
        Restrict the depths of each width option to those that satisfy every row, and drop
        options without any.

    Raises
    ------
    Skipped
        If rivals cannot state the problem, or no design satisfies the rows.
    """
    check_stateable(problem)
    model = Model(problem)
    table = Table.join(list(tables(problem)))
    if table.count.shape[1] > 1:
        raise Skipped("it has two depths that are free")
    everything = np.arange(len(table))
    first, last = np.zeros_like(table.count), table.count - 1
    rules = model.rules(table)
    if tightened:
        first, last = depth_intervals(table, rules, everything, first, last)
        keep = (first <= last).all(axis=1)
        table, first, last = table.take(keep), first[keep], last[keep]
        if not len(table):
            raise Skipped("no design keeps its limits")
    caps = model.caps(table, np.arange(len(table)), np.zeros_like(table.count))
    rows = []
    for rule in rules:
        scale = float((rule.high if rule.high is not None else rule.low) or 1)
        affine = _affine(table, rule.quantity, divided=False).over(scale)
        low, high = (None if end is None else end / scale for end in (rule.low, rule.high))
        rows.append(Row(rule.key, affine, low, high))
    return Statement(
        problem,
        table,
        first[:, 0],
        last[:, 0],
        _affine(table, LAW_PARAMETERS),
        _affine(table, TRAINING_FLOPS_PER_TOKEN),
        _affine(table, "layers"),
        table["d_model"].astype(float),
        caps.most,
        np.broadcast_to(np.asarray(caps.most_flops, float), (len(table),)),
        rows,
        1 + _terms(problem, table, first, last),
    )


def _terms(problem: Problem, table: Table, first: Ints, last: Ints) -> Floats:
    """Sum of the terms that the law does not see, of each width option.

    Raises
    ------
    Skipped
        If they change with depth.
    """
    terms = problem.quality.ablations
    if terms is None:
        return np.zeros(len(table))
    row = np.arange(len(table))
    found = [np.asarray(table.width(terms, row, j), float) for j in (first, last)]
    if np.abs(found[0] - found[1]).max() > SAME:
        raise Skipped("what its law does not see changes with depth")
    return np.broadcast_to(found[0], (len(table),))


def _affine(table: Table, name: str, *, divided: bool = True) -> Affine:
    quantity = table.linear[name]
    by = quantity.denominator if divided else 1
    return Affine(to_floats(quantity.base) / by, to_floats(quantity.unit[:, 0]) / by)
