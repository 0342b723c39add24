"""Affine costs that the solvers need but that cannot be budgets."""

from __future__ import annotations

import math
from fractions import Fraction
from types import MappingProxyType

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.laws.leverage import MOST_LEVERAGE, LawSize
from modelsizer.problems.quantities.quantity import Candidate, Cost, Settings, as_large
from modelsizer.problems.space.layouts import Layout

LAW_PARAMETERS = "law_parameters"
TRAINING_FLOPS_PER_TOKEN = "training_flops_per_token"
WEIGHT_FLOPS = "weight_flops_per_token"  # training FLOPs without those of attention scores
TRAINING_FLOPS_EACH = "training_flops_per_token_each"  # per working accelerator
ACCELERATORS = "accelerators"

_WEIGHTS = ("training.flops", "training.recompute")
_FLOPS = (*_WEIGHTS, "training.sequence_length")


def _law_parameters(of: Candidate) -> Affine:
    asked = of.settings
    size = LawSize(asked.parameter_kind, asked.experts, asked.leverage_flops)
    return size.of(of.trunk, of.kinds)


def _within_leverage(settings: Settings, layout: Layout) -> int:  # noqa: ARG001 - a function of both
    """Factor by which N of narrower experts, of more leverage, may exceed that of the widest."""
    return math.ceil(MOST_LEVERAGE)


def _flops(of: Candidate, context: int) -> Affine:
    training = of.settings.training
    return accounting.training_flops_per_token(
        of.trunk,
        of.kinds,
        context,
        training.flops,
        full_recompute=training.recompute == "full",
    )


def _training_flops(of: Candidate) -> Affine:
    return _flops(of, of.settings.training.sequence_length)


def _each(of: Candidate) -> Affine:
    return _training_flops(of).times(Fraction(1, of.layout.accelerators))


def _accelerators(of: Candidate) -> Affine:
    none = 0 * of.trunk.d_model
    return Affine(none + of.layout.accelerators, tuple(none for _ in of.kinds))


AUXILIARY = MappingProxyType(
    {
        LAW_PARAMETERS: Cost(
            _law_parameters,
            reads=("parameter_kind", "experts", "leverage_flops"),
            by_layout=False,
            within=_within_leverage,
        ),
        TRAINING_FLOPS_PER_TOKEN: Cost(
            _training_flops, reads=_FLOPS, by_layout=False, within=as_large
        ),
        WEIGHT_FLOPS: Cost(
            lambda of: _flops(of, 0), reads=_WEIGHTS, by_layout=False, within=as_large
        ),
        TRAINING_FLOPS_EACH: Cost(_each, reads=_FLOPS, within=as_large),
        ACCELERATORS: Cost(_accelerators, reads=(), within=as_large),
    }
)
"""Auxiliary costs by name."""
