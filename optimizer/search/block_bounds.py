"""Lower bounds over blocks of the menus.

A block is a box of the grid. Its two corners bound every affine cost in it
(`modelsizer.optimizer.tables.grid`), so the block is infeasible if the cheap corner violates an
upper limit, and otherwise the limit may restrict its depths. The bound on the law is its minimum
over the parameter counts that the block can have, since training FLOPs depend on parameters:
F >= p (2 (N - idle) + scores), where p is the number of passes and `idle` counts the parameters
that multiply no token, both taken at the corner for which the inequality is valid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.limits import Breach, depth_intervals, feasible
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.bounds.relaxation import ROUNDING
from modelsizer.optimizer.tables.grid import LAYERS, Bools, Grid
from modelsizer.optimizer.tables.table import (
    Ints,
    Table,
    build_table,
    corner_ranges,
    largest,
    needed,
    quantities,
    to_floats,
)
from modelsizer.problems.architecture.accounting import FLOPS_PER_WEIGHT, TRAINING_PASSES
from modelsizer.problems.columns import LARGEST_INT64, Columns
from modelsizer.problems.quantities.auxiliary import (
    LAW_PARAMETERS,
    TRAINING_FLOPS_PER_TOKEN,
    WEIGHT_FLOPS,
)
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.widths import Options

Floats = NDArray[np.float64]

PIECES = 6
"""Intervals that a block's range of parameters is divided into, each with its own bound."""


@dataclass(frozen=True, slots=True)
class Blocks(Columns):
    """A set of blocks.

    Parameters
    ----------
    root : array of shape (B,)
    low, high : array of shape (B, D)
        Ranges of indices into the menus and along the depth axes.
    least : array of shape (B,)
        Lower bound on the values of the designs of each block.
    able : array of bool, shape (B, layouts)
        Parallel layouts under which a block may contain a feasible design.
    """

    root: Ints
    low: Ints
    high: Ints
    least: Floats
    able: Bools

    def plus(self, *others: Blocks) -> Blocks:
        """Concatenate with other blocks."""
        return Blocks.join([self, *others])

    @property
    def options(self) -> Ints:
        """Return the number of width options of each block, including those that do not divide."""
        sides = (self.high - self.low + 1)[:, :LAYERS]
        found: Ints = sides.prod(axis=1)
        return found


class BlockBounds:
    """Compute bounds over blocks of a grid.

    Parameters
    ----------
    model : Model
    grid : Grid
    breach : Breach, optional
        Search only designs that violate this constraint.
    """

    def __init__(self, model: Model, grid: Grid, breach: Breach | None = None) -> None:
        self.model, self.grid = model, grid
        # For costs that differ by layout, such as training memory, violation is checked design by
        # design.
        layouts = breach is not None and any(_by_layout(name) for name in breach.names)
        self.breach = None if layouts else breach
        also = () if self.breach is None else self.breach.names
        self._bounding = tuple(dict.fromkeys([*needed(model.problem), WEIGHT_FLOPS, *also]))
        self._varying = [name for name in self._bounding if _by_layout(name)]
        self._sought_varies = model.name in self._varying
        self._layouts = model.problem.layouts
        # The layout with most accelerators is best for tokens and time; memory varies.
        self._most = max(self._layouts, key=lambda layout: layout.accelerators)
        self._wide: dict[int, bool] = {}
        again = model.problem.training.recompute == "full"
        self._flops_of_a_weight = FLOPS_PER_WEIGHT * (TRAINING_PASSES + again)

    def _table(self, index: int, options: Options) -> Table:
        """Return corners with their costs, under the layout with most accelerators."""
        return build_table(
            self.model.problem, self._most, options, self._bounding, wide=self._is_wide(index)
        )

    def _is_wide(self, index: int) -> bool:
        """Whether costs within a root may overflow int64."""
        if index not in self._wide:
            root = self.grid.roots[index]
            sizes = self.grid.sizes(root)[None, :]
            _, top = self.grid.corners(root, sizes * 0, sizes - 1)
            most = max(
                largest(self.model.problem, layout, top, self._bounding)
                for layout in self._layouts
            )  # fmt: skip
            self._wide[index] = most >= LARGEST_INT64
        return self._wide[index]

    def bound(self, index: int, blocks: Blocks, value: float) -> Blocks:
        """Return the blocks of one root that may contain a feasible design no worse than a value.

        Blocks are returned with their bounds, tightened depths, and the layouts under which they
        may be feasible.

        Parameters
        ----------
        index : int
            Index of the root.
        blocks : Blocks
            Blocks of this root.
        value : float
        """
        root = self.grid.roots[index]
        blocks = blocks.take(self.grid.reachable(root, blocks.low, blocks.high))
        if not len(blocks):
            return blocks
        lower, upper = self.grid.corners(root, blocks.low, blocks.high)
        cheap, dear = self._table(index, lower), self._table(index, upper)
        row = np.arange(len(blocks))
        first, last = np.zeros_like(cheap.count), cheap.count - 1
        # Infeasible: the cheap corner violates an upper limit, or the dear one a lower limit.
        rules = [rule for rule in self.model.rules(cheap) if not _by_layout(rule.quantity)]
        tops = [replace(rule, low=None) for rule in rules if rule.high is not None]
        bottoms = [replace(rule, high=None) for rule in rules if rule.low is not None]
        first, last = depth_intervals(cheap, tops, row, first, last)
        first, last = depth_intervals(dear, bottoms, row, first, last)
        row = np.flatnonzero((first <= last).all(axis=1) & self._breaks(cheap, dear, first, last))
        if not len(row):
            return blocks.take(row)
        least = self._least(cheap, dear, row, first[row], last[row])
        least = np.maximum(least, blocks.least[row])
        possible = least <= value
        row, least = row[possible], least[possible]
        corners = ((cheap, lower), (dear, upper))
        last, able, sought = self._under_layouts(index, corners, blocks, row, first, last)
        if self._sought_varies:
            least = np.maximum(least, sought)
        keep = able.any(axis=1) & (least <= value)
        row, last, able, least = row[keep], last[keep], able[keep], least[keep]
        low, high = blocks.low[row].copy(), blocks.high[row].copy()
        axes = slice(LAYERS, LAYERS + last.shape[1])
        high[:, axes] = low[:, axes] + last
        low[:, axes] += first[row]
        return Blocks(blocks.root[row], low, high, least, able)

    def _breaks(self, cheap: Table, dear: Table, first: Ints, last: Ints) -> Bools:
        """Whether blocks may contain a design that violates the constraint `breach`."""
        if self.breach is None:
            return np.ones(len(cheap), dtype=bool)
        row = np.arange(len(cheap))
        found = np.zeros(len(cheap), dtype=bool)
        # Upper limits are most exceeded at the dear corner, lower limits at the cheap one.
        for rule in self.breach.rules(dear):
            top, bottom = replace(rule, low=None), replace(rule, high=None)
            found |= ~feasible(top, dear, row, last) | ~feasible(bottom, cheap, row, first)
        return found

    def _under_layouts(
        self,
        index: int,
        corners: tuple[tuple[Table, Options], tuple[Table, Options]],
        blocks: Blocks,
        row: Ints,
        first: Ints,
        last: Ints,
    ) -> tuple[Ints, Bools, Floats]:
        """Tighten blocks by the costs that depend on the layout.

        Returns
        -------
        last : array of shape (n, A)
            Maximum depths under any layout.
        able : array of bool, shape (n, layouts)
        least : array of shape (n,)
            Minimum of the objective under any layout; minus infinity if it does not depend on the
            layout.
        """
        last, able = last[row], blocks.able[row].copy()
        least = np.full(len(row), np.inf if self._sought_varies else -np.inf)
        if not self._varying:
            return last, able, least
        (cheap, lower), (dear, upper) = corners
        most, sign = np.full_like(last, -1), self.model.sign
        for number, layout in enumerate(self._layouts):
            at = np.flatnonzero(able[:, number])
            if not len(at):
                continue
            here, begin = np.arange(len(at)), first[row[at]]
            table = self._laid_out(index, layout, cheap, lower, row[at])
            rules = [rule for rule in self.model.rules(table) if _by_layout(rule.quantity)]
            tops = [replace(rule, low=None) for rule in rules if rule.high is not None]
            bottoms = [replace(rule, high=None) for rule in rules if rule.low is not None]
            low, high = depth_intervals(table, tops, here, begin, last[at])
            if bottoms or (self._sought_varies and sign < 0):
                table = self._laid_out(index, layout, dear, upper, row[at])
                low, high = depth_intervals(table, bottoms, here, low, high)
            fits = np.all(low <= high, axis=1)
            able[at, number] = fits
            most[at] = np.maximum(most[at], np.where(fits[:, None], high, -1))
            if self._sought_varies:
                ends = begin if sign > 0 else np.maximum(high, begin)
                held = sign * self.model.affine(table, here, ends)
                least[at] = np.minimum(least[at], np.where(fits, held, np.inf))
        return most, able, least

    def _laid_out(
        self, index: int, layout: Layout, corner: Table, options: Options, row: Ints
    ) -> Table:
        """Return rows of a table of corners, with the layout-dependent costs of one layout."""
        part, wide = corner.take(row), self._is_wide(index)
        names = self._varying
        found = quantities(self.model.problem, layout, options.take(row), names, wide=wide)
        return replace(part, linear=part.linear | found)

    def _least(self, cheap: Table, dear: Table, row: Ints, first: Ints, last: Ints) -> Floats:
        """Return a lower bound per block; infinite if no design can satisfy the loss limit."""
        model = self.model
        n_low = _value(cheap, LAW_PARAMETERS, row, first)
        n_high = _value(dear, LAW_PARAMETERS, row, last)
        flops_low = _value(cheap, TRAINING_FLOPS_PER_TOKEN, row, first)
        flops_high = _value(dear, TRAINING_FLOPS_PER_TOKEN, row, last)
        seen = model.quality.features
        ends = corner_ranges(seen, (cheap, first), (dear, last), row)
        # F = passes x (2 x weights that multiply + scores); weights that multiply = N - idle.
        weight_low = _value(cheap, WEIGHT_FLOPS, row, first)
        each = self._flops_of_a_weight
        idle = n_high - _value(dear, WEIGHT_FLOPS, row, last) / each
        if model.problem.law.parameter_kind == "non_embedding":
            # FLOPs (or 6ND) count embedding and head but N does not: they decrease idle.
            outside = [
                to_floats(t["d_model"][row]) * to_floats(t["vocab_size"][row])
                for t in (dear, cheap)
            ]
            idle = idle + 2 * (outside[0] - outside[1])
        scores = np.maximum(flops_low - weight_low, 0.0)
        caps = model.caps(cheap, row, first)
        ratio = np.maximum(n_high / n_low, 1.0)
        needs_loss = model.kind == "loss" or model.most_loss is not None
        best = np.full(len(row), np.inf)
        tokens_least = np.full(len(row), np.inf)
        flops_least = np.full(len(row), np.inf)
        for piece in range(PIECES):
            a = n_low * ratio ** (piece / PIECES)
            b = n_high if piece == PIECES - 1 else n_low * ratio ** ((piece + 1) / PIECES)
            tied = (each * (a - idle) + scores) * (1 - 10 * ROUNDING)
            flops = np.maximum(flops_low, tied)
            if needs_loss:
                judged = model.quality.over(a, b, *ends)
                loss = np.asarray(judged.loss(b, caps.tokens(flops)), float)
                best = np.minimum(best, loss)
                if model.most_loss is not None:
                    need = np.asarray(judged.tokens_for(b, model.most_loss), float)
                    need = np.where(loss * (1 - ROUNDING) <= model.most_loss, need, np.inf)
                    tokens_least = np.minimum(tokens_least, need)
                    flops_least = np.minimum(flops_least, need * flops)
        if needs_loss:
            best = best - ROUNDING * np.abs(best)
        value = self._objective(
            cheap, dear, row, first, last, best, tokens_least, flops_least, flops_low, flops_high
        )
        if model.most_loss is not None:
            value = np.where(best > model.most_loss, np.inf, value)
        return value

    def _objective(
        self,
        cheap: Table,
        dear: Table,
        row: Ints,
        first: Ints,
        last: Ints,
        loss: Floats,
        tokens_least: Floats,
        flops_least: Floats,
        flops_low: Floats,
        flops_high: Floats,
    ) -> Floats:
        model = self.model
        if model.kind == "loss":
            return loss if model.least_loss is None else np.maximum(loss, model.least_loss)
        if model.kind == "affine":
            if self._sought_varies:  # in `_under_layouts`
                return np.full(len(row), -np.inf)
            least = model.affine(cheap, row, first) if model.sign > 0 else None
            return -model.affine(dear, row, last) if least is None else least
        if model.kind == "most_tokens":
            return -model.caps(cheap, row, first).tokens(flops_low)
        asked = model.most_loss is not None
        least_tokens, least_flops = model.least_tokens, model.least_flops
        tokens = tokens_least if asked else np.zeros(len(row))
        tokens = np.maximum(tokens, np.maximum(least_tokens, least_flops / flops_high))
        if model.kind == "least_tokens":
            return tokens * (1 - 100 * ROUNDING)
        flops = flops_least if asked else np.zeros(len(row))
        flops = np.maximum(flops, np.maximum(least_flops, least_tokens * flops_low))
        found: Floats = flops * model.factor(cheap, row) + model.charge(cheap, row, first)
        return found * (1 - 100 * ROUNDING)


def _by_layout(quantity: str) -> bool:
    """Whether a quantity, or one branch of it, depends on the layout."""
    name = quantity.partition(".")[0]
    return name in QUANTITIES and QUANTITIES[name].affine and QUANTITIES[name].by_layout


def _value(table: Table, name: str, row: Ints, j: Ints) -> Floats:
    quantity = table.linear[name]
    return to_floats(quantity.at(row, j)) / quantity.denominator
