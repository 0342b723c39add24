"""Mixtures of experts in numbers that laws are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture
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
    for few, many in ((low, high), (high, low)):
        shared = doubles(few.shared_d_ff) / np.maximum(doubles(many.d_ff), 1.0)
        held = doubles(many.experts)
        share = (doubles(few.active) + shared) / np.maximum(held + shared, 1.0)
        ends.append(np.where(held > 0, np.minimum(share, 1.0), 1.0))
    return ends[0], ends[1]


def granularity(experts: MixtureOfExperts, d_model: Count) -> Floats:
    """Return ``2 d_model / d_ff`` of an expert."""
    return 2.0 * doubles(d_model) / np.maximum(doubles(experts.d_ff), 1.0)


def experts_of(designs: Architecture) -> Floats:
    """Mean over the layers of all experts over those that a token uses, 1 for dense layers.

    A mean, so that a few layers of experts among dense ones do not count as a mixture throughout.
    """
    total: Floats = 0.0
    for group in designs.groups:
        experts = mixture_of(group.layer.ffn)
        each = 1.0 if experts is None else 1.0 / activation(experts)
        total = total + doubles(group.count) * each
    return total / doubles(designs.layers)


def experts_between(low: Architecture, high: Architecture) -> tuple[Floats, Floats]:
    """Lower and upper bounds on `experts_of` over boxes of designs.

    A mean lies between the least and the greatest of its values.

    Parameters
    ----------
    low, high : Architecture
        The same kinds of layer, with the least and the greatest value of each integer.
    """
    least, most = np.inf + 0.0 * doubles(low.layers), 1.0 + 0.0 * doubles(low.layers)
    for few, many in zip(low.groups, high.groups, strict=True):
        fewest, widest = mixture_of(few.layer.ffn), mixture_of(many.layer.ffn)
        share: tuple[Floats, Floats] = (1.0, 1.0)
        if fewest is not None and widest is not None:
            share = activation_between(fewest, widest)
        there = doubles(many.count) > 0
        least = np.where(there, np.minimum(least, 1.0 / share[1]), least)
        most = np.where(there, np.maximum(most, 1.0 / share[0]), most)
    return least, most


def doubles(values: Count) -> Floats:
    """Convert integers, or arrays of them, to doubles."""
    return np.asarray(values).astype(np.float64)
