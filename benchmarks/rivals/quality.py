"""What experts and choices that a loss law does not see are worth, in plain NumPy floats.

The leverage of experts is equation 13 of Tian et al. 2025 (arXiv 2507.17702) with the constants of
its table 2; the other terms are judgements from published ablations, as
`docs/explanation/laws.md` lists them.
Written again here, for the rivals that only evaluate designs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.rivals.menus import Floats, Widths

LOW, MIDDLE, HIGH = 0, 1, 2
LEVELS = {"low": LOW, "middle": MIDDLE, "high": HIGH}
KV = (0.001, 0.007, 0.015)
WINDOW_AT = (2048, 1024, 512)
WINDOW = ((0.0, 0.0, 0.005), (0.0, 0.003, 0.010), (0.002, 0.006, 0.014))
SPARSE, SPARSE_FROM = (0.0, 0.005, 0.02), 8
LATENT, LATENT_RANK = (-0.006, 0.0, 0.006), 512
FFN_FITS = ((0.5104, 0.0051, 0.0062), (0.3870, 0.0063, 0.0065))
FFN_SCALE, FFN_STRAIGHT, FFN_FLAT = 3.0, 5.0, 4.0
SATURATION, MOST = 0.0163, 5.28e16
LEAST_ACTIVATION, MOST_LEVERAGE = 0.008, 6.0


def activation(w: Widths) -> Floats:
    """Share of the experts that a token uses; 1 without experts."""
    return (w.active + w.shared) / np.maximum(w.routed + w.shared, 1) + (w.routed == 0)


def leverage(w: Widths, flops: float) -> Floats:
    """Ratio of a dense layer's parameters to active ones at equal loss; 1 without experts."""
    share = np.maximum(activation(w), LEAST_ACTIVATION)
    share = 1 / (1 / (share + 1 / (1 / SATURATION - 1 / MOST)) + 1 / MOST)
    fine = np.log2(2 * w.d_model / np.where(w.routed > 0, w.expert_d_ff, 2 * w.d_model))
    power = 1.23 - 0.0761 * np.log10(flops) - 0.117 * fine + 0.0167 * fine**2
    return np.where(w.routed > 0, np.clip(share**power, 1.0, MOST_LEVERAGE), 1.0)


def _fitted(r: Floats, fit: tuple[float, float, float]) -> Floats:
    b0, b1, b2 = fit
    x = np.minimum(r, FFN_STRAIGHT)
    slope = b1 / FFN_STRAIGHT - b2 / FFN_STRAIGHT**2
    return b0 + b1 * np.log(x) + b2 / x + slope * (r - x)


def feed_forward(r: Floats, share: Floats | float, fit: tuple[float, float, float]) -> Floats:
    """Term of a layer with `r` weights of feed-forward for one of attention, by one of the fits.

    Parameters
    ----------
    r : array
    share : array
        Activation of the experts; 1 for a dense layer.
    """
    at, least = _fitted(r, fit), fit[2] / fit[1]
    dense = at / _fitted(np.array(least), fit) - 1
    flat = _fitted(np.array(FFN_FLAT), fit)
    sparse = np.where(r < least, dense, np.maximum(at / flat - 1, 0.0))
    mix = np.clip(1 + np.log2(share), 0.0, 1.0)
    return FFN_SCALE * (mix * dense + (1 - mix) * sparse)


def window(tokens: NDArray[np.int64], level: int) -> Floats:
    """Term of a window, for a share of 0.75 of the layers."""
    at, t = np.log2(np.maximum(tokens, 1)), WINDOW[level]
    log_at = np.log2(WINDOW_AT)
    inside = np.interp(at, log_at[::-1], t[::-1])
    below = t[2] + (t[2] - t[1]) * (log_at[2] - at)
    return np.where(at < log_at[2], below, inside)


def others(
    w: Widths, full_share: Floats, windowed: Floats, dense: Floats, ratios: tuple[Floats, Floats],
    sequence: int, level: int,
) -> Floats:  # fmt: skip
    """Sum of all terms of designs.

    Parameters
    ----------
    full_share, windowed, dense : array
        Shares of the layers: full ones, those with a window, those with a dense feed-forward.
    ratios : two arrays
        Feed-forward over attention weights, of a dense layer and of one of experts.
    sequence : int
        Length of training sequences; a window as long as it has no term.
    """
    grouped = np.where(w.latent, 1.0, w.heads / np.maximum(w.kv_heads, 1))
    q = KV[level] * np.log2(grouped)
    by_fit = [
        dense * np.where(w.d_ff > 0, feed_forward(ratios[0], 1.0, fit), 0.0)
        + (1 - dense) * np.where(w.routed > 0, feed_forward(ratios[1], activation(w), fit), 0.0)
        for fit in FFN_FITS
    ]
    q = q + (np.minimum(*by_fit), (by_fit[0] + by_fit[1]) / 2, np.maximum(*by_fit))[level]
    short = (w.window > 0) & (w.window < sequence)
    q = q + np.where(short, windowed / 0.75 * window(w.window, level), 0.0)
    q = q + SPARSE[level] * np.maximum(np.log2(1 / (SPARSE_FROM * full_share)), 0.0)
    rank = np.maximum(np.log2(LATENT_RANK / np.maximum(w.kv_lora_rank, 1)), 0.0)
    return q + np.where(w.latent, LATENT[level] + KV[level] * rank, 0.0)
