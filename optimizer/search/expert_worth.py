"""The most that a law counts for an active parameter of a layer of experts, over boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.search.corners import ACTIVE, Corners
from modelsizer.optimizer.tables.grid import SHARE
from modelsizer.optimizer.tables.table import to_floats
from modelsizer.problems.laws.laws import Experts
from modelsizer.problems.laws.leverage import most_leverage

Floats = NDArray[np.float64]
Range = tuple[Floats, Floats]

SLACK = 1e-9
"""Relative: bounds on A and G are rounded otherwise than those of designs."""


def counted_experts(corners: Corners) -> Experts:
    """Return what the law counts of a layer of experts; a law of active parameters these alone."""
    settings = corners.problem.settings
    return "active" if settings.parameter_kind == "active" else settings.experts


def most_counted(corners: Corners) -> Floats:
    """Return the most parameters that the law counts for each active one of a layer; shape (B,)."""
    counted = counted_experts(corners)
    if not corners.root.structure.experts or counted == "active":
        return np.ones(len(corners))
    if counted == "total":
        return _all_to_active(corners)
    found = most_leverage(
        _activation(corners), _granularity(corners), corners.problem.settings.leverage_flops
    )
    return np.asarray(found, dtype=float) * (1.0 + SLACK)


def _width(corners: Corners, name: str) -> Range:
    return to_floats(corners.ends.low[name]), to_floats(corners.ends.high[name])


def _activation(corners: Corners) -> Range:
    """Return the range of (active + shared) / (routed + shared) experts."""
    routed, active, shared = (
        _width(corners, f"{name}_experts") for name in ("routed", "active", "shared")
    )
    least = (active[0] + shared[0]) / (routed[1] + shared[0])
    most = (active[1] + shared[1]) / (np.maximum(routed[0], active[1]) + shared[1])
    return least * (1.0 - SLACK), most * (1.0 + SLACK)


def _granularity(corners: Corners) -> Range:
    """Return the range of G = 2 d_model / width of an expert."""
    d_model, width = _width(corners, "d_model"), _width(corners, "expert_d_ff")
    least, most = 2.0 * d_model[0] / width[1], 2.0 * d_model[1] / width[0]
    if SHARE in corners.ends.low:
        low, high = corners.ends.low[SHARE], corners.ends.high[SHARE]
        least = np.maximum(least, 2.0 / high)
        most = np.where(low > 0, np.minimum(most, 2.0 / np.where(low > 0, low, 1.0)), most)
    return least * (1.0 - SLACK), most * (1.0 + SLACK)


def _all_to_active(corners: Corners) -> Floats:
    """Return the most of all parameters of a layer over its active ones.

    Of a layer with experts of size s, of which r are routed and a active, all are active + (r - a)
    s. So the ratio is ``1 + (r - a) / (active / s)``, and `active` has at least a experts besides
    attention and router.
    """
    routed, active, shared = (
        _width(corners, f"{name}_experts") for name in ("routed", "active", "shared")
    )
    d_model, width = _width(corners, "d_model"), _width(corners, "expert_d_ff")
    matrices = 3.0
    used = active[0] + shared[0]
    cost = corners.compute((ACTIVE,))[ACTIVE]
    kinds = corners.root.structure.feed_forwards
    least = to_floats(cost.unit[:, kinds - 1 :: kinds].min(axis=1))
    beside = least - matrices * d_model[0] * width[0] * used
    held = matrices * d_model[1] * width[1]
    ratio = (routed[1] - active[0]) / (used + np.maximum(beside, 0.0) / held)
    return (1.0 + ratio) * (1.0 + SLACK)
