"""Quality of a front in numbers, by moocore."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.fronts.front import Front
from optimizer.table import Floats


def scaled(front: Front) -> Floats:
    """Points with each goal from 0, its best on the front, to 1, its worst; shape (P, G)."""
    signs = np.array([goal.sign for goal in front.goals])
    points = front.points * signs
    low, high = points.min(axis=0), points.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    found: Floats = (points - low) / span
    return found


def hypervolume(front: Front) -> dict[str, Any] | None:
    """The share of the box between best and worst values that the front dominates.

    Zitzler and Thiele 1998 (doi 10.1007/BFb0056872), each goal scaled to its range on the front,
    the reference point at the worst of each. None for an empty front.
    """
    if not len(front):
        return None
    import moocore

    signs = np.array([goal.sign for goal in front.goals])
    points = front.points
    worst = (points * signs).max(axis=0) * signs
    value = float(moocore.hypervolume(scaled(front), ref=np.ones(len(front.goals))))
    reference = {g.name: float(w) for g, w in zip(front.goals, worst, strict=True)}
    return {"value": value, "reference": reference}
