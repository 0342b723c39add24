"""Lower bounds of power laws over boxes of depths, affine in the depths.

A law is a sum of power terms of features that are affine in the depths (parameters, FLOPs for
each token, layers). A convex term lies above each of its tangents, a concave one above its
secant over the box, so a sum of tangents and secants is an affine lower bound of the law on the
box, valid whatever the sign of a term. (The shape term is convex less convex: its second part is
bounded by secants. A secant of a convex part, or a tangent of a concave one, would be no bound.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from problems.laws import PowerLaw, PowerTerm, TokenLaw
from problems.shapes import ShapeLaw

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


def term_bound(term: PowerTerm, features: dict[str, Feature | Floats]) -> Affine:
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
    # No factor varies, or several do: the least product of their ranges.
    kinds = next(f for f in features.values() if isinstance(f, Feature)).unit.shape[1]
    rows = next(f for f in features.values() if isinstance(f, Feature)).low
    factor = np.broadcast_to(np.asarray(factor, float), rows.shape)
    low, high = np.ones_like(rows), np.ones_like(rows)
    for feature, exponent in varying:
        ends = np.power(feature.low, exponent), np.power(feature.high, exponent)
        low, high = low * np.minimum(*ends), high * np.maximum(*ends)
    return Affine.flat(np.where(factor >= 0, factor * low, factor * high), kinds)


def shape_bound(shape: ShapeLaw, d_model: Floats, layers: Feature) -> Affine:
    """Affine lower bound of the shape excess; zero for a shape law without terms."""
    kinds = layers.unit.shape[1]
    if not shape.terms:
        return Affine.flat(np.zeros(len(d_model)), kinds)
    features: dict[str, Feature | Floats] = {"d_model": d_model, "layers": layers}
    bound = term_bound(shape.terms[0], features)
    for term in shape.terms[1:]:
        bound = bound + term_bound(term, features)
    return bound


@dataclass(frozen=True, slots=True)
class TokenCaps:
    """The most tokens: ``min(most, most_flops / F)``; infinity where there is no such limit.

    `most_flops` is one number, or an array of shape (B,) with one for each box.
    """

    most: float
    most_flops: float | Floats

    def tokens(self, flops: Floats) -> Floats:
        """The most tokens at F training FLOPs for each."""
        tokens: Floats = np.minimum(self.most, self.most_flops / flops)
        return tokens


def _token_term_bound(law: PowerLaw, flops: Feature, caps: TokenCaps) -> Affine:
    """``B / D^beta`` at the most tokens: the larger of a constant and a power of F."""
    kinds = flops.unit.shape[1]
    flat = Affine.flat(np.full(flops.low.shape, law.B * np.power(caps.most, -law.beta)), kinds)
    if not np.isfinite(caps.most_flops).all():
        return flat
    rising = power_bound(law.B * caps.most_flops**-law.beta, law.beta, flops)
    # Both are bounds; take, box by box, the one that rules in the middle.
    paid = caps.most_flops / (np.sqrt(flops.low) * np.sqrt(flops.high)) <= caps.most
    return Affine(
        np.where(paid, rising.constant, flat.constant),
        np.where(paid[:, None], rising.slope, flat.slope),
    )


def law_bound(law: TokenLaw, n: Feature, flops: Feature, caps: TokenCaps) -> tuple[Affine, Floats]:
    """Lower bounds of the token law where each design takes all the tokens it may.

    Returns
    -------
    bound : Affine
        For a law that is no `PowerLaw`, flat: the law where N is greatest and F least.
    corner : array of shape (B,)
        The law at that corner; a law never rises in N or D, so no design of the box is below.
    """
    kinds = n.unit.shape[1]
    corner = np.asarray(law.loss(n.high, caps.tokens(flops.low)), float)
    if not isinstance(law, PowerLaw):
        return Affine.flat(corner, kinds), corner
    inner = power_bound(law.A, -law.alpha, n) + _token_term_bound(law, flops, caps)
    if law.outer == 1.0:
        return Affine(inner.constant + law.E, inner.slope), corner
    return _outer_bound(law, inner, n, flops, caps), corner


def _outer_bound(
    law: PowerLaw, inner: Affine, n: Feature, flops: Feature, caps: TokenCaps
) -> Affine:
    """``E + y ^ outer`` for y above `inner`: a tangent or a secant over the range of y."""
    # y itself, at its least and greatest corner.
    low = law.A * np.power(n.high, -law.alpha) + law.B * np.power(caps.tokens(flops.low), -law.beta)
    high = law.A * np.power(n.low, -law.alpha) + law.B * np.power(
        caps.tokens(flops.high), -law.beta
    )
    y = Feature(low, high, inner.slope)
    bound = power_bound(1.0, law.outer, y)  # in terms of y - low, slopes chained by `unit`
    rise = power_bound(1.0, law.outer, Feature(low, high, np.ones((len(low), 1)))).slope[:, 0]
    constant = law.E + bound.constant + rise * (inner.constant - low)
    return Affine(constant, bound.slope)


def log_tokens_bound(law: TokenLaw, target: Floats, n: Feature) -> Affine:
    """Affine lower bound of ln of the least tokens that reach a loss.

    For ``E + A/N^alpha + B/D^beta = target`` (and its outer power), ln D is a convex function of
    N, so a tangent bounds it. Where even the greatest N misses the target the bound is infinite.

    Parameters
    ----------
    target : array of shape (B,)
        Loss that the token law must reach, shape excess deducted; an upper bound of it.
    """
    kinds = n.unit.shape[1]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        corner = np.log(np.asarray(law.tokens_for(n.high, target), float))
        if not isinstance(law, PowerLaw):
            return Affine.flat(corner, kinds)
        middle = np.sqrt(n.low) * np.sqrt(n.high)
        usable = np.isfinite(np.asarray(law.tokens_for(middle, target), float))
        at = np.where(usable, middle, n.high)
        over = np.power(np.maximum(target - law.E, 0.0), 1.0 / law.outer)
        left = over - law.A * np.power(at, -law.alpha)
        value = np.log(law.B / left) / law.beta
        slope = -law.alpha * law.A * np.power(at, -law.alpha - 1.0) / (law.beta * left)
        constant = value + slope * (n.low - at)
    reached = np.isfinite(corner) & (left > 0)
    constant = np.where(reached, constant, corner)
    slope = np.where(reached, slope, 0.0)
    return Affine(constant, slope[:, None] * n.unit)


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
