"""Costs around a design as polynomials in real width and depth.

With the other choices fixed, the cost of a layer and the cost outside of the layers are polynomials
in d_model of degree two at most (weights are products of two widths, each fixed or proportional to
d_model), so their integer values at three widths determine them everywhere, but for the rounding
of training memory to bytes and of latencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import BY_NAME
from modelsizer.problems.architecture.structures import Structure, counts_of, structure_of
from modelsizer.problems.designs.costs import costs
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.space import Space

Floats = NDArray[np.float64]

MULTIPLES = (1, 2, 3)
"""Multiples of today's width at which costs are evaluated: divisibility holds at each."""


@dataclass(frozen=True, slots=True)
class Polynomials:
    """A cost, ``(base + layers x per_layer)``, both of degree two in ``t = d_model / today's``.

    Parameters
    ----------
    base, per_layer : array of shape (3,)
        Coefficients of 1, t and t^2.
    """

    base: Floats
    per_layer: Floats

    def at(self, t: float, layers: float) -> float:
        """The cost at a relative width and a depth, both real."""
        powers = np.array([1.0, t, t * t])
        return float(self.base @ powers + layers * (self.per_layer @ powers))


def growing_widths(space: Space, structure: Structure) -> frozenset[str]:
    """Widths that are proportional to d_model; the others are fixed.

    Heads are, unless the space offers heads; then head_dim is, or neither where it offers both.
    kv_heads are fixed where the space offers them and proportional to the heads otherwise; hidden
    widths are fixed where the space offers them, and keep their ratio to d_model otherwise.
    """
    found = {"d_model"}
    if structure.attention == "latent":
        pass
    elif space.heads is None:
        found.add("heads")
    elif space.head_dim is None:
        found.add("head_dim")
    if space.kv_heads is None and "heads" in found:
        found.add("kv_heads")
    if space.d_ff is None:
        found.add("d_ff")
    if space.experts is not None and space.experts.d_ff is None:
        found.add("expert_d_ff")
    return frozenset(found)


def polynomials(
    problem: Problem, design: Evaluation, names: Sequence[str]
) -> dict[str, Polynomials]:
    """Costs around a design as functions of real width and depth; see `growing_widths`.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
        Of several kinds of layer each keeps its share of the depth. Latent attention keeps its
        heads.
    names : sequence of str
        Affine costs of `modelsizer.problems.designs.costs`.
    """
    structure = structure_of(design.architecture)
    growing = growing_widths(problem.space, structure)
    grow = np.array(MULTIPLES, dtype=object)
    held = np.array([1] * len(MULTIPLES), dtype=object)
    own = widths_of(design.architecture)
    widths = {name: value * (grow if name in growing else held) for name, value in own.items()}
    trunk, kinds = structure.parts(widths, problem.training.sequence_length)
    layers = design.architecture.layers
    shares = [Fraction(n, layers) for n in counts_of(structure, design.architecture)]
    return {
        name: Polynomials(
            _through(affine.base + 0 * held, affine.denominator),
            np.sum(
                [
                    float(share) * _through(each + 0 * held, affine.denominator)
                    for share, each in zip(shares, affine.per_layer, strict=True)
                ],
                axis=0,
            ),
        )
        for name, affine in costs(problem, trunk, kinds, design.layout, names).items()
    }


def widths_of(architecture: Architecture) -> dict[str, int]:
    """Widths of a design, by the names of its structure."""
    names = structure_of(architecture).widths
    return {name: int(BY_NAME[name].of(architecture)) for name in names}


def _through(values: NDArray[Any], denominator: int) -> Floats:
    """Coefficients of the parabola through values at t = 1, 2, 3."""
    one, two, three = (Fraction(int(v), denominator) for v in values)
    square = (three - 2 * two + one) / 2
    slope = two - one - 3 * square
    return np.array([float(one - slope - square), float(slope), float(square)])
