"""Affine lower bounds of laws over boxes of depths.

See `modelsizer.optimizer.bounds.relaxation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from modelsizer.optimizer.bounds.relaxation import Affine, Feature, power_bound, term_bound
from modelsizer.problems.laws.features import Features
from modelsizer.problems.laws.laws import PowerLaw, PowerTerm, TokenLaw
from modelsizer.problems.laws.shapes import ShapeLaw
from modelsizer.problems.laws.terms import TermLaw
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

DEEP = ("layers", "aspect_ratio")
"""Features that vary with the depth; widths are those of a row."""


def shape_bound(shape: ShapeLaw, d_model: Floats, layers: Feature) -> Affine:
    """Affine lower bound of the shape excess; zero for a shape law without terms."""
    kinds = layers.unit.shape[1]
    if not shape.terms:
        return Affine.flat(np.zeros(len(d_model)), kinds)
    features: dict[str, Feature | Floats] = {"d_model": d_model, "layers": layers}
    first, *rest = (term_bound(term, features) for term in shape.terms)
    for bound in rest:
        first = first + bound
    return first


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


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a law is bounded over: boxes of depths of some width options.

    Parameters
    ----------
    n, flops, layers : Feature
        Parameters that the law counts, training FLOPs a token, and layers.
    low, high : mapping of array of shape (B,)
        Ends of the features that the law sees besides.
    """

    n: Feature
    flops: Feature
    layers: Feature
    low: Features
    high: Features

    def over(self, law: TokenLaw) -> TokenLaw:
        """A law of the tokens alone that is not above this one in the boxes."""
        return law.over(self.n.low, self.n.high, self.low, self.high)


def law_bound(law: TokenLaw, sizes: Sizes, caps: TokenCaps) -> tuple[Affine, Floats]:
    """Lower bounds of the law where each design takes all the tokens it may.

    Returns
    -------
    bound : Affine
        Flat, the corner, for a law that is no sum of powers.
    corner : array of shape (B,)
        What the law says of its own over the box, at the most tokens of any design in it.
    """
    n, flops = sizes.n, sizes.flops
    kinds = n.unit.shape[1]
    corner = np.asarray(sizes.over(law).loss(n.high, caps.tokens(flops.low)), float)
    corner = np.broadcast_to(corner, n.low.shape)
    if isinstance(law, TermLaw):
        return _terms_bound(law, sizes, caps), corner
    if not isinstance(law, PowerLaw):
        return Affine.flat(corner, kinds), corner
    inner = _sum_bound(law.terms, {"parameters": n}, flops, caps)
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


def _terms_bound(law: TermLaw, sizes: Sizes, caps: TokenCaps) -> Affine:
    """A sum of terms and its constant."""
    features: dict[str, Feature | Floats] = {"parameters": sizes.n, "layers": sizes.layers}
    # Widths are the same all over a box; what the depth is in varies.
    features |= {name: low for name, low in sizes.low.items() if name not in DEEP}
    bound = _sum_bound([_deep(term) for term in law.terms], features, sizes.flops, caps)
    return Affine(bound.constant + law.E, bound.slope)


def _sum_bound(
    terms: Sequence[PowerTerm],
    features: dict[str, Feature | Floats],
    flops: Feature,
    caps: TokenCaps,
) -> Affine:
    """A sum of terms, each bounded by itself."""
    first, *rest = (_with_tokens(term, features, flops, caps) for term in terms)
    for bound in rest:
        first = first + bound
    return first


def _deep(term: PowerTerm) -> PowerTerm:
    """A term with its aspect ratio, d_model over layers, taken apart."""
    exponents = dict(term.exponents)
    if (power := exponents.pop("aspect_ratio", None)) is not None:
        for name, sign in (("d_model", 1.0), ("layers", -1.0)):
            exponents[name] = exponents.get(name, 0.0) + sign * power
    return replace(term, exponents=exponents)


def _with_tokens(
    term: PowerTerm, features: dict[str, Feature | Floats], flops: Feature, caps: TokenCaps
) -> Affine:
    """A term at the most tokens, ``min(most, most_flops / F)``."""
    exponents = dict(term.exponents)
    power = exponents.pop("tokens", None)
    if power is None:
        return term_bound(term, features)
    with np.errstate(divide="ignore"):
        flat = term_bound(
            PowerTerm(term.coefficient, exponents | {"most": power}),
            features | {"most": np.full(flops.low.shape, caps.most)},
        )
    if not np.isfinite(caps.most_flops).all():
        return flat
    most_flops = np.broadcast_to(np.asarray(caps.most_flops, float), flops.low.shape)
    paid_for = term_bound(
        PowerTerm(term.coefficient, exponents | {"flops": -power, "most_flops": power}),
        features | {"flops": flops, "most_flops": most_flops},
    )
    # Both are bounds; take, box by box, the one that rules in the middle.
    paid: Mask = caps.most_flops / (np.sqrt(flops.low) * np.sqrt(flops.high)) <= caps.most
    return Affine(
        np.where(paid, paid_for.constant, flat.constant),
        np.where(paid[:, None], paid_for.slope, flat.slope),
    )


def log_tokens_bound(law: TokenLaw, target: Floats, sizes: Sizes) -> Affine:
    """Affine lower bound of ln of the least tokens that reach a loss.

    For ``E + A/N^alpha + B/D^beta = target`` (and its outer power), ln D is a convex function of
    N, so a tangent bounds it. Where even the greatest N misses the target the bound is infinite.

    Parameters
    ----------
    target : array of shape (B,)
        Loss that the token law must reach, shape excess deducted; an upper bound of it.
    """
    n = sizes.n
    kinds = n.unit.shape[1]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        corner = np.log(np.asarray(sizes.over(law).tokens_for(n.high, target), float))
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
