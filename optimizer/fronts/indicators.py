"""Quality indicators of a front, computed by moocore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelsizer.optimizer.fronts.goals import Goal
from modelsizer.optimizer.tables.table import Floats


def scaled(goals: Sequence[Goal], points: Floats) -> Floats:
    """Scale each goal to 0 at its best on the front and 1 at its worst; shape (P, G).

    Parameters
    ----------
    goals : sequence of Goal
    points : array of shape (P, G)
        In the goals' own senses; at least one point.
    """
    less = points * np.array([goal.sign for goal in goals])
    low, high = less.min(axis=0), less.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    found: Floats = (less - low) / span
    return found


def hypervolume(goals: Sequence[Goal], points: Floats) -> dict[str, Any] | None:
    """Share of the box between best and worst values that a front dominates.

    Zitzler and Thiele 1998 (doi 10.1007/BFb0056872), with each goal scaled to its range on the
    front and the reference point at the worst values. None for an empty front.
    """
    if not len(points):
        return None
    import moocore

    signs = np.array([goal.sign for goal in goals])
    worst = (points * signs).max(axis=0) * signs
    value = float(moocore.hypervolume(scaled(goals, points), ref=np.ones(len(goals))))
    reference = {g.name: float(w) for g, w in zip(goals, worst, strict=True)}
    return {"value": value, "reference": reference}
