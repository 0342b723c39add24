"""What terms of ablations say of a pair of runs that differ in one choice.

A run is given by its choices alone: what all terms see of it follows from a stack of layers that
has them. `modelsizer fit --law terms` and the published figures of `ablation_rows.toml` use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    FeedForward,
    NoFeedForward,
)
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import Mixer
from modelsizer.problems.laws.ablations import Ablations
from modelsizer.problems.laws.bands import Bands, EndOfBands

CHOICES: Mapping[str, str] = MappingProxyType(
    {
        "heads": "query heads (16)",
        "kv_heads": "kv heads (as many as heads)",
        "r": "feed-forward over attention weights (no feed-forward)",
        "full_every": "one layer in so many sees the whole context (1: all)",
        "between": '"window" or "linear": the other layers (window, where there is one)',
        "window": "tokens that the other layers see",
        "kv_lora_rank": "of latent attention (0: grouped)",
    }
)
"""Choices of a run that a term sees, with the default of each in brackets."""
_HEADS, _HEAD_DIM = 16, 4096  # wide, so that r is met to four digits
_LONG = 2**40  # a training sequence, so that every window is one

_ZERO = EndOfBands(0.0, 0.0, (0.0, 0.0, 0.0), 0.0, 0.0, 0.0)
UNITS: Mapping[str, EndOfBands] = MappingProxyType(
    {
        "kv_heads": replace(_ZERO, kv_heads=1.0),
        "ffn": replace(_ZERO, ffn=1.0),
        "window 2048": replace(_ZERO, window=(1.0, 0.0, 0.0)),
        "window 1024": replace(_ZERO, window=(0.0, 1.0, 0.0)),
        "window 512": replace(_ZERO, window=(0.0, 0.0, 1.0)),
        "sparse": replace(_ZERO, sparse=1.0),
        "linear": replace(_ZERO, linear=1.0),
        "latent": replace(_ZERO, latent=1.0),
    }
)
"""Each coefficient of the terms by itself, which are linear in all of them."""


def stack_of(choices: Mapping[str, Any]) -> Architecture:
    """The least stack of layers with these choices.

    Parameters
    ----------
    choices : mapping
        Of `CHOICES`.

    Raises
    ------
    ValueError
        If they make no layers: kv heads that do not divide the heads, or nothing between full ones.
    """
    heads = int(choices.get("heads", _HEADS))
    kv_heads, every = int(choices.get("kv_heads", heads)), int(choices.get("full_every", 1))
    window, rank = int(choices.get("window", 0)), int(choices.get("kv_lora_rank", 0))
    kind = choices.get("between") or ("window" if window else "")
    if heads < 1 or kv_heads < 1 or heads % kv_heads:
        raise ValueError(f"{kv_heads} kv heads do not divide {heads} heads")
    if every < 1 or (every > 1 and kind not in ("window", "linear")):
        raise ValueError(f"one full layer in {every}: give a window, or between = linear")
    if every > 1 and kind == "window" and window < 1:
        raise ValueError(f"one full layer in {every}: the others have no window")
    d_model = heads * _HEAD_DIM
    grouped = FullAttention(heads, kv_heads, _HEAD_DIM)
    full: Mixer = LatentAttention(heads, rank, 64, 128, 128) if rank else grouped
    ffn: FeedForward = NoFeedForward()
    if "r" in choices:
        ratio = float(choices["r"])
        ffn = DenseFeedForward(max(round(ratio * full.matmul_weights(d_model) / (3 * d_model)), 1))
    groups = [LayerGroup(Layer(full, ffn), 1)]
    if every > 1:
        other: Mixer = (
            replace(grouped, window=window)
            if kind == "window"
            else GatedDeltaNet(16, 32, 128, 128, 4)
        )
        groups.append(LayerGroup(Layer(other, ffn), every - 1))
    return Architecture(Trunk(d_model, 32_000), tuple(groups))


def share(bands: EndOfBands, choices: Mapping[str, Any]) -> float:
    """What terms say of a run: a share of its reducible loss."""
    return float(Ablations("middle", _LONG, bands=Bands(bands, bands, bands)).of(stack_of(choices)))


def units_of(choices: Mapping[str, Any]) -> Mapping[str, float]:
    """What each coefficient of `UNITS` is multiplied by in a run."""
    return _units(tuple(sorted(choices.items())))


@lru_cache(maxsize=4096)  # many runs of a table have the same choices
def _units(choices: tuple[tuple[str, Any], ...]) -> Mapping[str, float]:
    return {name: share(unit, dict(choices)) for name, unit in UNITS.items()}
