"""Golden-section search of many functions at once, over the logarithm of their argument."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from modelsizer.optimizer.tables.table import Floats

_GOLDEN = (math.sqrt(5) - 1) / 2
_SHORT = 1e-8
"""Range of the logarithm at which it ends: its square is what that adds to a cost."""


def golden_section(cost: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Minimisers of convex functions between two numbers above 0, all of one shape.

    Parameters
    ----------
    cost : callable
        From numbers to costs, elementwise; convex in their logarithm, or with one minimum.
    low, high : array
        Ends of each range.
    """
    a, b = np.log(low), np.log(high)
    widest = float(np.max(b - a, initial=_SHORT))
    left, right = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
    at_left, at_right = cost(np.exp(left)), cost(np.exp(right))
    for _ in range(math.ceil(math.log(_SHORT / widest, _GOLDEN))):
        lower = at_left <= at_right
        a, b = np.where(lower, a, left), np.where(lower, right, b)
        new = np.where(lower, b - _GOLDEN * (b - a), a + _GOLDEN * (b - a))
        at_new = cost(np.exp(new))
        left, right = np.where(lower, new, right), np.where(lower, left, new)
        at_left, at_right = np.where(lower, at_new, at_right), np.where(lower, at_left, at_new)
    found: Floats = np.clip(np.exp((a + b) / 2), low, high)
    return found
