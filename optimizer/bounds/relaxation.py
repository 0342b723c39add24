"""Affine lower bounds on power laws over boxes of depths.

A law is a sum of power terms of features that are affine in the depths (parameters, FLOPs per
token, layers). A convex term lies above each of its tangents, a concave one above its secant over
the box, so a sum of tangents and secants is an affine lower bound on the law over the box, for
terms of either sign. (The shape term is a difference of convex functions, whose second part is
bounded by secants. A secant of a convex part, or a tangent of a concave one, is not a lower bound.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.laws.laws import PowerTerm
from modelsizer.problems.records import dataclass

Floats = NDArray[np.float64]

ROUNDING = 1e-12
"""Relative slack subtracted from every floating-point bound. A bound takes some tens of operations,
each with a relative rounding error of 1.1e-16, so 1e-12 is a hundred times their sum, and far below
the 1e-9 required of a proof."""
LARGEST_LN = 700.0  # exp overflows a little above


@dataclass(frozen=True, slots=True)
class Feature:
    """A quantity affine in depths, over boxes.

    Parameters
    ----------
    low, high : array of shape (B,)
        Minimum and maximum on each box.
    unit : array of shape (B, K)
        Increase per step of each depth; non-negative.
    """

    low: Floats
    high: Floats
    unit: Floats


@dataclass(frozen=True, slots=True)
class Affine:
    """``constant + slope . (j - low)``, a lower bound on each box.

    Parameters
    ----------
    constant : array of shape (B,)
    slope : array of shape (B, K)
    """

    constant: Floats
    slope: Floats

    def __add__(self, other: Affine) -> Affine:
        return Affine(self.constant + other.constant, self.slope + other.slope)

    def least(self, extent: Floats) -> Floats:
        """Return the minimum over boxes with extents of shape (B, K)."""
        least: Floats = self.constant + np.minimum(self.slope * extent, 0.0).sum(axis=1)
        return least

    @staticmethod
    def flat(constant: Floats, kinds: int) -> Affine:
        """Return a bound that is constant on each box."""
        return Affine(constant, np.zeros((len(constant), kinds)))


def power_bound(coefficient: Floats | float, exponent: float, feature: Feature) -> Affine:
    """Return an affine lower bound on ``coefficient x feature ** exponent``."""
    c = np.broadcast_to(np.asarray(coefficient, float), feature.low.shape)
    convex = c * exponent * (exponent - 1.0) >= 0
    # Secant through the ends, for concave functions.
    ends_low = c * np.power(feature.low, exponent)
    ends_high = c * np.power(feature.high, exponent)
    width = feature.high - feature.low
    secant = np.where(width > 0, (ends_high - ends_low) / np.where(width > 0, width, 1.0), 0.0)
    # Tangent at the geometric mean of the ends, for convex functions.
    middle = np.sqrt(feature.low) * np.sqrt(feature.high)
    at_middle = c * np.power(middle, exponent)
    tangent = exponent * at_middle / middle
    slope = np.where(convex, tangent, secant)
    constant = np.where(convex, at_middle + tangent * (feature.low - middle), ends_low)
    return Affine(constant, slope[:, None] * feature.unit)


def term_bound(term: PowerTerm, features: Mapping[str, Feature | Floats]) -> Affine:
    """Return an affine lower bound on a term; features given as arrays are constant on a box."""
    factor: Floats | float = term.coefficient
    varying: list[tuple[Feature, float]] = []
    for name, exponent in term.exponents.items():
        feature = features[name]
        if isinstance(feature, Feature):
            varying.append((feature, exponent))
        else:
            factor = factor * np.power(feature, exponent)
    if len(varying) == 1:
        return power_bound(factor, varying[0][1], varying[0][0])
    box = next(f for f in features.values() if isinstance(f, Feature))
    factor = np.broadcast_to(np.asarray(factor, float), box.low.shape)
    return _product_bound(factor, varying, box)


def _product_bound(
    factor: Floats, varying: Sequence[tuple[Feature, float]], box: Feature
) -> Affine:
    """Return an affine lower bound on ``factor x product of feature ^ exponent``.

    For a positive factor by McCormick's inequality: for u and v within their ranges
    ``u v >= u_low v + v_low u - u_low v_low``, and u and v may be replaced by affine bounds since
    both are non-negative (McCormick 1976, Mathematical Programming 10, 147-175). Otherwise
    constant, the minimum product over the ranges.
    """
    kinds = box.unit.shape[1]
    low, high = np.ones_like(box.low), np.ones_like(box.low)
    bound = Affine.flat(low, kinds)
    for feature, exponent in varying:
        ends = np.power(feature.low, exponent), np.power(feature.high, exponent)
        least, most = np.minimum(*ends), np.maximum(*ends)
        each = power_bound(1.0, exponent, feature)
        bound = Affine(
            low * each.constant + least * bound.constant - low * least,
            low[:, None] * each.slope + least[:, None] * bound.slope,
        )
        low, high = low * least, high * most
    flat = Affine.flat(np.where(factor >= 0, factor * low, factor * high), kinds)
    rising = factor >= 0
    return Affine(
        np.where(rising, factor * bound.constant, flat.constant),
        np.where(rising[:, None], factor[:, None] * bound.slope, flat.slope),
    )


def log_bound(feature: Feature) -> Affine:
    """Return an affine lower bound on ln of a feature: concave, so the secant."""
    width = feature.high - feature.low
    rise: Any = np.log(feature.high) - np.log(feature.low)
    slope = np.where(width > 0, rise / np.where(width > 0, width, 1.0), 0.0)
    return Affine(np.log(feature.low), slope[:, None] * feature.unit)


def charged(bound: Affine, charge: Floats, extent: Floats) -> Affine:
    """Return an affine lower bound on ``ln(exp(u) + charge)``, u >= `bound`; convex, increasing."""
    middle = bound.constant + (bound.slope * extent).sum(axis=1) / 2
    usable = np.isfinite(middle) & (middle < LARGEST_LN)
    at = np.where(usable, middle, 0.0)
    total = np.exp(at) + charge
    share = np.exp(at) / total
    constant = np.log(total) + share * (np.where(usable, bound.constant, 0.0) - at)
    return Affine(
        np.where(usable, constant, bound.constant),
        np.where(usable[:, None], share[:, None] * bound.slope, bound.slope),
    )


def trusted(bound: Affine, corner: Floats, extent: Floats) -> tuple[Affine, Floats]:
    """Return a bound, and its minimum over each box, that hold where doubles overflow.

    Tangents and secants are worthless where a value is no finite number; there the bound is the
    value at the best corner of the box, minus infinity if that is undefined. An infinite corner is
    true: every design of the box has it.

    Parameters
    ----------
    bound : Affine
    corner : array of shape (B,)
        Another bound, not larger than the value of any design as it is computed.
    extent : array of shape (B, K)
    """
    corner = np.where(np.isnan(corner), -np.inf, corner)
    least = bound.least(extent)
    finite = np.isfinite(least) & np.isfinite(bound.constant)
    least = np.where(finite, np.maximum(least, corner), corner)
    return Affine(
        np.where(finite, bound.constant, corner), np.where(finite[:, None], bound.slope, 0.0)
    ), least


def lowered(bound: Floats) -> Floats:
    """Subtract the maximum rounding error from a bound; infinite bounds are unchanged."""
    finite = np.isfinite(bound)
    lower: Floats = np.where(finite, bound - ROUNDING * np.abs(np.where(finite, bound, 0.0)), bound)
    return lower


def higher(first: Affine, second: Affine, extent: Floats) -> Affine:
    """Return, for each box, the bound that is higher at its middle."""
    middle = [b.constant + (b.slope * extent).sum(axis=1) / 2 for b in (first, second)]
    better = middle[0] >= middle[1]
    return Affine(
        np.where(better, first.constant, second.constant),
        np.where(better[:, None], first.slope, second.slope),
    )
