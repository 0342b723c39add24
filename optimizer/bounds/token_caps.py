"""Upper limits on the tokens of designs, and costs of the objective per training FLOP."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.law_bounds import TokenCaps
from modelsizer.optimizer.tables.table import Floats, Ints, Table, to_floats
from modelsizer.problems.designs.costs import flops_rate, inference_charge
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import SERVED_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.units import as_double

LEAST_FLOPS = 1.0
"""Lower limit on the training FLOPs of a cap, so that its logarithm is finite; a design with fewer
is evaluated alone."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What layouts cost and allow for training FLOPs; arrays of shape (layouts,).

    Parameters
    ----------
    most_flops : array
        The most training FLOPs; infinite for no limit.
    charges : tuple of (array, array)
        Of limits reduced by inference: training FLOPs, and those for each inference FLOP a token.
    rate, charge : array
        The objective per training FLOP, and per inference FLOP a token.
    """

    most_flops: Floats
    charges: tuple[tuple[Floats, Floats], ...]
    rate: Floats
    charge: Floats

    def of(self, number: Ints) -> Terms:
        """Return the terms of rows with these layouts; shape (B,)."""
        charges = tuple((limit[number], each[number]) for limit, each in self.charges)
        return Terms(self.most_flops[number], charges, self.rate[number], self.charge[number])

    def best(self, able: NDArray[np.bool_]) -> Terms:
        """Return the best of each term under any layout that is able; (B, layouts) to (B,)."""
        return Terms(
            _best(-self.most_flops, able, -1.0),
            tuple((_best(-m, able, -1.0), _best(each, able)) for m, each in self.charges),
            _best(self.rate, able),
            _best(self.charge, able),
        )


def _best(values: Floats, able: NDArray[np.bool_], sign: float = 1.0) -> Floats:
    """Return the least of the values that are able, times a sign; shape (B,)."""
    if (values == values[0]).all():
        return np.full(len(able), sign * values[0])
    order = np.argsort(values, kind="stable")
    found: Floats = sign * values[order][able[:, order].argmax(axis=1)]
    return found


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
        self._problem, self._quantity = problem, QUANTITIES[quantity]
        self._limits = problem.token_limits
        self._most = math.inf if self._limits.most is None else as_double(self._limits.most)
        self._of_setup: dict[int, tuple[float, float]] = {}
        self._known: dict[tuple[int, int], float] = {}
        self._terms: tuple[Sequence[Layout], Terms] | None = None
        self.charged = any(
            self._priced(Layout(setup=number))[1] > 0 for number in range(len(problem.setups))
        )

    def terms(self, layouts: Sequence[Layout]) -> Terms:
        """Return what layouts cost and allow; kept for those asked for last."""
        if self._terms is None or self._terms[0] is not layouts:
            self._terms = layouts, self._found(layouts)
        return self._terms[1]

    def _found(self, layouts: Sequence[Layout]) -> Terms:
        setups, shared = self._problem.setups, self._quantity.shared
        priced = [self._priced(one) for one in layouts]
        shares = [one.accelerators if shared else 1 for one in layouts]
        limits = [setups[one.setup].token_limits for one in layouts]
        keys = dict.fromkeys(charge.key for one in limits for charge in one.charges)
        charges = []
        for key in keys:
            mine = [next((c for c in one.charges if c.key == key), None) for one in limits]
            most = [math.inf if c is None else as_double(c.limit) for c in mine]
            charges.append((np.array(most), np.array([0.0 if c is None else float(c.each)
                                                      for c in mine])))  # fmt: skip
        return Terms(
            np.array([self._most_flops(one) for one in layouts]),
            tuple(charges),
            np.array([rate / share for (rate, _), share in zip(priced, shares, strict=True)]),
            np.array([charge for _, charge in priced]),
        )

    def _priced(self, layout: Layout) -> tuple[float, float]:
        """Return the quantity per training FLOP of an accelerator, and per inference FLOP."""
        if layout.setup not in self._of_setup:
            rate, charge, name = 1.0, 0.0, self._quantity.name
            if self._quantity.form in ("flops", "lifetime"):
                rate = float(flops_rate(self._problem, name, layout))
            if self._quantity.form == "lifetime":
                charge = float(inference_charge(self._problem, name, layout))
            self._of_setup[layout.setup] = rate, charge
        return self._of_setup[layout.setup]

    def _most_flops(self, layout: Layout) -> float:
        limits = self._problem.setup_of(layout).token_limits
        key = layout.setup, layout.accelerators if limits.most_flops_each is not None else 0
        if key not in self._known:
            end = limits.flops_on(layout.accelerators)
            self._known[key] = math.inf if end is None else as_double(end)
        return self._known[key]

    def caps(self, table: Table, row: Ints, j: Ints, terms: Terms | None = None) -> TokenCaps:
        """Return the maximum tokens of designs; training time depends on their accelerators.

        Inference FLOPs over the lifetime increase with the depth, so the caps at the minimum
        depths of a box are upper bounds for all designs in it.

        Parameters
        ----------
        table : Table
        row : array of shape (B,)
        j : array of shape (B, A)
        terms : Terms, optional
            Of each design; by default those of the layouts of the rows.
        """
        mine = self._of_rows(table, row) if terms is None else terms
        flops: float | Floats = _one_or_each(mine.most_flops)
        for limit, each in mine.charges:
            left = _one_or_each(limit) - _one_or_each(each) * inference_flops(table, row, j)
            flops = np.minimum(flops, np.maximum(left, LEAST_FLOPS))
        return TokenCaps(self._most, flops)

    def _of_rows(self, table: Table, row: Ints) -> Terms:
        return self.terms(table.layout).of(table.layout_id[row])

    def charge(self, table: Table, row: Ints, j: Ints, terms: Terms | None = None) -> Floats:
        """Return the contribution of inference to the quantity, for designs; shape (B,)."""
        if not self.charged:
            return np.zeros(len(row))
        mine = self._of_rows(table, row) if terms is None else terms
        found: Floats = _one_or_each(mine.charge) * inference_flops(table, row, j)
        return found

    def factor(self, table: Table, row: Ints, terms: Terms | None = None) -> Floats:
        """Return the quantity per training FLOP, for designs of the given rows."""
        mine = self._of_rows(table, row) if terms is None else terms
        return mine.rate


def _one_or_each(values: Floats) -> float | Floats:
    """Return one value where all are equal."""
    return float(values[0]) if len(values) and (values == values[0]).all() else values


def inference_flops(table: Table, row: Ints, j: Ints) -> Floats:
    """Return the FLOPs per inference token of designs; shape (B,)."""
    quantity = table.linear[SERVED_FLOPS_PER_TOKEN]
    return to_floats(quantity.at(row, j)) / quantity.denominator
