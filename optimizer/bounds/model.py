"""A problem for the solvers: exact values of designs, and bounds over boxes of designs.

Every objective is minimised here: maximisation is minimisation of the negative.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

import numpy as np

from modelsizer.optimizer.bounds.law_bounds import (
    Sizes,
    judged_bound,
    log_tokens_bound,
    shape_bound,
)
from modelsizer.optimizer.bounds.limits import Limit, feasible, limits
from modelsizer.optimizer.bounds.relaxation import (
    LARGEST_LN,
    ROUNDING,
    Affine,
    Feature,
    charged,
    higher,
    log_bound,
    lowered,
    trusted,
)
from modelsizer.optimizer.bounds.token_caps import LEAST_FLOPS, Spending
from modelsizer.optimizer.tables.store import TableStore
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, Table, to_floats
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.costs import flops_rate
from modelsizer.problems.designs.evaluation import Evaluation, Evaluator
from modelsizer.problems.designs.token_choice import rounded_down, rounded_up
from modelsizer.problems.laws.features import beyond_doubles, parts_of
from modelsizer.problems.magnitudes import loss_overflows
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.token_limits import ENDLESS

Kind = Literal["loss", "affine", "most_tokens", "least_tokens", "least_flops"]

BORDER = 1e-12
"""Relative distance from a loss limit within which vectorised arithmetic is not trusted and a
design is evaluated alone: NumPy's vector loops may round the last digit otherwise."""

REMEMBERED = 10_000  # designs whose exact evaluation is cached; about 30 MB


@dataclass(frozen=True, slots=True)
class Relaxed:
    """Lower bounds over boxes.

    Parameters
    ----------
    objective : Affine
        In the scale of `Model.from_value`.
    least : array of shape (B,)
        Lower bound on the objective; infinite where no design can be feasible.
    loss : Affine or None
        Lower bound on the loss, if the problem limits it.
    """

    objective: Affine
    least: Floats
    loss: Affine | None


class Model:
    """A problem as the solvers see it.

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
        Whether `Relaxed.least` has no rounding error, so that ties can be detected.
    most_loss, least_loss : float or None
        Limits on the loss.
    caps, charge, factor : callable
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
        self.exact = self.kind in ("affine", "most_tokens")
        tokens = self._tokens = problem.token_limits
        self.least_tokens, self.least_flops = float(tokens.least), float(tokens.least_flops)
        loss = problem.budgets.limits.get("loss")
        self.risky = loss_overflows(self.quality.law, tokens)
        self.most_loss = None if loss is None or loss.max is None else float(loss.max)
        self.least_loss = None if loss is None or loss.min is None else float(loss.min)
        spending = Spending(problem, self.name)
        self.caps, self.charge, self.factor = spending.caps, spending.charge, spending.factor
        self.charged = spending.charged
        self.floor = self._floor()
        self._rules: dict[tuple[tuple[str, int], ...], list[Limit]] = {}
        self._evaluated: dict[Architecture, Evaluation] = {}

    @property
    def models(self) -> tuple[Model, ...]:
        """The problem under each law that judges its designs."""
        return (self,)

    def prepared(self, table: Table) -> Table:
        """Return a table of one structure with what the laws count."""
        return table

    def together(self, values: Sequence[Floats]) -> Floats:
        """Return values of designs, or bounds on them, from those under each of `models`."""
        (only,) = values
        return only

    def exactly(self, table: Table, row: int, j: Sequence[int]) -> Evaluation:
        """Evaluate one design in exact arithmetic; cached, since tied designs recur."""
        architecture = table.architecture(self.problem, row, j)
        if architecture not in self._evaluated:
            if len(self._evaluated) >= REMEMBERED:
                self._evaluated.clear()
            self._evaluated[architecture] = self._evaluator.evaluate(architecture)
        return self._evaluated[architecture]

    @cached_property
    def _evaluator(self) -> Evaluator:
        return Evaluator(self.problem)

    def _kind(self) -> Kind:
        row = QUANTITIES[self.name]
        if row.form == "loss":
            return "loss"
        if row.affine:
            return "affine"
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
            return min(self._floor_of(layout.accelerators) for layout in self.problem.layouts)
        return None

    def _floor_of(self, accelerators: int) -> float:
        """The objective at the least training FLOPs asked for, on so many accelerators."""
        spent = self._tokens.least_flops * flops_rate(self.problem, self.name)
        return float(spent / (accelerators if QUANTITIES[self.name].shared else 1))

    def floors(self, table: Table, row: Ints) -> Floats:
        """Return the `floor` of designs of the given rows under their own layouts; shape (B,)."""
        assert self.floor is not None
        if self.kind != "least_flops" or not QUANTITIES[self.name].shared:
            return np.full(len(row), self.floor)
        ends = np.array([self._floor_of(layout.accelerators) for layout in table.layout])
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

    def tables(self) -> Iterator[Table]:
        """Yield all width options with the quantities that the problem needs."""
        return self.store.tables(self.problem)

    def rules(self, table: Table) -> list[Limit]:
        """Return the linear constraints over a table."""
        units = tuple((name, q.denominator) for name, q in table.linear.items())
        if units not in self._rules:
            self._rules[units] = limits(self.problem, table)
        return self._rules[units]

    # Designs

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
        if self.kind == "affine" and plain:
            return self.sign * self.affine(table, row, j), keeps
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
        elif self.kind == "affine":
            value = self.sign * self.affine(table, row, j)
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

    def affine(self, table: Table, row: Ints, j: Ints) -> Floats:
        """Return the objective if it is affine or the maximum of several affine quantities."""
        parts = [table.linear[part] for part in QUANTITIES[self.name].parts]
        values = [to_floats(part.at(row, j)) / part.denominator for part in parts]
        found: Floats = np.max(values, axis=0)
        return found

    # Boxes

    def relax(self, table: Table, row: Ints, low: Ints, high: Ints) -> Relaxed:
        """Return bounds over boxes ``low <= j <= high`` of rows.

        Parameters
        ----------
        table : Table
        row : array of shape (B,)
        low, high : array of shape (B, K)
        """
        with beyond_doubles():
            return self._relax(table, row, low, high)

    def _relax(self, table: Table, row: Ints, low: Ints, high: Ints) -> Relaxed:
        extent = (high - low).astype(float)
        n = self._feature(table, self.counts, row, low, high)
        flops = self._feature(table, TRAINING_FLOPS_PER_TOKEN, row, low, high)
        needs_loss = self.kind == "loss" or self.most_loss is not None
        loss, least_loss, shape, sizes = None, None, None, None
        if needs_loss:
            sizes = self._sizes(table, row, low, high, n, flops)
            width = table["d_model"][row].astype(float)
            shape = shape_bound(self.quality.shape, width, sizes.layers)
            token, corner = judged_bound(self.quality, sizes, self.caps(table, row, low))
            loss, least_loss = trusted(token + shape, corner, extent)
            least_loss = lowered(least_loss)
            loss = Affine(lowered(loss.constant), loss.slope)
        objective, least = self._objective(table, row, low, high, extent, flops, loss, shape, sizes)
        if self.kind == "loss" and least_loss is not None:
            least = (
                least_loss if self.least_loss is None else np.maximum(least_loss, self.least_loss)
            )
        if self.most_loss is not None and least_loss is not None:
            least = np.where(least_loss > self.most_loss, np.inf, least)
        return Relaxed(objective, least, loss if self.most_loss is not None else None)

    def _objective(
        self,
        table: Table,
        row: Ints,
        low: Ints,
        high: Ints,
        extent: Floats,
        flops: Feature,
        loss: Affine | None,
        shape: Affine | None,
        sizes: Sizes | None,
    ) -> tuple[Affine, Floats]:
        kinds = low.shape[1]
        if self.kind == "loss":
            assert loss is not None
            return loss, loss.least(extent)
        if self.kind == "affine":
            # A maximum is bounded from below by each of its branches.
            bound = self._part(table, row, low, QUANTITIES[self.name].parts[0])
            for part in QUANTITIES[self.name].parts[1:]:
                bound = higher(bound, self._part(table, row, low, part), extent)
            # Evaluated at a corner as designs are, so that ties are exact.
            best = low if self.sign > 0 else high
            return bound, self.sign * self.affine(table, row, best)
        if self.kind == "most_tokens":
            rising, caps = log_bound(flops), self.caps(table, row, low)
            at_caps = Affine(rising.constant - np.log(caps.most_flops), rising.slope)
            flat = Affine.flat(np.full(len(row), -math.log(caps.most)), kinds)
            bound = higher(at_caps, flat, extent) if math.isfinite(caps.most) else at_caps
            if not np.isfinite(caps.most_flops).all():
                bound = flat
            return bound, -caps.tokens(flops.low)
        charge = self.charge(table, row, low)
        factor = self.factor(table, row)
        return self._least_tokens_bound(extent, flops, shape, sizes, factor, charge)

    def _part(self, table: Table, row: Ints, low: Ints, name: str) -> Affine:
        part = table.linear[name]
        constant = self.sign * to_floats(part.at(row, low)) / part.denominator
        return Affine(constant, self.sign * to_floats(part.unit[row]) / part.denominator)

    def _least_tokens_bound(
        self,
        extent: Floats,
        flops: Feature,
        shape: Affine | None,
        sizes: Sizes | None,
        factor: Floats,
        charge: Floats,
    ) -> tuple[Affine, Floats]:
        """Bound ln of the minimum tokens, or of the cost of their training FLOPs."""
        kinds = extent.shape[1]
        rows = len(extent)
        each = log_bound(flops)
        bounds = []
        if self.most_loss is not None and shape is not None and sizes is not None:
            target = self.most_loss - np.maximum(shape.least(extent), 0.0)
            target = target + ROUNDING * np.abs(target)
            bounds.append(log_tokens_bound(self.quality, target, sizes))
        if self.least_tokens > 0:
            bounds.append(Affine.flat(np.full(rows, math.log(self.least_tokens)), kinds))
        if self.kind == "least_flops":
            bounds = [bound + each for bound in bounds]
            if self.least_flops > 0:
                bounds.append(Affine.flat(np.full(rows, math.log(self.least_flops)), kinds))
            cost = Affine.flat(np.log(factor), kinds)
            bounds = [bound + cost for bound in bounds]
        elif self.least_flops > 0:
            most = np.log(self.least_flops) - np.log(flops.high)
            bounds.append(Affine.flat(most, kinds))
        bound = bounds[0]
        for other in bounds[1:]:
            bound = higher(bound, other, extent)
        least = np.max([b.least(extent) for b in bounds], axis=0)
        with np.errstate(over="ignore"):
            least = np.exp(least) * (1.0 - 100.0 * ROUNDING)  # exp magnifies by ln C, below 100
        if self.charged:
            least = least + charge * (1.0 - ROUNDING)
            bound = charged(bound, charge, extent)
        return Affine(lowered(bound.constant), bound.slope), least

    def _sizes(
        self, table: Table, row: Ints, low: Ints, high: Ints, n: Feature, flops: Feature
    ) -> Sizes:
        layers = self._feature(table, "layers", row, low, high)
        seen, judged = self.quality.law.features, self.quality.ablations
        ends = table.ranges(row, low, high, (*seen, *parts_of(seen)))
        q = None if judged is None else table.ranges(row, low, high, (judged,))[0][judged]
        return Sizes(n, flops, layers, *ends, q)

    def _feature(self, table: Table, name: str, row: Ints, low: Ints, high: Ints) -> Feature:
        quantity = table.linear[name]
        return Feature(
            to_floats(quantity.at(row, low)) / quantity.denominator,
            to_floats(quantity.at(row, high)) / quantity.denominator,
            to_floats(quantity.unit[row]) / quantity.denominator,
        )
