"""What no law sees of a dense design with or without windows, as a share of the reducible loss."""

from __future__ import annotations

import math

from tests.support.oracle.counts import attention_matrices
from tests.support.oracle.space import Design

PER_HALVING = {"low": 0.001, "middle": 0.007, "high": 0.015}
FITS = ((0.5104, 0.0051, 0.0062), (0.3870, 0.0063, 0.0065))
WINDOWS = {"low": (0, 0, 0.005), "middle": (0, 0.003, 0.01), "high": (0.002, 0.006, 0.014)}
SPARSE = {"low": 0, "middle": 0.005, "high": 0.02}


def unseen(a: Design, end: str, trained: int, sees: tuple[str, ...]) -> float:
    """Sum of the terms of kv heads, feed-forward share, windows and few full layers."""
    total = 0.0
    if not {"kv_heads", "kv_group"} & set(sees):
        total += PER_HALVING[end] * math.log2(a.heads / a.kv_heads)
    if not {"d_ff", "ffn_ratio"} & set(sees):
        ratio = (3 if a.structure.gated else 2) * a.d_model * a.d_ff / attention_matrices(a)
        both = sorted(3 * (_f(fit, ratio) / _f(fit, fit[2] / fit[1]) - 1) for fit in FITS)
        total += {"low": both[0], "middle": sum(both) / 2, "high": both[1]}[end]
    if a.window and a.window < trained:
        total += (a.layers - a.full) / a.layers / 0.75 * _window(math.log2(a.window), end)
    if a.layers > 8 * a.full:
        total += SPARSE[end] * math.log2(a.layers / a.full / 8)
    return total


def _f(fit: tuple[float, float, float], r: float) -> float:
    b0, b1, b2 = fit
    if r > 5:
        return _f(fit, 5) + (r - 5) * (b1 / 5 - b2 / 25)
    return b0 + b1 * math.log(r) + b2 / r


def _window(log: float, end: str) -> float:
    wide, middle, narrow = WINDOWS[end]
    if log >= 11:
        return wide
    if log >= 10:
        return middle + (log - 10) * (wide - middle)
    return middle + (10 - log) * (narrow - middle)
