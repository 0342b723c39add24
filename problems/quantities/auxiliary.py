"""Affine costs that the solvers need but that cannot be budgets.

Tokens that a law counts are text: with a ``[tokenizer]`` the FLOPs of training and of serving are
those of the design's own tokens that hold the text of one token of the law's, which have a common
denominator for all vocabularies of a menu (`modelsizer.problems.costs.text_rates`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.laws.leverage import MOST_LEVERAGE, LawSize
from modelsizer.problems.quantities.latency import counted_tokens
from modelsizer.problems.quantities.quantity import Candidate, Cost, Settings, as_large
from modelsizer.problems.quantities.serving_cost import STEPPED, dollars_a_token, stepped
from modelsizer.problems.space.layouts import Layout

LAW_PARAMETERS = "law_parameters"
TRAINING_FLOPS_PER_TOKEN = "training_flops_per_token"  # of the law's tokenizer
SERVED_FLOPS_PER_TOKEN = "served_flops_per_token"
"""Forward FLOPs of the law's tokenizer; dollars with ``lifetime.throughput = "step"``."""
TRAINING_FLOPS_EACH = "training_flops_per_token_each"  # per working accelerator
ACCELERATORS = "accelerators"
OF_TEXT = (TRAINING_FLOPS_PER_TOKEN, SERVED_FLOPS_PER_TOKEN, TRAINING_FLOPS_EACH)
"""Costs of the text of a token that the law counts, which may fall with the vocabulary."""

_FLOPS = ("training.flops", "training.recompute", "training.sequence_length", "tokenizer")


def _law_parameters(of: Candidate) -> Affine:
    asked = of.settings
    size = LawSize(asked.parameter_kind, asked.experts, asked.leverage_flops)
    trunk = of.trunk
    if asked.tokenizer is not None:
        trunk = replace(trunk, vocab_size=asked.tokenizer.counted(trunk.vocab_size))
    return size.of(trunk, of.kinds)


def _within_leverage(settings: Settings, layout: Layout) -> int:  # noqa: ARG001 - a function of both
    """Factor by which N of narrower experts, of more leverage, may exceed that of the widest."""
    return math.ceil(MOST_LEVERAGE)


def _within_text(settings: Settings, layout: Layout) -> int:  # noqa: ARG001 - a function of both
    """Factor by which FLOPs of text may exceed those of the largest vocabulary."""
    return 1 if settings.tokenizer is None else math.ceil(settings.tokenizer.spread)


def _within_served(settings: Settings, layout: Layout) -> int:
    """Factor by which FLOPs, or values that are counted for a time, may exceed the cost."""
    times = counted_tokens(settings, layout) if stepped(settings) else 1
    return times * _within_text(settings, layout)


def _by_text(of: Candidate, cost: Affine) -> Affine:
    """A cost of a token of the design, of the text of a token of the law's."""
    rates = of.settings.tokenizer
    return cost if rates is None else rates.by_text(cost, of.trunk.vocab_size)


def _training_flops(of: Candidate) -> Affine:
    training = of.settings.training
    found = accounting.training_flops_per_token(
        of.trunk,
        of.kinds,
        training.sequence_length,
        training.flops,
        full_recompute=training.recompute == "full",
    )
    return _by_text(of, found)


def _served(of: Candidate) -> Affine:
    if stepped(of.settings):
        return _by_text(of, dollars_a_token(of))
    found = accounting.forward_flops(of.trunk, of.kinds, of.settings.context_length)
    return _by_text(of, found)


def _each(of: Candidate) -> Affine:
    return _training_flops(of).times(Fraction(1, of.layout.accelerators))


def _accelerators(of: Candidate) -> Affine:
    none = 0 * of.trunk.d_model
    return Affine(none + of.layout.accelerators, tuple(none for _ in of.kinds))


AUXILIARY = MappingProxyType(
    {
        LAW_PARAMETERS: Cost(
            _law_parameters,
            reads=("parameter_kind", "experts", "leverage_flops", "tokenizer"),
            by_layout=False,
            within=_within_leverage,
        ),
        TRAINING_FLOPS_PER_TOKEN: Cost(
            _training_flops, reads=_FLOPS, by_layout=False, within=_within_text
        ),
        SERVED_FLOPS_PER_TOKEN: Cost(
            _served,
            reads=(*STEPPED, "tokenizer"),
            by_layout=False,
            within=_within_served,
        ),
        TRAINING_FLOPS_EACH: Cost(_each, reads=_FLOPS, within=_within_text),
        ACCELERATORS: Cost(_accelerators, reads=(), many_layouts=True, within=as_large),
    }
)
"""Auxiliary costs by name."""
