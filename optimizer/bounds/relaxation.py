"""Lower bounds of power laws over boxes of depths, affine in the depths.

A law is a sum of power terms of features that are affine in the depths (parameters, FLOPs for
each token, layers). A convex term lies above each of its tangents, a concave one above its
secant over the box, so a sum of tangents and secants is an affine lower bound of the law on the
box, valid whatever the sign of a term. (The shape term is convex less convex: its second part is
bounded by secants. A secant of a convex part, or a tangent of a concave one, would be no bound.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from modelsizer.problems.laws.laws import PowerTerm
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDING = 1e-12
"""Relative slack that every floating-point bound gives away. A bound is some tens of operations,
each rounded by 1.1e-16 relative, so 1e-12 covers them a hundredfold and stays far below the
1e-9 that a proof is asked for."""
LARGEST_LN = 700.0  # exp overflows a little above


@dataclass(frozen=True, slots=True)
class Feature:
    """A quantity affine in depths, over boxes.

    Parameters
    ----------
    low, high : array of shape (B,)
        Its least and greatest value on each box.
    unit : array of shape (B, K)
        What one step of each depth adds; not negative.
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
        """Least value on boxes of an extent of shape (B, K)."""
        least: Floats = self.constant + np.minimum(self.slope * extent, 0.0).sum(axis=1)
        return least

    @staticmethod
    def flat(constant: Floats, kinds: int) -> Affine:
        """The same value everywhere on a box."""
        return Affine(constant, np.zeros((len(constant), kinds)))


def power_bound(coefficient: Floats | float, exponent: float, feature: Feature) -> Affine:
    """Affine lower bound of ``coefficient x feature ** exponent``."""
    c = np.broadcast_to(np.asarray(coefficient, float), feature.low.shape)
    convex = c * exponent * (exponent - 1.0) >= 0
    # Secant through the ends, for concave terms.
    ends_low = c * np.power(feature.low, exponent)
    ends_high = c * np.power(feature.high, exponent)
    width = feature.high - feature.low
    secant = np.where(width > 0, (ends_high - ends_low) / np.where(width > 0, width, 1.0), 0.0)
    # Tangent at the geometric middle, for convex ones.
    middle = np.sqrt(feature.low) * np.sqrt(feature.high)
    at_middle = c * np.power(middle, exponent)
    tangent = exponent * at_middle / middle
    slope = np.where(convex, tangent, secant)
    constant = np.where(convex, at_middle + tangent * (feature.low - middle), ends_low)
    return Affine(constant, slope[:, None] * feature.unit)


def term_bound(term: PowerTerm, features: Mapping[str, Feature | Floats]) -> Affine:
    """Affine lower bound of a term; a feature given as an array is constant on each box."""
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
    """Affine lower bound of ``factor x product of feature ^ exponent``.

    Where the factor is positive by McCormick's inequality: of u and v within their ranges
    ``u v >= u_low v + v_low u - u_low v_low``, and u and v may be replaced by affine bounds since
    neither is negative (McCormick 1976, Mathematical Programming 10, 147-175). Otherwise flat, the
    least product of the ranges.
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
    """Affine lower bound of ln of a feature: concave, so the secant."""
    width = feature.high - feature.low
    rise: Any = np.log(feature.high) - np.log(feature.low)
    slope = np.where(width > 0, rise / np.where(width > 0, width, 1.0), 0.0)
    return Affine(np.log(feature.low), slope[:, None] * feature.unit)


def charged(bound: Affine, charge: Floats, extent: Floats) -> Affine:
    """Affine lower bound of ``ln(exp(u) + charge)`` for u above `bound`: convex and rising in u."""
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


def lowered(bound: Floats) -> Floats:
    """A bound less what rounding may have added to it; infinite ones stay."""
    finite = np.isfinite(bound)
    lower: Floats = np.where(finite, bound - ROUNDING * np.abs(np.where(finite, bound, 0.0)), bound)
    return lower


def higher(first: Affine, second: Affine, extent: Floats) -> Affine:
    """Of two bounds, on each box the one that is higher in its middle."""
    middle = [b.constant + (b.slope * extent).sum(axis=1) / 2 for b in (first, second)]
    better = middle[0] >= middle[1]
    return Affine(
        np.where(better, first.constant, second.constant),
        np.where(better[:, None], first.slope, second.slope),
    )
