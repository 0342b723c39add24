"""Experts that the tokens of a step reach."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelsizer.problems.architecture.mixers import Count


def _power(base: float, exponent: int) -> float:
    """`base` to a whole power by products, which round so that a larger base never gives less."""
    found = 1.0
    while exponent:
        if exponent & 1:
            found *= base
        base, exponent = base * base, exponent >> 1
    return found


def reached(experts: Count, active: Count, tokens: Count) -> Any:
    """Experts that some token is sent to, in expectation; the same double alone and in an array.

    Never fewer for more active experts, and for more routed ones as far as doubles tell them apart
    (up to 1e5 experts): one token reaches exactly those that it is sent to, and two or more reach
    at least 1 / experts^2 more of one expert more.
    """
    if not any(isinstance(each, np.ndarray) for each in (experts, active, tokens)):
        if tokens == 1:
            return float(active)
        return experts * (1.0 - _power(1.0 - active / experts, tokens)) if experts else 0.0
    each = np.stack(np.broadcast_arrays(experts, active, tokens)).astype(np.int64)
    distinct, at = np.unique(each, axis=1, return_inverse=True)
    found = [reached(int(e), int(k), int(n)) for e, k, n in distinct.T]
    return np.array(found)[at.reshape(-1)]
