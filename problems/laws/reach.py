"""Which architectures a law can judge: the one place that decides."""

from __future__ import annotations

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.mixers import WithoutScores
from modelsizer.problems.laws.features import Floats, parts_of
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.mixtures import mixture_of
from modelsizer.problems.laws.quality import Quality
from modelsizer.problems.laws.stack_values import (
    FULL_SHARE,
    GRANULARITY,
    WINDOW,
    attention,
    base_name,
    is_full,
)

OF_ATTENTION = frozenset({"heads", "kv_heads", "head_dim"})
OF_FEED_FORWARD = frozenset({"d_ff"})
"""Widths that laws may see, and that only layers of grouped attention, or dense ones, have."""


class Unknown(TokenLaw):
    """The loss where no law gives one: not a number, at any size and any data."""

    name = "unknown"

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Return nan in the shape of the arguments."""
        return np.nan * np.add(n, d) if np.ndim(n) or np.ndim(d) else np.nan


def why_unjudged(quality: Quality, architecture: Architecture) -> str:
    """Return why a law gives no loss of an architecture; empty if it does.

    Mixtures of experts have the N that `objective.experts` counts for them, and attention of any
    kind its parameters and what `modelsizer.problems.laws.ablations` says of it. What is left:

    - No language head: a classifier or an embedding model predicts no token.
    - A feature that the architecture has not: the kv heads of latent attention, which share one
      latent, are no kv heads of a law, and a layer of experts or without a feed-forward has no
      width of one. `modelsizer.problems.laws.stack_values` says what dense layers have of
      features of experts, and full layers of a window.

    Parameters
    ----------
    quality : Quality
    architecture : Architecture

    Returns
    -------
    str
        One sentence without a full stop.
    """
    trunk, layers = architecture.trunk, architecture.kinds
    name = quality.law.name
    if trunk.head != "lm":
        return f"{name} is of the prediction of tokens, and this has no language head"
    seen = {base_name(str(part)) for part in parts_of(quality.law.features)}
    if seen & OF_ATTENTION and not all(isinstance(x.attention, FullAttention) for x in layers):
        words = ", ".join(sorted(str(name) for name in seen & OF_ATTENTION))
        return f"{name} sees {words}, which attention of another kind has not"
    if WINDOW in seen and any(isinstance(attention(g), WithoutScores) for g in architecture.groups):
        return f"{name} sees {WINDOW}, which layers without attention have not"
    if FULL_SHARE in seen and not any(np.all(is_full(g)) for g in architecture.groups):
        return f"{name} sees {FULL_SHARE}, and no layer is a full one"
    if GRANULARITY in seen and not all(mixture_of(x.ffn) or x.ffn.d_ff for x in layers):
        return f"{name} sees {GRANULARITY}, which layers without a feed-forward have not"
    if seen & OF_FEED_FORWARD and any(mixture_of(layer.ffn) for layer in layers):
        return f"{name} sees d_ff, which layers of experts have not"
    if seen & OF_FEED_FORWARD and not all(x.ffn.d_ff for x in layers):
        return f"{name} sees d_ff, which layers without a feed-forward have not"
    return ""


def caution(quality: Quality, architecture: Architecture) -> str:
    """Return what to mind of the loss of an architecture that a law judges; empty if nothing.

    Layers with a state are judged by their parameters, with this caution rather than
    not at all: at equal parameters and data, models of state-space layers came out within a few
    hundredths of a nat of transformers (Mamba, arXiv 2312.00752, figure 4; Mamba-2, arXiv
    2405.21060, figure 9), and hybrids of both as well or better (Waleffe et al. 2024, arXiv
    2406.07887). That is less than two laws differ by, unlike the gap between the total and the
    active parameters of a mixture.
    """
    states = sum(g.count for g in architecture.groups if g.layer.attention.state_values())
    if not states:
        return ""
    return (
        f"{quality.law.name} was fitted on transformers, and {states} of {architecture.layers} "
        "layers hold a state in place of a cache"
    )
