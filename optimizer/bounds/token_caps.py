"""Upper limits on the tokens of designs, and costs of the objective per training FLOP."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import numpy as np

from modelsizer.optimizer.bounds.law_bounds import TokenCaps
from modelsizer.optimizer.tables.table import Floats, Ints, Table, to_floats
from modelsizer.problems.designs.costs import flops_rate, inference_charge
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import SERVED_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import as_double

LEAST_FLOPS = 1.0
"""Lower limit on the training FLOPs of a cap, so that its logarithm is finite; a design with fewer
is evaluated alone."""


class Spending:
    """Limits on the tokens of designs, and the terms of a quantity.

    Parameters
    ----------
    problem : Problem
    quantity : str
        The objective.

    Attributes
    ----------
    charged : bool
        Whether inference adds to the quantity.
    """

    def __init__(self, problem: Problem, quantity: str) -> None:
        self._problem, self._quantity = problem, quantity
        self._limits = problem.token_limits
        self._flops_on = cache(self._most_flops)
        self._charge = Fraction(0)
        if QUANTITIES[quantity].form == "lifetime":
            self._charge = inference_charge(problem, quantity)
        self.charged = self._charge > 0

    def caps(self, table: Table, row: Ints, j: Ints) -> TokenCaps:
        """Return the maximum tokens of designs; training time depends on their accelerators.

        Inference FLOPs over the lifetime increase with the depth, so the caps at the minimum
        depths of a box are upper bounds for all designs in it.
        """
        limits = self._limits
        most = math.inf if limits.most is None else as_double(limits.most)
        flops: float | Floats
        if limits.most_flops_each is None:
            flops = math.inf if limits.most_flops is None else as_double(limits.most_flops)
        else:
            ends = [self._flops_on(layout.accelerators) for layout in table.layout]
            flops = np.array(ends)[table.layout_id[row]]
        for charge in limits.charges:
            left = as_double(charge.limit) - float(charge.each) * inference_flops(table, row, j)
            flops = np.minimum(flops, np.maximum(left, LEAST_FLOPS))
        return TokenCaps(most, flops)

    def _most_flops(self, accelerators: int) -> float:
        end = self._limits.flops_on(accelerators)
        return math.inf if end is None else as_double(end)

    def charge(self, table: Table, row: Ints, j: Ints) -> Floats:
        """Return the contribution of inference to the quantity, for designs; shape (B,)."""
        if not self.charged:
            return np.zeros(len(row))
        found: Floats = float(self._charge) * inference_flops(table, row, j)
        return found

    def factor(self, table: Table, row: Ints) -> Floats:
        """Return the quantity per training FLOP, for designs of the given rows."""
        quantity = QUANTITIES[self._quantity]
        if quantity.form not in ("flops", "lifetime"):
            return np.ones(len(row))
        each = float(flops_rate(self._problem, self._quantity))
        if not quantity.shared:
            return np.full(len(row), each)
        shares = np.array([each / layout.accelerators for layout in table.layout])
        found: Floats = shares[table.layout_id[row]]
        return found


def inference_flops(table: Table, row: Ints, j: Ints) -> Floats:
    """Return the FLOPs per inference token of designs; shape (B,)."""
    quantity = table.linear[SERVED_FLOPS_PER_TOKEN]
    return to_floats(quantity.at(row, j)) / quantity.denominator
