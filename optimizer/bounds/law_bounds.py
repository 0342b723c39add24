"""Affine lower bounds on laws over boxes of depths.

See `modelsizer.optimizer.bounds.relaxation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.relaxation import Affine, Feature, power_bound, term_bound
from modelsizer.problems.laws.features import Features, is_of_stack
from modelsizer.problems.laws.laws import PowerLaw, PowerTerm, TokenLaw
from modelsizer.problems.laws.quality import Quality, scaled, unscaled
from modelsizer.problems.laws.shapes import ShapeLaw
from modelsizer.problems.laws.terms import TermLaw
from modelsizer.problems.records import dataclass

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

DEEP = ("layers", "aspect_ratio")
"""Features that vary with the depth; widths are constant in a row."""
_HIGH = "most "
"""Before the name of a feature: its greater end over a box."""


def shape_bound(shape: ShapeLaw, d_model: Floats, layers: Feature) -> Affine:
    """Return an affine lower bound on the shape excess; zero for a shape law without terms."""
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
    """Upper limit on tokens, ``min(most, most_flops / F)``; infinite if there is none.

    `most_flops` is a number, or an array of shape (B,) with one for each box.
    """

    most: float
    most_flops: float | Floats

    def tokens(self, flops: Floats) -> Floats:
        """Return the maximum tokens at F training FLOPs per token."""
        tokens: Floats = np.minimum(self.most, self.most_flops / flops)
        return tokens


@dataclass(frozen=True, slots=True)
class Sizes:
    """Ranges of the features of a law over boxes of depths.

    Parameters
    ----------
    n, flops, layers : Feature
        Parameters as the law counts them, training FLOPs per token, and layers.
    low, high : mapping of array of shape (B,)
        Ends of the other features of the law.
    q : array of shape (B,) or None
        Lower bound on the sum of the terms of ablations; None where there are none.
    """

    n: Feature
    flops: Feature
    layers: Feature
    low: Features
    high: Features
    q: Floats | None = None

    def over(self, law: TokenLaw) -> TokenLaw:
        """Return a law of tokens only that is a lower bound on this law in the boxes."""
        return law.over(self.n.low, self.n.high, self.low, self.high)


def law_bound(law: TokenLaw, sizes: Sizes, caps: TokenCaps) -> tuple[Affine, Floats]:
    """Return lower bounds on the law, with every design at its maximum tokens.

    Returns
    -------
    bound : Affine
        Constant, equal to `corner`, if the law is not a sum of powers.
    corner : array of shape (B,)
        The law's own bound over the box, at the maximum tokens of any design in it.
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


def judged_bound(quality: Quality, sizes: Sizes, caps: TokenCaps) -> tuple[Affine, Floats]:
    """Return `law_bound` with what the law cannot see: ``E + (1 + q) (law - E)``, q at its least.

    A law below its E stays as it is, so that the bound there is constant.
    """
    bound, corner = law_bound(quality.law, sizes, caps)
    if sizes.q is None:
        return bound, corner
    least, by = quality.law.irreducible, 1.0 + sizes.q
    lifted = Affine(least + by * (bound.constant - least), by[:, None] * bound.slope)
    flat = scaled(corner, sizes.q, least)
    above = corner > least
    return Affine(
        np.where(above, lifted.constant, flat), np.where(above[:, None], lifted.slope, 0.0)
    ), flat


def _outer_bound(
    law: PowerLaw, inner: Affine, n: Feature, flops: Feature, caps: TokenCaps
) -> Affine:
    """Return a bound on ``E + y ^ outer`` for y >= `inner`: a tangent or secant over y's range."""
    # y at its minimum and maximum corner.
    low = law.A * np.power(n.high, -law.alpha) + law.B * np.power(caps.tokens(flops.low), -law.beta)
    high = law.A * np.power(n.low, -law.alpha) + law.B * np.power(
        caps.tokens(flops.high), -law.beta
    )
    y = Feature(low, high, inner.slope)
    bound = power_bound(1.0, law.outer, y)  # in terms of y - low; `unit` gives the chain rule
    rise = power_bound(1.0, law.outer, Feature(low, high, np.ones((len(low), 1)))).slope[:, 0]
    constant = law.E + bound.constant + rise * (inner.constant - low)
    return Affine(constant, bound.slope)


def _terms_bound(law: TermLaw, sizes: Sizes, caps: TokenCaps) -> Affine:
    """Return a bound on a constant plus a sum of terms."""
    features: dict[str, Feature | Floats] = {"parameters": sizes.n, "layers": sizes.layers}
    # Widths are constant on a box; features that contain the depth vary. Those of stacks of layers
    # are at whichever end is less in each term.
    features |= {name: low for name, low in sizes.low.items() if name not in DEEP}
    features |= {_HIGH + name: high for name, high in sizes.high.items() if is_of_stack(name)}
    terms = [_at_least_end(_deep(term)) for term in law.terms]
    bound = _sum_bound(terms, features, sizes.flops, caps)
    return Affine(bound.constant + law.E, bound.slope)


def _sum_bound(
    terms: Sequence[PowerTerm],
    features: dict[str, Feature | Floats],
    flops: Feature,
    caps: TokenCaps,
) -> Affine:
    """Return the sum of separate bounds on the terms."""
    first, *rest = (_with_tokens(term, features, flops, caps) for term in terms)
    for bound in rest:
        first = first + bound
    return first


def _deep(term: PowerTerm) -> PowerTerm:
    """Return a term with its aspect ratio split into d_model and layers."""
    exponents = dict(term.exponents)
    if (power := exponents.pop("aspect_ratio", None)) is not None:
        for name, sign in (("d_model", 1.0), ("layers", -1.0)):
            exponents[name] = exponents.get(name, 0.0) + sign * power
    return replace(term, exponents=exponents)


def _at_least_end(term: PowerTerm) -> PowerTerm:
    """Return a term that names the greater end of features of stacks in which it falls."""
    exponents = {
        _HIGH + name
        if is_of_stack(name) and (exponent > 0) != (term.coefficient > 0)
        else name: exponent
        for name, exponent in term.exponents.items()
    }
    return replace(term, exponents=exponents)


def _with_tokens(
    term: PowerTerm, features: dict[str, Feature | Floats], flops: Feature, caps: TokenCaps
) -> Affine:
    """Return a bound on a term at the maximum tokens, ``min(most, most_flops / F)``."""
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
    # Both are bounds; take, for each box, the higher one at its middle.
    paid: Mask = caps.most_flops / (np.sqrt(flops.low) * np.sqrt(flops.high)) <= caps.most
    return Affine(
        np.where(paid, paid_for.constant, flat.constant),
        np.where(paid[:, None], paid_for.slope, flat.slope),
    )


def log_tokens_bound(quality: Quality, target: Floats, sizes: Sizes) -> Affine:
    """Return an affine lower bound on ln of the minimum tokens that reach a loss.

    For ``E + A/N^alpha + B/D^beta = target`` (and with an outer power), ln D is a convex function
    of N, so a tangent is a bound. It is infinite if even the largest N misses the target.

    Parameters
    ----------
    target : array of shape (B,)
        Upper bound on the loss that must be reached, after deduction of shape excess.
    """
    n, law = sizes.n, quality.law
    if sizes.q is not None:
        target = unscaled(target, sizes.q, law.irreducible)
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
