"""Efficiency leverage of mixtures of experts: the dense parameters that an active one is worth.

Tian et al. (2025, arXiv 2507.17702, equation 13 and table 2) fitted the ratio of the FLOPs of a
dense model to those of a mixture of equal loss. The law N of a layer of experts is that multiple of
its active parameters, at most all of its parameters. Logarithms of C are decimal and those of G
binary, which the paper does not print; only these give its claims (7.24 at A = 3.1 %, G = 12 and
1e22 FLOPs: "over 7").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelsizer.problems.architecture.accounting import (
    Affine,
    active_parameters,
    layer_parts,
    non_embedding_parameters,
    parameters,
)
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.mixers import Count, whole
from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import Experts, ParameterKind, Range
from modelsizer.problems.laws.mixtures import activation as activation_of
from modelsizer.problems.laws.mixtures import doubles, mixture_of
from modelsizer.problems.laws.mixtures import granularity as granularity_of
from modelsizer.problems.records import dataclass

DEFAULT_LEVERAGE_FLOPS = 3e20
"""The edge of the range of the fit: leverage grows with C, so this is the cautious end."""
LEAST_LEVERAGE, MOST_LEVERAGE = 1.0, 6.0
ACTIVATION_RANGE = Range(0.008, 1.0)
GRANULARITY_RANGE = Range(2.0, 16.0)
FLOPS_RANGE = Range(3e18, 3e20)
DENOMINATOR = 1024
"""Leverage makes N a real number. Each layer's is rounded to 1/1024 of a parameter, so that N stays
an exact affine cost, of which ties are exact; a power of two, so that doubles hold the quotient."""

# Table 2 of the paper.
_A, _D = 1.23, -0.0761
_BETA, _GAMMA = -0.117, 0.0167
_A_START, _A_MAX = 0.0163, 5.28e16


def leverage(activation: Floats, granularity: Floats, flops: float) -> Floats:
    """Efficiency leverage, within its limits.

    Parameters
    ----------
    activation : array
        Share of the experts that a token uses; taken as at least 0.008.
    granularity : array
        ``2 d_model / d_ff`` of an expert.
    flops : float
        Training FLOPs.

    Examples
    --------
    >>> round(float(leverage(1 / 16, 8, 1e20)), 3)
    3.497
    """
    return most_leverage((activation, activation), (granularity, granularity), flops)


def most_leverage(
    activation: tuple[Floats, Floats], granularity: tuple[Floats, Floats], flops: float
) -> Floats:
    """Greatest leverage over a box, attained at one of its points.

    The logarithm is e(G) ln A'. A' rises with A. The exponent e is a parabola in log2 G that opens
    upwards, so its least is at its vertex or the end nearest to it and its most at an end. A
    product of two ranges is greatest at one of the four pairs of their ends.

    Parameters
    ----------
    activation, granularity : (array, array)
        Least and greatest values; see `leverage`.
    flops : float
        Training FLOPs.
    """
    scale = _A + _D * np.log10(float(flops))
    sizes = [_ln_saturated(end) for end in activation]
    low, high = (np.log2(_column(end)) for end in granularity)
    vertex = np.clip(-_BETA / (2 * _GAMMA), low, high)
    parabola = [scale + at * (_BETA + _GAMMA * at) for at in (vertex, low, high)]
    exponents = (parabola[0], np.maximum(parabola[1], parabola[2]))
    most = sizes[0] * exponents[0]
    for size, exponent in ((sizes[0], exponents[1]), *((sizes[1], e) for e in exponents)):
        most = np.maximum(most, size * exponent)
    found = np.clip(np.exp(most), LEAST_LEVERAGE, MOST_LEVERAGE)
    shape = np.broadcast_shapes(*(np.shape(end) for end in (*activation, *granularity)))
    return found.reshape(shape)


def _ln_saturated(activation: Floats) -> Floats:
    assert ACTIVATION_RANGE.low is not None
    shifted = np.maximum(_column(activation), ACTIVATION_RANGE.low)
    shifted = shifted + 1 / (1 / _A_START - 1 / _A_MAX)
    return np.log(1 / (1 / shifted + 1 / _A_MAX))


def _column(values: Floats) -> Floats:
    """A contiguous array of at least one value.

    One number alone is computed as a part of an array is, so that both have the same N: NumPy's
    loops over arrays may round the last digit otherwise than a scalar function does.
    """
    return np.ascontiguousarray(np.atleast_1d(np.asarray(values, float)))


@dataclass(frozen=True, slots=True)
class LawSize:
    """How a law counts N.

    Parameters
    ----------
    kind : {"total", "non_embedding", "active"}
        What N counts: embeddings too, or not; a law of active parameters prices experts itself.
    experts : {"tian-2025", "active", "total"}
        What a layer of experts counts as: a multiple of its active parameters, these alone, or all
        of them.
    flops : float
        Training FLOPs at which leverage is taken.
    """

    kind: ParameterKind
    experts: Experts
    flops: float

    def of(self, trunk: Trunk, kinds: Sequence[Layer]) -> Affine:
        """N as an affine function of the numbers of layers."""
        count = non_embedding_parameters if self.kind == "non_embedding" else parameters
        held = count(trunk, kinds)
        if self.kind == "active":
            return active_parameters(trunk, kinds)
        if self.experts == "total" or not any(mixture_of(kind.ffn) for kind in kinds):
            return held
        if self.experts == "active":
            return Affine(held.base, tuple(layer_parts(kind, trunk).active for kind in kinds))
        return Affine(
            held.base * DENOMINATOR,
            tuple(self._worth(kind, trunk) for kind in kinds),
            DENOMINATOR,
        )

    def _worth(self, kind: Layer, trunk: Trunk) -> Count:
        """Parameters of a dense layer as good, in units of 1/1024."""
        parts, experts = layer_parts(kind, trunk), mixture_of(kind.ffn)
        most = parts.total * DENOMINATOR
        if experts is None:
            return most
        multiple = leverage(
            activation_of(experts), granularity_of(experts, trunk.d_model), self.flops
        )
        worth = whole(doubles(parts.active) * multiple * DENOMINATOR, parts.active)
        if isinstance(worth, np.ndarray) or isinstance(most, np.ndarray):
            return np.minimum(worth, most)
        return min(worth, most)


def leverage_of(layer: Layer, d_model: Count, flops: float) -> float:
    """Leverage of one layer of numbers; 1 for a dense one."""
    experts = mixture_of(layer.ffn)
    if experts is None:
        return 1.0
    return float(leverage(activation_of(experts), granularity_of(experts, d_model), flops))
