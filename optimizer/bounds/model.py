"""A problem for the solvers: exact values of designs, and bounds over boxes of designs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from modelsizer.optimizer.bounds.design_values import DesignValues
from modelsizer.optimizer.bounds.law_bounds import (
    Sizes,
    judged_bound,
    log_tokens_bound,
    shape_bound,
)
from modelsizer.optimizer.bounds.relaxation import (
    ROUNDING,
    Affine,
    Feature,
    charged,
    higher,
    log_bound,
    lowered,
    trusted,
)
from modelsizer.optimizer.tables.table import Floats, Ints, Table, to_floats
from modelsizer.problems.laws.features import beyond_doubles, parts_of
from modelsizer.problems.quantities.auxiliary import TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass


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


class Model(DesignValues):
    """A problem as the solvers see it; see `DesignValues` for its parameters and attributes."""

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

    def tables(self) -> Iterator[Table]:
        """Yield all width options with the quantities that the problem needs."""
        return self.store.tables(self.problem)

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
        if self.kind == "batch":  # most requests fit the cheapest corner
            least = self.of_costs(table, row, low)
            return Affine.flat(least, kinds), least
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
