"""Exact values of the designs of a problem, to minimise, and whether they are feasible.

Every objective is minimised here: maximisation is minimisation of the negative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import numpy as np

from modelsizer.optimizer.bounds.limits import Limit, feasible, limits
from modelsizer.optimizer.bounds.relaxation import LARGEST_LN
from modelsizer.optimizer.bounds.token_caps import LEAST_FLOPS, Spending
from modelsizer.optimizer.tables.largest_batches import largest_of
from modelsizer.optimizer.tables.store import TableStore
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, Table, to_floats
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.costs import flops_rate
from modelsizer.problems.designs.evaluation import Evaluation, Evaluator
from modelsizer.problems.designs.token_choice import rounded_down, rounded_up
from modelsizer.problems.magnitudes import loss_overflows
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.requirements.setups import distinct
from modelsizer.problems.requirements.token_limits import ENDLESS
from modelsizer.problems.space.layouts import Layout

Kind = Literal["loss", "affine", "batch", "most_tokens", "least_tokens", "least_flops"]

BORDER = 1e-12
"""Relative distance from a loss limit within which vectorised arithmetic is not trusted and a
design is evaluated alone: NumPy's vector loops may round the last digit otherwise."""

REMEMBERED = 10_000  # designs whose exact evaluation is cached; about 30 MB


class DesignValues:
    """What a problem minimises, and which designs keep its limits.

    Parameters
    ----------
    problem : Problem
    store : TableStore, optional
        Cached tables of earlier problems over the same space.

    Attributes
    ----------
    quality : Quality
        Predicts the loss of designs.
    kind : str
        Form of the objective.
    exact : bool
        Whether bounds on the objective have no rounding error, so that ties can be detected.
    most_loss, least_loss : float or None
        Limits on the loss.
    caps, charge, factor, terms : callable
        See `modelsizer.optimizer.bounds.token_caps.Spending`.
    charged : bool
        Whether inference adds to the objective.
    risky : bool
        Whether the loss of a design may be no finite number; it is infeasible then.
    floor : float or None
        A lower bound set by a limit, which many designs may attain exactly.
    counts : str
        Column of tables with the parameters that the law counts.
    """

    counts = LAW_PARAMETERS

    def __init__(self, problem: Problem, store: TableStore | None = None) -> None:
        self.problem, self.quality = problem, problem.quality
        self.store = TableStore() if store is None else store
        objective = problem.objective
        self.name, self.sense = objective.quantity, objective.sense
        self.sign = -1.0 if objective.sense == "maximize" else 1.0
        self.kind = self._kind()
        self.exact = self.kind in ("affine", "batch", "most_tokens")
        tokens = self._tokens = problem.token_limits
        self.least_tokens, self.least_flops = float(tokens.least), float(tokens.least_flops)
        loss = problem.setups[0].limits.get("loss")
        self.risky = any(
            loss_overflows(self.quality.law, limits) for limits in distinct(problem.setups)
        )
        self.most_loss = None if loss is None or loss.max is None else float(loss.max)
        self.least_loss = None if loss is None or loss.min is None else float(loss.min)
        spending = Spending(problem, self.name)
        self.caps, self.charge, self.factor = spending.caps, spending.charge, spending.factor
        self.terms = spending.terms
        self.charged = spending.charged
        self._floors: dict[tuple[int, int], float] = {}
        self.floor = self._floor()
        self._rules: dict[tuple[tuple[str, int], ...], tuple[tuple[Layout, ...], list[Limit]]] = {}
        self._evaluated: dict[Architecture, Evaluation] = {}

    def searched(self) -> Sequence[Layout]:
        """Return the layouts that a search for the best design has to look at."""
        if not self.problem.several:
            return self.problem.layouts
        # Loaded where there are several setups.
        from modelsizer.optimizer.tables.searched import searched

        return searched(self.problem)

    def exactly(self, table: Table, row: int, j: Sequence[int]) -> Evaluation:
        """Evaluate one design in exact arithmetic; cached, since tied designs recur."""
        architecture = table.architecture(self.problem, row, j)
        if architecture not in self._evaluated:
            if len(self._evaluated) >= REMEMBERED:
                self._evaluated.clear()
            self._evaluated[architecture] = self._evaluator.evaluate(architecture)
        return self._evaluated[architecture]

    def exactly_under(self, table: Table, row: int, j: Sequence[int]) -> Evaluation:
        """Evaluate one design under the layout of its row; under the best where it is one setup.

        Under another layout of the same setup a design has other costs of training alone.
        """
        if not self.problem.several:
            return self.exactly(table, row, j)
        layout = table.layout[table.layout_id[row]]
        return self._evaluator.evaluate_under(table.architecture(self.problem, row, j), layout)

    @cached_property
    def _evaluator(self) -> Evaluator:
        return Evaluator(self.problem)

    def _kind(self) -> Kind:
        row = QUANTITIES[self.name]
        if row.form == "loss":
            return "loss"
        if row.affine:
            return "affine"
        if row.form == "batch":
            return "batch"
        if row.form in ("flops", "lifetime"):
            return "least_flops"
        return "most_tokens" if self.sense == "maximize" else "least_tokens"

    def _floor(self) -> float | None:
        tokens, row = self._tokens, QUANTITIES[self.name]
        if row.form == "lifetime":
            return None
        if self.kind == "loss":
            return self.least_loss
        if self.kind == "least_tokens" and tokens.least > 0:
            # As in `modelsizer.problems.designs.evaluation`, if the interval contains no double.
            narrow = tokens.most is not None and rounded_up(tokens.least) > tokens.most
            return rounded_down(tokens.least) if narrow else rounded_up(tokens.least)
        if self.kind == "least_flops" and tokens.least_flops > 0:
            return min(map(self._floor_of, self.problem.layouts))
        return None

    def _floor_of(self, layout: Layout) -> float:
        """The objective at the least training FLOPs asked for, under a layout."""
        shares = layout.accelerators if QUANTITIES[self.name].shared else 1
        key = layout.setup, shares
        if key not in self._floors:
            spent = self._tokens.least_flops * flops_rate(self.problem, self.name, layout)
            self._floors[key] = float(spent / shares)
        return self._floors[key]

    def floors(self, table: Table, row: Ints) -> Floats:
        """Return the `floor` of designs of the given rows under their own layouts; shape (B,)."""
        assert self.floor is not None
        one = not QUANTITIES[self.name].shared and not self.problem.several
        if self.kind != "least_flops" or one:
            return np.full(len(row), self.floor)
        ends = np.array([self._floor_of(layout) for layout in table.layout])
        found: Floats = ends[table.layout_id[row]]
        return found

    @property
    def logarithmic(self) -> bool:
        """Whether bounds are on the logarithm of the objective."""
        return self.kind in ("most_tokens", "least_tokens", "least_flops")

    def to_value(self, scaled: float) -> float:
        """Convert a bound from the scale of the relaxation to a value to minimise."""
        if not self.logarithmic:
            return scaled
        if self.kind == "most_tokens":
            return -math.exp(min(-scaled, LARGEST_LN))
        return math.exp(min(scaled, LARGEST_LN))

    def from_value(self, value: float) -> float:
        """The inverse of `to_value`."""
        if not self.logarithmic:
            return value
        if self.kind == "most_tokens":
            return -math.log(-value) if value < 0 else math.inf
        return math.log(value) if value > 0 else -math.inf

    def value_of(self, evaluation: Evaluation) -> float:
        """Return the value to minimise of an evaluated design."""
        return self.sign * float(evaluation.exact[self.name])

    def rules(self, table: Table) -> list[Limit]:
        """Return the linear constraints over a table."""
        units = tuple((name, q.denominator) for name, q in table.linear.items())
        known = self._rules.get(units)
        if known is None or (self.problem.several and known[0] is not table.layout):
            known = self._rules[units] = table.layout, limits(self.problem, table)
        return known[1]

    def evaluate(self, table: Table, row: Ints, j: Ints) -> tuple[Floats, Mask]:
        """Return values to minimise, and feasibility, of many designs.

        Parameters
        ----------
        table : Table
        row : array of shape (B,)
        j : array of shape (B, K)

        Returns
        -------
        value : array of shape (B,)
            Doubles within a few rounding errors of the exact evaluation.
        keeps : array of shape (B,)
            Whether each design is feasible; exact.
        """
        keeps = np.ones(len(row), dtype=bool)
        for limit in self.rules(table):
            keeps &= feasible(limit, table, row, j)
        possible = keeps.copy()  # designs that violate a linear constraint are already excluded
        flops = table.linear[TRAINING_FLOPS_PER_TOKEN].values(row, j)
        tokens = self.caps(table, row, j).tokens(flops)
        doubtful = np.zeros(len(row), dtype=bool)
        from_flops = self.least_flops / flops
        low = np.maximum(self.least_tokens, from_flops)
        if self._tokens.charges:
            keeps &= low <= tokens * (1 + BORDER)
            doubtful |= np.abs(tokens - low) <= 1e-9 * tokens
            doubtful |= tokens * flops <= LEAST_FLOPS * (1 + BORDER)
        doubtful &= possible
        plain = self.most_loss is None and self.least_loss is None and not doubtful.any()
        plain &= not self.risky
        if self.kind in ("affine", "batch") and plain:
            return self.of_costs(table, row, j), keeps
        if self.kind == "most_tokens" and plain:
            return -tokens, keeps
        n = table.linear[self.counts].values(row, j)
        judged = self.quality.of(table.features(row, j, self.quality.features))
        if self.least_loss is not None:
            edge = np.asarray(judged.tokens_for(n, self.least_loss), float)
            cut = edge < tokens
            near = edge < tokens * (1 + 1e-9)  # other tokens are those without the limit
            tokens = np.minimum(tokens, edge)
            keeps &= low <= tokens * (1 + BORDER)
            doubtful |= near & (np.abs(tokens - low) <= 1e-9 * tokens)
        loss = np.asarray(judged.loss(n, tokens), float)
        if self.least_loss is not None:
            loss = np.where(cut, self.least_loss, loss)
        keeps &= np.isfinite(loss)
        if self.most_loss is not None:
            keeps &= loss <= self.most_loss
            doubtful |= np.abs(loss - self.most_loss) <= BORDER * self.most_loss
            low = np.maximum(low, np.asarray(judged.tokens_for(n, self.most_loss), float))
            # Without a limit on them, more than endless tokens are none.
            doubtful |= ~(low < 0.99 * ENDLESS) & np.isinf(tokens) & keeps
        if self.kind == "loss":
            value = loss
        elif self.kind in ("affine", "batch"):
            value = self.of_costs(table, row, j)
        elif self.kind == "most_tokens":
            value = -tokens
        else:
            low = np.minimum(low, tokens)
            of_flops = self.kind == "least_flops"
            value = low
            if of_flops:
                value = low * flops * self.factor(table, row) + self.charge(table, row, j)
            if self.floor is not None:
                least = from_flops if of_flops else self.least_tokens
                value = np.where(low == least, self.floors(table, row), value)
        for i in np.flatnonzero(doubtful & possible):
            alone = self.exactly(table, row[i], j[i])
            keeps[i] = alone.feasible
            value[i] = self.value_of(alone)
        return value, keeps

    def of_costs(self, table: Table, row: Ints, j: Ints) -> Floats:
        """Return the value to minimise of an affine objective, or of a largest batch."""
        if self.kind == "batch":
            return self.sign * to_floats(largest_of(self.problem, self.name, table, row, j))
        return self.sign * self.affine(table, row, j)

    def affine(self, table: Table, row: Ints, j: Ints) -> Floats:
        """Return an affine objective, or the greatest of several affine quantities; shape (B,)."""
        parts = [table.linear[part] for part in QUANTITIES[self.name].parts]
        values = [to_floats(part.at(row, j)) / part.denominator for part in parts]
        found: Floats = np.max(values, axis=0)
        return found
