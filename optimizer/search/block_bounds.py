"""Lower bounds over blocks of the menus.

A block is a box of the grid. The costs of each kind of layer and of what is outside the layers rise
with every width, so two corners bound them (`modelsizer.optimizer.tables.grid`), and with them
every affine cost of the box (`modelsizer.optimizer.search.stacks`). The block is infeasible if the
cheap corner violates an upper limit, and otherwise the limit may restrict its layers. The bound on
the law is its minimum over the parameter counts that the block can have, since training FLOPs
depend on parameters (`modelsizer.optimizer.search.law_sizes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.limits import Breach, Limit, feasible
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.bounds.relaxation import ROUNDING
from modelsizer.optimizer.bounds.token_caps import Terms
from modelsizer.optimizer.search.corners import Corners, is_wide
from modelsizer.optimizer.search.law_pieces import pieces
from modelsizer.optimizer.search.law_sizes import law_sizes
from modelsizer.optimizer.search.layout_masks import LayoutMasks, varies
from modelsizer.optimizer.search.seen import ranges_seen
from modelsizer.optimizer.tables.building import needed
from modelsizer.optimizer.tables.cover import Cover
from modelsizer.optimizer.tables.grid import Bools, Ends, Grid
from modelsizer.optimizer.tables.roots import LAYERS, Root
from modelsizer.optimizer.tables.table import Ints, Table, to_floats
from modelsizer.problems.columns import Columns
from modelsizer.problems.designs.costs import alike
from modelsizer.problems.quantities.auxiliary import (
    LAW_PARAMETERS,
    OF_TEXT,
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.needs import reads_of
from modelsizer.problems.quantities.quantity import values_of
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Blocks(Columns):
    """A set of blocks.

    Parameters
    ----------
    root : array of shape (B,)
    low, high : array of small integers, shape (B, D)
        Ranges of indices into the menus of the grid.
    least : array of shape (B,)
        Lower bound on the values of the designs of each block.
    able : array of bool, shape (B, layouts)
        Parallel layouts under which a block may contain a feasible design.
    number : array of shape (B,)
        Of a block among those that are bounded together.
    box : array of shape (B,)
        Number of the box of the cover (`modelsizer.optimizer.tables.cover`) that a block is of.
    depth : array of shape (B,)
        Of that box.
    first, last : array of shape (B,)
        Range of layers of that box, of which the block has those that the limits leave.
    """

    root: NDArray[np.int32]
    low: NDArray[Any]
    high: NDArray[Any]
    least: Floats
    able: Bools
    number: Ints
    box: Ints
    depth: Ints
    first: Ints
    last: Ints

    @classmethod
    def of(cls, cover: Cover, box: Ints, layers: int, layouts: int) -> Blocks:
        """Return boxes of a cover, of which nothing is known.

        Parameters
        ----------
        cover : Cover
        box : array of shape (B,)
            Numbers of the boxes.
        layers : int
            Position of the layers among the indices.
        layouts : int
        """
        low, high, depth = cover.low[box], cover.high[box], cover.depth[box]
        ends = low[:, layers].astype(np.int64), high[:, layers].astype(np.int64)
        able = np.ones((len(box), layouts), dtype=bool)
        least = np.full(len(box), -np.inf)
        number = np.arange(len(box))
        return cls(cover.root[box], low, high, least, able, number, box, depth, *ends)

    def plus(self, *others: Blocks) -> Blocks:
        """Concatenate with other blocks."""
        return Blocks.join([self, *others])


class BlockBounds:
    """Compute bounds over blocks of a grid.

    Parameters
    ----------
    model : Model
    grid : Grid
    breach : Breach, optional
        Search only designs that violate this constraint.
    layouts : sequence of Layout, optional
        All of the problem by default.
    """

    def __init__(
        self,
        model: Model,
        grid: Grid,
        breach: Breach | None = None,
        layouts: Sequence[Layout] | None = None,
    ) -> None:
        self.model, self.grid = model, grid
        self._layouts = tuple(model.problem.layouts if layouts is None else layouts)
        # For costs that differ by layout, such as training memory, violation is checked design by
        # design.
        names = () if breach is None else breach.names
        apart = any(varies(model.problem, self._layouts, name) for name in names)
        self.breach = None if apart else breach
        # Rules need none of the law's parameters, whose range is bounded otherwise.
        every = dict.fromkeys([*needed(model.problem), *(() if apart else names)])
        self._names = tuple(name for name in every if name != LAW_PARAMETERS)
        self._masks = LayoutMasks(model, self._layouts, self._names)
        self._spent = tuple(name for name in self._names if name == SERVED_FLOPS_PER_TOKEN)
        self._narrow: dict[int, bool] = {}
        self._rules: dict[int, list[Limit]] = {}
        self._needs_loss = model.kind == "loss" or model.most_loss is not None
        # The layout with most accelerators is best for tokens and time; memory varies.
        self.most = max(self._layouts, key=lambda layout: layout.accelerators)
        self._by_flops = [] if not model.problem.several else self._classes_of_flops()
        self._taking = {
            mixture: self._layouts_of(mixture=mixture) for mixture in model.problem.mixtures
        }

    def _classes_of_flops(self) -> list[tuple[Layout, Bools]]:
        """A layout and all layouts, for each way in which setups count training FLOPs."""
        number = np.array(alike(self.model.problem, TRAINING_FLOPS_PER_TOKEN, self._layouts))
        found = [number == each for each in np.unique(number)]
        return [(self._layouts[int(np.flatnonzero(mine)[0])], mine) for mine in found]

    def _layouts_of(self, *, mixture: bool) -> Bools:
        """Which layouts are for designs with, or without, layers of experts."""
        splits = self.model.problem.split_of
        return np.array([splits[one].takes(mixture=mixture) for one in self._layouts])

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
        corners, some = self.corners(index, blocks.low, blocks.high)
        blocks = blocks if some.all() else blocks.take(some)
        if not len(blocks):
            return blocks
        if len(self._taking) > 1:
            able = blocks.able & self._taking[root.structure.experts]
            blocks = replace(blocks, able=able)
        # Infeasible: the cheap corner violates an upper limit, or the dear one a lower limit.
        corners, kept = corners.tightened(self.rules(index, corners))
        blocks = blocks.take(kept)
        if self.breach is not None and len(blocks):
            breaks = self._breaks(self.breach, corners)
            corners, blocks = corners.take(breaks), blocks.take(breaks)
        if not len(blocks):
            return blocks
        masked = bool(self._by_flops)  # what setups leave of the tokens is worth knowing first
        if masked:
            corners, blocks = self._under_layouts(index, corners, blocks, value)
        bound = np.maximum(self._least(corners, blocks.able), blocks.least)
        keep = (bound <= value) & (bound < np.inf)
        corners, blocks = corners.take(keep), replace(blocks, least=bound).take(keep)
        if not masked:
            corners, blocks = self._under_layouts(index, corners, blocks, value)
        return self._cut(root, blocks, corners)

    def corners(self, index: int, low: Ints, high: Ints) -> tuple[Corners, Bools]:
        """Return the corners of boxes of a root that may have a design, and which these are."""
        root = self.grid.roots[index]
        ends, some = self.grid.ends(root, low, high)
        ends = ends if some.all() else ends.take(some)
        wide = bool(some.any()) and self._is_wide(index, ends)
        return Corners(self.model.problem, root, self.most, wide, ends), some

    def rules(self, index: int, corners: Corners) -> list[Limit]:
        """Return the limits of a root that no layout changes, from some boxes of it."""
        if index not in self._rules:  # their units are those of the structure
            rules = self.model.rules(corners.table(self._names))
            self._rules[index] = self._masks.fixed(rules)
        return self._rules[index]

    def _under_layouts(
        self, index: int, corners: Corners, blocks: Blocks, value: float
    ) -> tuple[Corners, Blocks]:
        """Return the blocks that some layout leaves, with the layouts that do."""
        if not self._masks.varying or not len(blocks):
            return corners, blocks
        under = self._masks.under(index, corners, blocks.able)
        bound = np.maximum(blocks.least, under.least)
        corners = corners.at_most(under.layers)
        keep = under.able.any(axis=1) & (bound <= value)
        return corners.take(keep), replace(blocks, able=under.able, least=bound).take(keep)

    def _is_wide(self, index: int, ends: Ends) -> bool:
        """Whether costs in boxes of a root may overflow int64."""
        problem, layouts, names = self.model.problem, self._layouts, self._names
        root = self.grid.roots[index]
        if index not in self._narrow:
            sizes = self.grid.sizes(root)[None, :]
            whole, _ = self.grid.ends(root, 0 * sizes, sizes - 1)
            self._narrow[index] = not is_wide(problem, root, layouts, whole, names)
        return not self._narrow[index] and is_wide(problem, root, layouts, ends, names)

    def _cut(self, root: Root, blocks: Blocks, corners: Corners) -> Blocks:
        """Return blocks with only the layers that they may have."""
        menu, at = root.axes[LAYERS].values, self.grid.layers
        low, high = blocks.low.copy(), blocks.high.copy()
        low[:, at] = np.searchsorted(menu, corners.ends.low[LAYERS])
        high[:, at] = np.searchsorted(menu, corners.ends.high[LAYERS], "right") - 1
        return replace(blocks, low=low, high=high)

    def _breaks(self, breach: Breach, corners: Corners) -> Bools:
        """Whether blocks may contain a design that violates the constraint `breach`."""
        found = np.zeros(len(corners), dtype=bool)
        row, none = np.arange(len(corners)), np.zeros((len(corners), 1), dtype=np.int64)
        cheap, dear = corners.table(breach.names), corners.table(breach.names, high=True)
        # Upper limits are most exceeded at the dear corner, lower limits at the cheap one.
        for rule in breach.rules(dear):
            top, bottom = replace(rule, low=None), replace(rule, high=None)
            found |= ~feasible(top, dear, row, none) | ~feasible(bottom, cheap, row, none)
        return found

    def _least(self, corners: Corners, able: Bools) -> Floats:
        """Return a lower bound per block; infinite if no design can satisfy the loss limit."""
        models = self.model.models
        return self.model.together(
            [
                self._least_by(model, replace(corners, problem=model.problem), able)
                for model in models
            ]
        )

    def _least_by(self, model: Model, corners: Corners, able: Bools) -> Floats:
        """Return a lower bound per block on the value under one law."""
        if not self._by_flops:
            return self._least_under(model, corners, None)
        terms, found = model.terms(self._layouts), np.full(len(corners), np.inf)
        for layout, mine in self._by_flops:
            at = np.flatnonzero(able[:, mine].any(axis=1))
            if len(at):
                here = corners.take(at).under(layout, OF_TEXT)
                best = terms.best(able[at] & mine)
                found[at] = np.minimum(found[at], self._least_under(model, here, best))
        return found

    def _least_under(self, model: Model, corners: Corners, terms: Terms | None) -> Floats:
        """Return a lower bound per block, at what the best layouts of each cost and allow."""
        cheap = corners.table(self._spent)
        row, at = np.arange(len(corners)), np.zeros((len(corners), 1), dtype=np.int64)
        flops_low = corners.least(TRAINING_FLOPS_PER_TOKEN)
        caps = model.caps(cheap, row, at, terms)
        loss = tokens_least = flops_least = np.full(len(corners), np.inf)
        if self._needs_loss:
            sizes = law_sizes(corners)
            seen = ranges_seen(model.quality.features, corners)
            for piece in pieces(model.quality, sizes, seen, flops_low, caps):
                loss = np.minimum(loss, piece.loss)
                if model.most_loss is not None:
                    reached = piece.loss * (1 - ROUNDING) <= model.most_loss
                    need = np.where(reached, piece.tokens_for(model.most_loss), np.inf)
                    tokens_least = np.minimum(tokens_least, need)
                    flops_least = np.minimum(flops_least, need * piece.flops)
            loss = loss - ROUNDING * np.abs(loss)
        if model.kind == "loss":
            value = loss if model.least_loss is None else np.maximum(loss, model.least_loss)
        elif model.kind == "affine":
            # Where it varies by layout, `_under_layouts` bounds it.
            value = np.full(len(corners), -np.inf)
            if not self._masks.sought_varies:
                value = self._masks.affine(corners)
        elif model.kind == "batch":
            value = model.sign * to_floats(self._requests(model, corners))
        elif model.kind == "most_tokens":
            value = -caps.tokens(flops_low)
        elif model.kind == "least_tokens":
            value = self._tokens(corners, tokens_least)
        else:
            value = self._flops(corners, cheap, flops_low, flops_least, terms)
        if model.most_loss is not None:
            value = np.where(loss > model.most_loss, np.inf, value)
        if terms is not None and model.least_tokens > 0:
            few = caps.tokens(flops_low) * (1 + 100 * ROUNDING) < model.least_tokens
            value = np.where(few, np.inf, value)
        return value

    def _requests(self, model: Model, corners: Corners) -> Ints:
        """Return an upper bound on a largest batch per block, under any setup."""
        reads = reads_of(model.name)
        each = {values_of(one.settings, reads): one.settings for one in model.problem.setups}
        found = [corners.most_requests(model.name, settings) for settings in each.values()]
        most: Ints = np.max(found, axis=0)
        return most

    def _tokens(self, corners: Corners, for_loss: Floats) -> Floats:
        """Return a lower bound on tokens, given those that the loss limit takes."""
        model = self.model
        tokens = np.full(len(corners), model.least_tokens)
        if model.least_flops:
            flops_high = corners.most(TRAINING_FLOPS_PER_TOKEN)
            tokens = np.maximum(tokens, model.least_flops / flops_high)
        if model.most_loss is not None:
            tokens = np.maximum(tokens, for_loss)
        return tokens * (1 - 100 * ROUNDING)

    def _flops(
        self,
        corners: Corners,
        cheap: Table,
        flops_low: Floats,
        for_loss: Floats,
        terms: Terms | None,
    ) -> Floats:
        """Return a lower bound on an objective in FLOPs, given those that the loss limit takes."""
        model = self.model
        flops = np.maximum(model.least_flops, model.least_tokens * flops_low)
        if model.most_loss is not None:
            flops = np.maximum(flops, for_loss)
        row, none = np.arange(len(corners)), np.zeros((len(corners), 1), dtype=np.int64)
        charge = model.charge(cheap, row, none, terms)
        found: Floats = flops * model.factor(cheap, row, terms) + charge
        return found * (1 - 100 * ROUNDING)
