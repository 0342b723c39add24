"""Costs of stacks over ranges of their numbers of layers.

A cost is ``base + sum over kinds of coefficient x layers of the kind``. A box gives a range to the
number of all layers L, of which F are full, k dense and G both; its coefficients are those of a
corner of the widths. In these numbers the cost is ``base + a L + b F + c k + d G``, so that for a
given L it is least at ends of the ranges of F, k and G. A layer more never costs less, so the least
cost of a box is at its least L.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.grid import Ends
from modelsizer.optimizer.tables.roots import DENSE_LAYERS, LAYERS, PATTERN, Root
from modelsizer.optimizer.tables.table import Linear
from modelsizer.problems.columns import LARGEST_INT64

Ints = NDArray[np.int64]
Numbers = NDArray[Any]
Range = tuple[Ints, Ints]


def least(cost: Linear, root: Root, ends: Ends, layers: Ints | None = None) -> Numbers:
    """Return a lower bound on a cost in boxes.

    Parameters
    ----------
    cost : Linear
        At the cheap corner; a coefficient of each kind of layer in place of one of a depth axis.
    root : Root
    ends : Ends
    layers : array of shape (B,), optional
        Of designs of at least so many layers.
    """
    return _at(cost, root, ends, ends.low[LAYERS] if layers is None else layers, np.minimum)


def most(cost: Linear, root: Root, ends: Ends, layers: Ints | None = None) -> Numbers:
    """Return an upper bound on a cost in boxes; with `layers`, of designs of at most so many."""
    return _at(cost, root, ends, ends.high[LAYERS] if layers is None else layers, np.maximum)


def full_layers(root: Root, ends: Ends, layers: Ints) -> Range:
    """Return the range of full layers in stacks of so many layers, or of the first so many."""
    low, high = ends.low[PATTERN], ends.high[PATTERN]
    if root.numbered:
        return low, high
    return layers // high, layers // low


def _at(
    cost: Linear, root: Root, ends: Ends, layers: Ints, end: Any, keep: Ints | None = None
) -> Numbers:
    """Return the least or the greatest cost of stacks of so many layers, of some boxes if given."""
    structure = root.structure
    if structure.kinds_of_layer == 1:
        base, unit = cost.base, cost.unit[:, 0]
        one: Numbers = base + unit * layers if keep is None else base[keep] + unit[keep] * layers
        return one
    if keep is not None:
        cost, ends = cost.take(keep), _of_stacks(ends, keep)
    each = cost.unit
    found = cost.base + each[:, -1] * layers
    both = structure.feed_forwards == 2
    if both:
        more = each[:, -2] - each[:, -1]
        dense = ends.low[DENSE_LAYERS], ends.high[DENSE_LAYERS]
        found = found + end(more * dense[0], more * dense[1])
    if structure.between:
        # A design has at least one full layer.
        few, many = full_layers(root, ends, layers)
        more = each[:, 1 if both else 0] - each[:, -1]
        found = found + end(more * np.maximum(few, 1), more * np.maximum(many, 1))
    if both and structure.between:
        more = each[:, 0] - each[:, 1] - each[:, 2] + each[:, 3]
        few, many = _full_and_dense(root, ends, layers)
        found = found + end(more * few, more * many)
    return found


def _full_and_dense(root: Root, ends: Ends, layers: Ints) -> Range:
    """Return the range of layers that are full and dense."""
    dense = ends.low[DENSE_LAYERS], ends.high[DENSE_LAYERS]
    if root.numbered:  # they are spread evenly
        full = ends.low[PATTERN], ends.high[PATTERN]
        return 0 * layers, np.minimum(dense[1], full[1])
    return dense[0] // ends.high[PATTERN], dense[1] // ends.low[PATTERN]


def kind_ranges(root: Root, ends: Ends) -> list[Range]:
    """Return the range of the layers of each kind, each by itself, in the order of the kinds."""
    structure, low, high = root.structure, ends.low, ends.high
    layers, dense = (low[LAYERS], high[LAYERS]), (low[DENSE_LAYERS], high[DENSE_LAYERS])
    others = np.maximum(layers[0] - dense[1], 1), layers[1] - dense[0]
    if structure.kinds_of_layer == 1:
        return [layers]
    if not structure.between:
        return [dense, others]
    full = (
        np.maximum(full_layers(root, ends, layers[0])[0], 1),
        np.maximum(full_layers(root, ends, layers[1])[1], 1),
    )
    if root.numbered:
        between = np.maximum(layers[0] - full[1], 1), layers[1] - full[0]
    else:  # both rise with the layers and with the period
        least, most = low[PATTERN], high[PATTERN]
        between = layers[0] - layers[0] // least, layers[1] - layers[1] // most
    if structure.feed_forwards == 1:
        return [full, between]
    both = _full_and_dense(root, ends, layers[0])
    rest = np.maximum(dense[0] - both[1], 0), dense[1] - both[0]
    return [
        both,
        (np.maximum(full[0] - both[1], 0), full[1] - both[0]),
        rest,
        (np.maximum(between[0] - rest[1], 0), between[1] - rest[0]),
    ]


def deepest(cost: Linear, root: Root, ends: Ends, limit: int) -> Ints:
    """Return the most layers at which the least of a cost is within a limit; fewer if none is."""
    found: Ints = ends.high[LAYERS].copy()
    limit = clipped(limit, cost.base)
    at = np.flatnonzero(least(cost, root, ends, found) > limit)
    if len(at):
        cost, ends = cost.take(at), _of_stacks(ends, at)
        found[at] = _last(
            lambda keep, layers: _at(cost, root, ends, layers, np.minimum, keep) <= limit,
            ends.low[LAYERS] - 1,
            found[at] - 1,
        )
    return found


def shallowest(cost: Linear, root: Root, ends: Ends, limit: int) -> Ints:
    """Return the fewest layers at which the most of a cost reaches a limit; more if none does."""
    found: Ints = ends.low[LAYERS].copy()
    limit = clipped(limit, cost.base)
    at = np.flatnonzero(most(cost, root, ends, found) < limit)
    if len(at):
        cost, ends = cost.take(at), _of_stacks(ends, at)
        found[at] = 1 + _last(
            lambda keep, layers: _at(cost, root, ends, layers, np.maximum, keep) < limit,
            found[at],
            ends.high[LAYERS],
        )
    return found


def _of_stacks(ends: Ends, at: Ints) -> Ends:
    """Return only the numbers of layers of some boxes."""
    names = (LAYERS, PATTERN, DENSE_LAYERS)
    return Ends({n: ends.low[n][at] for n in names}, {n: ends.high[n][at] for n in names})


def clipped(limit: int, amounts: Numbers) -> int:
    """Clip a limit to the range of the dtype of some amounts, for comparisons in NumPy."""
    return limit if amounts.dtype == object else max(-LARGEST_INT64, min(limit, LARGEST_INT64))


def _last(holds: Callable[[Ints, Ints], Any], low: Ints, high: Ints) -> Ints:
    """Return the last number in ``low < n <= high`` for which something holds, or `low`.

    It holds up to some number and for none above.
    """
    low, high = low.copy(), high.copy()
    open_ = np.flatnonzero(low < high)
    while len(open_):
        middle = (low[open_] + high[open_] + 1) // 2
        yes = np.asarray(holds(open_, middle), dtype=bool)
        low[open_[yes]] = middle[yes]
        high[open_[~yes]] = middle[~yes] - 1
        open_ = open_[low[open_] < high[open_]]
    return low
