"""Mixtures of experts in numbers that laws are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelsizer.problems.architecture.feedforward import (
    FeedForward,
    MixtureOfExperts,
    SeveralFeedForwards,
)
from modelsizer.problems.architecture.mixers import Count

Floats = Any


def mixture_of(ffn: FeedForward) -> MixtureOfExperts | None:
    """Return the mixture of experts of a feed-forward, or None for a dense one."""
    parts: Sequence[FeedForward] = ffn.parts if isinstance(ffn, SeveralFeedForwards) else (ffn,)
    return next((part for part in parts if isinstance(part, MixtureOfExperts)), None)


def activation(experts: MixtureOfExperts) -> Floats:
    """Share of its experts that a token uses, shared ones among them; 1 where there are none."""
    return activation_between(experts, experts)[0]


def activation_between(low: MixtureOfExperts, high: MixtureOfExperts) -> tuple[Floats, Floats]:
    """Lower and upper bounds on `activation` over boxes of mixtures.

    It rises with the active and shared experts and falls with the routed ones.

    Parameters
    ----------
    low, high : MixtureOfExperts
        The least and the greatest value of each integer.
    """
    ends = []
    for few, many in ((low, high),) if low is high else ((low, high), (high, low)):
        shared = doubles(few.shared_d_ff) / np.maximum(doubles(many.d_ff), 1.0)
        held = doubles(many.experts)
        share = (doubles(few.active) + shared) / np.maximum(held + shared, 1.0)
        ends.append(np.where(held > 0, np.minimum(share, 1.0), 1.0))
    return ends[0], ends[-1]


def granularity(experts: MixtureOfExperts, d_model: Count) -> Floats:
    """Return ``2 d_model / d_ff`` of an expert."""
    return 2.0 * doubles(d_model) / np.maximum(doubles(experts.d_ff), 1.0)


def doubles(values: Count) -> Floats:
    """Convert integers, or arrays of them, to doubles."""
    return np.asarray(values).astype(np.float64)
