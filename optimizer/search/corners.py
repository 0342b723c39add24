"""Boxes of designs with the costs at their corners."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.limits import Limit
from modelsizer.optimizer.search import stacks
from modelsizer.optimizer.tables.building import largest
from modelsizer.optimizer.tables.grid import Ends
from modelsizer.optimizer.tables.roots import LAYERS, Root
from modelsizer.optimizer.tables.table import Ints, Linear, Table, to_floats
from modelsizer.problems.architecture.accounting import (
    Affine,
    active_parameters,
    layer_weights,
    parameters,
)
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.columns import LARGEST_INT64, Columns
from modelsizer.problems.designs.costs import costs, design_parts
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.amounts import affine_costs, batches
from modelsizer.problems.quantities.auxiliary import (
    LAW_PARAMETERS,
    OF_TEXT,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.quantity import Candidate, LargestBatch, Settings
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.widths import Options

Floats = NDArray[np.float64]
Numbers = NDArray[Any]


def _weights(trunk: Trunk, kinds: Sequence[Layer]) -> Affine:
    """Weights that multiply each token."""
    return Affine(trunk.head_weights(), tuple(layer_weights(k, trunk.d_model) for k in kinds))


ACTIVE, TOTAL, WEIGHTS = "parameters of a token", "all parameters", "weights of a token"
OWN: Mapping[str, Callable[[Trunk, Sequence[Layer]], Affine]] = {
    ACTIVE: active_parameters,
    TOTAL: parameters,
    WEIGHTS: _weights,
}
"""Costs that only bounds need."""


@dataclass(frozen=True, slots=True)
class Corners(Columns):
    """Boxes of one root, with the costs at their least and at their greatest widths.

    Parameters
    ----------
    problem : Problem
    root : Root
    layout : Layout
    wide : bool
        Whether costs may overflow int64.
    ends : Ends
    low, high : dict of str to Linear
        Costs computed so far at either corner, with a coefficient of each kind of layer.
    """

    problem: Problem
    root: Root
    layout: Layout
    wide: bool
    ends: Ends
    low: dict[str, Linear] = field(default_factory=dict)
    high: dict[str, Linear] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """Settings of the setup whose layout it is."""
        return self.problem.setups[self.layout.setup].settings

    def compute(self, names: Collection[str], *, high: bool = False) -> dict[str, Linear]:
        """Return all costs known at a corner, with those of some names."""
        held = self.high if high else self.low
        missing = [name for name in names if _parts(name)[0] not in held]
        for apart in (False, True):
            some = [name for name in missing if by_layout(name) == apart]
            if not some:
                continue
            ends = self.ends if apart else self.ends.products()
            widths = ends.high if high else ends.low
            if self.wide:
                widths = {n: widths[n].astype(object) for n in self.root.structure.widths}
            trunk, kinds = design_parts(self.problem, self.root.structure, widths)
            for name in some:
                if name in OWN:
                    found = {name: OWN[name](trunk, kinds)}
                else:
                    found = self._costs(trunk, kinds, name, high=high)
                held |= {part: _rows(affine, len(self)) for part, affine in found.items()}
        return held

    def _costs(
        self, trunk: Trunk, kinds: Sequence[Layer], name: str, *, high: bool
    ) -> dict[str, Affine]:
        """Return a cost at a corner; of text, at the least or the most tokens that hold it.

        Fewer tokens of a larger vocabulary hold a text, so these are those of the other corner.
        """
        settings = self.settings
        rates = settings.tokenizer
        if rates is None or name not in OF_TEXT:
            return costs(self.problem, trunk, kinds, self.layout, [name])
        own = affine_costs(replace(settings, tokenizer=None), trunk, kinds, self.layout, [name])
        other = (self.ends.low if high else self.ends.high)["vocab_size"]
        other = other.astype(object) if self.wide else other
        return {part: rates.by_text(cost, other) for part, cost in own.items()}

    def own_flops(self) -> Linear:
        """Return the training FLOPs of a design's own token at the cheap corner."""
        if self.problem.tokenizer is None:
            return self.compute([TRAINING_FLOPS_PER_TOKEN])[TRAINING_FLOPS_PER_TOKEN]
        widths = self.ends.products().low
        if self.wide:
            widths = {n: widths[n].astype(object) for n in self.root.structure.widths}
        trunk, kinds = design_parts(self.problem, self.root.structure, widths)
        settings = replace(self.settings, tokenizer=None)
        name = TRAINING_FLOPS_PER_TOKEN
        return _rows(affine_costs(settings, trunk, kinds, self.layout, [name])[name], len(self))

    def under(self, layout: Layout, varying: Collection[str]) -> Corners:
        """Return the boxes under another layout, without the costs that vary by it.

        The degrees of the layout may be arrays of shape (B,); costs are then to be computed before
        any box is taken from the others.
        """
        sides = [
            {name: cost for name, cost in side.items() if name.partition(".")[0] not in varying}
            for side in (self.low, self.high)
        ]
        return replace(self, layout=layout, low=sides[0], high=sides[1])

    def table(self, names: Collection[str], *, high: bool = False) -> Table:
        """Return a table of one design per box that bounds its costs from below, or from above."""
        held, bound = self.compute(names, high=high), stacks.most if high else stacks.least
        none = np.zeros((len(self), 1), dtype=np.int64)
        linear = {
            part: Linear(bound(held[part], self.root, self.ends), none, held[part].denominator)
            for name in names
            for part in _parts(name)
        }
        widths = self.ends.high if high else self.ends.low
        linear["layers"] = Linear(widths[LAYERS], none, 1)
        depths = Depths(widths[LAYERS][:, None], none[:, :, None], none + 1)
        place = none[:, 0]
        return Table((self.root.structure,), (self.layout,), place, place, widths, depths, linear)

    def least(self, name: str) -> Floats:
        """Return lower bounds on a cost."""
        cost = self.compute([name])[name]
        return to_floats(stacks.least(cost, self.root, self.ends)) / cost.denominator

    def most(self, name: str) -> Floats:
        """Return upper bounds on a cost."""
        cost = self.compute([name], high=True)[name]
        return to_floats(stacks.most(cost, self.root, self.ends)) / cost.denominator

    def most_requests(self, name: str, settings: Settings) -> Ints:
        """Return upper bounds on a `LargestBatch` under some settings, those of cheap corners."""
        how, widths = QUANTITIES[name].how, self.ends.products().low
        assert isinstance(how, LargestBatch)
        if self.wide:
            widths = {n: widths[n].astype(object) for n in self.root.structure.widths}
        trunk, kinds = design_parts(self.problem, self.root.structure, widths)

        def total(cost: Affine) -> Numbers:
            return stacks.least(_rows(cost, len(self)), self.root, self.ends)

        return batches(Candidate(settings, trunk, kinds, self.layout), how, total, len(self))

    def tightened(self, rules: Sequence[Limit]) -> tuple[Corners, Ints]:
        """Restrict the layers to those that may keep some limits.

        Returns
        -------
        corners : Corners
            Of the boxes with any layers left.
        kept : array
            Their indices.
        """
        ends = self.ends
        for rule in rules:
            for high in (False, True):
                end = rule.low if high else rule.high
                if end is None:
                    continue
                name = rule.quantity
                cost = self.compute([name.partition(".")[0]], high=high)[name]
                if high:
                    layers = stacks.shallowest(cost, self.root, ends, end)
                    ends = replace(ends, low=ends.low | {LAYERS: layers})
                else:
                    layers = stacks.deepest(cost, self.root, ends, end)
                    ends = replace(ends, high=ends.high | {LAYERS: layers})
        ends = self._aligned(ends)
        kept = np.flatnonzero(ends.low[LAYERS] <= ends.high[LAYERS])
        found = replace(self, ends=ends)
        return (found if len(kept) == len(self) else found.take(kept)), kept

    def at_most(self, layers: Ints) -> Corners:
        """Return the boxes with at most so many layers each."""
        high = np.minimum(self.ends.high[LAYERS], layers)
        return replace(self, ends=replace(self.ends, high=self.ends.high | {LAYERS: high}))

    def _aligned(self, ends: Ends) -> Ends:
        """Return ends whose layers are of the menu."""
        menu = self.root.axes[LAYERS].values
        first = np.searchsorted(menu, ends.low[LAYERS])
        last = np.searchsorted(menu, ends.high[LAYERS], "right") - 1
        empty = first > last
        low = menu[np.minimum(first, len(menu) - 1)]
        high = np.where(empty, low - 1, menu[np.maximum(last, 0)])
        return Ends(ends.low | {LAYERS: low}, ends.high | {LAYERS: high})


def is_wide(
    problem: Problem, root: Root, layouts: Sequence[Layout], ends: Ends, names: Collection[str]
) -> bool:
    """Whether some costs of some boxes of a root may overflow int64 under some layout."""
    peak = {name: column.max(keepdims=True) for name, column in ends.high.items()}
    one = np.ones(1, dtype=np.int64)
    depths = Depths.uniform(peak[LAYERS], 0 * one, one)
    top = Options(root.structure, {n: peak[n] for n in root.structure.widths}, depths)
    return largest(problem, layouts, top, (*names, LAW_PARAMETERS)) >= LARGEST_INT64


def by_layout(quantity: str) -> bool:
    """Whether a quantity, or one branch of it, depends on the layout."""
    name = quantity.partition(".")[0]
    return name in QUANTITIES and QUANTITIES[name].affine and QUANTITIES[name].by_layout


def _parts(name: str) -> tuple[str, ...]:
    return (name,) if name in OWN else cost_of(name).parts(name)


def _rows(affine: Affine, rows: int) -> Linear:
    per = [np.broadcast_to(each, (rows,)) for each in affine.per_layer]
    return Linear(np.broadcast_to(affine.base, (rows,)), np.stack(per, axis=1), affine.denominator)
