"""Dominance between width options: one is provably at least as good as another at every depth.

Two width options are compared if they have the same d_model, depths, block and layout, and the same
widths in the features of the law. One dominates the other if, at every depth, it has the same N, no
more training FLOPs per token, no more of any quantity with an upper limit, no less of any quantity
with a lower limit, no more of what the law cannot see and no worse objective, and precedes it by
the tie rule if all these are equal. Costs are affine in the depths, so it suffices to compare bases
and units. For example, 48 heads of 128 and 96 heads of 64 with equally wide keys and values need
not both be searched.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, Table, to_floats
from modelsizer.problems.architecture.choices import TIE_RULE
from modelsizer.problems.laws.features import Seen, is_of_stack, parts_of
from modelsizer.problems.laws.quality import Quality
from modelsizer.problems.quantities.auxiliary import (
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.rows import QUANTITIES

REACH = 32
"""Neighbours that each option is compared with, in the order of the tie rule within its group."""
CLEAR = 1e-12
"""Relative difference of FLOPs above which more of them cannot round to a lower loss."""
_PARAMETERS, _FLOPS = 0, 1  # indices of features


def dominated(model: Model, table: Table, boxes: Boxes) -> Mask:
    """Whether each box is dominated by another one; shape (B,).

    Parameters
    ----------
    model : Model
    table : Table
    boxes : Boxes
        At most one per row.
    """
    none: Mask = np.zeros(len(boxes), dtype=bool)
    # Lower limits on FLOPs or loss can favour the dearer option, and a batch is bounded by costs at
    # any batch, which the table has not: no dominance is claimed then.
    if model.kind == "batch":
        return none
    if len(boxes) < 2 or model.least_loss is not None or model.least_flops > 0:
        return none
    features = _features(model, table, boxes)
    if any(base.dtype == object for base, _ in features):
        return none
    qualities = [part.quality for part in model.models]
    order, groups = _grouped(table, boxes, qualities)
    widest = int(np.bincount(groups).max())
    if widest == 1:
        return none
    judged = _judged(table, boxes, qualities)[:, order]
    base = np.stack([b for b, _ in features])[:, order]
    unit = np.stack([u for _, u in features])[:, order]
    low, high = boxes.low[order], boxes.high[order]
    worse = none.copy()
    flops = table.linear[TRAINING_FLOPS_PER_TOKEN]
    dear = to_floats(flops.at(boxes.row, boxes.high))[order]
    for shift in range(1, min(widest, REACH + 1)):
        together = groups[:-shift] == groups[shift:]
        gap, slope = base[:, :-shift] - base[:, shift:], unit[:, :-shift] - unit[:, shift:]
        same = (gap[_FLOPS] == 0) & (slope[_FLOPS] == 0).all(axis=1)
        clear = np.abs(gap[_FLOPS]) > CLEAR * np.maximum(dear[:-shift], dear[shift:])
        sure = together & (same | clear)
        less = judged[:, :-shift] - judged[:, shift:]
        first = (gap <= 0).all(axis=0) & (slope <= 0).all(axis=(0, 2))
        first &= ((less == 0) | (less < -CLEAR)).all(axis=0)
        first &= (low[:-shift] <= low[shift:]).all(axis=1)
        first &= (high[:-shift] >= high[shift:]).all(axis=1)
        # The later option loses ties, so it dominates only if strictly smaller.
        second = (gap >= 0).all(axis=0) & (slope >= 0).all(axis=(0, 2)) & (gap[_PARAMETERS] > 0)
        second &= ((less == 0) | (less > CLEAR)).all(axis=0)
        second &= (low[:-shift] >= low[shift:]).all(axis=1)
        second &= (high[:-shift] <= high[shift:]).all(axis=1)
        worse[order[shift:][sure & first]] = True
        worse[order[:-shift][sure & second]] = True
    return worse


def _features(model: Model, table: Table, boxes: Boxes) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return base (at minimum depths) and unit of each quantity of which less is no worse."""
    signed = [("parameters", 1), (TRAINING_FLOPS_PER_TOKEN, 1)]
    signed += [(part.counts, sign) for part in model.models for sign in (1, -1)]  # the same N
    if SERVED_FLOPS_PER_TOKEN in table.linear:
        signed.append((SERVED_FLOPS_PER_TOKEN, 1))
    for rule in model.rules(table):
        if rule.high is not None:
            signed.append((rule.quantity, 1))
        if rule.low is not None:
            signed.append((rule.quantity, -1))
    if model.kind == "affine":
        sign = 1 if model.sign > 0 else -1
        signed += [(part, sign) for part in QUANTITIES[model.name].parts]
    found = []
    for name, sign in dict.fromkeys(signed):
        quantity = table.linear[name]
        found.append((sign * quantity.base[boxes.row], sign * quantity.unit[boxes.row]))
    return found


def _judged(table: Table, boxes: Boxes, qualities: Sequence[Quality]) -> Floats:
    """Return what no law sees at the least and the greatest depths; shape (corners, B).

    Rows of a group have the same numbers of layers, so the difference of two is a ratio of affine
    functions of each depth, and has its ends at corners.
    """
    seen = dict.fromkeys(q.ablations for q in qualities if q.ablations is not None)
    none = np.zeros((0, len(boxes)))
    return np.concatenate([none, *(_at_corners(table, boxes, each) for each in seen)])


def _at_corners(table: Table, boxes: Boxes, seen: Seen) -> Floats:
    last = table.count[boxes.row] - 1
    corners = itertools.product((0, 1), repeat=last.shape[1])
    return np.stack([table.width(seen, boxes.row, last * np.array(at)) for at in corners])


def _grouped(table: Table, boxes: Boxes, qualities: Sequence[Quality]) -> tuple[Ints, Ints]:
    """Group boxes by d_model, depths, block and layout, sorted by the tie rule in each group.

    Groups also have equal values of all other features of the laws.

    Returns
    -------
    order : array of shape (B,)
        Indices of the boxes.
    groups : array of shape (B,)
        Group number of each box in that order.
    """
    depths = table.depths.take(boxes.row)
    shared = [a[boxes.row] for a in (table["d_model"], table.structure_id, table.layout_id)]
    unseen = {quality.ablations for quality in qualities}
    seen = dict.fromkeys(name for quality in qualities for name in quality.features)
    for part in parts_of(tuple(seen)):
        if is_of_stack(part):
            shared += [] if part in unseen else list(_at_corners(table, boxes, part))
        elif part not in ("d_model", "layers"):
            shared.append(table.column(str(part))[boxes.row])
    for column in (depths.start, depths.step.reshape(len(depths), -1), depths.count):
        shared += list(column.T)
    sizes = (name for name in TIE_RULE if name in table.widths and name != "d_model")
    keys = [table[name][boxes.row] for name in sizes]
    order: Ints = np.lexsort((*keys[::-1], *shared))
    sorted_ = np.stack([column[order] for column in shared])
    fresh = (sorted_[:, 1:] != sorted_[:, :-1]).any(axis=0)
    return order, np.concatenate([[0], np.cumsum(fresh)])
