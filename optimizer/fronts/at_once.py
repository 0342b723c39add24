"""Exact tokens and losses of many designs at once, as `evaluate` computes them one by one.

Tokens are quotients of integers, rounded down. The loss is the law's at these, over arrays: NumPy's
functions give the same doubles for arrays as for numbers, but Python's operator ``**`` does not, so
the law is compared with itself on the first designs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import repeat

import numpy as np

from modelsizer.optimizer.tables.table import Floats, Ints, Table
from modelsizer.problems.designs.token_choice import TokenChoice, quotient_down, rounded_down
from modelsizer.problems.laws.quality import Quality
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    LAW_PARAMETERS,
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.requirements.token_limits import Charge, TokenLimits
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.menus import Interval

COMPARED = 500
"""Designs whose loss is compared with that of each by itself: a hundredth would show one of 100."""


class AtOnce:
    """Evaluates designs that train on all tokens that the limits on tokens and FLOPs leave them.

    Parameters
    ----------
    problem : Problem
    quality : Quality

    Attributes
    ----------
    reliable : bool
        False once a loss was found to differ from that of a design by itself, or if a limit on the
        loss may take tokens away.
    """

    def __init__(self, problem: Problem, quality: Quality) -> None:
        self._quality, self._setups = quality, problem.setups
        self._target = problem.budgets.loss or Interval()
        self._compared = 0
        self.reliable = self._target.min is None

    def evaluate(self, table: Table, row: Ints, j: Ints) -> tuple[Floats, Floats]:
        """Return tokens and loss of feasible designs, shape (B,) each; looks at `reliable`."""
        tokens = self._tokens(table, row, j)
        n = table.linear[LAW_PARAMETERS].values(row, j)
        judged = self._quality.of(table.features(row, j, self._quality.features))
        loss = np.array(np.broadcast_to(np.asarray(judged.loss(n, tokens), float), len(row)))
        loss[np.isnan(loss)] = np.inf
        if self._compared < COMPARED and len(row):
            some = np.unique(np.linspace(0, len(row) - 1, COMPARED).astype(int))
            alone = np.array([*self.one_by_one(table, row[some], j[some])])
            self.reliable &= bool((alone == np.stack([tokens, loss], axis=1)[some]).all())
            self._compared += len(some)
        return tokens, loss

    def _tokens(self, table: Table, row: Ints, j: Ints) -> Floats:
        """`TokenChoice.high` of designs."""
        cost = table.linear[TRAINING_FLOPS_PER_TOKEN]
        flops, layout = cost.at(row, j), table.layout_id[row]
        tokens = np.full(len(row), math.inf)
        for number in np.unique(layout):
            limits = self._limits(table.layout[number])
            at = np.flatnonzero(layout == number)
            if limits.most is not None:
                tokens[at] = rounded_down(limits.most)
            end = limits.flops_on(table.layout[number].accelerators)
            if end is not None:
                tokens[at] = np.minimum(tokens[at], _quotients(end, flops[at], cost.denominator))
            for charge in limits.charges:
                tokens[at] = np.minimum(tokens[at], _left(charge, table, row[at], j[at]))
        return tokens

    def _limits(self, layout: Layout) -> TokenLimits:
        """Limits on tokens under a layout."""
        return self._setups[layout.setup].token_limits

    def one_by_one(self, table: Table, row: Ints, j: Ints) -> Iterator[tuple[float, float]]:
        """Yield tokens and loss of each feasible design, B of them, by itself."""
        n = table.linear[LAW_PARAMETERS].values(row, j)
        cost = table.linear[TRAINING_FLOPS_PER_TOKEN]
        flops = cost.at(row, j)
        charged = any(self._limits(layout).charges for layout in table.layout)
        served = _served(table, row, j) if charged else repeat(Fraction(0))
        features = table.features(row, j, self._quality.features)
        for i, inference in zip(range(len(row)), served, strict=False):
            choice = TokenChoice(
                self._quality.of({name: float(values[i]) for name, values in features.items()}),
                self._limits(layout := table.layout[table.layout_id[row[i]]]),
                self._target,
                n=float(n[i]),
                flops=Fraction(int(flops[i]), cost.denominator),
                accelerators=layout.accelerators,
                inference_flops=inference,
            )
            yield float(choice.high), float(choice.loss_at(choice.high))


def _quotients(end: Fraction, flops: Ints, denominator: int) -> Floats:
    """``end / (flops / denominator)``, each rounded down."""
    distinct, at = np.unique(flops, return_inverse=True)
    over, by = end.numerator * denominator, end.denominator
    found = np.array([quotient_down(over, by * each) for each in distinct.tolist()], dtype=float)
    return found[at.reshape(-1)]


def _served(table: Table, row: Ints, j: Ints) -> Iterator[Fraction]:
    """Yield the FLOPs of an inference token of each design."""
    cost = table.linear[SERVED_FLOPS_PER_TOKEN]
    return (Fraction(each, cost.denominator) for each in cost.at(row, j).tolist())


def _left(charge: Charge, table: Table, row: Ints, j: Ints) -> Floats:
    """Tokens that a limit on what training and inference cost together leaves."""
    cost = table.linear[TRAINING_FLOPS_PER_TOKEN]
    each = cost.at(row, j).tolist()
    left = (charge.left(served) for served in _served(table, row, j))
    return np.array(
        [
            quotient_down(end.numerator * cost.denominator, end.denominator * flops)
            for end, flops in zip(left, each, strict=True)
        ],
        dtype=float,
    )
