"""Best-first search over blocks of the menus, for spaces that no list can hold.

A block is a box of the grid. Its two corners bound every affine cost in it (`optimizer.grid`), so a
limit that the cheap corner breaks rules the block out, and shortens its depths otherwise; the
law is bounded by the least of it over the parameters that the block can have, since training FLOPs
are tied to parameters: F >= p (2 (N - idle) + scores), where p is the number of passes and `idle`
counts what multiplies no token, both taken at the corner that makes it a bound. Blocks are
split, the most promising first, until they are small; small ones are handed on as tables of width
options, on which the bounds of `optimizer.relaxation` and exact comparison take over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.compare import box_designs
from optimizer.grid import D_MODEL, FFN, FIRST, KV, LAYERS, SECOND, VOCABULARY
from optimizer.limits import depth_intervals
from optimizer.model import Model, to_floats
from optimizer.relaxation import ROUNDING
from optimizer.table import LARGEST_INT64, Ints, Table, build_table, largest, needed
from problems.accounting import FLOPS_PER_WEIGHT, TRAINING_PASSES
from problems.costs import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN, WEIGHT_FLOPS
from problems.options import Options

Floats = NDArray[np.float64]

SMALL = 96
"""Width options below which a block is listed: about where listing costs what splitting does."""
AT_ONCE = 4096  # blocks split in one round: enough to keep NumPy busy, few enough to stay greedy
TABLE_ROWS = 30_000  # width options gathered before they are looked at
PIECES = 6
"""Pieces of a block's range of parameters, each bounded by its own ends."""


@dataclass
class Tally:
    """What a search over blocks did.

    Parameters
    ----------
    blocks : int
        Blocks bounded.
    listed : int
        Width options that were listed.
    peak : int
        The most blocks held at once.
    """

    blocks: int = 0
    listed: int = 0
    peak: int = 0


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Blocks: roots of shape (B,), index ranges of shape (B, K), bounds of shape (B,)."""

    root: Ints
    low: Ints
    high: Ints
    least: Floats

    def __len__(self) -> int:
        return len(self.root)

    def take(self, where: NDArray[np.bool_] | Ints) -> _Blocks:
        return _Blocks(self.root[where], self.low[where], self.high[where], self.least[where])

    def plus(self, other: _Blocks) -> _Blocks:
        return _Blocks(
            np.concatenate([self.root, other.root]),
            np.concatenate([self.low, other.low]),
            np.concatenate([self.high, other.high]),
            np.concatenate([self.least, other.least]),
        )

    @property
    def options(self) -> Ints:
        """Width options of each block, those that do not divide among them."""
        sides = (self.high - self.low + 1)[:, :LAYERS]
        found: Ints = sides.prod(axis=1)
        return found


class BlockSearch:
    """Tables of the width options that may hold the best, the most promising first.

    Parameters
    ----------
    model : Model
    value : float
        The incumbent's value: what cannot be better is left out.
    names : tuple of str, optional
        Affine quantities of the tables; those of the problem's own question by default.

    Attributes
    ----------
    value : float
        To be kept up to date by whoever reads the tables.
    tally : Tally
    """

    def __init__(
        self, model: Model, value: float = np.inf, names: tuple[str, ...] | None = None
    ) -> None:
        self.model = model
        self.grid = model.store.grid(model.problem)
        self.value = value
        self.tally = Tally()
        self._names = needed(model.problem) if names is None else names
        self._bounding = (*needed(model.problem), WEIGHT_FLOPS)
        self._wide: dict[int, bool] = {}
        self._pending = np.inf  # least bound of blocks listed and not yet handed on
        training = model.problem.training
        again = training.recompute == "full"
        self._flops_of_a_weight = FLOPS_PER_WEIGHT * (TRAINING_PASSES + again)
        self._blocks = self._first()

    @property
    def floor(self) -> float:
        """No design of a block not yet handed on has a lower value."""
        rest = float(self._blocks.least.min()) if len(self._blocks) else np.inf
        return min(rest, self._pending)

    @property
    def waiting(self) -> int:
        """Blocks not yet split or handed on."""
        return len(self._blocks)

    def _first(self) -> _Blocks:
        sizes = np.array([self.grid.sizes(root) for root in self.grid.roots])
        root = np.arange(len(sizes))
        whole = _Blocks(root, np.zeros_like(sizes), sizes - 1, np.full(len(sizes), -np.inf))
        return self._bounded(whole)

    def tables(self) -> Iterator[Table]:
        """Tables of width options, until no block can hold anything better than `value`."""
        gathered: list[Options] = []
        owners: list[int] = []
        rows = 0
        while len(self._blocks):
            blocks = self._blocks.take(self._blocks.least <= self.value)
            if len(blocks) > AT_ONCE:
                order = np.argpartition(blocks.least, AT_ONCE)
                now, rest = blocks.take(order[:AT_ONCE]), blocks.take(order[AT_ONCE:])
            else:
                now, rest = blocks, blocks.take(np.zeros(len(blocks), dtype=bool))
            small = now.options <= SMALL
            for index, options in self._listed(now.take(small)):
                gathered.append(options)
                owners.append(index)
                rows += len(options)
            if small.any():
                self._pending = min(self._pending, float(now.least[small].min()))
            self._blocks = rest.plus(self._bounded(self._halves(now.take(~small))))
            self.tally.peak = max(self.tally.peak, len(self._blocks))
            if rows >= TABLE_ROWS or not len(self._blocks):
                yield from self._built(gathered, owners)
                gathered, owners, rows = [], [], 0
                self._pending = np.inf

    def _built(self, gathered: list[Options], owners: list[int]) -> Iterator[Table]:
        problem = self.model.problem
        for index in sorted(set(owners)):
            parts = [o for o, owner in zip(gathered, owners, strict=True) if owner == index]
            options = _joined(parts)
            self.tally.listed += len(options)
            yield build_table(problem, self.grid.roots[index].layout, options, self._names)

    def _listed(self, blocks: _Blocks) -> Iterator[tuple[int, Options]]:
        """Width options of small blocks, by root."""
        for index in np.unique(blocks.root):
            mine = blocks.take(blocks.root == index)
            low, high = mine.low.copy(), mine.high.copy()
            flat_low, flat_high = low.copy(), high.copy()
            flat_low[:, LAYERS] = flat_high[:, LAYERS] = 0  # depths stay together in a row
            numbers = np.arange(len(mine))
            for box, point in box_designs(numbers, flat_low, flat_high, TABLE_ROWS):
                at = point.copy()
                at[:, LAYERS] = low[box, LAYERS]
                options = self.grid.options(self.grid.roots[index], low, high, at, box)
                if len(options):
                    yield int(index), options

    # Splitting

    def _halves(self, blocks: _Blocks) -> _Blocks:
        """Each block cut in two across the side that spreads its costs most."""
        if not len(blocks):
            return blocks
        spread = np.zeros(blocks.low.shape)
        for index in np.unique(blocks.root):
            mine = blocks.root == index
            root = self.grid.roots[index]
            lower, upper = self.grid.corners(root, blocks.low[mine], blocks.high[mine])
            spread[mine] = _spread(lower, upper)
        sides = blocks.high - blocks.low
        spread = np.where(sides > 0, np.maximum(spread, 1e-9), -1.0)
        side = spread.argmax(axis=1)
        at = np.arange(len(blocks))
        middle = (blocks.low[at, side] + blocks.high[at, side]) // 2
        left, right = blocks.high.copy(), blocks.low.copy()
        left[at, side] = middle
        right[at, side] = middle + 1
        return _Blocks(blocks.root, blocks.low, left, blocks.least).plus(
            _Blocks(blocks.root, right, blocks.high, blocks.least)
        )

    # Bounding

    def _bounded(self, blocks: _Blocks) -> _Blocks:
        """The blocks that may hold something better than `value`, cut to depths that may fit."""
        parts = []
        self.tally.blocks += len(blocks)
        for index in np.unique(blocks.root):
            part = self._bound_root(int(index), blocks.take(blocks.root == index))
            parts.append(part.take(part.least <= self.value))
        found = parts[0] if parts else blocks
        for part in parts[1:]:
            found = found.plus(part)
        return found

    def _table(self, index: int, options: Options) -> Table:
        root = self.grid.roots[index]
        if index not in self._wide:
            sizes = self.grid.sizes(root)[None, :]
            _, top = self.grid.corners(root, sizes * 0, sizes - 1)
            most = largest(self.model.problem, root.layout, top, self._bounding)
            self._wide[index] = most >= LARGEST_INT64
        wide = self._wide[index]
        return build_table(self.model.problem, root.layout, options, self._bounding, wide=wide)

    def _bound_root(self, index: int, blocks: _Blocks) -> _Blocks:
        root = self.grid.roots[index]
        blocks = blocks.take(self.grid.reachable(root, blocks.low, blocks.high))
        if not len(blocks):
            return blocks
        lower, upper = self.grid.corners(root, blocks.low, blocks.high)
        cheap, dear = self._table(index, lower), self._table(index, upper)
        row = np.arange(len(blocks))
        first, last = np.zeros_like(cheap.count), cheap.count - 1
        rules = self.model.rules(cheap)
        # What the cheap corner breaks every design breaks; of a least amount, the dear one.
        tops = [replace(rule, low=None) for rule in rules if rule.high is not None]
        bottoms = [replace(rule, high=None) for rule in rules if rule.low is not None]
        first, last = depth_intervals(cheap, tops, row, first, last)
        first, last = depth_intervals(dear, bottoms, row, first, last)
        keep = (first <= last).all(axis=1)
        first, last, row = first[keep], last[keep], row[keep]
        low, high = blocks.low[keep].copy(), blocks.high[keep].copy()
        high[:, LAYERS] = low[:, LAYERS] + last[:, 0]
        low[:, LAYERS] = low[:, LAYERS] + first[:, 0]
        if not len(row):
            return blocks.take(row)
        bound = self._least(cheap, dear, row, first, last)
        return _Blocks(blocks.root[row], low, high, np.maximum(bound, blocks.least[row]))

    def _least(self, cheap: Table, dear: Table, row: Ints, first: Ints, last: Ints) -> Floats:
        """No design of a block has a lower value; infinite where none can keep the loss limit."""
        model = self.model
        n_low = _value(cheap, LAW_PARAMETERS, row, first)
        n_high = _value(dear, LAW_PARAMETERS, row, last)
        flops_low = _value(cheap, TRAINING_FLOPS_PER_TOKEN, row, first)
        flops_high = _value(dear, TRAINING_FLOPS_PER_TOKEN, row, last)
        shape = model.problem.shape.least_excess(
            to_floats(cheap.d_model[row]),
            to_floats(dear.d_model[row]),
            to_floats(cheap.layers(row, first)),
            to_floats(cheap.layers(row, last)),
        )
        # F = passes x (2 x weights that multiply + scores); weights that multiply = N - idle.
        weight_low = _value(cheap, WEIGHT_FLOPS, row, first)
        each = self._flops_of_a_weight
        idle = n_high - _value(dear, WEIGHT_FLOPS, row, last) / each
        if model.problem.law.parameter_kind == "non_embedding":
            # Embedding and head are in the FLOPs (or in 6ND) and not in N: idle falls with them.
            outside = [
                to_floats(t.d_model[row]) * to_floats(t.vocab_size[row]) for t in (dear, cheap)
            ]
            idle = idle + 2 * (outside[0] - outside[1])
        scores = np.maximum(flops_low - weight_low, 0.0)
        caps = model.caps(cheap, row)
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
                most = caps.tokens(flops)
                loss = np.asarray(model.problem.law.loss(b, most), float) + shape
                best = np.minimum(best, loss)
                if model.most_loss is not None:
                    need = np.asarray(
                        model.problem.law.tokens_for(b, model.most_loss - shape), float
                    )
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
            if model.sign > 0:
                return model.affine(cheap, row, first)
            return -model.affine(dear, row, last)
        if model.kind == "most_tokens":
            return -model.caps(cheap, row).tokens(flops_low)
        asked = model.most_loss is not None
        least_tokens, least_flops = model.least_tokens, model.least_flops
        tokens = tokens_least if asked else np.zeros(len(row))
        tokens = np.maximum(tokens, np.maximum(least_tokens, least_flops / flops_high))
        if model.kind == "least_tokens":
            return tokens * (1 - 100 * ROUNDING)
        flops = flops_least if asked else np.zeros(len(row))
        flops = np.maximum(flops, np.maximum(least_flops, least_tokens * flops_low))
        found: Floats = flops * model.factor(cheap, row) * (1 - 100 * ROUNDING)
        return found


def _value(table: Table, name: str, row: Ints, j: Ints) -> Floats:
    quantity = table.linear[name]
    return to_floats(quantity.at(row, j)) / quantity.denominator


def _spread(lower: Options, upper: Options) -> Floats:
    """How much each side of boxes spreads their costs, in the logarithm; shape (B, K)."""

    def log_ratio(name: str) -> Floats:
        found: Floats = np.log(to_floats(getattr(upper, name)) / to_floats(getattr(lower, name)))
        return found

    deepest = upper.start + upper.step * (upper.count - 1)
    found = np.zeros((len(lower), LAYERS + 1))
    # A layer holds about 4 to 12 d_model^2 weights: d_model counts twice, the rest once or less.
    found[:, D_MODEL] = 2 * log_ratio("d_model")
    found[:, LAYERS] = np.log(to_floats(deepest) / to_floats(lower.start))
    found[:, FFN] = log_ratio("d_ff") - log_ratio("d_model")
    heads = log_ratio("heads") / 3
    found[:, FIRST] = heads
    found[:, SECOND] = log_ratio("head_dim") / 3
    found[:, KV] = log_ratio("kv_heads") / 4
    found[:, VOCABULARY] = log_ratio("vocab_size") / 4
    return found


def _joined(parts: list[Options]) -> Options:
    names = ("d_model", "heads", "kv_heads", "head_dim", "d_ff", "vocab_size", "tied", "start",
             "step", "count")  # fmt: skip
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Options(parts[0].block, **columns)
